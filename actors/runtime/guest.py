"""A job in another's task: what of that task is the job's, so that ending the one leaves the other alone."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol


class Stoppable(Protocol):
    """What a ladder ends: a task, or what of one is a guest's."""

    def cancel(self) -> bool:
        """Ask for the end."""
        ...

    def done(self) -> bool:
        """Whether it has ended."""
        ...

    def get_coro(self) -> Any:
        """What runs."""
        ...

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Where it runs."""
        ...


class Guest:
    """Runs `coro` in the current task. Its own cancellations are taken back when it leaves; its host's are not."""

    __slots__ = ("_before", "_cancels", "_coro", "_host", "_over")

    def __init__(self, coro: Coroutine[Any, Any, Any]) -> None:
        host = asyncio.current_task()
        assert host is not None
        self._coro = coro
        self._host = host
        self._before = host.cancelling()
        self._cancels = 0
        self._over = False

    def cancel(self) -> bool:
        """Ask for the end."""
        self._cancels += 1
        return self._host.cancel()

    def done(self) -> bool:
        """Whether it has left."""
        return self._over

    def get_coro(self) -> Coroutine[Any, Any, Any]:
        """What runs; the host's own frames, which await it, are not in it."""
        return self._coro

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Where it runs."""
        return self._host.get_loop()

    @property
    def loses_host(self) -> bool:
        """Whether somebody wants the host to end."""
        return self._host.cancelling() - self._cancels > self._before

    async def leave(self, *, felt: bool) -> None:
        """It has ended; what it was asked is not to be felt by its host. Raises `CancelledError` where the host is to
        end too.

        Args:
            felt: whether it ended by being cancelled.
        """
        self._over = True
        if self._cancels and not felt:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)  # asked too late to feel it
        loses_host = (felt or self._cancels > 0) and self.loses_host
        for _ in range(self._cancels):
            self._host.uncancel()
        if loses_host:
            raise asyncio.CancelledError


class Begun:
    """A task that takes its first step whenever it is cancelled: until then, what its coroutine has to give back is in
    nobody's hands."""

    __slots__ = ("_cancelled", "_coro", "_runs", "task")

    def __init__(self, coro: Coroutine[Any, Any, None], name: str) -> None:
        self._coro = coro
        self._runs = self._cancelled = False
        self.task = asyncio.get_running_loop().create_task(self._run(), name=name)

    async def _run(self) -> None:
        self._runs = True
        if self._cancelled:
            self.task.cancel()  # felt where it first waits
        await self._coro

    def cancel(self) -> bool:
        """Ask for the end."""
        self._cancelled = True
        return self.task.cancel() if self._runs else True

    def done(self) -> bool:
        """Whether it has ended."""
        return self.task.done()

    def get_coro(self) -> Coroutine[Any, Any, None]:
        """What runs."""
        return self._coro

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Where it runs."""
        return self.task.get_loop()
