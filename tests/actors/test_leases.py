"""Leases counted in this process, against a model of thirty lines."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import settings as how
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from actors.leases import Crossed, LocalLeases
from actors.past import owed
from actors.runtime import Ports, VirtualLoop, run_virtual, virtual_ports
from router.canon.cost import USD_STEP
from router.policy.bounds import Bounds, Budget, Period
from router.store.journal import KeySpend
from router.store.leases import Claim, Denied, Granted, Kind, Unit

T = TypeVar("T")
LASTS_S = 100.0
BUDGET = Claim(purse="b", kind=Kind.BUDGET, unit=Unit.USD, limit=100, amount=10, ends_at=None)
PLACE = Claim(purse="p", kind=Kind.PARALLEL, unit=Unit.REQUESTS, limit=1, amount=1)
REQUESTS = Claim(purse="r", kind=Kind.RATE, unit=Unit.REQUESTS, limit=2, amount=1)
TOKENS = Claim(purse="t", kind=Kind.RATE, unit=Unit.TOKENS, limit=60, amount=60)


class Clock:
    """Both clocks, set by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def now(self) -> float:
        """As told."""
        return self.now_s


class Rig:
    """Leases with a clock of their own, asked without a loop: they never wait."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.crossed: list[Crossed] = []
        ports = run_virtual(_ports(), seed=1)
        self.leases = LocalLeases(replace(ports, clock=self.clock, wall=self.clock), self.crossed.append)

    def take(self, lease: str, *claims: Claim) -> Granted | Denied:
        """Ask for claims."""
        return answered(self.leases.take(lease, claims, LASTS_S))


async def _ports() -> Ports:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return virtual_ports(loop, 1)


def answered(asked: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that waits for nothing."""
    try:
        asked.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    raise AssertionError("it waited")


def test_what_is_refused_takes_nothing() -> None:
    """Of all claims together: the request that found no place costs no request (line 57)."""
    rig = Rig()
    assert isinstance(rig.take("a", PLACE, REQUESTS), Granted)
    denied = rig.take("b", PLACE, REQUESTS)
    assert isinstance(denied, Denied) and denied.kind is Kind.PARALLEL
    rig.leases.give_back("a")
    assert isinstance(rig.take("c", PLACE, REQUESTS), Granted), "b consumed nothing"
    rig.leases.give_back("c")
    spent = rig.take("d", PLACE, REQUESTS)
    assert isinstance(spent, Denied) and spent.retry_after_s == 30.0


def test_tokens_taken_by_estimate_come_back() -> None:
    """Those that were not used; all of a request that came to nothing, none of one that nobody counted."""
    rig = Rig()
    for used, left in (({Unit.TOKENS: 15}, 45), (None, 60), ({}, 0)):
        rig.clock.now_s += 60
        assert isinstance(rig.take("a", TOKENS), Granted)
        if used is not None:
            rig.leases.charge("a", "a.1", used)
        rig.leases.give_back("a")
        granted = rig.take(f"probe {left}", replace(TOKENS, amount=0))
        assert isinstance(granted, Granted) and granted.levels[0].remaining == left
        rig.clock.now_s += LASTS_S


def test_a_budget_begins_anew_with_its_window() -> None:
    """What was spent in the window before is over; what is held goes on."""
    rig = Rig()
    day = replace(BUDGET, amount=100, ends_at=rig.clock.now_s + 50)
    assert isinstance(rig.take("a", day), Granted)
    rig.leases.charge("a", "a.1", {Unit.USD: 100})
    denied = rig.take("b", replace(day, amount=1))
    assert isinstance(denied, Denied) and denied.retry_after_s == 50
    next_day = replace(day, amount=1, begins_at=rig.clock.now_s + 50)
    assert isinstance(rig.take("b", next_day), Granted)


def test_what_is_used_past_midnight_is_of_the_new_day() -> None:
    """As the ledger has it, which goes by when an attempt closed; also where nobody has asked since."""
    rig = Rig()
    day = replace(BUDGET, ends_at=rig.clock.now_s + 50)
    assert isinstance(rig.take("a", day), Granted) and isinstance(rig.take("b", day), Granted)
    rig.leases.charge("a", "a.1", {Unit.USD: 7})
    rig.clock.now_s += 60
    rig.leases.charge("b", "b.1", {Unit.USD: 9})
    next_day = replace(day, begins_at=day.ends_at or 0.0, ends_at=rig.clock.now_s + 100)
    assert rig.leases.spent(next_day) == 9
    rig.leases.spend(day)
    assert (rig.leases.spent(next_day), rig.leases.spent(day)) == (9, 0)


