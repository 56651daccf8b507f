"""`pointsman secrets`: the encrypted store."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import typer
from msgspec import Struct

from actors.runtime.ports import SystemWall
from router.app.vaults import store_of
from router.cli.acts import carry_acts, keep_act
from router.cli.configuration import or_exit, origin_of
from router.cli.console import Column, listing, printed
from router.settings import ConfigInvalid, Origin, Safe, VaultError
from router.settings.vault import is_name
from router.store.journal import JournalError


class Acted(Struct, frozen=True, kw_only=True):
    """What a command has done: the act that is kept of it, and what is said."""

    act: str
    subject: str
    said: str


def put(file: Path | None, name: str) -> int:
    """Store a value from standard input, without the line break at its end, or from a prompt that shows nothing."""
    if not is_name(name):
        typer.echo("pointsman: a secret's name is letters, digits, '.', '_', '-' and '/'", err=True)
        return 2
    text = typer.prompt(name, hide_input=True) if sys.stdin.isatty() else sys.stdin.read().rstrip("\r\n")
    if not text:
        typer.echo("pointsman: no value came on standard input", err=True)
        return 2
    now = SystemWall().now()
    act = Acted(act="secret.set", subject=name, said=f"{name} is stored; write secret:{name}")
    return _done(file, lambda safe: safe.open_or_make().put({name: text}, now), act)


def names(file: Path | None, *, as_json: bool) -> int:
    """A line for each."""
    found: dict[str, float] = {}

    def read(safe: Safe) -> None:
        found.update({name: kept.at for name, kept in safe.open().read().items()})

    status = _done(file, read, None)
    if status == 0 and as_json:
        typer.echo(msgspec.json.encode({"secrets": [{"name": name, "set_at": at} for name, at in found.items()]}))
    elif status == 0:
        rows = ((name, f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}") for name, at in sorted(found.items()))
        printed(listing((Column(title="secret"), Column(title="set (UTC)")), rows))
    return status


def remove(file: Path | None, name: str) -> int:
    """1 where there is none of that name."""

    def forget(safe: Safe) -> None:
        if not safe.open().remove(name):
            raise VaultError(f"no secret {name} is stored")

    return _done(file, forget, Acted(act="secret.removed", subject=name, said=f"{name} is forgotten"))


def rotate(file: Path | None) -> int:
    """Under a new key of ours, or under the first of several that somebody else has set."""

    def seal(safe: Safe) -> None:
        if safe.rotates:
            safe.rotate()
        else:
            safe.reseal()

    said = "the store is sealed with the new key; the old one opens it no more"
    return _done(file, seal, Acted(act="secrets.rotated", subject="the store of secrets", said=said))


def _done(file: Path | None, act: Callable[[Safe], object], acted: Acted | None) -> int:
    origin = origin_of(file)
    try:
        act(or_exit(file, origin.safe))
    except VaultError as error:
        typer.echo(f"pointsman: {error}", err=True)
        return 1
    if acted is None:
        return 0
    typer.echo(acted.said)
    try:
        keep_act(origin.home(), acted.act, acted.subject)
    except JournalError as error:
        typer.echo(f"pointsman: it is done, and the audit log does not have it: {error}", err=True)
        return 1
    _carry(origin)
    return 0


def _carry(origin: Origin) -> None:
    """To the store, where there is one that can be reached: a configuration may still lack a secret."""
    with suppress(ConfigInvalid, JournalError):
        settings = origin.read()
        store = store_of(settings.ledger)
        try:
            store.open()
            carry_acts(settings.home, store)
        finally:
            store.close()
