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
configuration = typer.Typer(name="config", help="The configuration as it is written.", no_args_is_help=True)
app.add_typer(secrets)
app.add_typer(configuration)


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


@app.command()
def chat(
    message: str,
    model: Annotated[str, typer.Option(help="A name from `pointsman models`.")] = "auto",
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
    """Print everything about one end user, a line of JSON for each entry."""
    from router.cli import ledger as command

    command.export(config, user)


@ledger.command("erase")
def ledger_erase(user: User, config: Config = None) -> None:
    """Take an end user's name out of every entry; what was spent stays spent."""
    from router.cli import account

    account.erase(config, user)


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


@configuration.command("export")
def export(config: Config = None) -> None:
    """Print the configuration as one file, changes at run time included; secrets are names or ***."""
    from router.cli import config as command

    raise typer.Exit(command.export(config))


def main() -> None:
    """Entry point."""
    app()
