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

from msgspec import Struct, structs

from actors.messages import (
    Admit,
    Admitted,
    Answered,
    AttemptStarted,
    Call,
    Committed,
    Complete,
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
    RetryTurnedDown,
    SpendRetry,
    StartAttempt,
    Stored,
    Turned,
    Unsent,
    Whole,
)
from actors.record import Record
from actors.runtime import (
    ActorDead,
    AskTimeout,
    Channel,
    ChannelClosed,
    ChannelFull,
    Exit,
    Job,
    MailboxFull,
    Ports,
    Ref,
    forget_traceback,
)
from router.canon.event import CONTENT, Ended
from router.canon.loss import OnLoss
from router.canon.operation import Operation
from router.canon.target import Target
from router.canon.usage import Usage
from router.errors import GatewayError, Limited, Reason, Refused, Unavailable, WireFault
from router.policy.backoff import Backoff
from router.policy.cachekey import cache_key
from router.policy.course import Course, narrowed
from router.policy.reserve import end_user
from router.policy.retry import GiveUp, Route, has_way_on, next_step

OUTBOX_CAPACITY = 4
"""Pieces between an exchange and its reader; small, so that a slow reader is felt upstream."""

ASK_S = 5.0
"""How long an exchange waits for an actor's word; they answer in microseconds unless something is wrong."""


