"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from router.cli.console import widened

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="YAML, TOML or JSON; left out, keys in the environment decide.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Wide = Annotated[
    bool, typer.Option("--wide", callback=widened, help="Every column of a table, however narrow the terminal.")
]
Address = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="POINTSMAN_URL",
        help="Base URL of a running router; left out, that of --config, or whichever serves from the same home.",
    ),
]
Whose = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The configuration of the running router: where it is, and its admin key."),
]
