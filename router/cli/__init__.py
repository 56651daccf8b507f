"""The `pointsman` command: `commands.py` lists what it can do, one file does each."""

from router.cli.commands import main

__all__ = ["main"]
