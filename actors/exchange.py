"""One client call from admission to its one terminal outcome: a task in the Front's group.

Admit -> plan -> try targets in turn until one commits -> hand its parts to the reader -> settle. Before the commit
point, the first content-bearing event, a failure may go to the next target; after it the answer ends with an honest
error. Streamed or not, every endpoint goes this one way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal

from msgspec import Struct, structs

from actors.caching import CacheWiring, Caching, caching_of
from actors.flights import Follower
from actors.listener import Listener
from actors.messages import (
    Admit,
    Admitted,
    Answered,
    AttemptReady,
    AttemptStarted,
    Call,
    Committed,
    Draw,
    HedgeGranted,
    Order,
    Part,
    Piece,
    Plan,
    Planned,
    RetryGranted,
    RetryTurnedDown,
    SpendHedge,
    SpendRetry,
    StartAttempt,
    Turned,
    Unsent,
)
from actors.race import Race, Runner
from actors.recall import replayed
from actors.record import Record
from actors.rescue import Bridge, Rescue, outcome_of
from actors.runtime import (
    ActorDead,
    AskTimeout,
    Channel,
    ChannelClosed,
    ChannelTimeout,
    Exit,
    Job,
    MailboxFull,
    Ports,
    Ref,
    forget_traceback,
)
from actors.tally import stop_for
from actors.telling import Telling, ends
from actors.transcript import Transcript, transcript_of
from router.canon.loss import OnLoss
from router.canon.operation import Operation
from router.canon.target import Target
from router.canon.usage import Usage
from router.errors import GatewayError, Limited, Reason, Refused, Unavailable, WireFault
from router.policy.backoff import Backoff
from router.policy.bounds import Bounds
from router.policy.course import Course, narrowed
from router.policy.enduser import end_user_of
from router.policy.gauge import UNTAUGHT
from router.policy.rescue import Method
from router.policy.reserve import asked_tier, reserved
from router.policy.retry import Route, Tried, TryTarget, has_way_on, next_step
from router.policy.transcript import NOTHING_KEPT, TranscriptRules

ASK_S = 5.0
"""How long an exchange waits for an actor's word, its deadline allowing; they answer in microseconds unless something
is wrong."""


class Wiring(Struct, frozen=True, kw_only=True):
    """What every exchange needs of the rest of the tree.

    Args:
        version: of the configuration that this is out of.
        cache: who is answered from kept answers.
        routes: public model name -> its failover group.
        open_routes: a name that is no route, though a provider listed such a model itself -> the group for all of
            these; None for any other.
        providers: provider name -> its Provider actor.
        windows: target -> context window in tokens, for those that are known; read by reference.
        continues: whether a target goes on with the beginning of an answer.
        capability: told of one that does not after all.
        price: (target, usage) -> what it costs; None when nobody knows.
        max_per_target: tries of one exchange on one target.
        deadline_s: the longest an exchange may take.
        bounds: what bounds each client key, by its id; who is not in it is not bound.
        quote: (model, tokens of the prompt, of the answer, service tier) -> what that costs at the dearest target.
        ratio: model -> bytes of a prompt for each token to reserve.
        ledger: told the words of an exchange, where `transcripts` say that they are kept.
    """

    version: str
    ports: Ports
    limits: Ref
    retry: Ref
    telemetry: Ref
    cache: CacheWiring
    routes: Mapping[str, Ref]
    providers: Mapping[str, Ref]
    open_routes: Callable[[str], Ref | None]
    windows: Callable[[], Mapping[str, int]]
    continues: Callable[[Target], bool]
    capability: Ref
    price: Callable[[Target, Usage | None], Decimal | None]
    backoff: Backoff
    max_per_target: int
    deadline_s: float
    bounds: Mapping[str, Bounds] = {}
    quote: Callable[[str, int, int, str | None], Decimal | None] = lambda _model, _prompt, _answer, _tier: None
    ratio: Callable[[str], float] = lambda _model: UNTAUGHT.prompt
    ledger: Ref
    transcripts: TranscriptRules = NOTHING_KEPT


class Exchange:
    """Carries out one `Call`. `run` is the job's coroutine, `settle` its exit; `outbox` is read by whoever called."""

    def __init__(self, call: Call, wiring: Wiring) -> None:
        self._call = call
        self._wiring = wiring
        self._ports = wiring.ports
        self.job: Job | None = None
        self._record = Record(call, wiring.ports, wiring.price)
        self._deadline_s = self._record.started_s + min(
            wiring.deadline_s, call.ask.requirements.deadline_s or wiring.deadline_s
        )
        self._telling = Telling(self._record, wiring.ports, self._deadline_s)
        self.outbox: Channel[Piece] = self._telling.outbox
        """What its reader reads."""
        self._tries = 0
        self._caller = call.caller.id or end_user_of(call.ask.fields)
        self._draw = self._drawn()
        self._known = call.ask.model in wiring.routes
        self._on_loss = OnLoss.REFUSE
        self._transcript: Transcript | None = None
        self.caching = caching_of(call, wiring.cache)

    async def run(self) -> None:
        """Do it all; what cannot be answered is kept for `settle` to tell the reader."""
        try:
            await self._admit()
            # Not before: whoever is turned away for coming too often must not fill a disk either.
            self._transcript = transcript_of(self._call, self._wiring.transcripts, self._record.started_at)
            if self._transcript is not None:
                self._telling.noted_by = (self._transcript.note,)
            plan = await self._plan()
            if self.caching is None or not await self._recall(plan, self.caching):
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
        if self.caching is not None:
            self.caching.land()
        model = self._call.ask.model
        self._wiring.telemetry.tell(self._record.ended(reason, model if self._known else "unknown"))
        if self._transcript is not None:
            self._wiring.ledger.tell(self._transcript.told(reason))

    async def _admit(self) -> None:
        assert self.job is not None
        word = await self._ask(
            self._wiring.limits,
            Admit(exchange=self._call.request_id, job=self.job, deadline_s=self._deadline_s, draw=self._draw),
            "limits",
        )
        if not isinstance(word, Admitted):
            assert isinstance(word, Turned)
            raise Limited(word.why, retry_after_s=word.retry_after_s, reason=word.reason, standings=word.standings)
        self._telling.standings = word.standings

    def _drawn(self) -> Draw | None:
        """What this may use at most, where anything bounds its caller."""
        bounds = self._wiring.bounds.get(self._call.caller.id)
        if bounds is None:
            return None
        prompt, answer = reserved(self._call.ask.fields, self._wiring.ratio(self._call.ask.model))
        answer *= self._call.ask.choices
        usd = None
        if bounds.wants_price:
            usd = self._wiring.quote(self._call.ask.model, prompt, answer, asked_tier(self._call.ask.fields))
        return Draw(bounds=bounds, tokens=prompt + answer, usd=usd)

    async def _plan(self) -> Planned:
        model = self._call.ask.model
        group = self._wiring.routes.get(model) or self._wiring.open_routes(model)
        if group is None:
            raise Refused(
                f"the model {model!r} does not exist here; GET /v1/models lists those that do",
                reason=Reason.UNKNOWN_MODEL,
                param="model",
            )
        self._known = True
        planned = await self._ask(group, Plan(ask=self._call.ask, operation=self._call.operation), "failover group")
        assert isinstance(planned, Planned)
        self._on_loss = self._call.ask.requirements.on_loss or planned.course.on_loss
        if not planned.targets:
            raise self._no_target()
        course = self._course(planned.course)
        return planned if course is planned.course else structs.replace(planned, course=course)

    def _course(self, course: Course) -> Course:
        """The route's course as far as the caller wishes to go it. Raises `Refused`."""
        wanted = self._call.ask.requirements
        if self._call.operation is not Operation.CHAT:
            course = structs.replace(course, resume=())
        elif wanted.resume is not None:
            methods = () if wanted.resume == "off" else wanted.resume
            course = structs.replace(course, resume=tuple(Method(method) for method in methods))
        if wanted.fallbacks_on is None:
            return course
        own = narrowed(course, wanted.fallbacks_on)
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

    @property
    def _patience_s(self) -> float:
        return max(0.001, min(ASK_S, self._deadline_s - self._ports.clock.now()))

    async def _ask(self, ref: Ref, message: object, whom: str) -> object:
        """Ask an actor that every exchange needs. Raises `Unavailable` when it cannot answer now."""
        try:
            return await ref.ask(message, timeout_s=self._patience_s)
        except (ActorDead, AskTimeout, MailboxFull) as error:
            raise Unavailable(f"the {whom} cannot answer now", reason=Reason.PART_DOWN, retry_after_s=1.0) from error

    async def _recall(self, plan: Planned, caching: Caching) -> bool:
        """Answer from the cache, where it is on and has exactly this; costs nothing and asks nobody."""
        self._record.cache = caching.word
        hit = await caching.look_up(plan.targets, self._patience_s)
        if hit is None:
            return await self._join(plan, caching)
        for piece in replayed(hit, self._telling.standings):
            await self._telling.pass_on(piece)
        self._repeated(caching, "hit", hit.begun, hit.ended)
        return True

    async def _join(self, plan: Planned, caching: Caching) -> bool:
        """Be told what another exchange is being told that asked exactly this before; or be the first to ask."""
        first = None
        while (first := caching.join(first)) is not None:
            follower = Follower(self._telling, plan.targets, lambda: self._deadline_s - self._ports.clock.now())
            if await follower.follow(first):
                assert follower.begun is not None and follower.ended is not None
                self._repeated(caching, "joined", follower.begun, follower.ended)
                return True
        if caching.recall is not None:
            self._telling.noted_by = (caching.recall.note, *self._telling.noted_by)
        return False

    def _repeated(self, caching: Caching, how: str, begun: Committed, ended: Answered) -> None:
        self._record.repeat(how, begun, ended)
        caching.book(begun.target, self._record.started_at, self._ports.wall.now())

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
        rescue = Rescue(plan.course, self._call.ask, self._wiring.continues, self._wiring.capability)
        self._telling.follow(rescue)
        while True:
            step = self._step(route, rescue)
            if self._record.has_failed(step.target.provider) and not await self._may_retry(step.target):
                # Not this one again; a provider that was not asked yet costs no retry.
                self._record.failed(step.target, Unsent(Reason.BUSY, "the retry budget is spent"))
                continue
            if step.wait_s > 0:
                await asyncio.sleep(step.wait_s)
            way = None
            if self._telling.committed and (way := rescue.way(step.target, self._record.spent)) is None:
                continue
            late_s = plan.late_s.get(step.target) if way is None else None
            target, fault = await self._try(step.target, route, way, late_s)
            self._note(target, fault, rescue, way)
            if fault is None:
                return

    def _step(self, route: Route, rescue: Rescue) -> TryTarget:
        """Whom to ask next: before the commit point as the route says, after it who can go on with the answer.

        Raises:
            UpstreamFailed: nobody is left, or nobody may.
        """
        committed = self._telling.committed
        if committed:
            able = rescue.route(route, can_hand_over=self._telling.can_hand_over)
            if able is None:
                raise self._record.broken(*rescue.cause_of_end())
            route = able
        now_s = self._ports.clock.now()
        step = next_step(route, self._record.tried, now_s, self._wiring.backoff, self._ports.rng)
        if isinstance(step, TryTarget):
            return step
        raise self._record.broken(*rescue.cause_of_end()) if committed else self._record.failure(step.retry_after_s)

    def _note(self, target: Target, fault: WireFault | None, rescue: Rescue, way: Bridge | None) -> None:
        """What an attempt's end says of its target, and of its way to rescue the answer."""
        refused = way is not None and fault is not None and rescue.refused(way, fault)
        if fault is not None:
            self._record.failed(target, fault, voided=refused)
            if self._telling.committed:
                if not isinstance(fault, Unsent):
                    self._record.broke_off(target)
                rescue.broke_off(target, fault)
        if way is not None and (refused or not isinstance(fault, Unsent)):
            self._record.rescues.append((way.method, outcome_of(fault, refused=refused)))

    async def _may_retry(self, target: Target) -> bool:
        """Whether the retry budget allows one more try at a provider that has already failed this exchange."""
        try:
            word = await self._wiring.retry.ask(SpendRetry(provider=target.provider), timeout_s=self._patience_s)
        except (ActorDead, AskTimeout, MailboxFull):
            # Without its keeper the budget is unknown: no retries until it is back is the side that cannot make a
            # storm.
            return False
        granted = isinstance(word, RetryGranted)
        if not granted:
            self._wiring.telemetry.tell(RetryTurnedDown(provider=target.provider))
        return granted

    async def _try(
        self, target: Target, route: Route, way: Bridge | None, late_s: float | None
    ) -> tuple[Target, WireFault | None]:
        """One attempt, or one of two. Who answered completely; or who did not, and why: what it had said may have been
        told.

        Args:
            late_s: when a second may be started beside it; None: never.
        """
        started = await self._open(target, route, way, alone=late_s is None and way is None and self._telling.is_prompt)
        if isinstance(started, WireFault):
            return target, started
        if isinstance(started, AttemptReady):
            return target, await self._listen(target, started)
        runner = Runner(target, started)
        if late_s is not None:
            runner, fault = await self._race(runner, route, late_s)
            if fault is not None:
                return runner.target, fault
        return runner.target, await self._hear(runner, way)

    async def _listen(self, target: Target, ready: AttemptReady) -> WireFault | None:
        """All that an attempt says in this task, to its end. None: it answered completely."""
        self._record.heeds(target, ready.used)
        self._telling.begin(None)
        listener = Listener(self._telling, target)
        await ready.run(listener)
        if self._record.complete:
            self._keep()
            return None
        # Not kept: it would be in a cycle with the frames it is raised through.
        error, listener.error = listener.error, None
        if error is None:
            return _crashed()
        if isinstance(error, WireFault):
            return error
        raise error

    async def _hear(self, runner: Runner, way: Bridge | None) -> WireFault | None:
        """All that an attempt says in a task of its own, to its end. None: it answered completely."""
        self._record.heeds(runner.target, runner.used)
        self._telling.begin(way)
        try:
            while not self._record.complete:
                part = runner.held.pop(0) if runner.held else await self._next(runner.feed, runner.target)
                if self.outbox.is_full and not ends(part):
                    await self._telling.room()
                self._telling.take(part, runner.target)
            self._keep()
        except WireFault as fault:
            forget_traceback(fault)
            # Where it was we who could not use it, it still runs.
            runner.job.stop(stop_for(fault.reason))
            return fault
        return None

    def _keep(self) -> None:
        """It is complete: whoever asks the same may be told it again."""
        if self.caching is not None:
            self.caching.keep()

    async def _race(self, first: Runner, route: Route, late_s: float) -> tuple[Runner, WireFault | None]:
        """The first of at most two that says anything; or the last to fail, and why."""

        async def second(late: Runner) -> Runner | None:
            return await self._beside(late, route)

        def lost(runner: Runner, fault: WireFault) -> None:
            forget_traceback(fault)
            self._record.failed(runner.target, fault)
            if runner is not first:
                self._record.hedge = "lost" if fault.reason is Reason.SUPERSEDED else "failed"

        runner, fault = await Race(self._ports.clock, second, lost).run(first, late_s)
        if runner is not first:
            self._record.hedge = "won" if fault is None else "failed"
        return runner, fault

    async def _beside(self, late: Runner, route: Route) -> Runner | None:
        """A second attempt beside one that is late: at a target nobody asked yet, within attempts and every budget."""
        running = Tried(target=late.target, reason=Reason.SUPERSEDED, ended_s=self._ports.clock.now())
        tried = (*self._record.tried, running)
        step = next_step(route, tried, self._ports.clock.now(), self._wiring.backoff, self._ports.rng)
        if not isinstance(step, TryTarget) or step.wait_s > 0 or any(each.target == step.target for each in tried):
            return None
        if not await self._may_hedge(step.target):
            self._record.hedge = "denied"
            return None
        started = await self._open(step.target, route, None, beside=late.target)
        if isinstance(started, WireFault):
            self._record.failed(step.target, started)
            self._record.hedge = "failed"
            return None
        assert isinstance(started, AttemptStarted)
        return Runner(step.target, started)

    async def _may_hedge(self, target: Target) -> bool:
        """Whether the route's own budget pays for a second request, and the retry budgets for the load of it."""
        group = self._wiring.routes[self._call.ask.model]
        try:
            word = await group.ask(SpendHedge(ask=self._call.ask, target=target), timeout_s=self._patience_s)
        except (ActorDead, AskTimeout, MailboxFull):
            return False
        return isinstance(word, HedgeGranted) and await self._may_retry(target)

    async def _next(self, feed: Channel[Part], target: Target) -> Part:
        """The next part; what is held back is told meanwhile, when its time has come.

        Raises:
            WireFault: the attempt's own, or CRASHED when the feed just ends.
        """
        while True:
            try:
                return await feed.get(timeout_s=self._telling.held_s)
            except ChannelTimeout:
                self._telling.commit(target)
            except ChannelClosed:
                raise _crashed() from None

    async def _open(
        self, target: Target, route: Route, way: Bridge | None, *, beside: Target | None = None, alone: bool = False
    ) -> AttemptStarted | AttemptReady | WireFault:
        """Start an attempt; a unit that is down or lacks the model is a fault like any other.

        Args:
            beside: whose attempt still runs.
            alone: whether it may run in this task.
        """
        assert self.job is not None
        self._tries += 1
        order = Order(
            exchange=self._call.request_id,
            attempt=f"{self._call.request_id}.{self._tries}",
            job=self.job,
            number=self._record.requests + 1 + (beside is not None),
            first=not self._record.has_asked(target.provider)
            and (beside is None or beside.provider != target.provider),
            ask=self._call.ask,
            spoken=self._call.dialect,
            target=target,
            deadline_s=self._deadline_s,
            trace_id=self._call.trace_id,
            beginning=way.beginning if way is not None else None,
            refusals_move=has_way_on(route, self._record.tried, target, Reason.CONTENT_POLICY),
            on_loss=self._on_loss,
            operation=self._call.operation,
            caller=self._caller,
            client=self._call.caller,
            metered=self._draw is not None,
            avoid=self._record.keys_failed(target),
            drill=self._record.drilling.deal(target),
            alone=alone,
        )
        try:
            word = await self._wiring.providers[target.provider].ask(
                StartAttempt(order=order), timeout_s=self._patience_s
            )
        except (ActorDead, AskTimeout, MailboxFull):
            return Unsent(Reason.BUSY, "its unit is being restarted", retry_after_s=1.0)
        if not isinstance(word, AttemptStarted | AttemptReady):
            return Unsent(Reason.MODEL_MISSING, "it does not serve this model")
        return word


def _crashed() -> WireFault:
    return WireFault(Reason.CRASHED, "its unit crashed while it was answering")
