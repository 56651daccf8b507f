"""Finding a configuration, and saying plainly what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import typer

from router.app import kind_rules
from router.settings import ConfigInvalid, KindRules, Settings, from_environment, load


def settings_or_exit(file: Path | None) -> Settings:
    """The settings of a file, or of the environment alone; exits as `or_exit`."""
    return or_exit(file, lambda: read_settings(file, kind_rules()))


def read_settings(file: Path | None, kinds: Mapping[str, KindRules]) -> Settings:
    """The settings of a file, or of the environment alone. Raises `ConfigInvalid`."""
    return from_environment(os.environ, kinds) if file is None else load(file, os.environ, kinds)


def or_exit(file: Path | None, read: Callable[[], Settings]) -> Settings:
    """What `read` gives; exits with status 2 and every fault when it cannot be used."""
    try:
        return read()
    except ConfigInvalid as invalid:
        typer.echo(f"pointsman: the configuration {file or 'from the environment'} cannot be used:", err=True)
        for fault in invalid.faults:
            typer.echo(f"  {fault}", err=True)
        raise typer.Exit(2) from None
