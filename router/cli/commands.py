"""What `pointsman` can do. A command's own module is imported when it runs: `--help` answers at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from router.cli.administration import cache, configuration, keys
from router.cli.options import Address, AsJson, Config, Whose, Wide

app = typer.Typer(
    name="pointsman",
    help="An LLM router that keeps answering.",
    no_args_is_help=True,
    # Rich's own markup would take `[a, b]` out of the examples.
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

secrets = typer.Typer(name="secrets", help="The encrypted store that `secret:NAME` reads from.", no_args_is_help=True)
app.add_typer(secrets)
app.add_typer(configuration)
app.add_typer(keys)
app.add_typer(cache)


def _told_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"pointsman {version('pointsman')}")
        raise typer.Exit


@app.callback()
def pointsman(
    version: Annotated[
        bool, typer.Option("--version", callback=_told_version, is_eager=True, help="Which version this is.")
    ] = False,
) -> None:
    """An LLM router that keeps answering."""


@app.command()
def serve(
    config: Config = None,
    port: Annotated[int | None, typer.Option(help="Instead of server.port; 0 takes a free one.")] = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C, then drain."""
    from router.cli import serve as command

    raise typer.Exit(command.run(config, port))


@app.command()
def check(file: Path, json: AsJson = False) -> None:
    """Validate a configuration without starting anything; every fault is named by its path."""
    from router.cli import check as command

    raise typer.Exit(command.run(file, as_json=json))


@app.command()
def providers(
    url: Address = None,
    config: Whose = None,
    json: AsJson = False,
    wide: Wide = False,
    credits: Annotated[bool, typer.Option("--credits", help="What those that tell it have left and charged.")] = False,
    generation: Annotated[str | None, typer.Option(help="The id of an answer, as OpenRouter gives it.")] = None,
) -> None:
    """How the providers of a running router are; or, of those in a configuration, what they say of money."""
    from router.cli import credits as money
    from router.cli import remote
    from router.cli.place import place_of

    if generation is not None:
        raise typer.Exit(money.generation(config, generation, as_json=json))
    raise typer.Exit(
        money.credits(config, as_json=json) if credits else remote.providers(place_of(url, config), as_json=json)
    )


@app.command()
def models(url: Address = None, config: Whose = None, json: AsJson = False, wide: Wide = False) -> None:
    """Every model name a running router takes."""
    from router.cli import remote
    from router.cli.place import place_of

    raise typer.Exit(remote.models(place_of(url, config), as_json=json))


Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest; 1 to 1000.")]
Cursor = Annotated[str | None, typer.Option(help="Go on with older ones, as the page before this one says.")]
Since = Annotated[str | None, typer.Option(help="A time with its zone (2026-01-31T00:00:00Z), or epoch seconds.")]
ModelName = Annotated[str, typer.Option(help="A name from `pointsman models`.")]


@app.command()
def health(url: Address = None, config: Whose = None, json: AsJson = False) -> None:
    """How a running router is, part by part."""
    from router.cli import operation
    from router.cli.place import place_of

    raise typer.Exit(operation.health(place_of(url, config), as_json=json))


@app.command()
def costs(
    url: Address = None, config: Whose = None, since: Since = None, json: AsJson = False, wide: Wide = False
) -> None:
    """What each provider of a running router cost, over all runs or since a time."""
    from router.cli import operation
    from router.cli.place import place_of

    raise typer.Exit(operation.costs(place_of(url, config), since, as_json=json))


@app.command()
def logs(  # noqa: PLR0913 an option each
    only: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE: provider, model, kind, end, reason, key, credential or since; give several."),
    ] = None,
    url: Address = None,
    config: Whose = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    json: AsJson = False,
    wide: Wide = False,
) -> None:
    """The last requests and attempts of a running router, without what was said: `pointsman logs --only end=failed`."""
    from router.cli import operation
    from router.cli.place import place_of

    raise typer.Exit(operation.logs(place_of(url, config), only or [], limit, cursor, as_json=json))


@app.command()
def audit(  # noqa: PLR0913 an option each
    only: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE: actor, act, outcome or since; give several.")
    ] = None,
    url: Address = None,
    config: Whose = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    json: AsJson = False,
    wide: Wide = False,
) -> None:
    """Who changed what of a running router, and who was let in: `pointsman audit --only outcome=denied`."""
    from router.cli import operation
    from router.cli.place import place_of

    raise typer.Exit(operation.audit(place_of(url, config), only or [], limit, cursor, as_json=json))


