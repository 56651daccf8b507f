"""Lines 52, 53, 55, 57: budgets and limits of callers, over sockets."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer, cut_after, stall_after, status
from tests.fakes.served import Served, log_of, remote, routed, served, until
from tests.fakes.turn import Script, Turn
from tests.scenarios.scene import FIRST, ask, counted, scenario, soon, words

KEY = "client-key-number-one"
PRICED = {"models": [{"name": "m", "price": {"input_per_mtok": 0, "output_per_mtok": 10}}]}
"""100 tokens of an answer are a thousandth of a dollar."""
HUNDRED = {"prompt_tokens": 10, "completion_tokens": 100, "total_tokens": 110}


@asynccontextmanager
async def bounded(home: Path, script: Script, **sections: Any) -> AsyncIterator[tuple[Served, ScriptedProvider]]:
    """One priced provider, and a router before it."""
    async with ScriptedProvider(script) as one, served(routed(remote(one, **PRICED), **sections), home) as router:
        yield router, one


def purses(router: Served) -> Mapping[str, tuple[int, int]]:
    """What is held and spent of each purse."""
    return {name: (purse.held, purse.spent) for name, purse in router.assembly._leases.purses.items()}


def shown() -> dict[str, str]:
    """The header of the one key."""
    return {"authorization": f"Bearer {KEY}"}


@scenario
async def test_line_52_no_more_are_let_in_than_fit(tmp_path: Path) -> None:
    """Fifty at once on a budget for ten: forty get the budget's error, and all that is spent fits."""
    go = asyncio.Event()

    async def wait(turn: Turn) -> None:
        await go.wait()
        await answer(FIRST, usage=HUNDRED)(turn)

    budgets = {"all": {"usd": 0.01, "period": "total"}}
    async with bounded(tmp_path, wait, budgets=budgets) as (router, one):
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(ask(router, max_tokens=100)) for _ in range(50)]
            await until(lambda: sum(each.done() for each in asked) == 40)
            assert len(one.turns) <= 10
            go.set()
        heard = [each.result() for each in asked]
        assert sorted(each.status for each in heard) == [200] * 10 + [429] * 40
        refused = next(each for each in heard if each.status == 429)
        assert refused.error is not None and refused.error["code"] == "budget_exceeded"
        assert refused.headers["x-should-retry"] == "false" and "retry-after" not in refused.headers
        await until(lambda: purses(router) == {"all overall all total usd": (0, 10_000_000_000)})
        await soon(lambda: len(log_of(router.log.read, "budget reached")) == 3)
        assert [line["share"] for line in log_of(router.log.read, "budget reached")] == [50, 80, 100]
        rows = await router.entries(10)
        assert sum(row.cost_usd or 0 for row in rows) * 10**12 == 10_000_000_000


ENDS = {
    "answered": answer(FIRST, usage=HUNDRED),
    "failed": status(500),
    "refused": status(400),
    "cut": cut_after(words(3)),
    "left": stall_after(words(3)),
}


@pytest.mark.parametrize("script", ENDS.values(), ids=ENDS)
@scenario
async def test_line_53_nothing_is_held_after_any_end(script: Script, tmp_path: Path) -> None:
    """What is spent is what the ledger says, and what was reserved beyond that is free."""
    clients = {"a": {"key": KEY, "max_parallel": 1, "tokens_per_min": 100_000}}
    budgets = {"each": {"scope": "key", "usd": 1, "period": "day"}}
    async with bounded(tmp_path, script, keys=clients, budgets=budgets) as (router, _one):
        if script is ENDS["left"]:
            async with router.http.post(
                f"{router.url}/v1/chat/completions",
                json={"model": "chat", "stream": True, "messages": [{"role": "user", "content": "hi"}]},
                headers=shown(),
            ) as response:
                await response.content.readany()
                assert purses(router)["key a parallel requests"] == (1, 0)
                response.close()
        else:
            await ask(router, script is ENDS["cut"], headers=shown(), max_tokens=100)
        await until(lambda: all(held == 0 for held, _ in purses(router).values()))
        rows = [row for row in (await router._page()).rows if row.closed_at is not None]
        spent = purses(router)["each key a day usd"][1]
        assert spent == sum((row.cost_usd or 0) for row in rows) * 10**12
        assert {row.key for row in rows} == {"a"}


