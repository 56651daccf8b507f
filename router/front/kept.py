"""`POST /cache/purge`: kept answers are let go, all of them or those of a key, a model or an end user."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct
from msgspec.structs import replace

from actors.messages import Purge, Purged, label_of
from router.errors import Reason, Refused, Unavailable
from router.front.body import read_body
from router.front.context import Context
from router.front.guard import who
from router.front.said import said

_BODY_BYTES = 64 * 1024
_WISH = 'give {"all": true}, or one or more of key, model and user'

Word = Annotated[str, Meta(min_length=1)]


class Wish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose answers go: `all`, or those that fit every other member.

    Args:
        key: the id of the client key that asked first.
        model: the name that was asked for, or `provider:model` that answered.
        user: the end user, as callers named it.
    """

    all: bool = False
    key: Word | None = None
    model: Word | None = None
    user: Word | None = None


class Gone(Struct, frozen=True, kw_only=True):
    """How many answers went. One that is still being given may be kept afterwards."""

    entries: int


async def purge(request: web.Request, context: Context) -> web.Response:
    """An act of the audit log, which names no end user. Raises `Refused` for a wish that says nothing or both."""
    wish = _wish(await read_body(request, context, _BODY_BYTES))
    gone = await let_go(context, Purge(client=wish.key, model=wish.model, user=wish.user))
    context.desk.admin_acted(who(request), "cache.purged", _words(wish), "failed" if gone is None else "taken")
    if gone is None:
        raise Unavailable("the cache cannot let go now; some may be gone", reason=Reason.PART_DOWN, retry_after_s=30.0)
    return said(Gone(entries=gone))


async def let_go(context: Context, what: Purge) -> int | None:
    """How many answers went; None where the cache cannot do it now."""
    try:
        answer = await context.desk.inquire(what)
    except Unavailable:
        return None
    return answer.entries if isinstance(answer, Purged) else None


def _wish(body: bytes) -> Wish:
    try:
        wish = msgspec.json.decode(body, type=Wish)
    except msgspec.DecodeError as error:
        raise Refused(f"{_WISH}: {error}", param=str(error).rpartition("$.")[2].strip("`") or None) from error
    narrowed = any(part is not None for part in (wish.key, wish.model, wish.user))
    if wish.all == narrowed:
        raise Refused(f"{_WISH}{', not both' if wish.all else ''}", param="all")
    return wish if wish.user is None else replace(wish, user=end_user(wish.user))


def end_user(name: str) -> str:
    """A name as the account has it. Raises `Refused` for one of which nothing is left there, which would mean everybody
    who has none."""
    label = label_of(name)
    if not label:
        raise Refused("an end user of that name cannot be in the account", param="user")
    return label


def _words(wish: Wish) -> str:
    parts = [f"{name} {value}" for name, value in (("key", wish.key), ("model", wish.model)) if value is not None]
    return ", ".join(parts + ["an end user"] * (wish.user is not None)) or "all answers"
