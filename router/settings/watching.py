"""Notices that one of a configuration's files has become another."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

QUIET_MS = 200
"""How long a folder must be quiet: an editor writes a file in several steps."""


LOOK_AGAIN_MS = 2_000
"""How often files are looked at though nothing was heard: some systems tell nothing, and a watch begins late."""


class _Unwatched(Exception):
    """The files cannot be watched; says why."""


class Watch:
    """Waits for changes of files, whichever they are at the moment. It knows them as they were when it last told, so
    that what changes between two waits is told by the second.

    Args:
        files: which they are; none where nothing is to be noticed.
        unwatched: told of a file, and why it cannot be watched.
    """

    def __init__(self, files: Callable[[], tuple[Path, ...]], unwatched: Callable[[Path, str], None]) -> None:
        self._files = files
        self._unwatched = unwatched
        self._followed: tuple[Path, ...] = ()
        self._moved = asyncio.Event()
        self._known: dict[Path, bytes | None] = {}

    def move(self) -> None:
        """They may be others."""
        if self._files() != self._followed:
            self._moved.set()

    async def changed(self) -> None:
        """Wait until the content of one is another; for ever where that cannot be told."""
        while True:
            self._moved.clear()
            files = self._followed = self._files()
            try:
                if files and await self._changed(files):
                    return
            except _Unwatched as unwatched:
                self._unwatched(files[0], str(unwatched))
            await self._moved.wait()

    async def _changed(self, files: tuple[Path, ...]) -> bool:
        """Their folders are watched, because most editors, and Kubernetes, put a new file in the place of the old one.
        False where they moved first. Raises `_Unwatched`."""
        try:
            from watchfiles import awatch
        except ImportError as error:  # a platform without a wheel of it
            raise _Unwatched(str(error)) from error
        if await self._differs(files):
            return True
        folders = dict.fromkeys(file.parent for file in files)
        try:
            async for _changes in awatch(
                *folders,
                step=QUIET_MS,
                debounce=5 * QUIET_MS,
                recursive=False,
                stop_event=self._moved,
                rust_timeout=LOOK_AGAIN_MS,
                yield_on_timeout=True,
            ):
                if await self._differs(files):
                    return True
        except (OSError, RuntimeError) as error:
            raise _Unwatched(str(error)) from error
        if not self._moved.is_set():
            raise _Unwatched("the watcher ended")
        return False

    async def _differs(self, files: tuple[Path, ...]) -> bool:
        """Whether one is not what was known of it. A file that is gone for a moment is one that is being written; of
        one that came to be followed since, nobody knows whether it was read before or after its last change."""
        now = await asyncio.to_thread(_fingerprints, files)
        found = {file: mark for file, mark in now.items() if mark is not None}
        differs = bool(self._known) and any(self._known.get(file) != mark for file, mark in found.items())
        self._known = {**{file: self._known.get(file) for file in files}, **found}
        return differs


def _fingerprints(files: tuple[Path, ...]) -> dict[Path, bytes | None]:
    return {file: _fingerprint(file) for file in files}


def _fingerprint(file: Path) -> bytes | None:
    try:
        return hashlib.sha256(file.read_bytes()).digest()
    except OSError:
        return None
