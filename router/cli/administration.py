"""`pointsman config` and `pointsman keys`: what a running router is changed by."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from router.cli.options import Address, AsJson, Config, Whose, Wide

configuration = typer.Typer(
    name="config", help="The configuration: as it is written, and of a running router.", no_args_is_help=True
)
keys = typer.Typer(
    name="keys", help="Client keys of a running router; its admin key in POINTSMAN_ADMIN_KEY.", no_args_is_help=True
)

cache = typer.Typer(name="cache", help="Answers that a running router keeps.", no_args_is_help=True)


class Section(StrEnum):
    """What has entries that can be changed at run time."""

    PROVIDERS = "providers"
    GROUPS = "groups"


Settings = Annotated[
    list[str] | None,
    typer.Argument(help="KEY=VALUE as in the configuration: models=[a]. A value of - is read from standard input."),
]


@configuration.command("show")
def show_configuration(url: Address = None, config: Whose = None, json: AsJson = False) -> None:
    """Which configuration a running router serves by; with --json all of it, secrets as ***."""
    from router.cli import operation
    from router.cli.place import place_of

    raise typer.Exit(operation.config_in_force(place_of(url, config), as_json=json))


@configuration.command("reload")
def reload_configuration(url: Address = None, config: Whose = None, json: AsJson = False) -> None:
    """Have a running router read its configuration again; it keeps the old one where the new one is invalid."""
    from router.cli import operation
    from router.cli.place import place_of

    raise typer.Exit(operation.config_reload(place_of(url, config), as_json=json))


@configuration.command("list")
def list_entries(section: Section, url: Address = None, config: Whose = None, json: AsJson = False) -> None:
    """The providers or failover groups of a running router, as they are written."""
    from router.cli import entries
    from router.cli.place import place_of

    raise typer.Exit(entries.all_of(place_of(url, config), section, as_json=json))


@configuration.command("add")
def add_entry(
    section: Section,
    name: str,
    settings: Settings = None,
    url: Address = None,
    config: Whose = None,
    json: AsJson = False,
) -> None:
    """Add a provider or a group while serving: `config add groups pair targets=[one:m,two:m]`."""
    from router.cli import entries
    from router.cli.place import place_of

    raise typer.Exit(entries.add(place_of(url, config), section, name, settings or [], as_json=json))


@configuration.command("change")
def change_entry(
    section: Section,
    name: str,
    settings: Settings = None,
    url: Address = None,
    config: Whose = None,
    json: AsJson = False,
) -> None:
    """Change some keys of one while serving; a value of null takes a key away."""
    from router.cli import entries
    from router.cli.place import place_of

    raise typer.Exit(entries.change(place_of(url, config), section, name, settings or [], as_json=json))


@configuration.command("remove")
def remove_entry(section: Section, name: str, url: Address = None, config: Whose = None, json: AsJson = False) -> None:
    """Remove one while serving, also one that the file has; what it is doing it ends."""
    from router.cli import entries
    from router.cli.place import place_of

    raise typer.Exit(entries.remove(place_of(url, config), section, name, as_json=json))


@configuration.command("revert")
def revert_entry(section: Section, name: str, url: Address = None, config: Whose = None, json: AsJson = False) -> None:
    """Take back what was changed of one at run time: it is what the file has, or gone where the file has none."""
    from router.cli import entries
    from router.cli.place import place_of

    raise typer.Exit(entries.revert(place_of(url, config), section, name, as_json=json))


@configuration.command("retry-keys")
def retry_keys(provider: str, url: Address = None, config: Whose = None, json: AsJson = False) -> None:
    """Have keys tried again that a provider refused, or whose account it called empty."""
    from router.cli import entries
    from router.cli.place import place_of

    raise typer.Exit(entries.retry_keys(place_of(url, config), provider, as_json=json))


@configuration.command("export")
def export(config: Config = None) -> None:
    """Print the configuration as one file, changes at run time included; what was written out is *** and is listed."""
    from router.cli import config as command

    raise typer.Exit(command.export(config))


@keys.command("create")
def create_key(  # noqa: PLR0913 an option each
    name: str,
    owner: Annotated[str, typer.Option(help="Whose it is.")] = "",
    group: Annotated[str, typer.Option(help="Keys of one group share what is kept.")] = "",
    set: Annotated[list[str] | None, typer.Option(help="KEY=VALUE as in the configuration: models=[chat].")] = None,
    url: Address = None,
    config: Whose = None,
    json: AsJson = False,
) -> None:
    """Make a client key and print it, this once."""
    from router.cli import keys as command
    from router.cli.place import place_of

    raise typer.Exit(command.create(place_of(url, config), name, command.given(owner, group, set or []), as_json=json))


@keys.command("list")
def list_keys(url: Address = None, config: Whose = None, json: AsJson = False, wide: Wide = False) -> None:
    """Every client key, by name; the keys themselves are not kept."""
    from router.cli import keys as command
    from router.cli.place import place_of

    raise typer.Exit(command.names(place_of(url, config), as_json=json))


@keys.command("change")
def change_key(
    name: str,
    settings: Settings = None,
    url: Address = None,
    config: Whose = None,
    json: AsJson = False,
) -> None:
    """Change what a client key may; a value of null takes a restriction away."""
    from router.cli import keys as command
    from router.cli.place import place_of

    raise typer.Exit(command.change(place_of(url, config), name, settings or [], as_json=json))


@keys.command("rotate")
def renew_key(
    name: str,
    overlap_s: Annotated[float, typer.Option(help="Seconds for which the key before works still.")] = 86_400.0,
    url: Address = None,
    config: Whose = None,
    json: AsJson = False,
) -> None:
    """Make another key for the same name and print it, this once."""
    from router.cli import keys as command
    from router.cli.place import place_of

    raise typer.Exit(command.rotate(place_of(url, config), name, overlap_s, as_json=json))


@keys.command("revert")
def revert_key(name: str, url: Address = None, config: Whose = None, json: AsJson = False) -> None:
    """Take back what was changed of a client key at run time: it is what the file has, or none."""
    from router.cli import keys as command
    from router.cli.place import place_of

    raise typer.Exit(command.revert(place_of(url, config), name, as_json=json))


@keys.command("revoke")
def revoke_key(name: str, url: Address = None, config: Whose = None) -> None:
    """Take a client key back: from now on it is none."""
    from router.cli import keys as command
    from router.cli.place import place_of

    raise typer.Exit(command.revoke(place_of(url, config), name))


@cache.command("purge")
def purge_cache(  # noqa: PLR0913 an option each
    all: Annotated[bool, typer.Option("--all", help="Every answer.")] = False,
    key: Annotated[str | None, typer.Option(help="Of the client key of that name.")] = None,
    model: Annotated[str | None, typer.Option(help="Of a name that is asked for, or of PROVIDER:MODEL.")] = None,
    user: Annotated[str | None, typer.Option(help="Of that end user, as callers named it.")] = None,
    url: Address = None,
    config: Whose = None,
    json: AsJson = False,
) -> None:
    """Have kept answers forgotten: all, or those that fit every option; it is an act of the audit log."""
    from router.cli import kept
    from router.cli.place import place_of

    wish = {name: value for name, value in (("key", key), ("model", model), ("user", user)) if value is not None}
    if all == bool(wish):
        raise typer.BadParameter("give --all, or one or more of --key, --model and --user")
    raise typer.Exit(kept.purge(place_of(url, config), wish or {"all": True}, as_json=json))
