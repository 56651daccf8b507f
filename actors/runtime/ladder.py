"""Ending a task that does not want to end.

`Task.cancel` is a request: a coroutine may catch `CancelledError` and go on. So it is asked several times; then its
frames are closed under it (`GeneratorExit`, which `except CancelledError` does not catch; synchronous `finally` blocks
still run) and the task, which now has nothing to run, is poked. A coroutine that survives even that is given up and
counted.
Closing the frames is CPython behaviour that no document promises; a test pins it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from actors.runtime.guest import Stoppable

CANCEL_EVERY_S = 0.01
CANCELS = 5


class Ladder:
    """The rungs for one task. `fired` once the first has been taken, `closed` once its frames were closed."""

    __slots__ = ("_at_s", "_given_up", "_loop", "_rung", "_task", "_timer")

    def __init__(self, task: Stoppable, given_up: Callable[[], None]) -> None:
        self._task = task
        self._loop = task.get_loop()
        self._given_up = given_up
        self._rung = 0
        self._timer: asyncio.TimerHandle | None = None
        self._at_s = float("inf")

    @property
    def fired(self) -> bool:
        """Whether the task has been cancelled by this ladder."""
        return self._rung > 0

    @property
    def closed(self) -> bool:
        """Whether the task's frames were closed under it."""
        return self._rung > CANCELS

    def climb(self, after_s: float) -> None:
        """Begin `after_s` from now. Of several beginnings the earliest counts."""
        at_s = self._loop.time() + after_s
        if self.fired or self._task.done() or at_s >= self._at_s:
            return
        self.stop()
        self._at_s = at_s
        if after_s <= 0:
            self._step()
        else:
            self._timer = self._loop.call_later(after_s, self._step)

    def stop(self) -> None:
        """The task has ended; no rung is taken any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _step(self) -> None:
        self._timer = None
        if self._task.done():
            return
        self._rung += 1
        if self._rung > CANCELS + 1:
            self._given_up()
            return
        if self._rung > CANCELS:
            self._close_frames()
        self._task.cancel()
        self._timer = self._loop.call_later(CANCEL_EVERY_S, self._step)

    def _close_frames(self) -> None:
        coroutine = self._task.get_coro()
        if coroutine is None:
            return
        try:
            coroutine.close()
        except (RuntimeError, ValueError):
            return  # it ignored GeneratorExit, or is the one that runs now: the next rung gives it up
