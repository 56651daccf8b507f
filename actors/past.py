"""What budgets have spent by the ledger's word, wherever it was not counted here: before this process, before a budget
was configured, or in a message that an actor had in hand when it crashed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from math import inf

from msgspec import Struct
from msgspec.structs import replace

from actors.claims import budgeted
from actors.messages import Draw, ReadSpend, SpendPage
from actors.runtime import ActorDead, AskTimeout, Job, MailboxFull, Ref, Tasks
from router.policy.bounds import UNBOUND, Bounds, Budget, Period, window_of
from router.store.journal import KeySpend
from router.store.leases import Claim, Leases
from router.telemetry.logs import Line

AGAIN_S = 30.0
"""When the ledger is asked again that could not tell, and how long it may think."""

_LOG = logging.getLogger(__name__)


class Recount(Struct, frozen=True):
    """Limits to itself: ask the ledger for what closed before `at`, epoch seconds. All charges that were told before
    then are in front of it in the mailbox, and so are counted when it is handled."""

    at: float


class Past:
    """Brings leases up to what the ledger has. A new question takes the place of the one before.

    What was spent in a window up to a moment is known twice: here, and in the ledger. Both are read for the same
    moment, and only what the ledger has more is added, so that asking again is always safe and nothing counts twice.
    A clock that was set back while the ledger thinks lets entries close before that moment which are charged after it:
    `charge` tells them.

    Args:
        bounds: what bounds each key, by its id, as the configuration in force has it.
        again: called when it is time to ask once more.
    """

    def __init__(
        self,
        leases: Leases,
        bounds: Callable[[], Mapping[str, Bounds]],
        ledger: Ref,
        tasks: Tasks,
        again: Callable[[], None],
    ) -> None:
        self._leases = leases
        self._bounds = bounds
        self._ledger = ledger
        self._tasks = tasks
        self._again = again
        self._asked: frozenset[str] = frozenset()
        self._before_at = -inf
        self._claims: tuple[Claim, ...] = ()
        self._counted: dict[str, int] = {}
        self._job: Job | None = None
        self._missing = False

    def has_more(self) -> bool:
        """Whether there are budgets that nobody has asked the ledger about."""
        return not self._asked.issuperset(budget.purse for budget in _budgets(self._bounds()))

    def ask(self, before_at: float) -> Job:
        """Take in what closed before `before_at`. The job ends when it did, or is due again."""
        if self._job is not None:
            self._job.stop()
        budgets = tuple(_budgets(self._bounds()))
        self._asked = frozenset(budget.purse for budget in budgets)
        nothing = Draw(bounds=UNBOUND)
        self._before_at = before_at
        self._claims = tuple(claim for budget in budgets for claim in budgeted(budget, nothing, before_at))
        self._counted = counted = self._spent()
        periods = tuple(dict.fromkeys(budget.period for budget in budgets))
        self._job = self._tasks.start(self._take_in(periods, counted, before_at), name="look back")
        return self._job

    def charge(self, closed_at: float, pay: Callable[[], None]) -> None:
        """Charge what an entry used that closed then, epoch seconds; where the question is about it, too, it counts as
        known to both."""
        if closed_at >= self._before_at:
            pay()
            return
        before = self._spent()
        pay()
        for purse, spent in self._spent().items():
            self._counted[purse] += spent - before[purse]

    def _spent(self) -> dict[str, int]:
        return {claim.purse: self._leases.spent(claim) for claim in self._claims}

    def complain(self) -> None:
        """Say once that budgets may let through too much."""
        if not self._missing:
            self._missing = True
            _LOG.error(Line.BUDGETS_BLIND)

    async def _take_in(self, periods: tuple[Period, ...], counted: dict[str, int], before_at: float) -> None:
        told = [await self._take_in_period(period, counted, before_at) for period in periods]
        if not all(told):
            self.complain()
            self._again()
        elif self._missing:
            self._missing = False
            _LOG.warning(Line.BUDGETS_KNOW)

    async def _take_in_period(self, period: Period, counted: dict[str, int], before_at: float) -> bool:
        since_at, _ = window_of(period, before_at)
        try:
            page = await self._ledger.ask(ReadSpend(since_at=since_at, before_at=before_at), timeout_s=AGAIN_S)
        except (ActorDead, AskTimeout, MailboxFull):
            return False
        if not isinstance(page, SpendPage) or not page.complete:
            return False
        for claim in owed(page.spent, self._bounds(), period, before_at):
            more = claim.amount - counted.get(claim.purse, claim.amount)
            if more > 0:
                self._leases.spend(replace(claim, amount=more))
        return True


def owed(spent: Iterable[KeySpend], table: Mapping[str, Bounds], period: Period, at: float) -> tuple[Claim, ...]:
    """What keys spent in this period as what each purse has spent in all. Of a key that is gone, only those of all
    have."""
    sums: dict[str, Claim] = {}
    for each in spent:
        bounds = table.get(each.key) or table.get("", UNBOUND)
        draw = Draw(bounds=bounds, tokens=each.tokens, usd=each.cost_usd)
        for claim in (c for budget in bounds.budgets if budget.period is period for c in budgeted(budget, draw, at)):
            before = sums.get(claim.purse)
            sums[claim.purse] = claim if before is None else replace(before, amount=before.amount + claim.amount)
    return tuple(sums.values())


def _budgets(table: Mapping[str, Bounds]) -> Iterable[Budget]:
    """Each purse once."""
    return {budget.purse: budget for bounds in table.values() for budget in bounds.budgets}.values()
