"""`pointsman ledger`: the account, read from where it is kept; a router may be writing to it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import msgspec
import typer

from router.app.vaults import store_of
from router.canon.cost import CostSource, usd_text
from router.cli.configuration import settings_or_exit
from router.cli.console import Column, Listing, listing, printed
from router.cli.operation import COSTS
from router.store.journal import EntryRow, JournalError, ProviderTotal, Query, Store, TranscriptRow

R = TypeVar("R", EntryRow, TranscriptRow)

PAGE = 1000
"""Entries read at a time."""


@contextmanager
def open_store(config: Path | None, *, read_only: bool = True) -> Iterator[Store]:
    """The store of a configuration. Exits with 1, and says why, when it cannot be used."""
    store = store_of(settings_or_exit(config).ledger, read_only=read_only)
    try:
        store.open()
        yield store
    except JournalError as error:
        typer.echo(f"pointsman: {error}", err=True)
        raise typer.Exit(1) from error
    finally:
        store.close()


def every_entry(store: Store, query: Query) -> Iterator[EntryRow]:
    """All that fit, newest first, page by page."""
    return _every(store.entries, query)


def _every(page: Callable[[Query], tuple[R, ...]], query: Query) -> Iterator[R]:
    while rows := page(query):
        yield from rows
        query = msgspec.structs.replace(query, before=rows[-1].seq)


def show(config: Path | None, limit: int, *, as_json: bool) -> None:
    """Sums by provider, and the newest entries."""
    with open_store(config) as store:
        totals, entries = store.totals(), store.entries(Query(limit=limit))
    if as_json:
        plain = {"totals": [_plain(total) for total in totals], "entries": [_plain(entry) for entry in entries]}
        typer.echo(msgspec.json.encode(plain))
        return
    printed(_totals(totals))
    printed(_entries(entries))


def export(config: Path | None, user: str) -> None:
    """Everything about one end user, a line of JSON for each entry and each transcript, the newest first."""
    with open_store(config) as store:
        query = Query(limit=PAGE, user=user)
        known = False
        for entry in every_entry(store, query):
            known = True
            _print({"kind": "entry", **_plain(entry)})
        for transcript in _every(store.transcripts, query):
            _print({"kind": "transcript", **msgspec.to_builtins(transcript)})
        sys.stdout.buffer.flush()
    if not known:
        typer.echo(f"pointsman: no entry is of a user {user!r}", err=True)


def transcripts(config: Path | None, query: Query) -> None:
    """The newest transcripts, a line of JSON for each."""
    with open_store(config) as store:
        for transcript in store.transcripts(query):
            _print(msgspec.to_builtins(transcript))
        sys.stdout.buffer.flush()


def _print(plain: dict[str, object]) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(plain) + b"\n")


def _plain(row: EntryRow | ProviderTotal) -> dict[str, object]:
    """A row for JSON, with its money in plain digits: a store's nothing is 0E-12."""
    usd = row.known_usd if isinstance(row, ProviderTotal) else row.cost_usd
    money = {"cost_usd": usd, "priced_usd": row.priced_usd, "reported_usd": row.reported_usd}
    return {**msgspec.to_builtins(row), **{name: None if usd is None else usd_text(usd) for name, usd in money.items()}}


def _usd(usd: Decimal | None) -> str:
    return "unknown" if usd is None else usd_text(usd)


def _totals(totals: tuple[ProviderTotal, ...]) -> Listing:
    return listing(
        COSTS,
        (
            (
                row.provider,
                str(row.entries),
                *map(_usd, (row.known_usd, row.priced_usd, row.reported_usd)),
                *map(str, (row.unpriced, row.uncounted, row.cached, row.input_tokens, row.output_tokens)),
            )
            for row in totals
        ),
    )


def _tokens(row: EntryRow) -> str:
    if row.cost_source is CostSource.CACHED:
        return "cached"
    return str(row.usage.total) if row.usage else "unknown"


_ENTRIES = (
    Column(title="closed (UTC)"),
    Column(title="request", rank=7),
    Column(title="key", rank=5),
    Column(title="user", rank=6),
    Column(title="provider"),
    Column(title="model", rank=3),
    Column(title="end"),
    Column(title="reason", rank=4),
    Column(title="tokens", rank=2, number=True),
    Column(title="cost USD", rank=1, number=True),
    Column(title="by price", rank=8, number=True),
    Column(title="by provider", rank=9, number=True),
)


def _entries(entries: tuple[EntryRow, ...]) -> Listing:
    return listing(_ENTRIES, map(_entry, entries))


def _entry(row: EntryRow) -> tuple[str, ...]:
    return (
        f"{datetime.fromtimestamp(row.closed_at, UTC):%Y-%m-%d %H:%M:%S}" if row.closed_at else "open",
        *(row.exchange, row.key, row.user, row.provider, row.model),
        row.end.value if row.end else "",
        row.reason.value if row.reason else "",
        _tokens(row),
        *map(_usd, (row.cost_usd, row.priced_usd, row.reported_usd)),
    )