@scenario
async def test_line_55_a_restart_knows_what_was_spent(tmp_path: Path) -> None:
    """A second router over the same ledger: its budget is as far gone, and the next request is refused."""
    sections = {
        "keys": {"a": {"key": KEY, "owner": "ann"}},
        "budgets": {"ann": {"scope": "owner", "only": "ann", "tokens": 200}},
        "ledger": {"path": str(tmp_path / "one.sqlite")},
    }
    script = answer(FIRST, usage=HUNDRED)
    async with bounded(tmp_path, script, **sections) as (router, _one):
        assert (await ask(router, headers=shown(), max_tokens=100)).status == 200
        await router.entries(1)
    async with bounded(tmp_path, script, **sections) as (router, one):
        assert purses(router) == {"ann owner ann month tokens": (0, 110)}
        assert (await ask(router, headers=shown(), max_tokens=100)).status == 429
        assert not one.turns


@scenario
async def test_line_55_fifty_at_once_and_then_a_restart_over_the_same_file(tmp_path: Path) -> None:
    """What the first router let in stands in SQLite to the pico-dollar, and the next lets in what is left of more."""
    file = tmp_path / "one.sqlite"

    def sections(usd: float) -> dict[str, Any]:
        return {"budgets": {"all": {"usd": usd}}, "ledger": {"path": str(file), "journal": str(tmp_path / "journal")}}

    def in_file() -> tuple[int, int]:
        with closing(sqlite3.connect(file)) as connection:
            count, cost = connection.execute("SELECT count(*), sum(cost_pico_usd) FROM entries").fetchone()
        return count, cost

    async def fifty(router: Served) -> list[int]:
        heard = await asyncio.gather(*(ask(router, streamed=each % 2 == 0, max_tokens=100) for each in range(50)))
        return sorted(each.status for each in heard)

    script = counted(HUNDRED)
    async with bounded(tmp_path, script, **sections(0.01)) as (router, one):
        assert await fifty(router) == [200] * 10 + [429] * 40
        assert len(one.turns) == 10
    assert in_file() == (10, 10_000_000_000)
    async with bounded(tmp_path, script, **sections(0.013)) as (router, one):
        assert purses(router) == {"all overall all month usd": (0, 10_000_000_000)}
        assert await fifty(router) == [200] * 3 + [429] * 47
        assert len(one.turns) == 3
    assert in_file() == (13, 13_000_000_000)


@scenario
async def test_line_57_a_refused_request_takes_nothing(tmp_path: Path) -> None:
    """One at a time, two a minute: A runs, B is refused, A ends, C goes; then the minute's two are spent."""
    go = asyncio.Event()

    async def wait(turn: Turn) -> None:
        await go.wait()
        await answer(FIRST, usage=HUNDRED)(turn)

    clients = {"a": {"key": KEY, "max_parallel": 1, "requests_per_min": 2}}
    async with bounded(tmp_path, wait, keys=clients) as (router, one):
        async with asyncio.TaskGroup() as group:
            first = group.create_task(ask(router, headers=shown()))
            await until(lambda: len(one.turns) == 1)
            second = await ask(router, headers=shown())
            assert (second.status, second.headers["retry-after"]) == (429, "1")
            go.set()
        assert first.result().headers["x-ratelimit-remaining-requests"] == "1"
        third = await ask(router, headers=shown())
        assert (third.status, third.headers["x-ratelimit-remaining-requests"]) == (200, "0")
        fourth = await ask(router, headers=shown())
        assert (fourth.status, fourth.headers["x-ratelimit-limit-requests"]) == (429, "2")
        assert 28 <= int(fourth.headers["retry-after"]) <= 30
        body = {"model": "chat", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
        async with router.http.post(f"{router.url}/v1/messages", json=body, headers={"x-api-key": KEY}) as said:
            assert said.status == 429
            assert said.headers["anthropic-ratelimit-requests-remaining"] == "0"
            assert said.headers["anthropic-ratelimit-requests-reset"].endswith("Z")
            assert (await said.json())["error"]["type"] == "rate_limit_error"


@scenario
async def test_a_price_that_nobody_knows_is_no_zero(tmp_path: Path) -> None:
    """Under a budget in dollars such a request is refused, unless the budget allows it."""
    for unpriced, expected in (("refuse", 429), ("allow", 200)):
        async with ScriptedProvider(answer(FIRST)) as one:
            budgets = {"all": {"usd": 1, "unpriced": unpriced}}
            async with served(routed(remote(one), budgets=budgets), tmp_path) as router:
                assert (await ask(router)).status == expected
