"""`pointsman config list|add|change|remove`: providers and failover groups of a running router."""

from __future__ import annotations

import json
import sys
from datetime import date
from typing import Any
from urllib.parse import quote

import typer
import yaml

from router.cli.console import Column, Listing, listing
from router.cli.operation import changed_words, config_table
from router.cli.place import Place
from router.cli.remote import asked, shown


def settings_of(words: list[str]) -> dict[str, Any]:
    """The keys of an entry, of words `KEY=VALUE`. A value is YAML, but for dates, which the configuration reads itself;
    one that others must not see on the command line is `-`, and read from standard input."""
    said: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise typer.BadParameter(f"{word!r} is not KEY=VALUE")
        found = sys.stdin.read().rstrip("\r\n") if value == "-" else yaml.safe_load(value)
        said[name] = value if isinstance(found, date) else found
    return said


def all_of(place: Place, section: str, *, as_json: bool) -> int:
    """A line for each, with what was changed at run time and what the file says in vain."""

    def table(answer: dict[str, Any]) -> Listing:
        with asked(place, "/config") as reply:
            changes = json.load(reply)["changes"]
        return _entries_table(answer, [change for change in changes if change["section"] == _SECTIONS[section]])

    return shown(place, f"/config/{section}", as_json, table)


def add(place: Place, section: str, name: str, words: list[str], *, as_json: bool) -> int:
    """One more."""
    return shown(place, f"/config/{section}", as_json, config_table, {"name": name, **settings_of(words)})


def change(place: Place, section: str, name: str, words: list[str], *, as_json: bool) -> int:
    """Another than it was."""
    return shown(place, _one(section, name), as_json, config_table, settings_of(words), method="PATCH")


def remove(place: Place, section: str, name: str, *, as_json: bool) -> int:
    """One less."""
    return shown(place, _one(section, name), as_json, config_table, method="DELETE")


def revert(place: Place, section: str, name: str, *, as_json: bool) -> int:
    """As the file has it."""
    return shown(place, f"{_one(section, name)}/revert", as_json, config_table, method="POST")


def retry_keys(place: Place, provider: str, *, as_json: bool) -> int:
    """Those that are out may be used again."""

    def words(answer: dict[str, Any]) -> str:
        return (
            f"{provider}: {', '.join(answer['keys'])} may be used again"
            if answer["keys"]
            else f"{provider}: none is out"
        )

    return shown(place, f"/providers/{quote(provider, safe='')}/retry-keys", as_json, words, method="POST")


_SECTIONS = {"providers": "providers", "groups": "failover_groups"}


def _one(section: str, name: str) -> str:
    return f"/config/{section}/{quote(name, safe='')}"


_ENTRIES = (
    Column(title="name"),
    Column(title="as it is written", breaks=True),
    Column(title="at run time", breaks=True),
)


def _entries_table(answer: dict[str, Any], changes: list[dict[str, Any]]) -> Listing:
    said = {change["name"]: changed_words(change) for change in changes}
    names = {**answer, **said}
    return listing(
        _ENTRIES, ((name, json.dumps(answer[name]) if name in answer else "", said.get(name, "")) for name in names)
    )
