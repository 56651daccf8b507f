"""Finding a configuration, and saying plainly what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import typer

from router.settings import ConfigInvalid, Origin, Settings

T = TypeVar("T")


def origin_of(file: Path | None) -> Origin:
    """A file, or the environment alone, with what was changed at run time."""
    from router.app import kind_rules  # the whole router: too long to load for whoever only asks one that runs

    return Origin(file, os.environ, kind_rules(), changes=True)


def settings_or_exit(file: Path | None) -> Settings:
    """The settings of a file, or of the environment alone; exits as `or_exit`."""
    return or_exit(file, origin_of(file).read)


def or_exit(file: Path | None, read: Callable[[], T]) -> T:
    """What `read` gives; exits with status 2 and every fault when it cannot be used."""
    try:
        return read()
    except ConfigInvalid as invalid:
        typer.echo(f"pointsman: the configuration {file or 'from the environment'} cannot be used:", err=True)
        for fault in invalid.faults:
            typer.echo(f"  {fault}", err=True)
        raise typer.Exit(2) from None
