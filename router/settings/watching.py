"""Notices that a configuration's file has become another."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

QUIET_MS = 200
"""How long a folder must be quiet: an editor writes a file in several steps."""


async def changed_file(file: Path) -> str | None:
    """Wait until the file's content is another than now. Its folder is watched, because most editors, and Kubernetes,
    put a new file in the place of the old one. None, or why it cannot be watched."""
    try:
        from watchfiles import awatch
    except ImportError as error:  # a platform without a wheel of it
        return str(error)
    before = await asyncio.to_thread(_fingerprint, file)
    try:
        async for _changes in awatch(file.parent, step=QUIET_MS, debounce=5 * QUIET_MS, recursive=False):
            after = await asyncio.to_thread(_fingerprint, file)
            # A file that is gone for a moment is one that is being written.
            if after is not None and after != before:
                return None
    except (OSError, RuntimeError) as error:
        return str(error)
    return "the watcher ended"


def _fingerprint(file: Path) -> bytes | None:
    try:
        return hashlib.sha256(file.read_bytes()).digest()
    except OSError:
        return None
