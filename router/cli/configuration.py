"""Finding a configuration, and saying plainly what is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from router.app import kind_rules
from router.settings import ConfigInvalid, Settings, from_environment, load


def settings_or_exit(file: Path | None) -> Settings:
    """The settings of a file, or of the environment alone; exits with status 2 and every fault when it cannot be
    used."""
    try:
        if file is None:
            return from_environment(os.environ, kind_rules())
        return load(file, os.environ, kind_rules())
    except ConfigInvalid as invalid:
        typer.echo(f"pointsman: the configuration {file or 'from the environment'} cannot be used:", err=True)
        for fault in invalid.faults:
            typer.echo(f"  {fault}", err=True)
        raise typer.Exit(2) from None
