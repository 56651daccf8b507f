"""One client call from admission to its one terminal outcome: a task in the Front's group.

Admit -> plan -> try targets in turn until one commits -> hand its parts to the reader -> settle. Before the commit
point, the first content-bearing event, a failure may go to the next target; after it the answer ends with an honest
error. Streamed or not, every endpoint goes this one way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import assert_never

from msgspec import Struct

from actors.messages import (
    Admit,
    Admitted,
    Answered,
    AttemptCounted,
    AttemptStarted,
    Call,
    Committed,
    Complete,
    ExchangeEnded,
    Flow,
    Head,
    Hit,
    Lookup,
    Order,
    Part,
    Piece,
    Plan,
    Planned,
    RetryGranted,
    SpendRetry,
    StartAttempt,
    Stored,
    Turned,
    Whole,
)
from actors.runtime import ActorDead, AskTimeout, Channel, ChannelClosed, Exit, Job, MailboxFull, Ports, Ref
from actors.tally import end_of, reason_of
from router.canon.event import CONTENT, Started, UsageReported
from router.canon.target import Target
from router.canon.usage import Usage
from router.errors import AttemptNote, GatewayError, Limited, Reason, Refused, Unavailable, UpstreamFailed, WireFault
from router.policy.backoff import Backoff
from router.policy.cachekey import cache_key
from router.policy.retry import FREE, GiveUp, Route, Tried, next_step

OUTBOX_CAPACITY = 16
"""Pieces between an exchange and its reader; small, so that a slow reader is felt upstream."""

ASK_S = 5.0
"""How long an exchange waits for an actor's word; they answer in microseconds unless something is wrong."""


class Wiring(Struct, frozen=True, kw_only=True):
    """What every exchange needs of the rest of the tree.

    Args:
        cache: None when it is switched off.
        routes: public model name -> its failover group.
        providers: provider name -> its Provider actor.
        windows: target -> context window in tokens, for those that are known; read by reference.
        price: (target, usage) -> what it costs; None when nobody knows.
        max_per_target: tries of one exchange on one target.
        deadline_s: the longest an exchange may take.
    """

    ports: Ports
    limits: Ref
    retry: Ref
    telemetry: Ref
    cache: Ref | None
    routes: Mapping[str, Ref]
    providers: Mapping[str, Ref]
    windows: Callable[[], Mapping[str, int]]
    price: Callable[[Target, Usage | None], Decimal | None]
    backoff: Backoff
    max_per_target: int
    deadline_s: float


