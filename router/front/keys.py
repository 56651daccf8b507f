"""Client keys over HTTP: made, shown once, changed, renewed and taken back while serving.

    GET    /keys                  all of them, without the keys themselves
    POST   /keys                  make one: its `name` and what it may; the answer has the key, this once
    GET    /keys/{name}           one
    PATCH  /keys/{name}           some of what it may; null takes a restriction away
    POST   /keys/{name}/rotate    another key; the one before works for `overlap_s` more
    DELETE /keys/{name}           it is none from now on

Each is an entry of the configuration's `keys`, and changes as all entries do: whole, audited, kept over restarts, and
with `If-Match` on the configuration it was meant for.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Raw, Struct

from actors.messages import ChangeConfig, ConfigDocument, ExportConfig
from router.errors import Refused
from router.front.config import KEYS, KeyMade, answered, entries_of, expected, read_keys
from router.front.context import Context
from router.front.guard import who

PREFIX = "pm-"
"""So that scanners of code and people know one when they see it."""

OVERLAP_S = 86_400.0
_MOST_OVERLAP_S = 30 * 86_400.0
_OURS = ("key", "sha256", "previous_sha256", "previous_until")
"""What is never told here: who makes a key makes its digest."""


class NewKey(Struct, frozen=True, kw_only=True):
    """Its name, and what it may; all keys of the configuration's `keys.<name>` but the key itself."""

    name: str
    owner: str = ""
    group: str = ""
    models: tuple[str, ...] | None = None


class Overlap(Struct, frozen=True, kw_only=True):
    """For how many seconds the key before works still."""

    overlap_s: float = OVERLAP_S


async def create(request: web.Request, context: Context) -> web.Response:
    """`POST /keys`."""
    given = await read_keys(request, context)
    name = given.pop("name", None)
    if not isinstance(name, str) or not name:
        raise Refused("give the key's name as `name`", param="name")
    _only_ours(given)
    key = _new_key()
    return await _changed(context, _change(request, name, "create", {**given, "sha256": _digest(key)}), key)


async def change(request: web.Request, context: Context) -> web.Response:
    """`PATCH /keys/{name}`."""
    given = await read_keys(request, context)
    _only_ours(given)
    return await _changed(context, _change(request, request.match_info["name"], "patch", given))


async def rotate(request: web.Request, context: Context) -> web.Response:
    """`POST /keys/{name}/rotate`. Raises `HTTPConflict` for a key that is written in the clear: its file knows it."""
    name = request.match_info["name"]
    given = await read_keys(request, context) if request.can_read_body else {}
    overlap_s = given.get("overlap_s", OVERLAP_S)
    if not isinstance(overlap_s, int | float) or not 0 <= overlap_s <= _MOST_OVERLAP_S:
        raise Refused(f"`overlap_s` must be a number from 0 to {_MOST_OVERLAP_S:g}", param="overlap_s")
    answer = await context.desk.configure(ExportConfig())
    if not isinstance(answer, ConfigDocument):
        return answered(answer)
    entry = entries_of(answer, KEYS).get(name)
    if entry is None:
        raise web.HTTPNotFound(reason="there is no key of that name")
    before = msgspec.json.decode(entry).get("sha256")
    if not isinstance(before, str):
        raise web.HTTPConflict(reason="this key is written in the configuration itself; change it there")
    until = datetime.fromtimestamp(context.desk.now_at() + overlap_s, UTC)
    key = _new_key()
    keys = {"sha256": _digest(key), "previous_sha256": before, "previous_until": until.isoformat(timespec="seconds")}
    return await _changed(context, _change(request, name, "patch", keys, answer.tag), key)


def _change(request: web.Request, name: str, how: str, keys: dict[str, Any], tag: str | None = None) -> ChangeConfig:
    """Of the configuration that the operator named, or else of `tag`."""
    given = Raw(msgspec.json.encode(keys))
    named = expected(request.headers) or tag
    return ChangeConfig(section=KEYS, name=name, how=how, keys=given, expected=named, by=who(request))


async def _changed(context: Context, message: ChangeConfig, key: str | None = None) -> web.Response:
    """Make the change; where it made a key, the answer has it."""
    answer = await context.desk.configure(message)
    made = None if key is None else partial(KeyMade, name=message.name, key=key)
    return answered(answer, created=message.how == "create", made=made)


def _only_ours(given: dict[str, Any]) -> None:
    """Raises `Refused` for a key that was made elsewhere: nobody knows how."""
    for name in _OURS:
        if name in given:
            raise Refused("keys are made here; write one that was made elsewhere into the configuration", param=name)


def _new_key() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
