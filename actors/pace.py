"""The Pace actor: one provider's slots and keys, the queue for them, and what it learns of the provider's limits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from actors.messages import (
    READY,
    Acquire,
    Acquired,
    AttemptMeasured,
    BreakerState,
    Busy,
    Grant,
    KeyChanged,
    KeysReopened,
    LimitsRead,
    PaceView,
    ReopenKeys,
)
from actors.runtime import Actor, Down, Exit, Job, Ref, Reply, Snapshot
from router.errors import BLAME, Blame
from router.policy.adapt import Adaptive
from router.policy.breaker import Phase
from router.policy.lanes import Demand, Lane, Shut, Told, Track
from router.policy.pace import (
    Granted,
    PaceRules,
    Pacing,
    Queued,
    Refused,
    Waiter,
    counts,
    free_from_s,
    next_found,
    next_informed,
    next_left,
    next_measured,
    next_moment,
    next_reopened_all,
    next_returned,
    next_served,
    next_slot,
    shut_until_s,
)
from router.policy.throttle import Ration, held_back, next_asked


class WaitOver(Struct, frozen=True, kw_only=True):
    """Pace to itself: somebody in the queue may have waited long enough."""


_UNKNOWN = Grant(key="", model="")
"""What an attempt holds that has been let go and has not noticed yet, or has not asked yet."""

Answer = Acquired | Busy | KeysReopened | Reply | None

Live = Callable[[], Iterable[tuple[Job, Grant | None]]]
"""The attempts under way at a provider; None where one has not been let go, or has not noticed yet."""


class Pace(Actor):
    """Lets attempts go, each by a key and with a slot; takes the slots back when the attempts end.

    Accepts `Acquire` -> `Acquired | Busy`, at once or when it is its turn, `ReopenKeys` -> `KeysReopened`, and the
    facts `AttemptMeasured` and `LimitsRead`. A job holds one slot, however often it asks. Publishes `PaceView`; tells
    telemetry `KeyChanged`.

    A restart loses the queue (who waits is told that the actor died), the average hold time and what was refused
    lately. It finds the slots in use from the live jobs, and the state of the keys, their quiet and their buckets from
    what was published. Slots are counted only where something bounds them.

    Args:
        live: the attempts under way at this provider.
        published: the keys, as they are before the first start and after each change.
        breakers: the provider's circuits, by model: a key whose circuit is open goes last.
    """

    prompt = True

    def __init__(
        self,
        *,
        provider: str,
        rules: PaceRules,
        published: Snapshot[PaceView],
        breakers: Snapshot[Mapping[str, BreakerState]],
        telemetry: Ref,
        live: Live = tuple,
    ) -> None:
        super().__init__()
        self._provider = provider
        self._rules = rules
        self._published = published
        self._breakers = breakers
        self._telemetry = telemetry
        self._live = live
        self._timer: asyncio.TimerHandle | None = None  # here, because `on_stop` runs after a failed start too

    async def on_start(self) -> None:
        """Find what is held and begin with an empty queue."""
        self._holding: dict[Job, tuple[Grant, float]] = {}
        self._waiting: dict[int, tuple[Job, Waiter, Reply]] = {}
        self._tickets = 0
        self._ration, self._chance = Ration(), 0.0
        fresh = tuple(replace(lane, held=0, tracks=_unheld(lane)) for lane in self._published.value.lanes)
        self._pacing = self._looked_at = Pacing(lanes=fresh)
        self._free_from_s = free_from_s(self._pacing, self._rules)
        self._counting = False
        self._count()

    def on_receive(self, message: Acquire | ReopenKeys | AttemptMeasured | LimitsRead | WaitOver) -> Answer:
        """Give, queue or refuse; what moves the queue answers those in it."""
        match message:
            case Acquire():
                return self._acquire(message)
            case AttemptMeasured():
                self._measure(message.key, message.told)
            case ReopenKeys():
                return self._reopen()
            case LimitsRead():
                told = Told(model=message.model, reason=None, allowances=message.allowances)
                self._take(next_informed(self._pacing, message.key, told))
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
        held = self._holding.pop(job, None)
        if held is not None:
            grant, since_s = held
            held_s = self.ports.clock.now() - since_s
            self._take(next_returned(self._pacing, grant.key, grant.model, held_s))
        self._drop(ticket for ticket, (waiter, *_) in self._waiting.items() if waiter is job)
        self._move_on()

    async def on_stop(self, reason: Exit) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _is_free(self, now: float) -> bool:
        """Whether whoever asks may go and whoever is answered teaches nothing: then neither needs a new state."""
        if self._looked_at is not self._pacing:
            self._looked_at, self._free_from_s = self._pacing, free_from_s(self._pacing, self._rules)
        return now >= self._free_from_s and not self._counting

    def _acquire(self, message: Acquire) -> Acquired | Busy | Reply:
        now = self.ports.clock.now()
        if not self._chance and self._is_free(now):
            return Acquired(key=self._pacing.lanes[0].name)
        held = self._holding.get(message.job)
        if held is not None and held[0] != _UNKNOWN:
            return Acquired(key=held[0].key)
        if held is not None:  # found before it had asked for anything
            del self._holding[message.job]
            self._pacing = next_found(self._pacing, _UNKNOWN.key, _UNKNOWN.model, -1)
        if self._is_held_back():
            return Busy(retry_after_s=1.0, why=Shut.HELD_BACK)
        self._tickets += 1
        demand = Demand(model=message.model, tokens=message.tokens, avoid=message.avoid)
        waiter = Waiter(ticket=self._tickets, deadline_s=message.deadline_s, demand=demand, caller=message.caller)
        pacing, answer = next_slot(self._pacing, waiter, now, self._rules, self._resting(message.model))
        self._take(pacing)
        match answer:
            case Granted():
                self._let_go(message.job, Grant(key=answer.key, model=message.model))
                return Acquired(key=answer.key)
            case Refused():
                return Busy(retry_after_s=answer.retry_after_s, why=answer.why)
            case Queued():
                return self._queue(message.job, waiter, answer)
            case _:
                assert_never(answer)

    def _queue(self, job: Job, waiter: Waiter, place: Queued) -> Reply:
        if place.displaced is not None:
            self._answer(place.displaced, Busy(retry_after_s=self._pacing.hold_s, why=Shut.SLOTS))
        reply = self.defer_reply()
        self._waiting[waiter.ticket] = (job, waiter, reply)
        self.monitor(job)
        self._set_timer()
        return reply

    def _let_go(self, job: Job, grant: Grant) -> None:
        if self._counting:
            self._holding[job] = (grant, self.ports.clock.now())
            self.monitor(job)

    def _is_held_back(self) -> bool:
        """Whether the provider mostly refuses and this attempt is one too many; that counts as a refusal too."""
        if not self._chance:
            return False
        now = self.ports.clock.now()
        self._chance = held_back(self._ration, now, self._rules.throttle)
        if self.ports.rng.random() >= self._chance:
            return False
        self._ration = next_asked(self._ration, False, now, self._rules.throttle)
        return True

    def _measure(self, key: str, told: Told) -> None:
        """Learn from an attempt's end."""
        now = self.ports.clock.now()
        is_plain = told.sent and told.reason is None and not told.allowances
        if not (is_plain and self._is_free(now)):
            self._learn(key, told, now)
        if told.sent:
            accepted = told.reason is None or BLAME[told.reason] is not Blame.CAPACITY
            self._ration = next_asked(self._ration, accepted, now, self._rules.throttle)
            if self._chance or not accepted:
                self._chance = held_back(self._ration, now, self._rules.throttle)

    def _learn(self, key: str, told: Told, now: float) -> None:
        before = self._pacing
        self._take(next_measured(before, key, told, self._under_way(key, told), now, self._rules))
        for was, lane in zip(before.lanes, self._pacing.lanes, strict=True):
            if was is not lane:
                self._tell_change(was, lane)
        if not self._counting:
            self._count()
        self._move_on()

    def _reopen(self) -> KeysReopened:
        before = self._pacing.lanes
        self._take(next_reopened_all(self._pacing))
        changed = [(was, lane) for was, lane in zip(before, self._pacing.lanes, strict=True) if was is not lane]
        for was, lane in changed:
            self._tell_change(was, lane)
        self._move_on()
        return KeysReopened(keys=tuple(lane.name for _, lane in changed))

    def _under_way(self, key: str, told: Told) -> int:
        """Attempts under way by a key at a model, the one that just ended included; where nothing is bounded and none
        was refused nobody counts them."""
        if self._counting:
            lane = next(lane for lane in self._pacing.lanes if lane.name == key)
            track = lane.tracks.get(told.model)
            return max(1, 0 if track is None else track.held)
        if told.reason is None and self._rules.lane.adaptive is not Adaptive.GRADIENT:
            return 1
        own = Grant(key=key, model=told.model)
        return 1 + sum(grant == own for _, grant in self._live())

    def _count(self) -> None:
        """From now on slots are bounded, if they are: know all that are in use."""
        self._counting = counts(self._pacing, self._rules)
        if not self._counting:
            return
        waiting = {job for job, *_ in self._waiting.values()}
        for job, grant in self._live():
            if job not in waiting:
                known = grant or _UNKNOWN
                self._pacing = next_found(self._pacing, known.key, known.model)
                self._let_go(job, known)

    def _tell_change(self, was: Lane, lane: Lane) -> None:
        before, after = _state(was), _state(lane)
        if before != after:
            self._telemetry.tell(
                KeyChanged(provider=self._provider, key=lane.name, before=before, after=after, at=self.ports.wall.now())
            )

    def _resting(self, model: str) -> frozenset[str]:
        """The keys whose circuit for this model is open; what one key alone does is not asked."""
        state = self._breakers.value.get(model) if len(self._pacing.lanes) > 1 else None
        if state is None:
            return frozenset()
        now = self.ports.clock.now()
        return frozenset(
            key
            for key, own in state.keys.items()
            if own.state != Phase.CLOSED and not (own.retry_at_s is not None and own.retry_at_s <= now)
        )

    def _take(self, pacing: Pacing) -> None:
        """Hold and publish the new state, where it is one."""
        lanes_before, self._pacing = self._pacing.lanes, pacing
        if pacing.lanes is not lanes_before:
            self._published.publish(PaceView(lanes=pacing.lanes, shut_until_s=shut_until_s(pacing.lanes)))

    def _drop(self, tickets: Iterable[int]) -> None:
        """Take these out of the queue: nobody is left to use a slot."""
        for ticket in tuple(tickets):
            self._waiting.pop(ticket)[2].set(Busy(retry_after_s=0.0, why=Shut.SLOTS))
            self._pacing = next_left(self._pacing, ticket)

    def _move_on(self) -> None:
        """Answer all whose turn or whose end it is; a slot given to an asker that has given up would be lost."""
        if not self._waiting:
            return
        gone = [(ticket, job) for ticket, (job, _, reply) in self._waiting.items() if reply.done]
        self._drop(ticket for ticket, _ in gone)
        for _, job in gone:
            self.demonitor(job)
        pacing, served, refused = next_served(self._pacing, self.ports.clock.now(), self._rules, self._resting)
        self._take(pacing)
        for one in refused:
            self._answer(one.ticket, Busy(retry_after_s=one.retry_after_s, why=one.why))
        for grant in served:
            job, waiter, reply = self._waiting.pop(grant.ticket)
            if not self._counting:
                self.demonitor(job)
            self._let_go(job, Grant(key=grant.key, model=waiter.demand.model))
            reply.set(Acquired(key=grant.key))
        self._set_timer()

    def _answer(self, ticket: int, busy: Busy) -> None:
        """Send one who waited away."""
        job, _, reply = self._waiting.pop(ticket)
        self.demonitor(job)
        reply.set(busy)

    def _set_timer(self) -> None:
        """Ring when the first in the queue has waited long enough, or a limit lets one go."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self.ports.clock.now()
        at_s = next_moment(self._pacing, now, self._rules)
        if at_s is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(at_s - now, 0.0), self.ref.tell, WaitOver())


def _unheld(lane: Lane) -> dict[str, Track]:
    """What a lane knows of its models, without the slots in use: those are counted anew."""
    return {model: replace(track, held=0) for model, track in lane.tracks.items()}


def _state(lane: Lane) -> str:
    """A key's state in one word; quiet is no change of it, it comes and goes with every 429."""
    return lane.why if lane.why in (Shut.REFUSED, Shut.EXHAUSTED) else READY
