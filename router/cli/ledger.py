"""`pointsman ledger`: the account, read from the journal on disk."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from router.canon.cost import usd_text
from router.cli.configuration import settings_or_exit
from router.store.journal import EntryRow, JournalError, ProviderTotal
from router.store.sqlite import SqliteJournal


def run(config: Path | None, limit: int, *, as_json: bool) -> int:
    """0, or 1 when there is no journal that can be read."""
    path = settings_or_exit(config).ledger.path
    journal = SqliteJournal(path, read_only=True)
    try:
        journal.open()
        totals, entries = journal.totals(), journal.entries(limit)
    except JournalError as error:
        typer.echo(f"pointsman: {error}", err=True)
        return 1
    finally:
        journal.close()
    if as_json:
        typer.echo(msgspec.json.encode({"totals": totals, "entries": entries}))
    else:
        console = Console()
        console.print(_totals(totals))
        console.print(_entries(entries))
    return 0


def _totals(totals: tuple[ProviderTotal, ...]) -> Table:
    table = Table("provider", "entries", "cost USD", "unpriced", "uncounted", "input tokens", "output tokens")
    for row in totals:
        table.add_row(
            row.provider,
            str(row.entries),
            usd_text(row.cost_usd),
            str(row.unpriced),
            str(row.uncounted),
            str(row.input_tokens),
            str(row.output_tokens),
        )
    return table


def _entries(entries: tuple[EntryRow, ...]) -> Table:
    table = Table("closed", "provider", "model", "end", "reason", "tokens", "cost USD")
    for row in entries:
        closed = datetime.fromtimestamp(row.closed_at, UTC).isoformat(timespec="seconds") if row.closed_at else "open"
        table.add_row(
            closed,
            row.provider,
            row.model,
            row.end.value if row.end else "",
            row.reason.value if row.reason else "",
            str(row.usage.total) if row.usage else "unknown",
            usd_text(row.cost_usd) if row.cost_usd is not None else "unknown",
        )
    return table
