"""`pointsman keys`: client keys of a running router."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import typer

from router.cli.console import Column, Listing, listing
from router.cli.entries import settings_of
from router.cli.operation import config_table
from router.cli.place import Place
from router.cli.remote import shown


def given(owner: str, group: str, settings: list[str]) -> dict[str, Any]:
    """The entry of a key, of options."""
    return {"owner": owner, "group": group, **settings_of(settings)}


def create(place: Place, name: str, entry: dict[str, Any], *, as_json: bool) -> int:
    """Make a key and print it: this once."""
    said = {key: value for key, value in entry.items() if value not in (None, "", ())}
    return shown(place, "/keys", as_json, _made, {"name": name, **said})


def change(place: Place, name: str, words: list[str], *, as_json: bool) -> int:
    """It may do more, or less."""
    return shown(place, f"/keys/{quote(name, safe='')}", as_json, config_table, settings_of(words), method="PATCH")


def rotate(place: Place, name: str, overlap_s: float, *, as_json: bool) -> int:
    """Make another key for the same name and print it."""
    return shown(place, f"/keys/{quote(name, safe='')}/rotate", as_json, _made, {"overlap_s": overlap_s})


def revert(place: Place, name: str, *, as_json: bool) -> int:
    """As the file has it."""
    return shown(place, f"/keys/{quote(name, safe='')}/revert", as_json, config_table, method="POST")


def revoke(place: Place, name: str) -> int:
    """From now on the key is none."""
    return shown(place, f"/keys/{quote(name, safe='')}", False, lambda _answer: f"{name} is revoked", method="DELETE")


def names(place: Place, *, as_json: bool) -> int:
    """A line for each key; none of them can be shown again."""
    return shown(place, "/keys", as_json, _keys_table)


_KEYS = (
    Column(title="name"),
    Column(title="owner", rank=1),
    Column(title="group", rank=3),
    Column(title="expires", rank=2),
    Column(title="models", rank=4, breaks=True),
    Column(title="endpoints", rank=5, breaks=True),
)


def _keys_table(answer: dict[str, Any]) -> Listing:
    rows = []
    for name, key in answer.items():
        words = (key.get("owner") or "", key.get("group") or "", key.get("expires") or "never")
        rows.append((name, *words, *(", ".join(key.get(list_) or ["all"]) for list_ in ("models", "endpoints"))))
    return listing(_KEYS, rows)


def _made(answer: dict[str, Any]) -> str:
    """The key alone on standard output, for scripts."""
    typer.echo(f"the key of {answer['name']}; it is not shown again", err=True)
    key: str = answer["key"]
    return key
