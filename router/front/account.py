"""The account over HTTP: entries, what was said where that is kept, and all that is known of one end user.

Whoever reads words, or takes a user's data out or away, is an act of the audit log, which does not name the user: it
outlives the erasure.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta, Struct
from msgspec.structs import replace

from actors.messages import (
    EntriesPage,
    EntryRow,
    EraseUser,
    Purge,
    Query,
    ReadEntries,
    ReadTranscripts,
    TranscriptRow,
    TranscriptsPage,
    UserErased,
)
from router.errors import Reason, Refused, Unavailable
from router.front.body import read_body
from router.front.context import Context
from router.front.guard import who
from router.front.kept import end_user, let_go
from router.front.reports import Cursor, Limit, Since, place_in
from router.front.said import queried, said

User = Annotated[str, Meta(min_length=1, description="The end user, as callers named it.")]
R = TypeVar("R", EntryRow, TranscriptRow)

_BODY_BYTES = 64 * 1024
_WORDS = "words"
"""How the cursor of an export begins once it has come to what was said."""

_WHOM = "an end user"


class _Rows(Struct, frozen=True, kw_only=True):
    """Which rows of the account, a page of them."""

    model: str | None = None
    key: str | None = None
    user: User | None = None
    since: Since | None = None
    limit: Limit = 100
    cursor: Cursor | None = None


class EntriesQuery(_Rows, frozen=True, kw_only=True):
    """Which entries."""

    provider: str | None = None


class TranscriptsQuery(_Rows, frozen=True, kw_only=True):
    """Which transcripts; `model` is what callers asked for."""


class ExportQuery(Struct, frozen=True, kw_only=True):
    """Whose, and how many at a time."""

    user: User
    limit: Limit = 1000
    cursor: Cursor | None = None


class EndUser(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to forget."""

    user: User


class Entries(Struct, frozen=True, kw_only=True):
    """Entries, newest first: one for each attempt, and one for each answer out of the cache. `complete` is false where
    the store cannot be read: then some are missing."""

    rows: tuple[EntryRow, ...]
    complete: bool
    next: str | None


class Transcripts(Struct, frozen=True, kw_only=True):
    """Transcripts, newest first. `complete` is as with entries."""

    rows: tuple[TranscriptRow, ...]
    complete: bool
    next: str | None


class Exported(Struct, frozen=True, kw_only=True):
    """A page of what is known of one end user. It is all once `next` is null."""

    entries: tuple[EntryRow, ...] = ()
    transcripts: tuple[TranscriptRow, ...] = ()
    next: str | None = None


class Gone(Struct, frozen=True, kw_only=True):
    """The name is gone from so many entries, so many transcripts are gone whole, and so many answers from the cache;
    `cached` is null where that cannot be asked now: they go by themselves after `cache.ttl_s`."""

    entries: int
    transcripts: int
    cached: int | None


async def entries(request: web.Request, context: Context) -> web.Response:
    """`GET /ledger/entries`."""
    query = queried(request, EntriesQuery)
    page = await _entries(context, _wanted(query))
    return said(Entries(rows=page.rows, complete=page.complete, next=_next(page.rows, query.limit, page.complete)))


async def transcripts(request: web.Request, context: Context) -> web.Response:
    """`GET /ledger/transcripts`."""
    query = queried(request, TranscriptsQuery)
    page = await _transcripts(context, _wanted(query))
    of = f"key {query.key}" if query.key else _WHOM if query.user else "all"
    context.desk.admin_acted(who(request), "transcripts.read", of, "done")
    return said(Transcripts(rows=page.rows, complete=page.complete, next=_next(page.rows, query.limit, page.complete)))


async def export(request: web.Request, context: Context) -> web.Response:
    """`GET /ledger/export`: entries first, then what was said. Raises `Unavailable` where the store cannot be read:
    half of it is no export."""
    query = queried(request, ExportQuery)
    wanted = Query(limit=query.limit, user=end_user(query.user))
    if query.cursor is None or not query.cursor.startswith(_WORDS):
        before = None if query.cursor is None else place_in(query.cursor)
        page = await _entries(context, replace(wanted, before=before))
        complete, more = page.complete, _next(page.rows, query.limit, page.complete) or _WORDS
        answer = Exported(entries=page.rows, next=more)
    else:
        place = query.cursor.removeprefix(_WORDS)
        words = await _transcripts(context, replace(wanted, before=place_in(place) if place else None))
        complete, older = words.complete, _next(words.rows, query.limit, words.complete)
        answer = Exported(transcripts=words.rows, next=None if older is None else _WORDS + older)
    if not complete:
        raise _unread()
    context.desk.admin_acted(who(request), "user.exported", _WHOM, "done")
    return said(answer)


async def erase(request: web.Request, context: Context) -> web.Response:
    """`POST /ledger/erase`. The ledger keeps the act itself, with what it took away. Kept answers go too."""
    body = await read_body(request, context, _BODY_BYTES)
    try:
        whom = msgspec.json.decode(body, type=EndUser)
    except msgspec.DecodeError as error:
        raise Refused('give the end user as {"user": "NAME"}', param="user") from error
    user = end_user(whom.user)
    answer = await context.desk.inquire(EraseUser(user=user, actor=who(request)))
    if not isinstance(answer, UserErased):
        raise _unread()
    return said(
        Gone(entries=answer.entries, transcripts=answer.transcripts, cached=await let_go(context, Purge(user=user)))
    )


def _wanted(query: EntriesQuery | TranscriptsQuery) -> Query:
    return Query(
        limit=query.limit,
        before=None if query.cursor is None else place_in(query.cursor),
        provider=query.provider if isinstance(query, EntriesQuery) else None,
        model=query.model,
        key=query.key,
        user=None if query.user is None else end_user(query.user),
        since_at=None if query.since is None else query.since.timestamp(),
    )


async def _entries(context: Context, wanted: Query) -> EntriesPage:
    page = await context.desk.inquire(ReadEntries(query=wanted))
    assert isinstance(page, EntriesPage)
    return page


async def _transcripts(context: Context, wanted: Query) -> TranscriptsPage:
    page = await context.desk.inquire(ReadTranscripts(query=wanted))
    assert isinstance(page, TranscriptsPage)
    return page


def _next(rows: tuple[R, ...], limit: int, complete: bool) -> str | None:
    """The cursor of older ones, where there may be some."""
    return str(rows[-1].seq) if complete and len(rows) == limit else None


def _unread() -> Unavailable:
    return Unavailable("the ledger's store cannot be read or changed now", reason=Reason.PART_DOWN, retry_after_s=5.0)
