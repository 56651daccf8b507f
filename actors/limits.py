"""The Limits actor: how many exchanges the gateway carries at once, and what their callers may take."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import assert_never

from msgspec import Struct

from actors.books import closing_of
from actors.claims import budgeted, claims_of
from actors.messages import Admit, Admitted, Draw, EntryClosed, EntryOpened, ReadSpend, SpendPage, Turned
from actors.runtime import Actor, ActorDead, AskTimeout, Down, Job, MailboxFull, Overflow, Ref, Snapshot
from router.errors import Reason, Standing
from router.policy.bounds import UNBOUND, Bounds, Period, refuses_unpriced, steps_of, window_of
from router.policy.price import PriceBook
from router.store.journal import KeySpend
from router.store.leases import Denied, Kind, Leases, Level, Unit
from router.telemetry.logs import Line

_COME_BACK_S = 1.0  # exchanges end at any moment; a second spreads callers more than it costs them

GRACE_S = 60.0
"""How long after its deadline an exchange's lease comes back by itself: whoever held it is gone."""

LOOK_BACK_S = 5.0
"""How long a start waits for the ledger to say what budgets have spent; then serving goes on and it is asked again."""

AGAIN_S = 30.0
"""When it is asked again."""

_PLACES = frozenset({Kind.PARALLEL})
_LOG = logging.getLogger(__name__)


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


class Limits(Actor):
    """Lets exchanges in, or turns them away while it is full or their caller has no more.

    Accepts `Admit` -> `Admitted | Turned`, `EntryOpened` and `EntryClosed` (facts, of metered attempts). All that
    bounds a caller is taken at once or not at all. A place comes back when its exchange ends; money and tokens when the
    last of its attempts has, so that nobody can spend in between what is not yet booked.

    A restart loses the count and rebuilds it from the exchanges still alive; what is leased outlives it, and what ended
    meanwhile comes back at its lease's end. A new process learns what budgets have spent from the ledger.

    Args:
        max_exchanges: in flight at once, as the configuration in force has it.
        live_jobs: the jobs of all exchanges under way.
    """

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
        if self.ref.incarnation == 1 and self._account is not None:
            await self._look_back(self._account)

    def on_receive(
        self, message: Admit | EntryOpened | EntryClosed
    ) -> Admitted | Turned | Awaitable[Admitted | Turned] | None:
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
        self._enter(message.job)
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
        account.leases.charge(entry.exchange, entry.attempt, amounts)

    # ---- what was spent before

    async def _look_back(self, account: Account) -> None:
        """Ask the ledger once; where it cannot tell within its time, go on serving and ask again."""
        started_at = self.ports.wall.now()
        try:
            async with asyncio.timeout(LOOK_BACK_S):
                missing = await self._recall(account, _periods(account), started_at)
        except TimeoutError:
            missing = _periods(account)
        if missing:
            _LOG.error(Line.BUDGETS_BLIND)
            self.tasks.start(self._recall_later(account, missing, started_at), name="look back")

    async def _recall_later(self, account: Account, missing: tuple[Period, ...], started_at: float) -> None:
        while missing:
            await asyncio.sleep(AGAIN_S)
            missing = await self._recall(account, missing, started_at)
        _LOG.warning(Line.BUDGETS_KNOW)

    async def _recall(self, account: Account, periods: tuple[Period, ...], started_at: float) -> tuple[Period, ...]:
        """Note what was spent in these periods before we started; those that the ledger cannot tell are returned."""
        missing: list[Period] = []
        for period in periods:
            since_at, _ = window_of(period, started_at)
            try:
                page = await account.ledger.ask(ReadSpend(since_at=since_at, before_at=started_at), timeout_s=AGAIN_S)
            except (ActorDead, AskTimeout, MailboxFull):
                page = None
            if not isinstance(page, SpendPage) or not page.complete:
                missing.append(period)
                continue
            for spent in page.spent:
                _note(account, spent, period, started_at)
        return tuple(missing)


def _turned(denied: Denied, standings: tuple[Standing, ...]) -> Turned:
    """Why, in words for the caller; purses are named for the operator, who configured them."""
    match denied.kind:
        case Kind.PARALLEL:
            reason, why = Reason.THROTTLED, f"this key has {denied.limit} requests in flight, as many as it may"
        case Kind.RATE:
            reason, why = Reason.THROTTLED, f"this key may use {denied.limit} {denied.unit.value} a minute"
        case Kind.BUDGET:
            name = denied.purse.partition(" ")[0]
            reason, why = Reason.QUOTA_EXHAUSTED, f"what is left of budget {name} does not suffice for this request"
    return Turned(retry_after_s=denied.retry_after_s, why=why, reason=reason, standings=standings)


def _periods(account: Account) -> tuple[Period, ...]:
    """Those of any budget there is, each once."""
    budgets = (budget for bounds in account.bounds().values() for budget in bounds.budgets)
    return tuple(dict.fromkeys(budget.period for budget in budgets))


def _note(account: Account, spent: KeySpend, period: Period, now_at: float) -> None:
    """What a key spent is spent of its budgets; what came with a key that is gone, of those of all."""
    table = account.bounds()
    bounds = table.get(spent.key) or table.get("", UNBOUND)
    for budget in bounds.budgets:
        if budget.period is period:
            draw = Draw(bounds=bounds, tokens=spent.tokens, usd=spent.cost_usd)
            for claim in budgeted(budget, draw, now_at):
                account.leases.spend(claim)
