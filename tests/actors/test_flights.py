"""Requests that are joined while the cache has no answer yet, in virtual time."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from actors.messages import Answered, Opened, ReadEntries
from actors.runtime import run_virtual
from router.canon.cost import CostSource
from router.errors import Reason, UpstreamFailed
from router.upstream.memory import Delay, Scripted, in_turn
from tests.actors.test_sharing import LAST, WORD, keyed
from tests.fakes.embedded import PROVIDER, STREAMED, Embedded, Read, embedded, read

ON = {"cache": {"enabled": True}}
SLOW = Scripted(headers=STREAMED, steps=(WORD, Delay(1), WORD, Delay(1), LAST))
SILENT = Scripted(headers=STREAMED, steps=(Delay(3600),))
BUSY = Scripted(status=400, steps=(b"{}",))
BODY = WORD * 2 + LAST
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]


async def heard(*opened: Opened) -> list[Read]:
    """Several, read at once, each to its end."""
    return list(await asyncio.gather(*(read(each) for each in opened)))


async def later(host: Embedded, seconds: float, **fields: Any) -> Read:
    """One that comes after a while."""
    await asyncio.sleep(seconds)
    return await read(host.open(**fields))


def sent(router: Embedded) -> int:
    """Requests that the provider got."""
    return len(router.transports["p0"].carried)


def cost_of(one: Read) -> Decimal | None:
    """What its caller was told that it cost."""
    last = one.pieces[-1]
    assert isinstance(last, Answered)
    return last.cost_usd


@pytest.mark.parametrize("late_s", [0.0, 1.5], ids=["at_once", "in_the_middle"])
def test_what_asks_the_same_meanwhile_is_told_the_same(late_s: float) -> None:
    """From the beginning, whenever it comes; one is asked for, the others are free, and nothing is left behind."""

    async def main() -> None:
        async with embedded(in_turn(SLOW), **ON) as router:
            everybody = await asyncio.gather(*(later(router, seconds) for seconds in (0.0, late_s, late_s)))
            assert [each.raw for each in everybody] == [BODY] * 3 and sent(router) == 1
            assert [cost_of(each) == 0 for each in everybody] == [False, True, True]
            page = await router.assembly.system.ref("root/ledger").ask(ReadEntries())
            assert sorted(row.cost_source is CostSource.CACHED for row in page.rows) == [False, True, True]
            assert (await heard(router.open()))[0].raw == BODY and sent(router) == 1  # kept by now
            await asyncio.sleep(2)
            assert b'cache_requests_total{use="joined"} 2' in router.assembly.desk.metrics()
            assert router.assembly.flights.count == 0

    run_virtual(main())


@pytest.mark.parametrize("leaving", [0, 1], ids=["the_first", "another"])
def test_who_leaves_is_missed_by_nobody(leaving: int) -> None:
    """The answer goes on as long as one of them reads; with the last of them it ends."""

    async def main() -> None:
        async with embedded(in_turn(SLOW, SLOW), **ON) as router:
            both = [router.open(), router.open()]
            await both[1 - leaving].outbox.get()
            both[leaving].leave()
            (stays,) = await heard(both[1 - leaving])
            assert stays.raw == BODY and sent(router) == 1
            gone = [router.open(seed=1), router.open(seed=1)]
            await asyncio.sleep(0.5)
            for each in gone:
                each.leave()
            await asyncio.sleep(0.1)
            assert router.transports["p0"].open == 0 and router.assembly.flights.count == 0

    run_virtual(main())


def test_one_who_reads_slowly_holds_up_nobody() -> None:
    """Not even the first, whose exchange it is."""

    async def main() -> None:
        async with embedded(in_turn(Scripted(headers=STREAMED, steps=(*[WORD] * 40, LAST))), **ON) as router:
            slow, fast = router.open(), router.open()
            (one,) = await heard(fast)
            assert one.complete
            assert (await heard(slow))[0].raw == one.raw == WORD * 40 + LAST

    run_virtual(main())


def test_what_a_provider_refuses_is_refused_to_all_of_them() -> None:
    """They would all have asked it: one failure is not made as many requests as there are callers."""

    async def main() -> None:
        async with embedded(in_turn(BUSY), **ON) as router:
            failed = await heard(*(router.open() for _ in range(3)))
            assert all(isinstance(each.error, UpstreamFailed) for each in failed) and sent(router) == 1
            await heard(router.open())
            assert sent(router) == 2 and router.assembly.flights.count == 0

    run_virtual(main())


def test_what_ends_the_first_for_a_reason_of_its_own_ends_no_other() -> None:
    """Its deadline is over first: the next of them asks anew, and the others join that one."""

    async def main() -> None:
        async with embedded(in_turn(SILENT, SLOW), **ON) as router:
            wishes: dict[str, Any] = {"router": {"deadline_s": 10}}
            first, *others = await asyncio.gather(*(later(router, s, **wishes) for s in (0, 5, 5, 6)))
            assert [each.raw for each in others] == [BODY] * 3 and sent(router) == 2
            assert first.error is not None and first.error.reason is Reason.DEADLINE
            assert router.assembly.flights.count == 0

    run_virtual(main())


def test_what_ends_the_first_in_the_middle_ends_all_for_that_reason() -> None:
    """Its deadline is over when some of the answer was told: that is no error within the router, to nobody."""

    async def main() -> None:
        async with embedded(in_turn(Scripted(headers=STREAMED, steps=(WORD, Delay(3600)))), **ON) as router:
            wishes: dict[str, Any] = {"router": {"deadline_s": 10}}
            both = await asyncio.gather(*(later(router, s, **wishes) for s in (0, 5)))
            assert [each.error and each.error.reason for each in both] == [Reason.DEADLINE] * 2 and sent(router) == 1

    run_virtual(main())


def test_who_may_not_be_told_by_that_target_asks_for_itself() -> None:
    """The configuration has changed meanwhile: whoever comes after that joins whoever came after it first."""

    async def main() -> None:
        groups = {"auto": {"targets": ["p0:m"]}}
        async with embedded(in_turn(SLOW), in_turn(SLOW), failover_groups=groups, **ON) as router:
            first = router.open()
            await first.outbox.get()
            groups["auto"]["targets"] = ["p1:m"]
            await router.reload()
            old, *new = await heard(first, router.open(), router.open())
            assert old.raw == BODY and [(each.raw, each.target.provider) for each in new] == [(BODY, "p1")] * 2
            assert [len(router.transports[name].carried) for name in ("p0", "p1")] == [1, 1]
            assert router.assembly.flights.count == 0

    run_virtual(main())


def test_a_key_of_the_callers_own_goes_before() -> None:
    """One with an `Idempotency-Key` joins and is joined as any other, and its retry is told the same bytes again."""

    async def main() -> None:
        async with embedded(in_turn(SLOW), **ON) as router:
            first, other, second = (keyed(router, key) for key in "aba")
            everybody = await heard(first, other, second)
            assert [each.raw for each in everybody] == [BODY] * 3 and second.how == "joined"
            for each in (first, other, second):
                each.leave()
            lost = keyed(router, "c")
            await asyncio.sleep(1)
            lost.leave()  # a hit, complete and unread
            again = keyed(router, "c")
            assert (await heard(again))[0].raw == BODY and again.how == "replayed" and sent(router) == 1

    run_virtual(main())


def test_what_was_joined_or_kept_stands_in_its_own_transcript() -> None:
    """Whose words are kept has them whole, whoever was asked for them."""

    async def main() -> None:
        async with embedded(in_turn(SLOW), transcripts={"enabled": True}, **ON) as router:
            await heard(router.open(), router.open())
            await heard(router.open())
            await router.assembly.system.ref("root/ledger").ask(ReadEntries())
            assert [row.said for row in router.account.store.said.values()] == ["ww"] * 3 and sent(router) == 1

    run_virtual(main())


def test_an_entry_says_what_was_asked_for() -> None:
    """Also where the answer came out of the cache."""
    vector = b'{"object":"list","model":"m","data":[{"object":"embedding","index":0,"embedding":[0.5]}]}'
    answer = Scripted(headers=(("content-type", "application/json"),), steps=(vector,))

    async def main() -> None:
        both = {"p0": {**PROVIDER, "models": [{"name": "m", "operations": ["chat", "embeddings"]}]}}
        async with embedded(in_turn(answer, SLOW), providers=both, **ON) as router:
            for _ in range(2):
                assert (await read(router.embed(["a"]))).complete
            assert (await read(router.open())).complete
            page = await router.assembly.system.ref("root/ledger").ask(ReadEntries())
            rows = [(row.operation, row.cost_source is CostSource.CACHED) for row in reversed(page.rows)]
            assert rows == [("embeddings", False), ("embeddings", True), ("chat", False)]

    run_virtual(main())


@pytest.mark.parametrize(
    ("ours", "theirs", "requests"),
    [
        ({}, {"seed": 1}, 2),
        ({}, {"router": {"max_attempts": 1}}, 2),
        ({"tools": TOOLS}, {"tools": TOOLS}, 2),
        ({"tools": TOOLS, "router": {"cache": "use"}}, {"tools": TOOLS, "router": {"cache": "use"}}, 1),
        ({"router": {"cache": "bypass"}}, {"router": {"cache": "bypass"}}, 2),
    ],
    ids=["another", "other_wishes", "may_call", "may_call_and_may_be_kept", "around_it"],
)
def test_only_the_same_is_joined(ours: dict[str, Any], theirs: dict[str, Any], requests: int) -> None:
    """With the same wishes, and not where two callers might be told to do the same thing."""

    async def main() -> None:
        async with embedded(in_turn(SLOW), **ON) as router:
            both = await heard(router.open(**ours), router.open(**theirs))
            assert [each.raw for each in both] == [BODY] * 2 and sent(router) == requests

    run_virtual(main())