class Wiring(Struct, frozen=True, kw_only=True):
    """What every exchange needs of the rest of the tree.

    Args:
        version: of the configuration that this is out of.
        cache: None when it is switched off.
        routes: public model name -> its failover group.
        providers: provider name -> its Provider actor.
        windows: target -> context window in tokens, for those that are known; read by reference.
        price: (target, usage) -> what it costs; None when nobody knows.
        max_per_target: tries of one exchange on one target.
        deadline_s: the longest an exchange may take.
    """

    version: str
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
        self._record = Record(call, wiring.ports)
        self._deadline_s = self._record.started_s + min(
            wiring.deadline_s, call.ask.requirements.deadline_s or wiring.deadline_s
        )
        self._tries = 0
        self._caller = call.caller or end_user(call.ask.fields)
        self._cache_key: str | None = None
        self._head = Head()
        self._held: list[Flow] = []
        self._last: Flow | None = None
        self._committed = False
        self._on_loss = OnLoss.REFUSE

    async def run(self) -> None:
        """Do it all; what cannot be answered is kept for `settle` to tell the reader."""
        try:
            await self._admit()
            plan = await self._plan()
            if not await self._recall():
                await self._answer(plan)
        except GatewayError as error:
            forget_traceback(error)
            self._record.error = error
        except ChannelClosed:
            self._record.error = Refused("the caller left", reason=Reason.CLIENT_GONE)

    def settle(self, job: Job, exit: Exit) -> None:
        """The finalizer: tell the reader and telemetry the one outcome. Called once by the job's exit, whatever it
        was."""
        reason, error = self._record.end(exit)
        if error is not None:
            self.outbox.fail(error)
        self.outbox.close()
        model = self._call.ask.model
        self._wiring.telemetry.tell(self._record.ended(reason, model if model in self._wiring.routes else "unknown"))

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
        planned = await _ask(group, Plan(ask=self._call.ask, operation=self._call.operation), "failover group")
        assert isinstance(planned, Planned)
        self._on_loss = self._call.ask.requirements.on_loss or planned.course.on_loss
        if not planned.targets:
            raise self._no_target()
        return structs.replace(planned, course=self._course(planned.course))

    def _course(self, course: Course) -> Course:
        """The route's course as far as the caller wishes to go it. Raises `Refused`."""
        names = self._call.ask.requirements.fallbacks_on
        if names is None:
            return course
        own = narrowed(course, names)
        if isinstance(own, str):
            raise Refused(
                f"{own!r} is no reason for which this route moves on; its operator can name it in `fallbacks_on`",
                param="router.fallbacks_on",
            )
        return own

    def _no_target(self) -> Refused:
        call = self._call
        if call.operation is Operation.CHAT:
            words = f"no target of {call.ask.model!r} meets the requirements of this request"
            return Refused(words, reason=Reason.NO_TARGET, param="router")
        # To this call the name does not exist, and asking again will not change that.
        words = f"{call.ask.model!r} has no target here for {call.operation} that meets the requirements"
        return Refused(words, reason=Reason.UNKNOWN_MODEL, param="model")

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
        self._record.target = hit.target
        await self._say(
            Committed(
                target=hit.target,
                model=hit.reply.model,
                attempts=0,
                cache="hit",
                age_s=hit.age_s,
            )
        )
        await self._say(Whole(reply=hit.reply, raw=hit.raw))
        self.outbox.finish(Answered(usage=hit.reply.usage, cost_usd=Decimal(0)))
        self._record.complete = True
        return True

    async def _answer(self, plan: Planned) -> None:
        """Try targets until one answers. Raises `UpstreamFailed` when no further try is allowed or of use."""
        self._record.strategy = plan.strategy
        route = Route(
            targets=plan.targets,
            max_attempts=plan.max_attempts,
            max_per_target=self._wiring.max_per_target,
            deadline_s=self._deadline_s,
            fallback=self._call.ask.requirements.fallback,
            windows=self._wiring.windows(),
            edges=plan.course.edges,
        )
        while True:
            now_s = self._ports.clock.now()
            step = next_step(route, self._record.tried, now_s, self._wiring.backoff, self._ports.rng)
            if isinstance(step, GiveUp):
                raise self._record.failure(step.retry_after_s)
            if self._record.has_failed(step.target.provider) and not await self._may_retry(step.target):
                # Not this one again; a provider that was not asked yet costs no retry.
                self._record.failed(step.target, Unsent(Reason.BUSY, "the retry budget is spent"))
                continue
            if step.wait_s > 0:
                await asyncio.sleep(step.wait_s)
            fault = await self._try(step.target, route)
            if fault is None:
                return
            self._record.failed(step.target, fault)

    async def _may_retry(self, target: Target) -> bool:
        """Whether the retry budget allows one more try at a provider that has already failed this exchange."""
        try:
            word = await self._wiring.retry.ask(SpendRetry(provider=target.provider), timeout_s=ASK_S)
        except (ActorDead, AskTimeout, MailboxFull):
            # Without its keeper the budget is unknown: no retries until it is back is the side that cannot make a
            # storm.
            return False
        granted = isinstance(word, RetryGranted)
        if not granted:
            self._wiring.telemetry.tell(RetryTurnedDown(provider=target.provider))
        return granted

    async def _try(self, target: Target, route: Route) -> WireFault | None:
        """One attempt. None: it answered completely. A fault: it failed before the commit point.

        Raises:
            UpstreamFailed: it failed after the commit point.
        """
        feed = await self._open(target, route)
        if isinstance(feed, WireFault):
            return feed
        self._head, self._held, self._last = Head(), [], None
        self._record.begin()
        try:
            while not self._record.complete:
                await self._take(await _next(feed), target)
        except WireFault as fault:
            forget_traceback(fault)
            if not self._committed:
                return fault
            raise self._record.broken(target, fault) from fault
        return None

    async def _open(self, target: Target, route: Route) -> Channel[Part] | WireFault:
        """Start an attempt; a unit that is down or lacks the model is a fault like any other."""
        assert self.job is not None
        self._tries += 1
        order = Order(
            exchange=self._call.request_id,
            attempt=f"{self._call.request_id}.{self._tries}",
            job=self.job,
            number=self._record.requests + 1,
            first=not self._record.has_failed(target.provider),
            ask=self._call.ask,
            spoken=self._call.dialect,
            target=target,
            deadline_s=self._deadline_s,
            trace_id=self._call.trace_id,
            refusals_move=has_way_on(route, self._record.tried, target, Reason.CONTENT_POLICY),
            on_loss=self._on_loss,
            operation=self._call.operation,
            caller=self._caller,
            avoid=self._record.keys_failed(target),
        )
        try:
            word = await self._wiring.providers[target.provider].ask(StartAttempt(order=order), timeout_s=ASK_S)
        except (ActorDead, AskTimeout, MailboxFull):
            return Unsent(Reason.BUSY, "its unit is being restarted", retry_after_s=1.0)
        if not isinstance(word, AttemptStarted):
            return Unsent(Reason.MODEL_MISSING, "it does not serve this model")
        return word.feed

    async def _take(self, part: Part, target: Target) -> None:
        """One part of an attempt: hold what bears no content, commit at what does, hand on the rest.

        What ends an answer is handed on together with the word that it is complete: a reader who was told the end is
        never told an error after it, whenever this exchange is stopped.
        """
        match part:
            case Head():
                self._head = part
            case Flow() if _ends(part):
                self._record.heard(part)
                self._last = part
            case Flow() if not self._committed and not _bears_content(part):
                self._record.heard(part)
                self._held.append(part)
            case Flow() | Whole():
                self._record.heard(part)
                await self._commit(target)
                if isinstance(part, Whole) and self._wiring.cache is not None and self._cache_key:
                    self._wiring.cache.tell(Stored(key=self._cache_key, target=target, reply=part.reply, raw=part.raw))
                await self._say(part)
            case Complete():
                await self._commit(target)
                record = self._record
                record.cost_usd = self._wiring.price(target, record.usage)
                answered = Answered(usage=record.usage, cost_usd=record.cost_usd, raw=part.raw)
                self.outbox.finish(*((answered,) if self._last is None else (self._last, answered)))
                record.complete = True
            case _:
                assert_never(part)

    async def _say(self, piece: Piece) -> None:
        """Hand a piece to the reader. Raises `Refused` when it has not made room by the deadline."""
        try:
            self.outbox.put_nowait_or_raise(piece)
        except ChannelFull:
            try:
                async with asyncio.timeout(max(0.0, self._deadline_s - self._ports.clock.now())):
                    await self.outbox.put(piece)
            except TimeoutError:
                raise Refused("the answer was not read in time", reason=Reason.DEADLINE) from None

    async def _commit(self, target: Target) -> None:
        """The commit point: from here on this target's answer is the answer. Done once."""
        if self._committed:
            return
        self._committed = True
        self._record.committed(target)
        await self._say(
            Committed(
                target=target,
                model=self._record.model or target.model,
                attempts=self._record.requests + self._head.sent,
                relay=self._head.relay,
                shown=self._head.shown,
                lost=self._head.lost,
                cache="miss" if self._cache_key else None,
                estimated=self._head.estimated,
            )
        )
        for flow in self._held:
            await self._say(flow)
        self._held = []


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


def _ends(flow: Flow) -> bool:
    """Nothing follows `Ended`, so it is the last event or none."""
    return bool(flow.events) and type(flow.events[-1]) is Ended


def _bears_content(flow: Flow) -> bool:
    return any(type(event) in CONTENT for event in flow.events)
