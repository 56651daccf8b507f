"""Notices that one of a configuration's files has become another."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

QUIET_MS = 200
"""How long a folder must be quiet: an editor writes a file in several steps."""


async def changed_file(*files: Path) -> str | None:
    """Wait until the content of one is another than now. Their folders are watched, because most editors, and
    Kubernetes, put a new file in the place of the old one. None, or why they cannot be watched."""
    try:
        from watchfiles import awatch
    except ImportError as error:  # a platform without a wheel of it
        return str(error)
    before = await asyncio.to_thread(_fingerprints, files)
    folders = dict.fromkeys(file.parent for file in files)
    try:
        async for _changes in awatch(*folders, step=QUIET_MS, debounce=5 * QUIET_MS, recursive=False):
            after = await asyncio.to_thread(_fingerprints, files)
            # A file that is gone for a moment is one that is being written.
            if any(now is not None and now != then for now, then in zip(after, before, strict=True)):
                return None
    except (OSError, RuntimeError) as error:
        return str(error)
    return "the watcher ended"


def _fingerprints(files: tuple[Path, ...]) -> list[bytes | None]:
    return [_fingerprint(file) for file in files]


def _fingerprint(file: Path) -> bytes | None:
    try:
        return hashlib.sha256(file.read_bytes()).digest()
    except OSError:
        return None
