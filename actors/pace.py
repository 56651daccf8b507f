"""The Pace actor: one provider's slots, the queue for them, and the quiet the provider asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import assert_never

from msgspec import Struct

from actors.messages import Acquire, Acquired, Busy, CooledDown
from actors.runtime import Actor, Down, Exit, Job, Reply, Snapshot
from router.policy.pace import (
    Granted,
    Lane,
    PaceRules,
    Queued,
    Refused,
    Waiter,
    next_cooled,
    next_left,
    next_returned,
    next_served,
    next_slot,
)


class WaitOver(Struct, frozen=True, kw_only=True):
    """Pace to itself: somebody in the queue may have waited long enough."""


class Pace(Actor):
    """Gives slots to attempts, first come first served; takes them back when the attempts end.

    Accepts `Acquire` -> `Acquired | Busy`, at once or when a slot comes free, and `CooledDown` (fact). A job holds one
    slot, however often it asks. Publishes the monotonic end of the quiet, 0 for none.

    A restart loses the queue (who waits is told that the actor died) and the average hold time; it finds the slots in
    use from the live jobs and the quiet from what was published.

    Args:
        live_jobs: the jobs of the attempts under way at this provider.
        cool_until_s: where the quiet is published.
    """

    def __init__(
        self, *, rules: PaceRules, cool_until_s: Snapshot[float], live_jobs: Callable[[], Iterable[Job]] = tuple
    ) -> None:
        super().__init__()
        self._rules = rules
        self._cool_until_s = cool_until_s
        self._live_jobs = live_jobs
        self._timer: asyncio.TimerHandle | None = None  # here, because `on_stop` runs after a failed start too

    async def on_start(self) -> None:
        """Find what is held and begin with an empty queue."""
        self._holding: dict[Job, float] = {}
        self._waiting: dict[int, tuple[Job, Reply]] = {}
        self._tickets = 0
        self._lane = Lane(cool_until_s=self._cool_until_s.value)
        if self._rules.max_parallel is not None:
            for job in self._live_jobs():
                self._hold(job)
                self.monitor(job)
            self._lane = Lane(held=len(self._holding), cool_until_s=self._cool_until_s.value)

    def on_receive(self, message: Acquire | CooledDown | WaitOver) -> Acquired | Busy | Reply | None:
        """Give, queue or refuse; what moves the queue answers those in it."""
        match message:
            case Acquire():
                return self._acquire(message)
            case CooledDown():
                self._lane = next_cooled(self._lane, message.until_s, self.ports.clock.now(), self._rules)
                self._cool_until_s.publish(self._lane.cool_until_s)
                self._move_on()
            case WaitOver():
                self._move_on()
            case _:
                assert_never(message)
        return None

    def on_down(self, down: Down) -> None:
        """An attempt ended: its slot, or its place in the queue, is free."""
        job = down.target
        if not isinstance(job, Job):
            return
        since_s = self._holding.pop(job, None)
        if since_s is not None:
            self._lane = next_returned(self._lane, self.ports.clock.now() - since_s)
        self._drop(ticket for ticket, (waiter, _) in self._waiting.items() if waiter is job)
        self._move_on()

    async def on_stop(self, reason: Exit) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _acquire(self, message: Acquire) -> Acquired | Busy | Reply:
        if message.job in self._holding:
            return Acquired()
        self._tickets += 1
        waiter = Waiter(ticket=self._tickets, deadline_s=message.deadline_s)
        self._lane, answer = next_slot(self._lane, waiter, self.ports.clock.now(), self._rules)
        match answer:
            case Granted():
                if self._rules.max_parallel is not None:
                    self._hold(message.job)
                    self.monitor(message.job)
                return Acquired()
            case Refused():
                return Busy(retry_after_s=answer.retry_after_s, cooling=answer.cooling)
            case Queued():
                reply = self.defer_reply()
                self._waiting[waiter.ticket] = (message.job, reply)
                self.monitor(message.job)
                self._set_timer()
                return reply
            case _:
                assert_never(answer)

    def _hold(self, job: Job) -> None:
        self._holding[job] = self.ports.clock.now()

    def _drop(self, tickets: Iterable[int]) -> None:
        """Take these out of the queue: nobody is left to use a slot."""
        for ticket in tuple(tickets):
            self._waiting.pop(ticket)[1].set(Busy(retry_after_s=0.0))
            self._lane = next_left(self._lane, ticket)

    def _move_on(self) -> None:
        """Answer all whose turn or whose end it is; a slot given to an asker that has given up would be lost."""
        gone = [(ticket, job) for ticket, (job, reply) in self._waiting.items() if reply.done]
        self._drop(ticket for ticket, _ in gone)
        for _, job in gone:
            self.demonitor(job)
        now = self.ports.clock.now()
        self._lane, served, refused = next_served(self._lane, now, self._rules)
        for ticket in served:
            job, reply = self._waiting.pop(ticket)
            self._hold(job)
            reply.set(Acquired())
        for ticket in refused:
            job, reply = self._waiting.pop(ticket)
            self.demonitor(job)
            quiet_s = self._lane.cool_until_s - now
            reply.set(Busy(retry_after_s=max(quiet_s, self._lane.hold_s), cooling=quiet_s > 0))
        self._set_timer()

    def _set_timer(self) -> None:
        """Ring when the first in the queue has waited long enough."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lane.queue:
            wait_s = min(waiter.deadline_s for waiter in self._lane.queue) - self.ports.clock.now()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(wait_s, 0.0), self.ref.tell, WaitOver())
