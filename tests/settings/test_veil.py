"""Secrets of a written configuration, wherever they stand."""

from __future__ import annotations

from msgspec import inspect

from router.settings.schema import Document
from router.settings.secret import MASK
from router.settings.veil import change_secrets, veiled


def test_a_key_that_stands_alone_in_a_list_is_masked_too() -> None:
    """`- sk-...` is short for a mapping with a secret in it."""
    written = {
        "providers": {"pool": {"kind": "openai", "keys": ["sk-alone", {"key": "sk-named", "name": "b"}, "${K}"]}}
    }
    assert veiled(written, Document)["providers"]["pool"]["keys"] == [MASK, {"key": MASK, "name": "b"}, "${K}"]


def test_a_section_that_is_written_short_keeps_what_is_no_secret() -> None:
    """A model's name alone is shown."""
    written = {"providers": {"main": {"kind": "openai", "api_key": "sk-1", "models": ["gpt-4o-mini"]}}}
    assert veiled(written, Document)["providers"]["main"] == {
        "kind": "openai",
        "api_key": MASK,
        "models": ["gpt-4o-mini"],
    }


def test_a_list_says_where_in_it_a_secret_stands() -> None:
    """Each goes into the store under a name of its own."""
    places: list[str] = []
    written = {"providers": {"pool": {"kind": "openai", "keys": ["a", {"key": "b"}]}}}
    change_secrets(written, inspect.type_info(Document), lambda place, _text: places.append(place))
    assert places == ["providers.pool.keys.0", "providers.pool.keys.1.key"]
