"""The `pointsman` command: `commands.py` lists what it can do, one file does each."""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 50_000
"""Allocations between two collections of the youngest generation: the default, 700, collects several times a request,
and all that is loaded again and again while it is."""


def main() -> None:
    """Entry point. Only here, where the process is ours, is anything of Python's own set."""
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
    from router.cli.commands import app

    app()
