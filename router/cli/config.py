"""`pointsman config`: the document, with what was changed at run time."""

from __future__ import annotations

from pathlib import Path

import typer

from router.cli.configuration import or_exit, origin_of


def export(file: Path | None) -> int:
    """Print it as YAML; on stderr what is to be filled in before it works."""
    found = or_exit(file, origin_of(file).export)
    typer.echo(found.text, nl=False)
    for place in found.missing:
        typer.echo(
            f"pointsman: {place} was written out and is not shown; fill it in where the export has ***", err=True
        )
    return 0