@app.command()
def metrics(
    provider: Annotated[str | None, typer.Argument(help="That one alone.")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Let every count of all of them begin anew.")] = False,
    url: Address = None,
    config: Whose = None,
    json: AsJson = False,
    wide: Wide = False,
) -> None:
    """What a running router counted of its providers since its start, or the last reset."""
    from router.cli import operation
    from router.cli.place import place_of

    if not reset:
        raise typer.Exit(operation.metrics(place_of(url, config), provider, as_json=json))
    if provider is not None:
        raise typer.BadParameter("counts begin anew for all providers together")
    raise typer.Exit(operation.metrics_reset(place_of(url, config), as_json=json))


@app.command()
def capabilities(url: Address = None, config: Whose = None, json: AsJson = False, wide: Wide = False) -> None:
    """What each model of a running router can do, as far as anybody said so."""
    from router.cli import operation
    from router.cli.place import place_of

    raise typer.Exit(operation.capabilities(place_of(url, config), as_json=json))


@app.command()
def estimate(  # noqa: PLR0913 an option each
    message: str,
    model: ModelName = "auto",
    max_tokens: Annotated[int | None, typer.Option(min=1, help="The longest answer, in tokens.")] = None,
    url: Address = None,
    config: Whose = None,
    json: AsJson = False,
    wide: Wide = False,
) -> None:
    """What a question would cost on each provider; nothing is sent to them."""
    from router.cli import operation
    from router.cli.place import place_of

    raise typer.Exit(operation.estimate(place_of(url, config), model, message, max_tokens, as_json=json))


@app.command()
def compare(
    message: str,
    models: Annotated[list[str], typer.Option("--model", "-m", help="A name from `pointsman models`; give several.")],
    url: Address = None,
    config: Whose = None,
    json: AsJson = False,
    wide: Wide = False,
) -> None:
    """Ask several models the same at once: answer, time and cost side by side. Each of them is paid for."""
    from router.cli import comparison
    from router.cli.place import place_of

    raise typer.Exit(comparison.compare(place_of(url, config), tuple(models), message, as_json=json))


@app.command()
def bench(  # noqa: PLR0913 an option each
    model: ModelName = "auto",
    requests: Annotated[int, typer.Option(min=1, max=10_000, help="How many requests.")] = 50,
    at_once: Annotated[int, typer.Option(min=1, max=16, help="How many of them at a time; 1 to 16.")] = 4,
    message: Annotated[str, typer.Option(help="What is asked.")] = "Say yes.",
    url: Address = None,
    config: Whose = None,
    json: AsJson = False,
) -> None:
    """How fast a running router answers whole requests. Its providers are asked, and paid, for each of them."""
    from router.cli import comparison
    from router.cli.place import place_of

    raise typer.Exit(comparison.bench(place_of(url, config), model, requests, at_once, message, as_json=json))


@app.command()
def chat(
    message: str,
    model: ModelName = "auto",
    url: Address = None,
    config: Whose = None,
) -> None:
    """Ask a running router one question and print the answer as it streams."""
    from router.cli import remote
    from router.cli.place import place_of

    raise typer.Exit(remote.chat(place_of(url, config), model, message))


ledger = typer.Typer(help="What every attempt used and cost, from where it is kept; a router may be writing to it.")
app.add_typer(ledger, name="ledger")

User = Annotated[str, typer.Option(help="The end user, as callers named it.")]


@ledger.callback(invoke_without_command=True)
def ledger_show(
    context: typer.Context,
    config: Config = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Newest entries to show; 1 to 1000.")] = 20,
    json: AsJson = False,
    wide: Wide = False,
) -> None:
    """What every attempt used and cost: sums by provider, and the newest entries."""
    from router.cli import ledger as command

    if context.invoked_subcommand is None:
        command.show(config, limit, as_json=json)


@ledger.command("migrate")
def ledger_migrate(config: Config = None) -> None:
    """Make the tables of a database, or bring them up to date, before this version's first start."""
    from router.cli import account

    account.migrate(config)


@ledger.command("verify")
def ledger_verify(config: Config = None) -> None:
    """Prove that no act of the audit log was altered, left out or moved since it was written.

    Of every chain in the store. That none is missing at the end, and that a chain was not written anew as a whole, is
    proved of the chains of this machine alone: its journals, the router's and the commands', know their last acts. Who
    can write both the store and this machine's disk can make all of it anew; send acts elsewhere against that.
    """
    from router.cli import proof

    proof.verify(config)


@ledger.command("export")
def ledger_export(user: User, config: Config = None) -> None:
    """Print everything about one end user, a line of JSON for each entry and each transcript."""
    from router.cli import ledger as command

    command.export(config, user)


@ledger.command("erase")
def ledger_erase(user: User, config: Config = None) -> None:
    """Take an end user's name out of every entry, and delete what was said; what was spent stays spent."""
    from router.cli import account

    account.erase(config, user)


@ledger.command("transcripts")
def ledger_transcripts(
    config: Config = None,
    key: Annotated[str | None, typer.Option(help="Only of that client key.")] = None,
    user: Annotated[str | None, typer.Option(help="Only of that end user, as callers named it.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many of the newest; 1 to 1000.")] = 20,
) -> None:
    """Print what was asked and answered, where that is kept, a line of JSON for each exchange, the newest first."""
    from router.cli import ledger as command
    from router.store.journal import Query

    command.transcripts(config, Query(limit=limit, key=key, user=user))


@ledger.command("rate")
def ledger_rate(
    config: Config = None,
    apply: Annotated[bool, typer.Option("--apply", help="Let the new cost be the cost.")] = False,
) -> None:
    """What every entry would cost by the prices of today and of the configuration."""
    from router.cli import account

    account.rate(config, apply=apply)


@app.command()
def drill(file: Path, url: Address = None, config: Whose = None, json: AsJson = False, wide: Wide = False) -> None:
    """Send a running router requests with faults, and see whether callers get what they should."""
    from router.cli import drill as command
    from router.cli.place import place_of

    raise typer.Exit(command.run(place_of(url, config), file, as_json=json))


@secrets.command("set")
def set_secret(name: str, config: Config = None) -> None:
    """Store a secret. Its value is read from standard input, or asked for; never an argument, which others can see."""
    from router.cli import secrets as command

    raise typer.Exit(command.put(config, name))


@secrets.command("list")
def list_secrets(config: Config = None, json: AsJson = False) -> None:
    """Names, and when each was set; no values."""
    from router.cli import secrets as command

    raise typer.Exit(command.names(config, as_json=json))


@secrets.command("remove")
def remove_secret(name: str, config: Config = None) -> None:
    """Forget a secret."""
    from router.cli import secrets as command

    raise typer.Exit(command.remove(config, name))


@secrets.command("rotate")
def rotate_key(config: Config = None) -> None:
    """Seal the store with a new key; one in POINTSMAN_SECRETS_KEY must first be put there, before the old one."""
    from router.cli import secrets as command

    raise typer.Exit(command.rotate(config))
