"""What was changed at run time, over a file that goes on changing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from router.settings import BUILT_IN, ConfigInvalid, Edit, EntryThere, NoEntry, Origin, load

Entry = dict[str, Any]
Tree = dict[str, Entry]
GONE = object()

ENTRY: Entry = {"kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1", "models": ["m"]}
KEY = "sk-canary-0123456789"


class Desk:
    """An operator's file, and what is changed over it."""

    def __init__(self, home: Path, environ: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.file = home / "router.json"
        self.environ = environ or {}
        self.restart()

    def restart(self) -> None:
        """Nothing is remembered but what is kept."""
        self.origin = Origin(self.file, self.environ, BUILT_IN, changes=True)

    def write(self, providers: Tree, **sections: Any) -> None:
        """The file, anew."""
        self.file.write_text(json.dumps({"home": str(self.home), "providers": providers, **sections}))

    def edit(self, how: str, name: str, keys: Entry | None = None) -> None:
        """A change of a provider, kept."""
        self.origin.draft(Edit(section="providers", name=name, how=how, keys=keys)).keep(0.0)  # type: ignore[arg-type] # a word of `How`

    def entry(self, name: str) -> Any:
        """As it counts."""
        return self.origin.written()["providers"].get(name)

    def laid(self) -> list[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
        """What the changes do to the file."""
        return [(each.name, each.effect, each.hidden, each.edited) for each in self.origin.read().changes]

    @property
    def kept(self) -> str:
        """What is kept over a restart."""
        path = self.home / "changes.json"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """With an empty folder."""
    return Desk(tmp_path, {"K": KEY})


def test_a_later_edit_of_the_file_counts_where_nothing_was_changed(desk: Desk) -> None:
    """Key by key, and inside a section too; what the file says in vain is named, and what it says anew."""
    desk.write({"a": {**ENTRY, "max_queue": 1, "timeouts": {"idle_s": 3}}})
    desk.edit("patch", "a", {"max_queue": 5, "timeouts": {"idle_s": 4}})
    assert desk.laid() == [("a", "changed", ("max_queue", "timeouts.idle_s"), ())]
    desk.write({"a": {**ENTRY, "max_queue": 2, "max_parallel": 7, "timeouts": {"idle_s": 3, "connect_s": 1}}})
    desk.restart()
    assert desk.entry("a") == {
        **ENTRY,
        "max_queue": 5,
        "max_parallel": 7,
        "timeouts": {"idle_s": 4, "connect_s": 1},
    }
    assert desk.laid() == [("a", "changed", ("max_queue", "timeouts.idle_s"), ("max_queue",))]
    desk.write({"a": {**ENTRY, "max_queue": 5, "timeouts": {"idle_s": 4}}})
    assert desk.laid() == [("a", "changed", (), ())]  # the file came to say the same


def test_each_kind_of_change_says_what_it_does_to_the_file(desk: Desk) -> None:
    """Added, replaced by a file that got the name later, removed, idle over a file that lost it; taken back, none."""
    desk.write({"a": ENTRY, "b": ENTRY, "c": ENTRY})
    desk.edit("create", "new", {**ENTRY, "max_queue": 1})
    desk.edit("remove", "b")
    desk.edit("patch", "c", {"max_queue": 5})
    every = tuple(ENTRY)
    assert desk.laid() == [("new", "added", (), ()), ("b", "removed", every, ()), ("c", "changed", (), ())]
    desk.write({"a": ENTRY, "b": {**ENTRY, "max_queue": 3}, "new": {**ENTRY, "max_queue": 9}})
    assert desk.laid() == [
        ("new", "replaced", ("max_queue",), ("max_queue",)),
        ("b", "removed", (*every, "max_queue"), ("max_queue",)),
        ("c", "idle", (), ()),
    ]
    assert (desk.entry("new")["max_queue"], desk.entry("b"), desk.entry("c")) == (1, None, None)
    for name in ("new", "b", "c"):
        desk.edit("revert", name)
        with pytest.raises(NoEntry):
            desk.edit("revert", name)
    assert desk.laid() == []
    assert (desk.entry("new")["max_queue"], desk.entry("b")["max_queue"]) == (9, 3)


def test_a_change_takes_no_secret_out_of_the_file(desk: Desk) -> None:
    """Only what was given is kept; a key that was given lies in the store, and goes with the change."""
    desk.write({"a": {**ENTRY, "api_key": KEY, "headers": {"x-one": KEY}}})
    desk.edit("patch", "a", {"max_queue": 5, "headers": {"x-one": "***", "x-two": "given-header"}})
    assert KEY not in desk.kept and "given-header" not in desk.kept
    change = json.loads(desk.kept)["providers"]["a"]
    assert change["keys"] == {"max_queue": 5, "headers": {"x-two": "secret:a/headers.x-two"}}
    read = desk.origin.read().providers["a"]
    assert read.api_key is not None
    assert [read.api_key.reveal(), *(value.reveal() for value in read.headers.values())] == [KEY, KEY, "given-header"]
    assert (desk.home / "secrets.sealed").exists()
    desk.edit("revert", "a")
    assert list(desk.origin.safe().open().read()) == []


@pytest.mark.parametrize(("how", "keys"), [("revert", None), ("remove", None), ("patch", {"api_key": "another"})])
def test_a_change_that_cannot_be_kept_takes_no_secret_along(how: str, keys: Entry | None, desk: Desk) -> None:
    """What is in force and what a restart reads are the same: its keys are there as they were."""
    desk.write({"file": ENTRY})
    desk.edit("create", "a", {**ENTRY, "api_key": KEY})
    draft = desk.origin.draft(Edit(section="providers", name="a", how=how, keys=keys))  # type: ignore[arg-type] # a word of `How`
    changes = desk.home / "changes.json"
    kept = changes.read_bytes()
    changes.unlink()
    changes.mkdir()
    with pytest.raises(OSError):
        draft.keep(1.0)
    changes.rmdir()
    changes.write_bytes(kept)
    key = desk.origin.read().providers["a"].api_key
    assert key is not None and key.reveal() == KEY


def test_a_list_cannot_take_a_written_key_along(desk: Desk) -> None:
    """A list is changed whole; a key that the file has in it would be copied, and is refused with what to do."""
    desk.write({"a": {**ENTRY, "keys": [KEY]}})
    with pytest.raises(ConfigInvalid) as refused:
        desk.edit("patch", "a", {"keys": ["***", "another"]})
    assert [fault.path for fault in refused.value.faults] == ["providers.a.keys.0"]
    assert desk.kept == ""
    desk.write({"a": {**ENTRY, "keys": ["${K}"]}})
    desk.edit("patch", "a", {"keys": ["${K}", "another"]})
    assert [each.key and each.key.reveal() for each in desk.origin.read().providers["a"].keys] == [KEY, "another"]


def test_a_fault_says_that_its_entry_is_not_the_files(desk: Desk) -> None:
    """The file alone is sound; and the key that was given for a provider that is gone goes with the change."""
    desk.write({"a": {**ENTRY, "max_queue": 1}, "b": ENTRY})
    desk.edit("patch", "a", {"base_url": "http://127.0.0.1:8/v1", "api_key": KEY})
    desk.write({"a": {**ENTRY, "base_url": "http://127.0.0.1:7/v1", "entra": {"client_id": "c"}}, "b": ENTRY})
    with pytest.raises(ConfigInvalid) as refused:
        desk.origin.read()
    assert all("changes.json" in fault.message for fault in refused.value.faults)
    desk.write({"b": ENTRY})
    assert desk.laid() == [("a", "idle", (), ())]
    desk.edit("revert", "a")
    assert list(desk.origin.safe().open().read()) == []


def test_an_export_works_again_where_keys_are_named(desk: Desk) -> None:
    """References stand as they were written; what was written out is a mask that is refused, and is listed."""
    (desk.home / "key").write_text(f"{KEY}\n")
    desk.write({"a": {**ENTRY, "api_key": "${K}"}, "b": {**ENTRY, "api_key": "file:key"}})
    desk.edit("create", "c", {**ENTRY, "api_key": KEY})
    again = desk.home / "again.yaml"
    export = desk.origin.export()
    again.write_text(export.text)
    (desk.home / "changes.json").unlink()
    keys = [each.api_key for each in load(again, desk.environ).providers.values()]
    assert ([key and key.reveal() for key in keys], export.missing) == ([KEY] * 3, ())

    desk.write({"a": {**ENTRY, "keys": [KEY, "${K}"]}, "b": {**ENTRY, "headers": {"x-one": KEY}}})
    export = desk.origin.export()
    assert KEY not in export.text
    assert export.missing == ("providers.a.keys.0", "providers.b.headers.x-one")
    assert f"fill in: {', '.join(export.missing)}\n" in export.text
    again.write_text(export.text)
    with pytest.raises(ConfigInvalid) as refused:
        load(again, desk.environ)
    assert [fault.path for fault in refused.value.faults] == ["providers.a.keys[0].key", "providers.b.headers.x-one"]


def test_an_overlay_of_the_form_before_is_read(desk: Desk) -> None:
    """Its entries were whole: they hide all that differs, which is told, until they are changed or taken back."""
    desk.write({"a": {**ENTRY, "max_queue": 1}, "b": ENTRY})
    (desk.home / "changes.json").write_text(json.dumps({"providers": {"a": {**ENTRY, "max_queue": 5}, "b": None}}))
    assert (desk.entry("a")["max_queue"], desk.entry("b")) == (5, None)
    assert desk.laid()[0] == ("a", "replaced", ("max_queue",), ("max_queue",))
    desk.edit("patch", "a", {"max_parallel": 2})
    assert json.loads(desk.kept)["providers"]["a"]["keys"] == {"max_queue": 5, "max_parallel": 2}


class Model:
    """What ought to count, in the fewest words: a file, and for each name what the changes make of it, key by key."""

    def __init__(self) -> None:
        self.file: Tree = {}
        self.changes: dict[str, Any] = {}

    def counts(self) -> Tree:
        """The entries in effect."""
        names = {*self.file, *(name for name, change in self.changes.items() if change[0] == "whole")}
        every = {name: self.entry(name) for name in names}
        return {name: entry for name, entry in every.items() if entry is not None}

    def entry(self, name: str) -> Entry | None:
        """One of them, flat."""
        how, keys = self.changes.get(name, ("patch", {}))
        if how != "patch":
            return keys if how == "whole" else None
        if name not in self.file:
            return None
        return {key: value for key, value in {**self.file[name], **keys}.items() if value is not GONE}

    def make(self, name: str, wanted: Entry | None) -> None:
        """Have it so."""
        old = self.file.get(name)
        if old is None:
            self.changes[name] = ("whole", wanted)
        elif wanted is None:
            self.changes[name] = ("removed", None)
        else:
            both = dict.fromkeys((*old, *wanted))
            keys = {key: wanted.get(key, GONE) for key in both if old.get(key, GONE) != wanted.get(key, GONE)}
            self.changes[name] = ("patch", keys)
        if self.changes[name] in (("whole", None), ("patch", {})):
            del self.changes[name]

    def do(self, how: str, name: str, keys: Entry) -> bool:
        """An edit; whether there is what it is for."""
        there = self.entry(name)
        if how == "revert":
            return self.changes.pop(name, None) is not None
        if (how == "create" and there is not None) or (how in ("patch", "remove") and there is None):
            return False
        top = {key.partition(".")[0] for key in keys}
        left = {key: value for key, value in (there or {}).items() if key.partition(".")[0] not in top}
        self.make(name, None if how == "remove" else {**left, **keys} if how == "patch" else keys)
        return True

    def faults(self) -> set[str]:
        """The paths of all that is wrong."""
        counts = self.counts()
        queues = {f"providers.{name}.max_queue" for name, entry in counts.items() if entry.get("max_queue", 0) < 0}
        return (
            queues
            | (set() if "a" in counts else {"failover_groups.g.targets[0]"})
            | (set() if counts else {"providers"})
        )


_KEYS = st.fixed_dictionaries(
    {},
    optional={
        "max_queue": st.sampled_from([1, 2, -1]),
        "max_parallel": st.integers(1, 2),
        "timeouts.idle_s": st.integers(1, 2),
        "timeouts.connect_s": st.integers(1, 2),
    },
)
_FIRST = {"a": {"timeouts.idle_s": 1, "timeouts.connect_s": 1}, "b": {"max_queue": 1}}
_FILES = st.dictionaries(st.sampled_from("ab"), _KEYS, max_size=3)
_STEPS = st.one_of(
    st.tuples(st.just("file"), _FILES),
    st.tuples(st.sampled_from(["create", "put", "patch", "remove", "revert"]), st.sampled_from("ab"), _KEYS),
    st.tuples(st.just("restart")),
)


def _flat(entry: Entry) -> Entry:
    return {
        inner: value
        for key, said in entry.items()
        if key not in ENTRY
        for inner, value in (
            ((f"{key}.{each}", item) for each, item in said.items()) if isinstance(said, dict) else ((key, said),)
        )
    }


def _deep(keys: Entry) -> Entry:
    entry: Entry = {}
    for key, value in keys.items():
        section, dot, inner = key.partition(".")
        if dot:
            entry.setdefault(section, {})[inner] = value
        else:
            entry[key] = value
    return entry


def _done(desk: Desk, model: Model, how: str, name: str, keys: Entry) -> None:
    """One edit, here and there; what is not taken leaves no trace, and says all that is wrong."""
    before, kept = dict(model.changes), desk.kept
    there = model.do(how, name, keys)
    faults = model.faults() if there else set()
    given = {**_deep(keys)} if how == "patch" else {**ENTRY, **_deep(keys)}
    try:
        desk.edit(how, name, None if how in ("remove", "revert") else given)
    except (NoEntry, EntryThere):
        assert not there
    except ConfigInvalid as invalid:
        assert there and {fault.path for fault in invalid.faults} == faults != set()
    else:
        assert there and not faults
        return
    model.changes = before
    assert desk.kept == kept


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(_STEPS, max_size=10))
@example(
    steps=[("put", "a", {"timeouts.connect_s": 2}), ("file", {"a": {}, "b": {}}), ("patch", "a", {"max_queue": -1})]
)
def test_what_counts_is_what_thirty_lines_say(steps: list[Any]) -> None:
    """Whatever is edited, changed, taken back and restarted in whatever order; what is invalid changes nothing and has
    every fault named."""
    with TemporaryDirectory() as folder:
        desk, model = Desk(Path(folder)), Model()
        group = {"failover_groups": {"g": {"targets": ["a:m"]}}}
        for step in [("file", _FIRST), *steps]:
            match step:
                case ("file", entries):
                    model.file = entries
                    desk.write({name: {**ENTRY, **_deep(keys)} for name, keys in entries.items()}, **group)
                case ("restart",):
                    desk.restart()
                case (how, name, keys):
                    _done(desk, model, how, name, keys)
            assert {name: _flat(entry) for name, entry in desk.origin.written()["providers"].items()} == model.counts()
            try:
                read = desk.origin.read()
            except ConfigInvalid as invalid:
                assert {fault.path for fault in invalid.faults} == model.faults() != set()
            else:
                assert model.faults() == set() and read.providers.keys() == model.counts().keys()
                assert structs.replace(read, changes=()).version == read.version
