"""`pointsman check`: validate, start nothing."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import typer

from router.app import kind_rules
from router.settings import ConfigInvalid, load


def run(file: Path, *, as_json: bool) -> int:
    """0 when the file can be used, 1 with every fault when not."""
    faults: tuple[object, ...] = ()
    version = None
    try:
        version = load(file, os.environ, kind_rules()).version
    except ConfigInvalid as invalid:
        faults = invalid.faults
    if as_json:
        typer.echo(msgspec.json.encode({"valid": not faults, "version": version, "faults": faults}))
    elif faults:
        typer.echo(f"{file}: {len(faults)} fault{'s' if len(faults) > 1 else ''}", err=True)
        for fault in faults:
            typer.echo(f"  {fault}", err=True)
    else:
        typer.echo(f"{file}: valid, version {version}")
    return 1 if faults else 0
