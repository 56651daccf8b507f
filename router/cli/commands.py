"""What `pointsman` can do. A command's own module is imported when it runs: `--help` answers at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="pointsman",
    help="An LLM router that keeps answering.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="YAML, TOML or JSON; left out, keys in the environment decide.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Address = Annotated[str, typer.Option("--url", help="Base URL of a running router.")]

DEFAULT_URL = "http://127.0.0.1:8094"


secrets = typer.Typer(name="secrets", help="The encrypted store that `secret:NAME` reads from.", no_args_is_help=True)
configuration = typer.Typer(
    name="config", help="The configuration: as it is written, and of a running router.", no_args_is_help=True
)
app.add_typer(secrets)
app.add_typer(configuration)
keys = typer.Typer(
    name="keys", help="Client keys of a running router; its admin key in POINTSMAN_ADMIN_KEY.", no_args_is_help=True
)
app.add_typer(keys)


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
    url: Address = DEFAULT_URL,
    json: AsJson = False,
    credits: Annotated[bool, typer.Option("--credits", help="What those that tell it have left and charged.")] = False,
    generation: Annotated[str | None, typer.Option(help="The id of an answer, as OpenRouter gives it.")] = None,
    config: Config = None,
) -> None:
    """How the providers of a running router are; or, of those in a configuration, what they say of money."""
    from router.cli import credits as money
    from router.cli import remote

    if generation is not None:
        raise typer.Exit(money.generation(config, generation, as_json=json))
    raise typer.Exit(money.credits(config, as_json=json) if credits else remote.providers(url, as_json=json))


@app.command()
def models(url: Address = DEFAULT_URL, json: AsJson = False) -> None:
    """Every model name a running router takes."""
    from router.cli import remote

    raise typer.Exit(remote.models(url, as_json=json))


Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest; 1 to 1000.")]
Cursor = Annotated[str | None, typer.Option(help="Go on with older ones, as the page before this one says.")]
Since = Annotated[str | None, typer.Option(help="A time with its zone (2026-01-31T00:00:00Z), or epoch seconds.")]
ModelName = Annotated[str, typer.Option(help="A name from `pointsman models`.")]


@app.command()
def health(url: Address = DEFAULT_URL, json: AsJson = False) -> None:
    """How a running router is, part by part."""
    from router.cli import operation

    raise typer.Exit(operation.health(url, as_json=json))


@app.command()
def costs(url: Address = DEFAULT_URL, since: Since = None, json: AsJson = False) -> None:
    """What each provider of a running router cost, over all runs or since a time."""
    from router.cli import operation

    raise typer.Exit(operation.costs(url, since, as_json=json))


@app.command()
def logs(
    only: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE: provider, model, kind, end, reason, key, credential or since; give several."),
    ] = None,
    url: Address = DEFAULT_URL,
    limit: Limit = 20,
    cursor: Cursor = None,
    json: AsJson = False,
) -> None:
    """The last requests and attempts of a running router, without what was said: `pointsman logs --only end=failed`."""
    from router.cli import operation

    raise typer.Exit(operation.logs(url, only or [], limit, cursor, as_json=json))


@app.command()
def audit(
    only: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE: actor, act, outcome or since; give several.")
    ] = None,
    url: Address = DEFAULT_URL,
    limit: Limit = 20,
    cursor: Cursor = None,
    json: AsJson = False,
) -> None:
    """Who changed what of a running router, and who was let in: `pointsman audit --only outcome=denied`."""
    from router.cli import operation

    raise typer.Exit(operation.audit(url, only or [], limit, cursor, as_json=json))


@app.command()
def estimate(
    message: str,
    model: ModelName = "auto",
    max_tokens: Annotated[int | None, typer.Option(min=1, help="The longest answer, in tokens.")] = None,
    url: Address = DEFAULT_URL,
    json: AsJson = False,
) -> None:
    """What a question would cost on each provider; nothing is sent to them."""
    from router.cli import operation

    raise typer.Exit(operation.estimate(url, model, message, max_tokens, as_json=json))


@app.command()
def compare(
    message: str,
    models: Annotated[list[str], typer.Option("--model", "-m", help="A name from `pointsman models`; give several.")],
    url: Address = DEFAULT_URL,
    json: AsJson = False,
) -> None:
    """Ask several models the same at once: answer, time and cost side by side. Each of them is paid for."""
    from router.cli import comparison

    raise typer.Exit(comparison.compare(url, tuple(models), message, as_json=json))


@app.command()
def bench(
    model: ModelName = "auto",
    requests: Annotated[int, typer.Option(min=1, max=10_000, help="How many requests.")] = 50,
    at_once: Annotated[int, typer.Option(min=1, max=16, help="How many of them at a time; 1 to 16.")] = 4,
    message: Annotated[str, typer.Option(help="What is asked.")] = "Say yes.",
    url: Address = DEFAULT_URL,
    json: AsJson = False,
) -> None:
    """How fast a running router answers whole requests. Its providers are asked, and paid, for each of them."""
    from router.cli import comparison

    raise typer.Exit(comparison.bench(url, model, requests, at_once, message, as_json=json))


@app.command()
def chat(
    message: str,
    model: ModelName = "auto",
    url: Address = DEFAULT_URL,
) -> None:
    """Ask a running router one question and print the answer as it streams."""
    from router.cli import remote

    raise typer.Exit(remote.chat(url, model, message))


ledger = typer.Typer(help="What every attempt used and cost, from where it is kept; a router may be writing to it.")
app.add_typer(ledger, name="ledger")

User = Annotated[str, typer.Option(help="The end user, as callers named it.")]


@ledger.callback(invoke_without_command=True)
def ledger_show(
    context: typer.Context,
    config: Config = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Newest entries to show; 1 to 1000.")] = 20,
    json: AsJson = False,
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
    """Prove that no act of the audit log was altered, left out or moved."""
    from router.cli import account

    account.verify(config)


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
def drill(file: Path, url: Address = DEFAULT_URL, json: AsJson = False) -> None:
    """Send a running router requests with faults, and see whether callers get what they should.

    The admin key is taken from POINTSMAN_ADMIN_KEY.
    """
    from router.cli import drill as command

    raise typer.Exit(command.run(url, file, as_json=json))


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


@configuration.command("show")
def show_configuration(url: Address = DEFAULT_URL, json: AsJson = False) -> None:
    """Which configuration a running router serves by; with --json all of it, secrets as ***."""
    from router.cli import operation

    raise typer.Exit(operation.config_in_force(url, as_json=json))


@configuration.command("reload")
def reload_configuration(url: Address = DEFAULT_URL, json: AsJson = False) -> None:
    """Have a running router read its configuration again; it keeps the old one where the new one is invalid."""
    from router.cli import operation

    raise typer.Exit(operation.config_reload(url, as_json=json))


@keys.command("create")
def create_key(
    name: str,
    owner: Annotated[str, typer.Option(help="Whose it is.")] = "",
    group: Annotated[str, typer.Option(help="Keys of one group share what is kept.")] = "",
    set: Annotated[list[str] | None, typer.Option(help="KEY=VALUE as in the configuration: models=[chat].")] = None,
    url: Address = DEFAULT_URL,
    json: AsJson = False,
) -> None:
    """Make a client key and print it, this once."""
    from router.cli import keys as command

    raise typer.Exit(command.create(url, name, command.given(owner, group, set or []), as_json=json))


@keys.command("list")
def list_keys(url: Address = DEFAULT_URL, json: AsJson = False) -> None:
    """Every client key, by name; the keys themselves are not kept."""
    from router.cli import keys as command

    raise typer.Exit(command.names(url, as_json=json))


@keys.command("rotate")
def renew_key(
    name: str,
    overlap_s: Annotated[float, typer.Option(help="Seconds for which the key before works still.")] = 86_400.0,
    url: Address = DEFAULT_URL,
    json: AsJson = False,
) -> None:
    """Make another key for the same name and print it, this once."""
    from router.cli import keys as command

    raise typer.Exit(command.rotate(url, name, overlap_s, as_json=json))


@keys.command("revoke")
def revoke_key(name: str, url: Address = DEFAULT_URL) -> None:
    """Take a client key back: from now on it is none."""
    from router.cli import keys as command

    raise typer.Exit(command.revoke(url, name))


@configuration.command("export")
def export(config: Config = None) -> None:
    """Print the configuration as one file, changes at run time included; secrets are names or ***."""
    from router.cli import config as command

    raise typer.Exit(command.export(config))


def main() -> None:
    """Entry point."""
    app()
