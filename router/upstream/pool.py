"""Connections to one address that wait for the next request."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import cast

from aiohttp.connector import Connection

from router.upstream.link import Link

_SOON_S = 0.001
"""As good as now."""


class Pool:
    """The one used last is used first: fewer stay open, and fewer prove dead.

    aiohttp's connector keeps the account of what is open; its own pool is asked only for what is sent by its own
    session, since it takes twenty calls to give a connection and have it back.

    Args:
        idle_s: an unused connection is kept that long.
    """

    __slots__ = ("_idle", "_idle_s", "_loop", "_timer")

    def __init__(self, idle_s: float) -> None:
        self._idle_s = idle_s
        self._idle: deque[tuple[Connection, float]] = deque()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def take(self) -> Connection | None:
        """One that is open still."""
        while self._idle:
            connection, _ = self._idle.pop()
            if cast(Link, connection.protocol).is_connected():
                return connection
            connection.close()
        return None

    def give(self, connection: Connection, link: Link) -> None:
        """Keep one whose answer has ended, unless it cannot be used again: it is to be closed, or has not sent the
        whole request yet, and what is left of that would be the beginning of the next one."""
        if link.should_close or link.transport is None or link.transport.get_write_buffer_size():
            connection.close()
            return
        link.resting = True
        until_s = self._loop.time() + self._idle_s
        self._idle.append((connection, until_s))
        if self._timer is None:
            self._timer = self._loop.call_at(until_s, self._expire)

    def close(self) -> None:
        """Close all that wait."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._idle:
            self._idle.pop()[0].close()

    def _expire(self) -> None:
        self._timer = None
        # A timer may go off a little early: one that was set again for this very moment would go off for ever.
        now_s = self._loop.time() + _SOON_S
        while self._idle and self._idle[0][1] <= now_s:
            self._idle.popleft()[0].close()
        if self._idle:
            self._timer = self._loop.call_at(self._idle[0][1], self._expire)