class Exchange:
    """Carries out one `Call`. `run` is the job's coroutine, `settle` its exit; `outbox` is read by whoever called."""

    def __init__(self, call: Call, wiring: Wiring) -> None:
        self._call = call
        self._wiring = wiring
        self._ports = wiring.ports
        self.outbox: Channel[Piece] = Channel(OUTBOX_CAPACITY)
        self.job: Job | None = None
        self._started_at = self._ports.wall.now()
        self._started_s = self._ports.clock.now()
        self._deadline_s = self._started_s + min(
            wiring.deadline_s, call.ask.requirements.deadline_s or wiring.deadline_s
        )
        self._tried: list[Tried] = []
        self._numbers = 0
        self._target: Target | None = None
        self._model: str | None = None
        self._first_token_s: float | None = None
        self._usage: Usage | None = None
        self._cost: Decimal | None = None
        self._cache_key: str | None = None
        self._head = Head()
        self._held: list[Flow] = []
        self._committed = False
        self._complete = False
        self._error: GatewayError | None = None

    async def run(self) -> None:
        """Do it all; what cannot be answered is kept for `settle` to tell the reader."""
        try:
            await self._admit()
            plan = await self._plan()
            if not await self._recall():
                await self._answer(plan)
        except GatewayError as error:
            self._error = error
        except ChannelClosed:
            self._error = Refused("the caller left", reason=Reason.CLIENT_GONE)

    def settle(self, job: Job, exit: Exit) -> None:
        """The finalizer: tell the reader and telemetry the one outcome. Called once by the job's exit, whatever it
        was."""
        reason = self._reason(exit)
        if not self._complete:
            self.outbox.fail(self._error or _error_for(reason))
        self.outbox.close()
        self._wiring.telemetry.tell(
            ExchangeEnded(
                exchange=self._call.request_id,
                trace_id=self._call.trace_id,
                parent_span_id=self._call.parent_span_id,
                dialect=self._call.dialect,
                model=self._call.ask.model if self._call.ask.model in self._wiring.routes else "unknown",
                target=str(self._target) if self._target else None,
                streamed=self._call.ask.stream,
                end=end_of(reason),
                reason=reason,
                attempts=self._notes(),
                usage=self._usage,
                cost_usd=self._cost,
                started_at=self._started_at,
                first_token_s=self._first_token_s,
                duration_s=self._ports.clock.now() - self._started_s,
            )
        )

    def _reason(self, exit: Exit) -> Reason | None:
        """Why there is no complete answer; None when there is one."""
        if self._complete:
            return None
        if self._error is not None:
            return self._error.reason
        return reason_of(exit) or Reason.INTERNAL

    async def _admit(self) -> None:
        assert self.job is not None
        word = await _ask(
            self._wiring.limits,
            Admit(exchange=self._call.request_id, job=self.job, deadline_s=self._deadline_s),
            "limits",
        )
        if not isinstance(word, Admitted):
            assert isinstance(word, Turned)
            raise Limited(f"the gateway is at its limit: {word.why}", retry_after_s=word.retry_after_s)

    async def _plan(self) -> Planned:
        model = self._call.ask.model
        group = self._wiring.routes.get(model)
        if group is None:
            raise Refused(
                f"the model {model!r} does not exist here; GET /v1/models lists those that do",
                reason=Reason.UNKNOWN_MODEL,
                param="model",
            )
        planned = await _ask(group, Plan(requirements=self._call.ask.requirements), "failover group")
        assert isinstance(planned, Planned)
        if not planned.targets:
            raise Refused(
                f"no target of {model!r} meets the requirements of this request",
                reason=Reason.NO_TARGET,
                param="router",
            )
        return planned

    async def _recall(self) -> bool:
        """Answer from the cache, where there is one and it has exactly this; costs nothing and asks nobody."""
        cache, call = self._wiring.cache, self._call
        if cache is None or call.ask.stream:
            return False
        self._cache_key = cache_key("", call.dialect, call.ask.model, call.ask.fields)
        try:
            hit = await cache.ask(Lookup(key=self._cache_key), timeout_s=ASK_S)
        except (ActorDead, AskTimeout, MailboxFull):
            return False
        if not isinstance(hit, Hit):
            return False
        self._target = hit.target
        await self.outbox.put(
            Committed(
                target=hit.target,
                model=hit.reply.model,
                attempts=0,
                cache="hit",
                age_s=hit.age_s,
            )
        )
        await self.outbox.put(Whole(reply=hit.reply, raw=hit.raw))
        await self.outbox.put(Answered(usage=hit.reply.usage, cost_usd=Decimal(0)))
        self._complete = True
        return True

    async def _answer(self, plan: Planned) -> None:
        """Try targets until one answers. Raises `UpstreamFailed` when no further try is allowed or of use."""
        fault: WireFault | None = None
        route = Route(
            targets=plan.targets,
            max_attempts=plan.max_attempts,
            max_per_target=self._wiring.max_per_target,
            deadline_s=self._deadline_s,
            fallback=self._call.ask.requirements.fallback,
            windows=self._wiring.windows(),
        )
        while True:
            now_s = self._ports.clock.now()
            step = next_step(route, tuple(self._tried), now_s, self._wiring.backoff, self._ports.rng)
            if isinstance(step, GiveUp):
                raise self._failure(fault, step.retry_after_s)
            if self._has_failed(step.target.provider) and not await self._may_retry(step.target):
                raise self._failure(fault, self._wiring.backoff.cap_s)
            if step.wait_s > 0:
                await asyncio.sleep(step.wait_s)
            fault = await self._try(step.target)
            if fault is None:
                return
            self._remember(step.target, fault)

    def _remember(self, target: Target, fault: WireFault) -> None:
        """One failed try, for the retry policy and for the caller."""
        now_s = self._ports.clock.now()
        self._tried.append(Tried(target=target, reason=fault.reason, ended_s=now_s, retry_after_s=fault.retry_after_s))

    def _has_failed(self, provider: str) -> bool:
        """Whether this exchange already asked that provider: only then is a try a retry that the budget must allow."""
        return any(tried.target.provider == provider and tried.reason not in FREE for tried in self._tried)

    async def _may_retry(self, target: Target) -> bool:
        """Whether the retry budget allows one more try at a provider that has already failed this exchange."""
        try:
            word = await self._wiring.retry.ask(SpendRetry(provider=target.provider), timeout_s=ASK_S)
        except (ActorDead, AskTimeout, MailboxFull):
            # Without its keeper the budget is unknown: no retries until it is back is the side that cannot make a
            # storm.
            return False
        return isinstance(word, RetryGranted)

    def _failure(self, fault: WireFault | None, retry_after_s: float | None) -> UpstreamFailed:
        """The one terminal error over all tries; the last one that really went out gives it its words."""
        sent = [tried for tried in self._tried if tried.reason not in FREE] or self._tried
        if not sent:
            raise Unavailable("the request's deadline passed before a provider was asked", reason=Reason.DEADLINE)
        last = sent[-1]
        words = fault.message if fault is not None and fault.reason is last.reason else last.reason.value
        return UpstreamFailed(
            f"{last.target}: {words}",
            target=str(last.target),
            reason=last.reason,
            attempts=self._notes(),
            fault=fault,
            retry_after_s=retry_after_s,
        )

    def _notes(self) -> tuple[AttemptNote, ...]:
        return tuple(AttemptNote(target=str(tried.target), reason=tried.reason) for tried in self._tried)

    async def _try(self, target: Target) -> WireFault | None:
        """One attempt. None: it answered completely. A fault: it failed before the commit point.

        Raises:
            UpstreamFailed: it failed after the commit point.
        """
        feed = await self._open(target)
        if isinstance(feed, WireFault):
            return feed
        self._head, self._held = Head(), []
        try:
            while not self._complete:
                await self._take(await _next(feed), target)
        except WireFault as fault:
            if not self._committed:
                return fault
            raise self._broken(target, fault) from fault
        return None

    async def _open(self, target: Target) -> Channel[Part] | WireFault:
        """Start an attempt; a unit that is down or lacks the model is a fault like any other."""
        assert self.job is not None
        self._numbers += 1
        if self._numbers == 1:
            self._wiring.retry.tell(AttemptCounted(provider=target.provider))
        order = Order(
            exchange=self._call.request_id,
            attempt=f"{self._call.request_id}.{self._numbers}",
            job=self.job,
            number=self._numbers,
            ask=self._call.ask,
            spoken=self._call.dialect,
            target=target,
            deadline_s=self._deadline_s,
            trace_id=self._call.trace_id,
        )
        try:
            word = await self._wiring.providers[target.provider].ask(StartAttempt(order=order), timeout_s=ASK_S)
        except (ActorDead, AskTimeout, MailboxFull):
            return WireFault(Reason.BUSY, "its unit is being restarted", retry_after_s=1.0)
        if not isinstance(word, AttemptStarted):
            return WireFault(Reason.MODEL_MISSING, "it does not serve this model")
        return word.feed

    async def _take(self, part: Part, target: Target) -> None:
        """One part of an attempt: hold what bears no content, commit at what does, hand on the rest."""
        match part:
            case Head():
                self._head = part
            case Flow() if not self._committed and not _bears_content(part):
                self._note(part)
                self._held.append(part)
            case Flow() | Whole():
                self._note(part)
                await self._commit(target)
                if isinstance(part, Whole) and self._wiring.cache is not None and self._cache_key:
                    self._wiring.cache.tell(Stored(key=self._cache_key, target=target, reply=part.reply, raw=part.raw))
                await self.outbox.put(part)
            case Complete():
                await self._commit(target)
                self._target = target
                self._cost = self._wiring.price(target, self._usage)
                await self.outbox.put(Answered(usage=self._usage, cost_usd=self._cost, raw=part.raw))
                self._complete = True
            case _:
                assert_never(part)

    async def _commit(self, target: Target) -> None:
        """The commit point: from here on this target's answer is the answer. Done once."""
        if self._committed:
            return
        self._committed = True
        self._target = target
        self._first_token_s = self._ports.clock.now() - self._started_s
        await self.outbox.put(
            Committed(
                target=target,
                model=self._model or target.model,
                attempts=sum(tried.reason not in FREE for tried in self._tried) + 1,
                relay=self._head.relay,
                shown=self._head.shown,
                lost=self._head.lost,
                cache="miss" if self._cache_key else None,
            )
        )
        for flow in self._held:
            await self.outbox.put(flow)
        self._held = []

    def _note(self, part: Flow | Whole) -> None:
        """Remember what the caller and the account want to know: the real model and the last count of tokens."""
        if isinstance(part, Whole):
            self._model, self._usage = part.reply.model, part.reply.usage
            return
        for event in part.events:
            if isinstance(event, UsageReported):
                self._usage = event.usage
            elif isinstance(event, Started):
                self._model = event.model

    def _broken(self, target: Target, fault: WireFault) -> UpstreamFailed:
        """The honest end of an answer that had begun."""
        self._remember(target, fault)
        return UpstreamFailed(
            f"{target}: {fault.message}; the answer is incomplete",
            target=str(target),
            reason=fault.reason,
            attempts=self._notes(),
            fault=fault,
        )


async def _next(feed: Channel[Part]) -> Part:
    """The next part. Raises `WireFault`: the attempt's own, or CRASHED when the feed just ends."""
    try:
        return await feed.get()
    except ChannelClosed:
        raise WireFault(Reason.CRASHED, "its unit crashed while it was answering") from None


async def _ask(ref: Ref, message: object, whom: str) -> object:
    """Ask an actor that every exchange needs. Raises `Unavailable` when it cannot answer now."""
    try:
        return await ref.ask(message, timeout_s=ASK_S)
    except (ActorDead, AskTimeout, MailboxFull) as error:
        raise Unavailable(f"the {whom} cannot answer now", reason=Reason.INTERNAL, retry_after_s=1.0) from error


def _bears_content(flow: Flow) -> bool:
    return any(type(event) in CONTENT for event in flow.events)


def _error_for(reason: Reason | None) -> GatewayError:
    """What a reader who is still there is told when its exchange was ended from outside."""
    if reason is Reason.SHUTTING_DOWN:
        return Unavailable("the gateway is shutting down", reason=reason, retry_after_s=1.0)
    return Unavailable("the exchange ended inside the gateway", reason=reason or Reason.INTERNAL, retry_after_s=1.0)
