"""`pointsman config`: the document, with what was changed at run time."""

from __future__ import annotations

from pathlib import Path

import typer

from router.cli.configuration import or_exit, origin_of


def export(file: Path | None) -> int:
    """Print it as YAML."""
    typer.echo(or_exit(file, origin_of(file).export), nl=False)
    return 0
