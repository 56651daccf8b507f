"""The `pointsman` command, run inside the test's process: fast, and with an environment of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping

from typer.testing import CliRunner, Result

from router.cli.commands import app


def run(*words: object, env: Mapping[str, str] | None = None) -> Result:
    """What `pointsman <words>` did. Its environment is `env` and nothing else."""
    without = dict.fromkeys(os.environ)
    return CliRunner().invoke(app, [str(word) for word in words], env={**without, "COLUMNS": "200", **(env or {})})


def given_to(*words: object, text: str) -> Result:
    """The same without an environment, and with `text` on its standard input."""
    without = dict.fromkeys(os.environ)
    return CliRunner().invoke(app, [str(word) for word in words], env={**without, "COLUMNS": "200"}, input=text)


async def run_beside(*words: object, env: Mapping[str, str] | None = None) -> Result:
    """The same in a thread, so that a router in the test's loop can answer it."""
    return await asyncio.to_thread(run, *words, env=env)
