"""The Provider actor: owns a provider's transport and the attempts that run on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, assert_never

from actors.attempt import Attempt
from actors.line import Line
from actors.messages import AttemptReady, AttemptStarted, Ear, ModelMissing, Order, Part, StartAttempt
from actors.pulses import Pulses
from actors.runtime import Actor, Channel, Exit, Job
from router.upstream.transport import Transport

Spawn = Callable[[Coroutine[Any, Any, None], str], object]
MakeTransport = Callable[[Spawn], Transport]
Lines = Callable[[str], Line | None]
"""The public name of a model -> what attempts at it share; None for one that is not served."""
MakeLines = Callable[[Transport], Lines]


FEED_CAPACITY = 8
"""Parts between an attempt in a task of its own and its exchange: enough that neither waits for the other's every step,
little enough that a slow reader is felt at the provider's socket within a few blocks."""


class Provider(Actor):
    """Starts attempts; awaits nothing of theirs.

    Accepts `StartAttempt` -> `AttemptStarted | AttemptReady | ModelMissing`.

    A restart loses the connections and ends the attempts under way as crashed; it rebuilds the transport from its
    maker. What is measured of its targets is published, and stays.
    """

    prompt = True

    def __init__(
        self, *, make_transport: MakeTransport, make_lines: MakeLines, attempts: dict[Job, Attempt], pulses: Pulses
    ) -> None:
        super().__init__()
        self._pulses = pulses
        self._attempts = attempts
        self._make_transport = make_transport
        self._make_lines = make_lines

    async def on_start(self) -> None:
        """Open the transport; raising here is the unit's failure to start."""
        self._transport = self._make_transport(lambda coroutine, name: self.tasks.start(coroutine, name=name))
        self._lines = self._make_lines(self._transport)
        await self._transport.start()
        self._pulses.began()

    def on_receive(self, message: StartAttempt) -> AttemptStarted | AttemptReady | ModelMissing:
        """One attempt becomes one job."""
        match message:
            case StartAttempt():
                return self._start(message.order)
            case _:
                assert_never(message)

    async def on_stop(self, reason: Exit) -> None:
        """End the attempts, then close the transport: the other way round they would blame the provider for our
        close."""
        attempts = tuple(self._attempts)
        for job in attempts:
            job.stop()
        for job in attempts:
            await job.wait()
        await self._transport.stop()

    def _start(self, order: Order) -> AttemptStarted | AttemptReady | ModelMissing:
        line = self._lines(order.target.model)
        if line is None:
            return ModelMissing()
        attempt = Attempt(order, line)
        if order.alone and not line.drains.most:
            return AttemptReady(run=partial(self._host, attempt, order), used=attempt.tally.used)
        feed: Channel[Part] = Channel(FEED_CAPACITY)
        job = self.tasks.start(
            attempt.run_apart(), name=order.attempt, on_exit=partial(self._ended, attempt, order.target.model)
        )
        self._began(attempt, order, job, feed)
        # An exchange that has already ended ends the attempt here, before its first step.
        order.job.tie(job, attempt.orphaned)
        return AttemptStarted(job=job, feed=feed, used=attempt.tally.used)

    def _host(self, attempt: Attempt, order: Order, ear: Ear) -> Awaitable[None]:
        """Run an attempt in the exchange's task. It says nothing where this provider has ended meanwhile."""
        if self.tasks.closed:
            return asyncio.sleep(0)
        job = self.tasks.admit(name=order.attempt, on_exit=partial(self._ended, attempt, order.target.model))
        self._began(attempt, order, job, ear)
        return job.host(attempt.run())

    def _began(self, attempt: Attempt, order: Order, job: Job, ear: Ear) -> None:
        self._pulses.started(order.target.model)
        attempt.job, attempt.ear = job, ear
        self._attempts[job] = attempt

    def _ended(self, attempt: Attempt, model: str, job: Job, exit: Exit) -> None:
        self._attempts.pop(job, None)
        self._pulses.ended(model)
        attempt.settle(job, exit)
