"""The Provider actor: owns a provider's transport and the attempts that run on it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, assert_never

from actors.attempt import Attempt
from actors.line import Line
from actors.messages import AttemptStarted, ModelMissing, Order, StartAttempt
from actors.pulses import Pulses
from actors.runtime import Actor, Exit, Job
from router.upstream.transport import Transport

Spawn = Callable[[Coroutine[Any, Any, None], str], object]
MakeTransport = Callable[[Spawn], Transport]
Lines = Callable[[str], Line | None]
"""The public name of a model -> what attempts at it share; None for one that is not served."""
MakeLines = Callable[[Transport], Lines]


class Provider(Actor):
    """Starts attempts; awaits nothing of theirs.

    Accepts `StartAttempt` -> `AttemptStarted | ModelMissing`.

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

    def on_receive(self, message: StartAttempt) -> AttemptStarted | ModelMissing:
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

    def _start(self, order: Order) -> AttemptStarted | ModelMissing:
        line = self._lines(order.target.model)
        if line is None:
            return ModelMissing()
        attempt = Attempt(order, line)
        model, pulses = order.target.model, self._pulses

        def ended(job: Job, exit: Exit) -> None:
            self._attempts.pop(job, None)
            pulses.ended(model)
            attempt.settle(job, exit)

        pulses.started(model)
        job = attempt.job = self.tasks.start(attempt.run(), name=order.attempt, on_exit=ended)
        self._attempts[job] = attempt
        # An exchange that has already ended ends the attempt here, before its first step.
        order.job.tie(job, attempt.orphaned)
        return AttemptStarted(job=job, feed=attempt.feed, used=attempt.tally.used)