def test_spending_is_told_at_its_marks_once() -> None:
    """At 50, 80 and 100 percent, also where one request passes several."""
    rig = Rig()
    soft = replace(BUDGET, hard=False)
    for lease, cost in (("a", 60), ("b", 10), ("c", 40), ("d", 50)):
        assert isinstance(rig.take(lease, soft), Granted)
        rig.leases.charge(lease, lease, {Unit.USD: cost})
        rig.leases.charge(lease, lease, {Unit.USD: cost})
    assert [crossed.share for crossed in rig.crossed] == [50, 80, 100]
    assert rig.leases.purses["b"].spent == 160


class Money(RuleBasedStateMachine):
    """Starts, charges, ends and crashes in any order, against sums kept by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.rig = Rig()
        self.ends: dict[str, float] = {}
        self.held: dict[str, int] = {}
        self.booked: dict[str, int] = {}
        self.missed: dict[str, int] = {}
        self.over = self.misses = 0

    def expire(self) -> None:
        """Model: a lease whose time is over holds nothing."""
        now = self.rig.clock.now_s
        for lease in [lease for lease, end in self.ends.items() if end <= now]:
            del self.ends[lease]
            self.held.pop(lease, None)

    @rule(name=st.integers(0, 9), amount=st.integers(0, 60))
    def start(self, name: int, amount: int) -> None:
        """A request comes; one that is known already takes nothing more."""
        self.expire()
        lease, known = str(name), str(name) in self.ends
        fits = known or sum(self.held.values()) + sum(self.booked.values()) + amount <= BUDGET.limit
        answer = self.rig.take(lease, replace(BUDGET, amount=amount))
        assert isinstance(answer, Granted) == fits
        if fits and not known:
            self.ends[lease], self.held[lease] = self.rig.clock.now_s + LASTS_S, amount

    @rule(name=st.integers(0, 9), attempt=st.integers(0, 2), cost=st.integers(0, 70))
    def book(self, name: int, attempt: int, cost: int) -> None:
        """An attempt is booked, perhaps twice, perhaps after its request has ended."""
        self.expire()
        self.rig.take("look", replace(BUDGET, amount=0, hard=False))
        lease, charge = str(name), f"{name}.{attempt}.{self.ends.get(str(name))}"
        self.rig.leases.charge(lease, charge, {Unit.USD: cost})
        if lease in self.ends and charge not in self.booked:
            self.booked[charge] = cost
            left = self.held.get(lease, 0)
            self.over += max(0, cost - left)
            if lease in self.held:
                self.held[lease] = max(0, left - cost)

    @rule(cost=st.integers(0, 70))
    def miss(self, cost: int) -> None:
        """The ledger books what nobody told here: a crash had it in hand."""
        self.misses += 1
        self.missed[f"missed {self.misses}"] = cost

    @rule()
    def recount(self) -> None:
        """What the ledger has more is added: after that both are the same."""
        usd = sum((*self.booked.values(), *self.missed.values())) * USD_STEP
        budget = Budget(purse="b", name="b", period=Period.TOTAL, usd=BUDGET.limit * USD_STEP)
        spent = (KeySpend(key="k", tokens=0, cost_usd=usd),)
        (claim,) = owed(spent, {"k": Bounds(budgets=(budget,))}, Period.TOTAL, self.rig.clock.now_s)
        assert claim.purse == "b usd"
        claim = replace(claim, purse=BUDGET.purse)
        self.rig.leases.spend(replace(claim, amount=claim.amount - self.rig.leases.spent(claim)))
        self.over += sum(self.missed.values())
        self.booked.update(self.missed)
        self.missed = {}

    @rule(name=st.integers(0, 9))
    def end(self, name: int) -> None:
        """A request ends, whatever its end."""
        self.rig.leases.give_back(str(name))
        self.held.pop(str(name), None)

    @rule(seconds=st.sampled_from([1.0, 30.0, 101.0]))
    def wait(self, seconds: float) -> None:
        """Time passes: what a crash held comes back."""
        self.rig.clock.now_s += seconds

    @invariant()
    def money_is_accounted_for(self) -> None:
        """Spend is the ledger, what is held is what is under way, and only what was underestimated is over."""
        self.expire()
        self.rig.take("look", replace(BUDGET, amount=0, hard=False))
        self.ends.setdefault("look", self.rig.clock.now_s + LASTS_S)
        purse = self.rig.leases.purses["b"]
        assert purse.spent == sum(self.booked.values())
        assert purse.held == sum(self.held.values())
        assert purse.spent + purse.held <= BUDGET.limit + self.over


Money.TestCase.settings = how(max_examples=60, stateful_step_count=30, deadline=None)
TestMoney = Money.TestCase
