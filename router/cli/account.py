"""What an operator does to the account: bring its tables up to date, prove its audit log, erase a user, rate anew.

Each of these that changes something is an act of the chain `command`, which is kept in the store alone: the journal
belongs to the router that runs.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import typer
from msgspec.json import encode
from msgspec.structs import asdict, replace

from actors.books import act_of, costed
from router.app.prices import price_book
from router.app.release import layout_of
from router.canon.cost import usd_text
from router.canon.target import Target
from router.cli.configuration import settings_or_exit
from router.cli.ledger import PAGE, every_entry, open_store
from router.policy.audit import START, Flaw, digest_of, flaws_of
from router.policy.price import PriceBook
from router.policy.pricelist import PriceList
from router.providers import find_installed
from router.store.disk import read_head
from router.store.journal import AuditRow, EntryRow, Head, JournalError, Query, Store
from router.store.migrate import REVISION
from router.store.postgres import migrate_database

COMMAND = "command"
"""The chain of what is done from the command line."""


def migrate(config: Path | None) -> None:
    """Make the tables those of this version. A file is brought up to date by opening it."""
    ledger = settings_or_exit(config).ledger
    if not ledger.url:
        with open_store(config, read_only=False):
            pass
    else:
        try:
            migrate_database(ledger.url.reveal())
        except JournalError as error:
            typer.echo(f"pointsman: {error}", err=True)
            raise typer.Exit(1) from error
    typer.echo(f"the ledger has schema {REVISION}")


def verify(config: Path | None) -> None:
    """Prove every chain of the audit log. Exits with 1 when one is broken."""
    head = read_head(settings_or_exit(config).ledger.journal)
    flaws: list[Flaw] = []
    acts = 0
    with open_store(config) as store:
        for name in store.chains():
            last = 0
            for row, found in _proved(store, name):
                last, acts = row.number, acts + 1
                flaws += found
            flaws += _cut_off(name, last, head)
        if head is not None and head.number and head.writer not in store.chains():
            flaws += _cut_off(head.writer, 0, head)
    for flaw in flaws:
        typer.echo(f"chain {flaw.chain}, act {flaw.number}: {flaw.why}", err=True)
    if flaws:
        raise typer.Exit(1)
    typer.echo(f"{acts} acts, every one as it was written")


def _chain(store: Store, name: str) -> Iterator[AuditRow]:
    number = 0
    while rows := store.chain(name, number, PAGE):
        yield from rows
        number = rows[-1].number


def _proved(store: Store, name: str) -> Iterator[tuple[AuditRow, tuple[Flaw, ...]]]:
    """Each act of a chain with its flaws, one at a time: there may be millions."""
    before = START
    for row in _chain(store, name):
        yield row, tuple(flaws_of(act_of(row), row.digest, before))
        before = row.number, row.digest


def _cut_off(name: str, last: int, head: Head | None) -> Iterator[Flaw]:
    """What only the journal's head can show: that a chain once was longer. It is of this machine's router alone; acts
    that are still on their way to the store are not missing."""
    if head is None or head.writer != name:
        return
    if last < head.number:
        why = f"is the last, and the journal knows {head.number}: cut off, or not carried yet; try again in a moment"
        yield Flaw(chain=name, number=last, why=why)


def erase(config: Path | None, user: str) -> None:
    """Take an end user's name out of every entry, and delete what was said; costs stay what they were."""
    with open_store(config, read_only=False) as store:
        erased = store.erase(user, time.time())  # noqa: TID251 a command has no ports
        _act(store, "user.erased", "an end user", asdict(erased))
        typer.echo(f"erased from {erased.entries} entries, and {erased.transcripts} transcripts")
        if not store.sweep():
            typer.echo(
                "pointsman: somebody reads the ledger: a copy goes within the hour, or by doing this again", err=True
            )


def rate(config: Path | None, *, apply: bool) -> None:
    """What every counted entry would cost by today's prices; with `apply`, let that be its cost."""
    settings = settings_or_exit(config)
    book = price_book(layout_of(settings, find_installed().kinds).seats, PriceList(), settings.prices)
    before = after = Decimal(0)
    changed = unknown = 0
    with open_store(config, read_only=not apply) as store:
        for batch in _changed(store, book):
            changed += len(batch)
            unknown += sum(old.cost_usd is None for old, _new in batch)
            before += sum((old.cost_usd or Decimal(0) for old, _new in batch), Decimal(0))
            after += sum((new.cost_usd or Decimal(0) for _old, new in batch), Decimal(0))
            if apply:
                store.reprice(tuple(new for _old, new in batch))
        if apply and changed:
            _act(store, "entries.rated", "the ledger", {"entries": changed})
    if not changed:
        typer.echo("every entry's cost is what today's prices make it")
        return
    word = ("now cost" + "s" * (changed == 1)) if apply else "would cost"
    aside = f", and instead of the unknown cost of {unknown}" if unknown else ""
    typer.echo(f"{_counted(changed)} {word} {usd_text(after)} USD instead of {usd_text(before)}{aside}")


def _counted(entries: int) -> str:
    return "1 entry" if entries == 1 else f"{entries} entries"


def _changed(store: Store, book: PriceBook) -> Iterator[tuple[tuple[EntryRow, EntryRow], ...]]:
    """Entries whose cost is another by now, each with what it would be, some at a time. What a provider said that it
    charged stays what it said; where nobody knows a price any more, as of one that is gone, the cost stays too."""
    batch: list[tuple[EntryRow, EntryRow]] = []
    for row in every_entry(store, Query(limit=PAGE)):
        if row.closed_at is None or row.usage is None:
            continue
        cost = book.cost(Target(provider=row.provider, model=row.model), row.usage, row.closed_at)
        new = costed(row, cost)
        if new != row and (cost.usd is not None or row.cost_usd is None):
            batch.append((row, new))
        if len(batch) >= PAGE:
            yield tuple(batch)
            batch = []
    if batch:
        yield tuple(batch)


def _act(store: Store, act: str, subject: str, detail: dict[str, object]) -> None:
    """Add to the chain of commands. Of two at once the second finds its place taken, and takes the next."""
    while True:
        last = next(iter(deque(_chain(store, COMMAND), maxlen=1)), None)
        row = AuditRow(
            chain=COMMAND,
            number=last.number + 1 if last else 1,
            at=time.time(),  # noqa: TID251 a command has no ports
            actor=COMMAND,
            act=act,
            subject=subject,
            outcome="done",
            detail=encode(detail).decode(),
            previous=last.digest if last else "",
            digest="",
        )
        row = replace(row, digest=digest_of(act_of(row)))
        store.put((row,))
        if store.chain(COMMAND, row.number - 1, 1) == (row,):
            return
