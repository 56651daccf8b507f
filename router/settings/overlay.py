"""What was changed at run time: a file of our own under `home`, laid over the operator's.

Of an entry that the operator's file has, only the difference is kept, so that what the file says elsewhere in it goes
on counting, also when it says something else tomorrow. What it says and does not count is told: see `Laid`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, convert

from router.settings.faults import Findings, Where, render
from router.settings.merge import Entry, difference, digest, found_at, is_same, leaves, merged, without_nulls
from router.settings.private import write_private

SECTIONS = ("providers", "failover_groups", "keys")
"""What can be changed at run time."""

Effect = Literal["added", "changed", "replaced", "removed", "idle"]


class Change(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was made of one entry.

    Args:
        how: `patch` lies over the file's entry and is nothing without one, `whole` takes its place, `removed` takes it
            away.
        keys: of a patch a merge patch, of a whole one the entry.
        seen: a digest of what the file said then, by each key that this hides.
    """

    how: Literal["patch", "whole", "removed"]
    keys: Entry = {}
    seen: dict[str, str] = {}

    def over(self, written: Entry | None) -> Entry | None:
        """The entry that counts; None for none."""
        match self.how:
            case "whole":
                return self.keys
            case "patch":
                return None if written is None else merged(written, self.keys)
        return None


class Laid(Struct, frozen=True, kw_only=True):
    """One change, and what it does to the operator's file.

    Args:
        effect: `added` an entry the file has not; `changed` keys of the file's; `replaced` one that the file got later;
            `removed` the file's; `idle`: the file has no such entry any more, and nothing is changed.
        hidden: keys of the file's entry that do not count.
        edited: those of them that the file says otherwise, or anew, since the change was made.
    """

    section: str
    name: str
    effect: Effect
    hidden: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()


class Overlay(Struct, frozen=True, forbid_unknown_fields=True):
    """Changes by section and name. `form` tells this form of the file from the one before it."""

    form: Literal[2] = 2
    providers: dict[str, Change] = {}
    failover_groups: dict[str, Change] = {}
    keys: dict[str, Change] = {}

    def over(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        """The tree with these changes: changed entries in their old place, new ones last."""
        laid = dict(tree)
        for section in SECTIONS:
            written, changes = laid.get(section), self.of(section)
            if not changes or not isinstance(written, Mapping | None):
                continue
            entries = dict(written or {})
            for name, change in changes.items():
                before = written_of(tree, section, name)
                if before is None and name in entries and entries[name] is not None:
                    continue  # no entry at all: the fault in the file is what there is to tell
                after = change.over(before)
                if after is None:
                    entries.pop(name, None)
                else:
                    entries[name] = after
            laid[section] = entries
        return laid

    def of(self, section: str) -> dict[str, Change]:
        """The changes of a section."""
        changes: dict[str, Change] = getattr(self, section)
        return changes

    def entries(self) -> list[Entry]:
        """What is kept of every entry."""
        return [change.keys for section in SECTIONS for change in self.of(section).values()]

    def laid(self, tree: Mapping[str, Any]) -> tuple[Laid, ...]:
        """What each change does to that tree."""
        return tuple(
            _laid(section, name, change, written_of(tree, section, name))
            for section in SECTIONS
            for name, change in self.of(section).items()
            if not (change.how == "removed" and written_of(tree, section, name) is None)
        )

    def with_change(self, section: str, name: str, change: Change | None) -> Overlay:
        """Another one, with that change of an entry, or with none of it."""
        changes = {each: dict(self.of(each)) for each in SECTIONS}
        changes[section].pop(name, None)
        if change is not None:
            changes[section][name] = change
        return convert(changes, Overlay)


def change_to(entry: Entry | None, written: Entry | None) -> Change | None:
    """What makes the file's entry, `written`, into that one; None where it is that one, or both are none."""
    if written is None:
        return None if entry is None else Change(how="whole", keys=entry)
    if entry is None:
        return Change(how="removed", seen=_seen(written, ((key,) for key in written)))
    patch = difference(without_nulls(written), entry)
    return Change(how="patch", keys=patch, seen=_seen(written, leaves(patch))) if patch else None


def written_of(tree: Mapping[str, Any], section: str, name: str) -> Entry | None:
    """The file's own entry; None for none, and for what can be none."""
    entries = tree.get(section)
    if not isinstance(entries, Mapping) or name not in entries:
        return None
    entry = {} if entries[name] is None else entries[name]
    return dict(entry) if isinstance(entry, Mapping) else None


def _seen(written: Entry, places: Iterator[Where]) -> dict[str, str]:
    said = ((where, found_at(written, where)) for where in places)
    return {render(where): digest(value) for where, value in said if value is not None}


_EFFECTS: dict[tuple[str, bool], Effect] = {
    ("patch", True): "changed",
    ("patch", False): "idle",
    ("whole", True): "replaced",
    ("whole", False): "added",
    ("removed", True): "removed",
}


def _laid(section: str, name: str, change: Change, written: Entry | None) -> Laid:
    effect = _EFFECTS[change.how, written is not None]
    hidden: list[str] = []
    edited: list[str] = []
    if written is not None:
        after = change.over(written)
        for where in leaves(change.keys) if change.how == "patch" else ((key,) for key in written):
            said, place = found_at(written, where), render(where)
            now = None if said is None else digest(said)
            if (said is None and place not in change.seen) or is_same(said, found_at(after, where)):
                continue
            hidden.append(place)
            if change.seen.get(place) != now:
                edited.append(place)
    return Laid(section=section, name=name, effect=effect, hidden=tuple(hidden), edited=tuple(edited))


class _Before(Struct, forbid_unknown_fields=True):
    """The form before: entries, each whole; None where one was removed."""

    providers: dict[str, Entry | None] = {}
    failover_groups: dict[str, Entry | None] = {}
    keys: dict[str, Entry | None] = {}

    def now(self) -> Overlay:
        """In this form: they go on hiding all that the file says of them, and that is told now."""
        return convert({section: _changes(getattr(self, section)) for section in SECTIONS}, Overlay)


def _changes(entries: dict[str, Entry | None]) -> dict[str, Change]:
    return {
        name: Change(how="removed") if entry is None else Change(how="whole", keys=entry)
        for name, entry in entries.items()
    }


_DECODER = msgspec.json.Decoder(Overlay)
_BEFORE = msgspec.json.Decoder(_Before)


def overlay_path(home: Path) -> Path:
    """Where it lies."""
    return home / "changes.json"


def read_overlay(path: Path, findings: Findings) -> Overlay:
    """What it holds; empty, with a fault where it is there and cannot be read."""
    try:
        content = path.read_bytes()
        form = msgspec.json.decode(content, type=dict[str, msgspec.Raw]).get("form")
        return _DECODER.decode(content) if form is not None else _BEFORE.decode(content).now()
    except FileNotFoundError:
        return Overlay()
    except (OSError, msgspec.DecodeError):
        findings.add((), f"{path}: what was changed at run time cannot be read; mend or remove this file")
        return Overlay()


def write_overlay(path: Path, overlay: Overlay) -> None:
    """Keep it. Raises `OSError`."""
    write_private(path, msgspec.json.format(msgspec.json.encode(overlay)))
