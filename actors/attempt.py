"""One try of an exchange on one target: a job in the provider's own group, linked to its exchange.

It runs in the exchange's own task where that waits for nothing else: then nothing is handed from task to task. In one
of its own it runs where another may run beside it, where it is held back, and where it is read on for nobody.

Permit (pace, breaker) -> open the ledger entry -> send -> read, with the five clocks -> one terminal part on the feed.
All it holds is given back by its exit: the slot and the probe by the actors that watch its job, the connection by its
context manager, the entry by `settle`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any

from actors.clocks import Clocks
from actors.draft import Draft, Way, draft, read
from actors.hearing import Hearing
from actors.line import Line
from actors.messages import (
    Acquire,
    Acquired,
    AttemptCounted,
    AttemptMeasured,
    Ear,
    EntryOpened,
    Grant,
    Head,
    Knock,
    LetThrough,
    LimitsRead,
    Order,
    Unsent,
    Whole,
)
from actors.outlet import Outlet
from actors.permit import has_spare, turned_away, unanswered
from actors.pulses import Beat
from actors.runtime import (
    AskFailed,
    ChannelClosed,
    Exit,
    Job,
    forget_traceback,
)
from actors.tally import Tally, left_by_caller
from router.canon.operation import Operation
from router.errors import Reason, WireFault
from router.policy.allowance import is_scarce
from router.policy.enduser import end_user_of
from router.policy.estimate import ESTIMATES, Estimate, cannot_count
from router.policy.gauge import UNTAUGHT, prompt_bytes, reserved_ratio
from router.policy.lanes import Demand
from router.policy.reserve import reserved_tokens
from router.providers.limits import read_limits
from router.upstream.transport import Transport, UpstreamReply, UpstreamRequest

LINGER_S = 0.1
"""How long a complete answer's connection may take to end, so that it can be used again. The attempt holds its slot so
long, and most bodies end with their last event."""

Rest = Coroutine[Any, Any, None]
"""What is left to do when all is said."""


class Attempt:
    """Carries out one `Order`. `run` or `run_apart` is the job's coroutine, `settle` its exit; what it says `ear`
    hears."""

    def __init__(self, order: Order, line: Line) -> None:
        self._order = order
        self._line = line
        self.tally = Tally(order, line.provider, line.ports)
        self.ear: Ear | None = None
        self.job: Job | None = None
        self.grant: Grant | None = None
        self._probing = False
        self._clocks: Clocks | None = None
        self._beat = Beat(line.pulses, order.target.model, streamed=order.ask.stream)
        self._model = line.upstream.get(order.target.model, order.target.model)
        """The provider's own name for the target's model."""
        front = line.codecs[order.spoken].front
        assert front is not None
        self._front = front
        self._way = line.ways.get(order.operation)

    async def run_apart(self) -> None:
        """All of it, in a task of its own."""
        rest = await self.run()
        if rest is not None:
            assert self.job is not None
            self._order.job.untie(self.job)
            await rest

    async def run(self) -> Rest | None:
        """Do it all; every known failure is told as a `WireFault`. What is left to do is nothing of its exchange's."""
        remaining_s = self._order.deadline_s - self._line.ports.clock.now()
        clocks = Clocks(self._line.timeouts, remaining_s=remaining_s, streamed=self._order.ask.stream)
        self._clocks = clocks
        try:
            return await self._ask(clocks)
        except asyncio.CancelledError:
            fault = clocks.verdict()
            if fault is None:
                raise
            if not self.tally.sent:
                fault = Unsent(fault.reason, "the request's deadline passed before it could be asked")
            self._failed(fault)
        except WireFault as fault:
            self._failed(fault)
        except ChannelClosed:
            # The exchange left: nobody listens, and its exit ends this job anyway.
            self.tally.left = True
        finally:
            clocks.stop()
        return None

    def _failed(self, fault: WireFault) -> None:
        fault.message = self._line.clean(fault.message)
        forget_traceback(fault)
        self.tally.fault = fault

    def orphaned(self, exit: Exit) -> None:
        """The exchange has ended and this runs still: it ends too, unless a caller left whose provider is read on. Who
        has the whole answer leaves as well, and then there is nothing to read on for."""
        assert self.job is not None and self.ear is not None
        left = self.tally.sent and not self.tally.complete and left_by_caller(exit)
        if self._clocks is None or not left or not self._line.drains.take():
            self.job.stop()
            return
        self.tally.gone = True
        self.ear.leave()
        self._clocks.only(self._line.drains.seconds)

    def settle(self, job: Job, exit: Exit) -> None:
        """Tell everyone who counts how it ended. Called once by the job's exit, synchronously, whatever the exit."""
        assert self.ear is not None
        if self.tally.gone:
            self._line.drains.give()
        if self.tally.fault is not None:
            self._mark(self.tally.fault)
            self.ear.fail(self.tally.fault)
        self.ear.close()
        reason = self.tally.reason(exit)
        judged = self.tally.judged(reason)
        if judged is not None:
            self._line.breaker.tell(judged)
        if self.grant is not None:
            self._line.pace.tell(AttemptMeasured(key=self.grant.key, told=self.tally.told(reason)))
        if self.tally.sent:
            self._account(reason)

    def _account(self, reason: Reason | None) -> None:
        """Of one that left the gateway: what it did, for those who keep accounts."""
        if reason is not None and self.tally.learned(reason) is reason:
            self._beat.failed(reason)
        entry = self.tally.entry(reason)
        self._line.ledger.tell(entry)
        if self._order.metered:
            self._line.limits_ref.tell(entry)
        self._line.telemetry.tell(self.tally.ended(entry))

    async def _ask(self, clocks: Clocks) -> Rest | None:
        """Ask the provider; where it cannot do this and a guess of ours helps, give that and say so."""
        assert self.ear is not None
        outlet = Outlet(self.ear, self.tally, clocks)
        try:
            if self._way is None:
                raise Unsent(Reason.MODEL_MISSING, f"it has no words for {self._order.operation}")
            # First, since a target that cannot be told the request is no target: nobody waits for its slot.
            drawn = draft(self._order, self._model, self._front, self._way)
            await self._permit()
            return await self._send(self._way, drawn, outlet)
        except WireFault as fault:
            estimate = ESTIMATES.get(self._order.operation)
            if estimate is None or not cannot_count(fault):
                raise
            self._guess(estimate, outlet)
            return None

    def _guess(self, estimate: Estimate, outlet: Outlet) -> None:
        guessed = estimate(read(self._front, self._order.ask))
        answer = guessed.named(self._order.target.model, int(self.tally.started_at))
        self.tally.complete = True
        self._content()
        outlet.end(Head(estimated=True, sent=self.tally.sent), Whole(reply=answer))

    def _mark(self, fault: WireFault) -> None:
        """Say by which key it failed, and whether another one can go at once."""
        if self.grant is None:
            return
        fault.key = self.grant.key
        demand = self._demand((*self._order.avoid, fault.key))
        now = self._line.ports.clock.now()
        fault.spare = self.tally.sent and has_spare(self._line.keys().lanes, demand, fault.reason, now)

    def _demand(self, avoid: tuple[str, ...]) -> Demand:
        return Demand(model=self._order.target.model, tokens=self.tally.reserved, avoid=avoid)

    async def _permit(self) -> None:
        """Wait for a key and a slot, then ask the breaker. Raises `Unsent`."""
        assert self.job is not None
        order, line = self._order, self._line
        timeout_s = max(0.001, order.deadline_s - line.ports.clock.now())
        model = order.target.model
        if line.weighs:
            gauge = line.gauges().get(str(order.target), UNTAUGHT)
            self.tally.reserved = reserved_tokens(order.ask.fields, reserved_ratio(gauge))
        wish = Acquire(
            job=self.job,
            deadline_s=order.deadline_s,
            model=model,
            tokens=self.tally.reserved,
            caller=order.caller,
            avoid=order.avoid,
        )
        try:
            slot = await line.pace.ask(wish, timeout_s=timeout_s)
            if not isinstance(slot, Acquired):
                raise turned_away(slot)
            self.tally.key = slot.key
            self.grant = Grant(key=slot.key, model=model)
            word = await line.breaker.ask(Knock(job=self.job, model=model, key=slot.key), timeout_s=timeout_s)
        except AskFailed as error:
            raise unanswered(error) from error
        if not isinstance(word, LetThrough):
            raise turned_away(word)
        self.tally.epoch, self._probing = word.epoch, word.probe

    async def _send(self, way: Way, draft: Draft, outlet: Outlet) -> Rest | None:
        self.tally.send()
        if self._order.operation is Operation.CHAT:
            self.tally.asked_bytes = prompt_bytes(self._order.ask.fields)
            self.tally.gauge = self._line.gauges().get(str(self._order.target), self.tally.gauge)
        self._open_entry()
        hearing = Hearing(self._order, self._line, self.tally, outlet, self._content)
        clocks = outlet.clocks
        clocks.sent(self._beat.sent(self._line.timeouts))
        transport, (*before, last) = self._transport(way), draft.bodies
        for asked, body in zip(draft.asked, before, strict=False):
            async with transport.send(self._upstream_request(way, draft, body)) as reply:
                self._head(reply, clocks)
                await hearing.portion(reply, way.codec, asked)
            if self.tally.gone:
                return None  # read on for what it used; what it was not asked yet it need not be
            clocks.again()
        async with AsyncExitStack() as opening:
            reply = await opening.enter_async_context(transport.send(self._upstream_request(way, draft, last)))
            self._head(reply, clocks)
            rest = await hearing.hear(reply, way, draft)
            return None if rest is None else _linger(opening.pop_all(), rest)

    def _head(self, reply: UpstreamReply, clocks: Clocks) -> None:
        clocks.head()
        self.tally.head()
        self._learn(reply)

    def _open_entry(self) -> None:
        """Tell those who count that a request goes out."""
        opened = EntryOpened(
            attempt=self._order.attempt,
            exchange=self._order.exchange,
            number=self._order.number,
            provider=self._line.provider,
            model=self._order.target.model,
            at=self.tally.started_at,
            key=self.tally.key,
            group=self._order.ask.model,
            client=self._order.client.id,
            owner=self._order.client.owner,
            user=end_user_of(self._order.ask.fields),
            operation=self._order.operation,
        )
        self._line.ledger.tell(opened)
        if self._order.metered:
            self._line.limits_ref.tell(opened)
        if self._order.first:
            self._line.retry.tell(AttemptCounted(provider=self._line.provider))

    def _transport(self, way: Way) -> Transport:
        """What carries the request; with a fault in it where the order has one."""
        order, drill = self._order, self._order.drill
        if drill is None:
            return self._line.transport
        split = partial(way.codec.splitter, self._line.max_event_bytes) if order.ask.stream else None
        return self._line.inject(drill, split, partial(self.tally.inject, drill))

    def _learn(self, reply: UpstreamReply) -> None:
        """Keep what the head says of the provider's limits; what is scarce others must know before this answer ends."""
        line = self._line
        if not line.limits:
            return
        now = line.ports.clock.now()
        self.tally.allowances = allowances = read_limits(reply.headers, line.limits, now, line.ports.wall.now())
        if any(is_scarce(one, now) for one in allowances):
            model = self._order.target.model
            line.pace.tell(LimitsRead(key=self.tally.key, model=model, allowances=allowances))

    def _upstream_request(self, way: Way, draft: Draft, body: bytes) -> UpstreamRequest:
        line = self._line
        headers = line.headers[self.tally.key]
        if draft.forward:
            # A forwarded header, such as a version, takes the place of our own; credentials are never forwarded.
            forward = ((name, value) for name, value in draft.forward if name not in line.withheld)
            headers = tuple(dict((*headers, *forward)).items())
        url = way.address(self._model, self._order.ask.stream)
        if self._order.beginning is not None and way.prefix is not None:
            url = way.prefix.url(url)
        return UpstreamRequest(
            method="POST",
            url=url,
            headers=headers,
            body=body,
            connect_s=line.timeouts.connect_s,
        )

    def _content(self) -> None:
        """The provider has said something."""
        if self.tally.sent:
            self._beat.heard()
        if self._probing:
            self._prove()

    def _prove(self) -> None:
        """A probe that yields content is a success at once: a long answer must not keep the circuit half-open."""
        if self.job is not None:
            self._probing = False
            proven = self.tally.judged(None)
            if proven is not None and self.tally.epoch is not None:
                self._line.breaker.tell(proven)
                # It closes the circuit, which begins its next epoch: there the answer's end counts like any other.
                self.tally.epoch += 1


async def _linger(opening: AsyncExitStack[bool | None], rest: AsyncIterator[bytes]) -> None:
    """The answer is told; a connection that ends well within a moment can be used again, any other is closed."""
    async with opening:
        with suppress(WireFault, TimeoutError):
            async with asyncio.timeout(LINGER_S):
                async for _ in rest:
                    continue
