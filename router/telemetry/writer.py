"""Writes log lines without ever making the event loop wait.

A pipe whose reader sleeps blocks `write` once its 64 KiB are full, and making stderr non-blocking would do so for
every process that shares it. So lines go into a bounded queue and a thread of our own writes them, many at a time; a
line that finds the queue full is dropped and counted.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import Protocol

from router.telemetry.aside import run_aside

BATCH_LINES = 256


class LineSink(Protocol):
    """Where log lines end."""

    dropped: int

    def put(self, line: bytes) -> None:
        """Take one line, newline included; never blocks, never raises."""
        ...


class Writer:
    """Writes lines to a file descriptor that it does not own.

    Args:
        fd: where to; 2 is stderr.
        capacity: lines that may wait. A line is at most a few KiB, so this bounds memory.
    """

    def __init__(self, fd: int = 2, *, capacity: int = 8192) -> None:
        self.dropped = 0
        self._fd = fd
        self._capacity = capacity
        self._lines: deque[bytes] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="pointsman-log", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Lines that are not yet taken to be written."""
        return len(self._lines)

    def put(self, line: bytes) -> None:
        """Queue one line, newline included; dropped and counted when too many wait, or after `stop`."""
        if self._closing or len(self._lines) >= self._capacity:
            self.dropped += 1
            return
        self._lines.append(line)
        if not self._wake.is_set():
            self._wake.set()

    async def stop(self, grace_s: float = 1.0) -> bool:
        """Write what waits and end; False when that took longer than `grace_s` and lines may be lost."""
        self._closing = True
        self._wake.set()
        return await run_aside(self._thread.join, name="pointsman-log-stop", grace_s=grace_s)

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._lines:
                batch = [self._lines.popleft() for _ in range(min(BATCH_LINES, len(self._lines)))]
                if not _write_all(self._fd, b"".join(batch)):
                    self.dropped += len(batch)
            if self._closing and not self._lines:
                return


def _write_all(fd: int, block: bytes) -> bool:
    """False when the descriptor takes no more: its reader is gone, or it was closed."""
    view = memoryview(block)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except OSError:
            return False
    return True
