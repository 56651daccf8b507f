"""The Limits actor: how many exchanges the gateway carries at once, and what their callers may take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import assert_never

from msgspec import Struct

from actors.books import closing_of
from actors.claims import claims_of
from actors.messages import Admit, Admitted, BoundsChanged, Draw, EntryClosed, EntryOpened, Turned
from actors.past import AGAIN_S, Past, Recount
from actors.runtime import Actor, Down, Job, Overflow, Ref, Snapshot
from router.errors import Reason, Standing
from router.policy.bounds import Bounds, refuses_unpriced, steps_of
from router.policy.price import PriceBook
from router.store.leases import Denied, Kind, Leases, Level, Unit

_COME_BACK_S = 1.0  # exchanges end at any moment; a second spreads callers more than it costs them

GRACE_S = 60.0
"""How long after its deadline an exchange's lease comes back by itself: whoever held it is gone."""

LOOK_BACK_S = 5.0
"""How long a start waits for the ledger to say what budgets have spent; then serving goes on and it is asked again."""

RECOUNT_S = 1.0
"""The same while serving, where budgets were added: nobody comes in meanwhile."""

_PLACES = frozenset({Kind.PARALLEL})


class Account(Struct, frozen=True, kw_only=True):
    """What callers' limits and budgets are counted with.

    Args:
        leases: where; it outlives this actor.
        bounds: what bounds each key, by its id.
        prices: what attempts cost, as the ledger has it.
        ledger: knows what was spent before this process.
    """

    leases: Leases
    bounds: Callable[[], Mapping[str, Bounds]]
    prices: Snapshot[PriceBook]
    ledger: Ref


LimitsMessage = Admit | EntryOpened | EntryClosed | BoundsChanged | Recount


