"""How many exchanges are in: counted once, given back whatever their end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from actors.leases import LocalLeases
from actors.limits import Account, Limits
from actors.messages import Admit, Admitted, BoundsChanged, Draw, EntryClosed, ReadSpend, SpendPage, Turned
from actors.past import AGAIN_S
from actors.runtime import Actor, Job, Ref, Snapshot, run_virtual, virtual_ports
from router.canon.outcome import End as Outcome
from router.canon.outcome import UsageSource
from router.canon.usage import Usage
from router.policy.bounds import Bounds, Budget, Period
from router.policy.price import PriceBook
from router.policy.pricelist import PriceList
from router.store.journal import KeySpend
from tests.fakes.crowd import ENDS, Crowd, End, breathe, crash, staged, staged_with


async def admit(limits: Ref, job: Job) -> Admitted | Turned:
    """Ask for `job` to be let in."""
    answer = await limits.ask(Admit(exchange="ex", job=job, deadline_s=60.0))
    assert isinstance(answer, (Admitted, Turned))
    return answer


@pytest.mark.parametrize("end", ENDS)
def test_a_place_is_free_again_whatever_the_end(end: End) -> None:
    """Answered, crashed or left by its client: the third gets in when one of two is gone, and only then."""

    async def main() -> None:
        crowd = Crowd()
        async with staged(lambda: Limits(max_exchanges=lambda: 2)) as limits:
            first, second, third = (crowd.job() for _ in range(3))
            assert await admit(limits, first) == await admit(limits, second) == Admitted()
            assert isinstance(await admit(limits, third), Turned)
            await end(crowd, first)
            assert await admit(limits, third) == Admitted()

    run_virtual(main())


def test_an_exchange_counts_once_however_often_it_asks() -> None:
    """An ask repeated after a timeout takes no second place."""

    async def main() -> None:
        crowd = Crowd()
        async with staged(lambda: Limits(max_exchanges=lambda: 2)) as limits:
            first = crowd.job()
            assert await admit(limits, first) == await admit(limits, first) == Admitted()
            assert await admit(limits, crowd.job()) == Admitted()

    run_virtual(main())


def test_an_exchange_that_has_already_ended_takes_no_place() -> None:
    """Its end was before the question; nothing would ever give the place back."""

    async def main() -> None:
        crowd = Crowd()
        async with staged(lambda: Limits(max_exchanges=lambda: 1)) as limits:
            ended = crowd.job()
            await crowd.finish(ended)
            await admit(limits, ended)
            assert await admit(limits, crowd.job()) == Admitted()

    run_virtual(main())


def test_a_restart_finds_who_is_inside() -> None:
    """Otherwise a crash would let a second full house in."""

    async def main() -> None:
        crowd = Crowd()
        inside = crowd.job()
        async with staged(lambda: Limits(max_exchanges=lambda: 1, live_jobs=lambda: (inside,))) as limits:
            await crash(limits)
            assert isinstance(await admit(limits, crowd.job()), Turned)
            await crowd.finish(inside)
            assert await admit(limits, crowd.job()) == Admitted()

    run_virtual(main())


BOOK = PriceBook({}, listed=PriceList())


class Bookkeeper(Actor):
    """A ledger of one key that says what it is told to have; None cannot tell."""

    def __init__(self, till: Till) -> None:
        super().__init__()
        self._till = till

    async def on_receive(self, message: ReadSpend) -> SpendPage:
        """What closed before then."""
        self._till.asked += 1
        tokens, wait_s = self._till.tokens, self._till.slow_s
        await asyncio.sleep(wait_s)
        spent = () if tokens is None else (KeySpend(key="a", tokens=tokens, cost_usd=Decimal(0)),)
        return SpendPage(spent=spent, complete=tokens is not None)


class Till:
    """One key with a budget of 1000 tokens, what the ledger says of it, and what is counted here."""

    def __init__(self, tokens: int | None) -> None:
        self.tokens = tokens
        self.asked = 0
        self.slow_s = 0.0
        self.ports = virtual_ports()
        self.leases = LocalLeases(self.ports, lambda _: None)
        self.bounds = {"a": Bounds(budgets=(_budget("first"),))}
        self.crowd = Crowd()

    def limits(self, ledger: Ref) -> Limits:
        """The actor under test."""
        account = Account(leases=self.leases, bounds=lambda: self.bounds, prices=Snapshot(BOOK), ledger=ledger)
        return Limits(max_exchanges=lambda: 9, account=account, live_jobs=lambda: self.crowd.jobs)

    def spent(self, name: str) -> int:
        """What is counted of a budget."""
        return self.leases.purses[f"{name} tokens"].spent

    async def enter(self, limits: Ref, exchange: str, tokens: int) -> Admitted | Turned:
        """A request of the key that may use so many."""
        draw = Draw(bounds=self.bounds["a"], tokens=tokens)
        answer = await limits.ask(Admit(exchange=exchange, job=self.crowd.job(), deadline_s=60.0, draw=draw))
        assert isinstance(answer, (Admitted, Turned))
        return answer

    def close(self, limits: Ref, exchange: str, tokens: int) -> None:
        """One of its attempts ends; the ledger hears of it too."""
        assert self.tokens is not None
        self.tokens += tokens
        limits.tell(_closed(exchange, tokens, self.ports.wall.now()))


@asynccontextmanager
async def kept(till: Till) -> AsyncIterator[Ref]:
    """Limits beside a ledger."""
    async with staged(lambda: Bookkeeper(till)) as ledger, staged_with(lambda _: till.limits(ledger)) as limits:
        yield limits


def _budget(name: str) -> Budget:
    return Budget(purse=name, name=name, period=Period.TOTAL, tokens=1_000)


def _closed(exchange: str, tokens: int, at: float) -> EntryClosed:
    return EntryClosed(
        attempt=f"{exchange}.1",
        exchange=exchange,
        provider="one",
        model="m",
        end=Outcome.COMPLETED,
        reason=None,
        usage=Usage(input=tokens),
        usage_source=UsageSource.FINAL,
        at=at,
    )


def test_a_charge_that_a_crash_took_is_found_in_the_ledger() -> None:
    """What was told before and waits is counted once, what was in hand is asked for, and nothing counts twice."""

    async def main() -> None:
        till = Till(100)
        async with kept(till) as limits:
            assert till.spent("first") == 100
            assert await till.enter(limits, "x", 300) == await till.enter(limits, "y", 300) == Admitted()
            await asyncio.sleep(1.0)
            till.tokens = 400  # the ledger has booked x; the message to us was in hand when we crashed
            limits.tell(object())
            till.close(limits, "y", 200)
            await asyncio.sleep(1.0)
            assert limits.incarnation == 2
            assert till.spent("first") == 600
            await crash(limits)
            assert till.spent("first") == 600

    run_virtual(main())


def test_a_clock_that_was_set_back_while_the_ledger_thinks_charges_nothing_twice() -> None:
    """An entry that closed before the moment in question, and is charged after it was asked about (seed 91000154)."""

    async def main() -> None:
        till = Till(100)
        async with kept(till) as limits:
            await till.enter(limits, "x", 300)
            till.slow_s, till.tokens = 5.0, 300  # what the ledger has when it has thought
            await crash(limits)
            limits.tell(_closed("x", 200, till.ports.wall.now() - 60.0))
            await asyncio.sleep(10.0)
            assert till.spent("first") == 300

    run_virtual(main())


def test_a_budget_that_is_added_knows_its_window() -> None:
    """Before the next request comes in; what they spend who came in before it is added when they have left."""

    async def main() -> None:
        till = Till(700)
        async with kept(till) as limits:
            await till.enter(limits, "before", 100)
            till.bounds = {"a": Bounds(budgets=(_budget("first"), _budget("second")))}
            till.slow_s = 0.5
            limits.tell(BoundsChanged(at=till.ports.wall.now()))
            assert isinstance(await till.enter(limits, "after", 301), Turned)
            assert till.spent("second") == 700
            till.close(limits, "before", 100)
            await asyncio.sleep(0.1)
            assert (till.spent("first"), till.spent("second")) == (800, 700)
            for job in till.crowd.jobs:
                await till.crowd.finish(job)
            await asyncio.sleep(1.0)
            assert (till.spent("first"), till.spent("second")) == (800, 800)

    run_virtual(main())


def test_another_configuration_with_the_same_budgets_asks_nothing() -> None:
    """A hundred reloads are no hundred sums over the ledger."""

    async def main() -> None:
        till = Till(0)
        async with kept(till) as limits:
            for _ in range(100):
                limits.tell(BoundsChanged(at=till.ports.wall.now()))
            await breathe()
            assert till.asked == 1

    run_virtual(main())


def test_a_ledger_that_cannot_tell_is_asked_again() -> None:
    """Serving goes on with what is counted here; then what was spent before is added to it."""

    async def main() -> None:
        till = Till(None)
        async with kept(till) as limits:
            assert await till.enter(limits, "x", 1_000) == Admitted()
            till.tokens = 500
            till.close(limits, "x", 200)
            await asyncio.sleep(AGAIN_S + 1.0)
            assert till.spent("first") == 700

    run_virtual(main())


def test_a_ledger_that_cannot_tell_is_asked_once_each_time() -> None:
    """However many configurations brought budgets meanwhile: an outage has no crowd of questions waiting."""

    async def main() -> None:
        till = Till(None)
        async with kept(till) as limits:
            for number in range(5):
                till.bounds = {"a": Bounds(budgets=(_budget("first"), _budget(f"added {number}")))}
                limits.tell(BoundsChanged(at=till.ports.wall.now()))
                await asyncio.sleep(1.0)
            asked = till.asked
            await asyncio.sleep(3 * AGAIN_S)
            assert till.asked <= asked + 3

    run_virtual(main())
