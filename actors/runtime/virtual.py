"""A loop whose time jumps when every task waits: a minute of timeouts takes no time, and a run can be repeated.

Nothing real may happen on it: no sockets, no threads. When nothing can run and no timer is set, the run would hang; it
raises instead.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from itertools import count
from typing import Any, NoReturn, TypeVar

from actors.runtime.ports import Ports

T = TypeVar("T")
EPOCH_S = 1_700_000_000.0


class SimDeadlock(RuntimeError):
    """Nothing can run and nothing is due, or time stands still: what is awaited will never come."""


MOST_TURNS = 1_000_000
"""Within one moment: what takes more goes round and round."""


_SWEEP_ABOVE = 100
"""Cancelled timers are swept out when there are more of them, and more than half of all: asyncio's own measure."""


class _Ready(asyncio.Handle):
    """As asyncio's, which also looks for its loop's debug mode, on each of some forty calls an exchange."""

    __slots__ = ()

    def __init__(self, callback: Any, args: tuple[Any, ...], loop: Any, context: Context | None) -> None:
        own: Any = self
        own._context = copy_context() if context is None else context
        own._loop, own._callback, own._args = loop, callback, args
        own._cancelled = False
        own._repr = own._source_traceback = None


class _Timer(_Ready, asyncio.TimerHandle):
    """The same of asyncio's that is due at a time."""

    __slots__ = ()

    def __init__(self, when: float, callback: Any, args: tuple[Any, ...], loop: Any, context: Context | None) -> None:
        super().__init__(callback, args, loop, context)
        own: Any = self
        own._when, own._scheduled = when, True


_Due = tuple[float, int, _Timer]
"""When, and how many were set before it: of two for one moment the first comes first, and none is compared."""


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop in virtual time, from 0.

    Args:
        seed: of the shuffle, and what `virtual_ports` draws from when given none.
        shuffle: run what is ready at one moment in random order. Transports that rely on order do not survive that.
    """

    _closed: bool
    _stopping: bool
    _ready: deque[Any]
    _scheduled: list[_Due]
    _timer_cancelled_count: int

    def __init__(self, *, seed: int = 0, shuffle: bool = False) -> None:
        super().__init__()
        self.seed = seed
        self._now_s = self._due_s = 0.0
        self._timers = count()
        self._turns = 0
        self._chance = random.Random(seed) if shuffle else None

    @property
    def timers(self) -> tuple[asyncio.TimerHandle, ...]:
        """Those that are set and not cancelled."""
        return tuple(timer for _, _, timer in self._scheduled if not timer.cancelled())

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now_s

    def call_at(  # type: ignore[override]  # as below
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As asyncio's, without a look for its debug mode, and in the order in which they were set."""
        if self._closed:
            raise RuntimeError("the loop is closed")
        timer = _Timer(when, callback, args, self, context)
        heapq.heappush(self._scheduled, (when, next(self._timers), timer))
        return timer

    def call_soon(  # type: ignore[override]  # typeshed ties `args` to `callback`, which nothing here needs
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """As asyncio's, without a look for its debug mode."""
        if self._closed:
            raise RuntimeError("the loop is closed")
        handle = _Ready(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> NoReturn:  # type: ignore[override]
        """Never: a thread would make the run unrepeatable."""
        raise RuntimeError(f"a thread in virtual time: {func}")

    def _process_events(self, event_list: Any) -> None:
        """There are none."""

    def _write_to_self(self) -> NoReturn:
        raise RuntimeError("call_soon_threadsafe in virtual time: a thread is at work")

    def _run_once(self) -> None:
        """One turn: what is due becomes ready, and what is ready runs once. In the place of asyncio's own, which asks a
        selector and the clock each time: half of what a turn costs."""
        self._turns += 1
        if self._turns > MOST_TURNS:
            self._turns = 0
            raise SimDeadlock(f"time stands still at {self._now_s:g}: next is {self._ready or self.timers[:1]}")
        ready = self._ready
        self._ripen(self._scheduled, ready)
        if self._chance is not None and len(ready) > 1:
            self._chance.shuffle(ready)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def _ripen(self, timers: list[Any], ready: deque[Any]) -> None:
        """Move what is due to what is ready; when nothing is, jump to the next timer, exactly."""
        while timers and timers[0][2]._cancelled:
            self._timer_cancelled_count -= 1
            heapq.heappop(timers)[2]._scheduled = False
        if not ready and not self._stopping:
            if not timers:
                waiting = sorted(task.get_name() for task in asyncio.all_tasks(self))
                raise SimDeadlock(f"nothing can run and no timer is set; waiting: {', '.join(waiting)}")
            self._jump(timers[0][0])
        while timers and timers[0][0] < self._due_s:
            handle = heapq.heappop(timers)[2]
            handle._scheduled = False
            self._timer_cancelled_count -= handle._cancelled
            ready.append(handle)
        if self._timer_cancelled_count > _SWEEP_ABOVE and self._timer_cancelled_count > len(timers) // 2:
            self._sweep(timers)

    def _jump(self, when_s: float) -> None:
        if when_s > self._now_s:
            self._now_s, self._turns = when_s, 0
        # What is due must lie before now plus a step: a fixed one drowns in the rounding of a late hour.
        self._due_s = self._now_s + max(1e-9, 2 * math.ulp(self._now_s))

    def _sweep(self, timers: list[Any]) -> None:
        kept = [due for due in timers if not due[2]._cancelled]
        for _, _, handle in timers:
            handle._scheduled = not handle._cancelled
        timers[:] = kept
        heapq.heapify(timers)
        self._timer_cancelled_count = 0


def run_virtual(
    main: Coroutine[Any, Any, T], *, seed: int = 0, shuffle: bool = False, make_loop: type[VirtualLoop] = VirtualLoop
) -> T:
    """Run `main` to its end in virtual time, then cancel what it left running.

    Args:
        make_loop: a kind of virtual loop that can do more.

    Raises:
        SimDeadlock: it waits for something that will never come.
    """
    loop = make_loop(seed=seed, shuffle=shuffle)
    try:
        return loop.run_until_complete(main)
    finally:
        try:
            _cancel_rest(loop)
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()


def _cancel_rest(loop: VirtualLoop) -> None:
    rest = sorted(asyncio.all_tasks(loop), key=lambda task: task.get_name())
    for task in rest:
        task.cancel()
    for task in rest:
        try:
            loop.run_until_complete(asyncio.wait_for(asyncio.wait([task]), 60.0))
        except TimeoutError:
            raise SimDeadlock(f"{task.get_name()} does not end when cancelled") from None


class _LoopClock:
    """`now` is the loop's own: an exchange reads it some forty times."""

    __slots__ = ("now",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.now = loop.time


class _LoopWall:
    __slots__ = ("_loop",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        """Epoch seconds."""
        return EPOCH_S + self._loop.time()


class _CountedIds:
    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = 0

    def new(self, prefix: str) -> str:
        """The next number."""
        self._count += 1
        return f"{prefix}-{self._count:06d}"


def virtual_ports(loop: asyncio.AbstractEventLoop | None = None, seed: int | None = None) -> Ports:
    """Ports whose clocks are the loop's, whose chance is seeded and whose ids count up from 1."""
    loop = loop or asyncio.get_running_loop()
    chance = getattr(loop, "seed", 0) if seed is None else seed
    rng = random.Random(chance)
    return Ports(clock=_LoopClock(loop), wall=_LoopWall(loop), rng=rng, ids=_CountedIds())
