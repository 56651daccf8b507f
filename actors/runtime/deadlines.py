"""The deadlines of all asks of a system behind one timer.

A timer per ask costs as much as the rest of the ask and leaves its handle in the loop's heap until the deadline. Here
an ask adds a tuple; the timer is set anew only for a deadline earlier than the one it is set for, and answered asks are
swept out.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable

from actors.runtime.failures import AskTimeout
from actors.runtime.reply import Reply

_SLACK_S = 1e-9
_SWEEP_ABOVE = 64


class Deadlines:
    """Fails a reply with `AskTimeout` at its deadline, in the clock of the ports.

    Args:
        now: monotonic seconds.
    """

    __slots__ = ("_armed_s", "_count", "_heap", "_now", "_open", "_timer")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._heap: list[tuple[float, int, Reply, str]] = []
        self._count = 0
        self._open = 0
        self._timer: asyncio.TimerHandle | None = None
        self._armed_s = float("inf")

    def add(self, reply: Reply, timeout_s: float, name: str) -> float:
        """Watch over a reply; the deadline it has. `settle` must follow, whatever became of it."""
        now = self._now()
        deadline_s = now + timeout_s
        self._count += 1
        self._open += 1
        heapq.heappush(self._heap, (deadline_s, self._count, reply, name))
        if deadline_s < self._armed_s:
            self._arm(deadline_s, now)
        return deadline_s

    def settle(self, reply: Reply) -> None:
        """Nobody waits for a reply any more."""
        self._open -= 1
        reply.waiter.cancel()  # no effect on one that came
        heap = self._heap
        while heap and heap[0][2].waiter.done():
            heapq.heappop(heap)
        if len(heap) > _SWEEP_ABOVE and len(heap) > 2 * self._open:
            self._heap = [entry for entry in heap if not entry[2].waiter.done()]
            heapq.heapify(self._heap)

    def stop(self) -> None:
        """Give the timer back; no deadline is kept any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._armed_s = None, float("inf")

    def _arm(self, deadline_s: float, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_s = deadline_s
        self._timer = asyncio.get_running_loop().call_later(deadline_s - now, self._ring)

    def _ring(self) -> None:
        self._timer, self._armed_s = None, float("inf")
        now = self._now()
        heap = self._heap
        while heap and (heap[0][0] <= now + _SLACK_S or heap[0][2].waiter.done()):
            _, _, reply, name = heapq.heappop(heap)
            reply.fail(AskTimeout(name))
        if heap:
            self._arm(heap[0][0], now)
