"""`pointsman check`: validate, start nothing."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import typer

from router.app import kind_rules
from router.settings import ConfigInvalid, Origin, Settings


def run(file: Path, *, as_json: bool) -> int:
    """0 when the file can be used, 1 with every fault when not. A note is no fault: a table of prices may serve several
    routers, and a name that is misspelt in it looks like one of another's. Changes at run time that this machine keeps
    for the file's router lie over it, as they do when it is served."""
    faults: tuple[object, ...] = ()
    notes: tuple[str, ...] = ()
    version = None
    try:
        settings = Origin(file, os.environ, kind_rules(), changes=True).read()
        version, notes = settings.version, (*_notes(settings), *_changed(settings))
    except ConfigInvalid as invalid:
        faults = invalid.faults
    if as_json:
        typer.echo(msgspec.json.encode({"valid": not faults, "version": version, "faults": faults, "notes": notes}))
    elif faults:
        typer.echo(f"{file}: {len(faults)} fault{'s' if len(faults) > 1 else ''}", err=True)
        for fault in faults:
            typer.echo(f"  {fault}", err=True)
    else:
        typer.echo(f"{file}: valid, version {version}")
        for note in notes:
            typer.echo(f"  {note}", err=True)
    return 1 if faults else 0


def _changed(settings: Settings) -> tuple[str, ...]:
    return tuple(
        f"{each.section}.{each.name}: {each.effect} at run time, see changes.json" for each in settings.changes
    )


def _notes(settings: Settings) -> tuple[str, ...]:
    named = dict.fromkeys(row.provider for row in settings.prices.table.rows)
    return tuple(
        f"prices.file has rows for {name}, and no provider has that name"
        for name in named
        if name not in settings.providers
    )
