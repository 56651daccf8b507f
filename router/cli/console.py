"""Printing for people, and for the pipes they build."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextvars import ContextVar

import typer
from msgspec import Struct
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

WIDE = 100_000
"""Columns where nobody looks: a table in a pipe is cut nowhere."""

LEAST = 14
"""Cells of a terminal that text which may be broken is not made narrower than."""

_FRAME = 3
"""What a column takes beside its cells."""

_wide: ContextVar[bool] = ContextVar("wide", default=False)


class Column(Struct, frozen=True, kw_only=True):
    """One column.

    Args:
        rank: 0 is always shown; of the others the highest goes first where the terminal is too narrow.
        number: stands to the right.
        breaks: whether its text may go over several lines. What does not break is never cut into two.
    """

    title: str
    rank: int = 0
    number: bool = False
    breaks: bool = False


class Listing(Struct, frozen=True, kw_only=True):
    """A table that knows which of its columns matter most."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str | None = None
    lines: bool = False


def widened(value: bool) -> bool:
    """Have the tables of this command shown with every column, or not."""
    _wide.set(value)
    return value


def listing(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], *, caption: str | None = None, lines: bool = False
) -> Listing:
    """One with these rows."""
    return Listing(columns=tuple(columns), rows=tuple(map(tuple, rows)), caption=caption, lines=lines)


def printed(what: Listing | str) -> None:
    """Print a table as wide as its terminal, and elsewhere as wide as it is; text as it is.

    What stands in a cell may come from a provider: nothing in it is markup.
    """
    if isinstance(what, str):
        typer.echo(what)
        return
    console = Console(markup=False, emoji=False, highlight=False)
    if _wide.get() or (not console.is_terminal and "COLUMNS" not in os.environ):
        console.width = WIDE
    kept = kept_columns(what, console.width)
    console.print(_fitted(what, kept))
    # Below it and not of it: what is to be copied is not broken into lines.
    left_out = [column.title for at, column in enumerate(what.columns) if at not in kept]
    for note in (what.caption, f"not shown: {', '.join(left_out)} (--wide, --json)" if left_out else None):
        if note is not None:
            typer.echo(note)


def kept_columns(listing: Listing, width: int) -> tuple[int, ...]:
    """Which columns fit, by their place: as many as can be shown without cutting what does not break."""
    least = [_least(column, [row[at] for row in listing.rows]) for at, column in enumerate(listing.columns)]
    kept = list(range(len(least)))
    while sum(least[at] + _FRAME for at in kept) + 1 > width:
        last = max(kept, key=lambda at: (listing.columns[at].rank, at))
        if not listing.columns[last].rank:
            break
        kept.remove(last)
    return tuple(kept)


def _least(column: Column, cells: Sequence[str]) -> int:
    natural = max(map(cell_len, (column.title, *cells)))
    return max(cell_len(column.title), min(natural, LEAST)) if column.breaks else natural


def _fitted(listing: Listing, kept: tuple[int, ...]) -> Table:
    table = Table(show_lines=listing.lines)
    for at in kept:
        column = listing.columns[at]
        table.add_column(
            column.title,
            justify="right" if column.number else "left",
            no_wrap=not column.breaks,
            overflow="fold" if column.breaks else "ellipsis",
        )
    for row in listing.rows:
        table.add_row(*(row[at] for at in kept))
    return table
