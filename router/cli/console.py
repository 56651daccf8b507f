"""Printing for people, and for the pipes they build."""

from __future__ import annotations

import os

import typer
from rich.console import Console
from rich.table import Table

WIDE = 100_000
"""Columns where nobody looks: a table in a pipe is cut nowhere."""


def printed(what: Table | str) -> None:
    """Print a table as wide as its terminal, and elsewhere as wide as it is; text as it is.

    What stands in a cell may come from a provider: nothing in it is markup.
    """
    if isinstance(what, str):
        typer.echo(what)
        return
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDE
    console.print(what)