class Limits(Actor):
    """Lets exchanges in, or turns them away while it is full or their caller has no more.

    Accepts `Admit` -> `Admitted | Turned`; `EntryOpened` and `EntryClosed` of metered attempts, and `BoundsChanged`
    (facts). All that bounds a caller is taken at once or not at all. A place comes back when its exchange ends; money
    and tokens when the last of its attempts has, so that nobody can spend in between what is not yet booked.

    A restart loses the count and rebuilds it from the exchanges still alive; what is leased outlives it, and what ended
    meanwhile comes back at its lease's end. What budgets have spent is asked of the ledger at every start, and when
    there are new ones: a new process knows what was spent before it, a new budget what was before that, and a charge
    that was in hand at a crash is not missed.

    Args:
        max_exchanges: in flight at once, as the configuration in force has it.
        live_jobs: the jobs of all exchanges under way.
    """

    prompt = True

    mailbox_capacity = 65_536
    overflow = Overflow.REJECT

    def __init__(
        self,
        *,
        max_exchanges: Callable[[], int],
        account: Account | None = None,
        live_jobs: Callable[[], Iterable[Job]] = tuple,
    ) -> None:
        super().__init__()
        self._max_exchanges = max_exchanges
        self._account = account
        self._live_jobs = live_jobs

    async def on_start(self) -> None:
        """Count who is inside already; at the first start, what was spent before."""
        self._inside: set[Job] = set()
        self._attempts: dict[str, int] = {}
        self._ended: set[str] = set()
        for job in self._live_jobs():
            self._enter(job)
        self._later: Job | None = None
        self._past = None if (account := self._account) is None else self._past_of(account)
        if self._past is not None:
            # What was told to the incarnation before is still in the mailbox, and is to be counted first.
            if self.ref.incarnation > 1:
                self._recount()
            else:
                await self._look_back(self._past, self.ports.wall.now(), LOOK_BACK_S)

    def on_receive(self, message: LimitsMessage) -> Admitted | Turned | Awaitable[Admitted | Turned | None] | None:
        """Decide at once; nobody waits here but for where it is counted."""
        match message:
            case Admit():
                return self._admit(message)
            case EntryOpened():
                self._open(message.exchange, 1)
            case EntryClosed():
                if self._account is not None:
                    self._charge(message, self._account)
                self._open(message.exchange, -1)
            case BoundsChanged():
                return self._follow(message)
            case Recount():
                if self._past is not None:
                    self._past.ask(message.at)
            case _:
                assert_never(message)
        return None

    def on_down(self, down: Down) -> None:
        """An exchange ended: its place is free, whatever its end."""
        if isinstance(down.target, Job):
            self._inside.discard(down.target)
            if self._account is not None:
                self._account.leases.give_back(down.target.name, kinds=_PLACES)
                self._ended.add(down.target.name)
                self._open(down.target.name, 0)

    # ---- who comes in

    def _admit(self, message: Admit) -> Admitted | Turned | Awaitable[Admitted | Turned]:
        if message.job in self._inside:
            return Admitted()
        most = self._max_exchanges()
        if len(self._inside) >= most:
            return Turned(
                retry_after_s=_COME_BACK_S, why=f"the gateway is at its limit: {most} exchanges are in flight"
            )
        if message.draw is not None and self._account is not None:
            return self._drawn(message, message.draw, self._account.leases)
        self._pass(message.job)
        return Admitted()

    async def _drawn(self, message: Admit, draw: Draw, leases: Leases) -> Admitted | Turned:
        unpriced = refuses_unpriced(draw.bounds, draw.usd)
        if unpriced is not None:
            why = f"budget {unpriced} counts dollars, and nobody knows the price of a target of this model"
            return Turned(retry_after_s=None, why=why, reason=Reason.QUOTA_EXHAUSTED)
        lasts_s = max(0.0, message.deadline_s - self.ports.clock.now()) + GRACE_S
        answer = await leases.take(message.exchange, claims_of(draw, self.ports.wall.now()), lasts_s)
        standings = tuple(map(self._standing, answer.levels))
        if isinstance(answer, Denied):
            return _turned(answer, standings)
        self._enter(message.job)
        return Admitted(standings=standings)

    def _enter(self, job: Job) -> None:
        self._inside.add(job)
        self.monitor(job)

    def _pass(self, job: Job) -> None:
        """Count one that draws on nothing. At its end nothing is to be given back and nobody to be told: it leaves the
        count by itself, and wakes no actor."""
        inside = self._inside
        inside.add(job)
        job.ended.watch("inside", lambda _: inside.discard(job))

    def _standing(self, level: Level) -> Standing:
        return Standing(
            unit=level.unit.value,
            limit=level.limit,
            remaining=level.remaining,
            reset_s=level.reset_s,
            reset_at=self.ports.wall.now() + level.reset_s,
        )

    # ---- what they used

    def _open(self, exchange: str, change: int) -> None:
        """Count the attempts of an exchange that may still cost something; the last one settles it."""
        left = self._attempts.get(exchange, 0) + change
        if left > 0:
            self._attempts[exchange] = left
            return
        self._attempts.pop(exchange, None)
        if exchange in self._ended and self._account is not None:
            self._ended.discard(exchange)
            self._account.leases.give_back(exchange)

    def _charge(self, entry: EntryClosed, account: Account) -> None:
        row = closing_of(entry, account.prices.value)
        amounts: dict[Unit, int] = {}
        if row.usage is not None:
            amounts[Unit.TOKENS] = row.usage.input_total + row.usage.output_total
        if row.cost_usd is not None:
            amounts[Unit.USD] = steps_of(row.cost_usd)
        pay = partial(account.leases.charge, entry.exchange, entry.attempt, amounts)
        if self._past is None:
            pay()
        else:
            self._past.charge(entry.at, pay)

    # ---- what was spent before

    async def _look_back(self, past: Past, before_at: float, within_s: float) -> None:
        """Ask the ledger; should it not tell in time, go on serving while it is asked."""
        asked = past.ask(before_at)
        try:
            async with asyncio.timeout(within_s):
                await asked.wait()
        except TimeoutError:
            past.complain()

    def _follow(self, changed: BoundsChanged) -> Awaitable[None] | None:
        """Other budgets are in force. Who came in before draws on none of the new ones, so that the ledger is asked
        once more when the last of them has left."""
        past = self._past
        if past is None or not past.has_more():
            return None
        self.tasks.start(self._recount_after(self._live_jobs()), name="recount")
        return self._look_back(past, changed.at, RECOUNT_S)

    async def _recount_after(self, jobs: Iterable[Job]) -> None:
        for job in tuple(jobs):
            await job.wait()
        self._recount()

    def _past_of(self, account: Account) -> Past:
        return Past(account.leases, account.bounds, account.ledger, self.tasks, self._recount_later)

    def _recount(self) -> None:
        self.ref.tell(Recount(at=self.ports.wall.now()))

    def _recount_later(self) -> None:
        """Once, however many questions stay unanswered meanwhile."""
        if self._later is not None:
            self._later.stop()
        self._later = self.tasks.start(self._recount_in(AGAIN_S), name="recount")

    async def _recount_in(self, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        self._recount()


def _turned(denied: Denied, standings: tuple[Standing, ...]) -> Turned:
    """Why, in words for the caller; purses are named for the operator, who configured them."""
    match denied.kind:
        case Kind.PARALLEL:
            reason, why = Reason.THROTTLED, f"this key has {denied.limit} requests in flight, as many as it may"
        case Kind.RATE:
            reason, why = Reason.THROTTLED, f"this key may use {denied.limit} {denied.unit.value} a minute"
        case Kind.BUDGET:
            name = denied.purse.partition(" ")[0]
            reason = Reason.QUOTA_EXHAUSTED
            why = (
                f"what is left of budget {name} does not suffice for this request and the longest answer to it; "
                "a smaller max_tokens sets less aside"
            )
    return Turned(retry_after_s=denied.retry_after_s, why=why, reason=reason, standings=standings)
