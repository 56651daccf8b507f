"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="YAML, TOML or JSON; left out, keys in the environment decide.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Address = Annotated[str, typer.Option("--url", help="Base URL of a running router.")]

DEFAULT_URL = "http://127.0.0.1:8094"
