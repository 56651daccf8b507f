"""What an operator does to the account: bring its tables up to date, prove its audit log, erase a user, rate anew.

Each of these that changes something is an act (`router/cli/acts.py`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import typer
from msgspec.structs import asdict, replace

from actors.books import told_of
from actors.cache import wish_of
from actors.messages import Purge
from router.app.prices import price_book
from router.app.release import layout_of
from router.canon.cost import usd_text
from router.canon.target import Target
from router.cli.acts import carry_acts, keep_act
from router.cli.configuration import settings_or_exit
from router.cli.ledger import PAGE, every_entry, open_store
from router.policy.enduser import label_of
from router.policy.price import PriceBook
from router.policy.pricelist import PriceList
from router.providers import find_installed
from router.settings.schema import Cache
from router.store.answerfile import SqliteAnswers
from router.store.answers import AnswersRefuse
from router.store.journal import EntryRow, JournalError, Query, Store
from router.store.migrate import REVISION
from router.store.postgres import migrate_database


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


def erase(config: Path | None, user: str) -> None:
    """Take an end user's name out of every entry, and delete what was said; costs stay what they were."""
    user = label_of(user)
    if not user:  # it would mean everybody who has no name
        raise typer.BadParameter("an end user of that name cannot be in the account", param_hint="--user")
    settings = settings_or_exit(config)
    home = settings.home
    with open_store(config, read_only=False) as store:
        erased = store.erase(user, time.time())  # noqa: TID251 a command has no ports
        keep_act(home, "user.erased", "an end user", asdict(erased))
        carry_acts(home, store)
        typer.echo(f"erased from {erased.entries} entries, and {erased.transcripts} transcripts")
        if not store.sweep():
            typer.echo(
                "pointsman: somebody reads the ledger: a copy goes within the hour, or by doing this again", err=True
            )
    _erase_kept(settings.cache, user)


def _erase_kept(cache: Cache, user: str) -> None:
    """Out of the file of kept answers too. What a running router has in memory only that one can let go."""
    if cache.backend == "memory" or cache.path is None:
        if cache.enabled:
            typer.echo("a running router keeps answers in memory: POST /ledger/erase to it lets those go too")
        return
    if not cache.path.exists():
        return
    answers = SqliteAnswers(cache.path)
    try:
        typer.echo(f"erased {answers.purge(wish_of(Purge(user=user))).purged} kept answers")
    except AnswersRefuse as error:
        typer.echo(f"pointsman: {error}", err=True)
        raise typer.Exit(1) from error
    finally:
        answers.close()


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
            keep_act(settings.home, "entries.rated", "the ledger", {"entries": changed})
            carry_acts(settings.home, store)
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
        new = replace(row, **told_of(cost))
        if new != row and (cost.usd is not None or row.cost_usd is None):
            batch.append((row, new))
        if len(batch) >= PAGE:
            yield tuple(batch)
            batch = []
    if batch:
        yield tuple(batch)
