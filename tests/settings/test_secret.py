"""A secret is never seen: not in what is printed, not in what is shown, not in a fault."""

from __future__ import annotations

import copy
import pickle
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from router.settings import ConfigInvalid, Secret, Settings, load
from tests.conftest import ROOT

CANARY = "sk-canary-4f1c"
REFERENCE = ROOT / "config" / "reference.yaml"


def planted() -> Settings:
    """Settings with the canary wherever a secret may be."""
    main = {"kind": "openai", "api_key": CANARY, "models": ["small"], "headers": {"X-Team": f"{CANARY} too"}}
    return load({"providers": {"main": main}}, {})


_SHOWN = {
    "repr": repr,
    "str": str,
    "f-string": lambda settings: f"{settings.providers['main'].api_key:.5}{settings.providers['main'].api_key!r}",
    "public": lambda settings: repr(settings.public()),
    "public as JSON": lambda settings: msgspec.json.encode(settings.public()).decode(),
    "version": lambda settings: settings.version,
}


@pytest.mark.parametrize("show", _SHOWN.values(), ids=_SHOWN)
def test_settings_show_no_secret(show: Any) -> None:
    """Nor a part of one, nor its length."""
    assert "canary" not in show(planted())
    assert "sk-" not in show(planted())


def test_a_secret_gives_its_text_only_when_asked() -> None:
    """The one way to it has a name that can be searched for."""
    key = planted().providers["main"].api_key
    assert key is not None
    assert key.reveal() == CANARY
    assert (str(key), repr(key), f"{key}", bool(key), bool(Secret(""))) == ("***", "***", "***", True, False)


def test_a_secret_equals_its_like_and_no_plain_text() -> None:
    """Comparing to text would need the text where it must not be."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert {Secret("a"), Secret("a")} == {Secret("a")}


@pytest.mark.parametrize(
    "leave", [pickle.dumps, msgspec.json.encode, msgspec.to_builtins], ids=["pickle", "json", "plain"]
)
def test_a_secret_cannot_leave_the_process_by_accident(leave: Any) -> None:
    """Whoever serializes settings must take what `public` gives."""
    with pytest.raises(TypeError) as refused:
        leave(planted().providers["main"])
    assert CANARY not in str(refused.value)


def test_a_copied_secret_is_the_same() -> None:
    """Copying keeps the mask on."""
    secret = Secret(CANARY)
    assert copy.copy(secret) is secret
    assert copy.deepcopy({"key": secret})["key"] is secret


def leaves(tree: Any, where: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in the tree, sections and lists too."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*where, key)
        yield from leaves(value, (*where, key))


_TREE = yaml.safe_load(REFERENCE.read_text())
_WRONG = {
    "text": CANARY,
    "a list": [CANARY],
    "a section": {"x": CANARY},
    "a variable": "${CANARY}",
    "a URL": f"http://{CANARY}@x",
}


@pytest.mark.parametrize("wrong", _WRONG.values(), ids=_WRONG)
def test_a_key_in_the_wrong_place_is_not_told(wrong: object) -> None:
    """Every value of the reference in turn is a key that somebody pasted there."""
    for where in leaves(_TREE):
        tree = copy.deepcopy(_TREE)
        place = tree
        for part in where[:-1]:
            place = place[part]
        place[where[-1]] = wrong
        try:
            load(tree, {"OPENAI_API_KEY": CANARY, "CANARY": CANARY})
        except ConfigInvalid as error:
            assert CANARY not in "".join(traceback.format_exception(error)), where


@pytest.mark.parametrize("suffix", [".yaml", ".toml", ".json"])
@pytest.mark.parametrize(
    "text", [f'"{CANARY}', f"[{CANARY}", f"a: *{CANARY}", f"a: !{CANARY} b", f"a = {CANARY}", f"%{CANARY}"]
)
def test_what_cannot_be_parsed_is_not_quoted(suffix: str, text: str, tmp_path: Path) -> None:
    """Parsers like to show the line they stumble over; that line may hold a key."""
    path = tmp_path / f"a{suffix}"
    path.write_text(text)
    with pytest.raises(ConfigInvalid) as refused:
        load(path, {})
    assert CANARY not in "".join(traceback.format_exception(refused.value))


def test_the_files_that_secrets_are_in_are_known_and_not_shown(tmp_path: Path) -> None:
    """They are followed: a key that is renewed in its file is taken up."""
    key, config = tmp_path / "key", tmp_path / "router.json"
    key.write_text(f"{CANARY}\n")
    main = {"kind": "openai", "api_key": "file:key", "models": ["small"]}
    config.write_text(msgspec.json.encode({"providers": {"main": main}}).decode())
    settings = load(config, {})
    assert settings.secret_files == (key,)
    assert str(key) not in repr(settings.public())
