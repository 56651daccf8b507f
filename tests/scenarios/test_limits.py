"""Lines 58 to 70: how many requests leave, when, and whom a failing provider must not touch."""

from __future__ import annotations

import asyncio
from asyncio import TaskGroup
from collections.abc import Callable, Coroutine
from pathlib import Path
from time import perf_counter
from typing import Any

import aiohttp
import pytest

from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import gated, silence, speak, stall_after, status
from tests.fakes.served import remote, routed, served
from tests.fakes.turn import Gate, Script, Turn
from tests.scenarios.scene import FIRST, SECOND, Heard, Pair, ask, both, paired, scenario, soon

BREAKER = {"failure_threshold": 3, "recovery_timeout_s": 0.2, "max_open_s": 0.2}
ONCE = {"max_attempts": 1}


async def crowd(count: int, call: Callable[[], Coroutine[Any, Any, Heard]]) -> list[Heard]:
    """So many calls at the same time."""
    async with TaskGroup() as group:
        tasks = [group.create_task(call()) for _ in range(count)]
    return [task.result() for task in tasks]


async def opened(pair: Pair) -> None:
    """Fail the first provider until its breaker is open."""
    pair.one.play(status(500))
    while pair.router.assembly.desk.health().providers["one"].circuit_state != "open":
        await pair.ask()


def circuit(pair: Pair) -> str:
    """The state of the first provider's breaker."""
    return pair.router.assembly.desk.health().providers["one"].circuit_state


@both
@scenario
async def test_line_58_no_more_than_the_bound_are_under_way(streamed: bool, tmp_path: Path) -> None:
    """100 at once, five slots: the provider never sees six, and all are answered."""
    gate = Gate()
    keys = {"max_parallel": 5, "max_wait_s": 300}
    async with paired(tmp_path, gated(gate, speak(FIRST)), keys=keys, only_one=True) as pair:
        async with TaskGroup() as group:
            calls = [group.create_task(pair.ask(streamed)) for _ in range(100)]
            await soon(lambda: pair.one.running == 5 and pair.router.in_flight == 100)
            gate.open()
        heard = [call.result() for call in calls]
        assert pair.one.most_running == 5
    assert all(one.is_from(FIRST) for one in heard)


@pytest.mark.parametrize(
    ("attempts", "per_target", "both_targets", "expected"),
    [(1, 3, False, (1, 0)), (4, 3, False, (3, 0)), (2, 5, False, (2, 0)), (3, 3, True, (2, 1)), (9, 2, True, (2, 2))],
    ids=["one", "per_target", "in_all", "dealt", "per_target_dealt"],
)
@scenario
async def test_line_59_exactly_the_documented_number_of_requests_leave(
    attempts: int, per_target: int, both_targets: bool, expected: tuple[int, int], tmp_path: Path
) -> None:
    """Whichever knob is the tighter one; nothing below the router tries again on its own."""
    retry = {"max_attempts": per_target, "base_delay_ms": 1, "jitter": False}
    async with paired(
        tmp_path,
        status(500),
        status(500),
        only_one=not both_targets,
        failover={"max_attempts": attempts},
        retry=retry,
        breaker={"failure_threshold": 100},
    ) as pair:
        heard = await pair.ask()
        assert pair.asked == expected
    assert heard.status == 502


@scenario
async def test_line_60_a_caller_cannot_ask_for_more_retries(tmp_path: Path) -> None:
    """Other gateways' knobs in the body are passed on and mean nothing here; ours only lowers."""
    async with paired(tmp_path, status(500), only_one=True, breaker={"failure_threshold": 100}) as pair:
        await pair.ask(max_retries=50, num_retries=50, router={"max_attempts": 50})
        assert len(pair.one.turns) == 3
        await pair.ask(router={"max_attempts": 1})
        assert len(pair.one.turns) == 4


@pytest.mark.parametrize("how", ["body", "header"])
@both
@scenario
async def test_line_61_the_deadline_holds_over_all_attempts(streamed: bool, how: str, tmp_path: Path) -> None:
    """The first fails late, the second is silent: the caller hears in time."""
    wish = {"router": {"deadline_s": 0.3}} if how == "body" else {"headers": {"x-router-deadline-s": "0.3"}}
    async with paired(tmp_path, silence(), silence(), keys={"timeouts": {"first_byte_s": 0.1}}) as pair:
        began = perf_counter()
        heard = await pair.ask(streamed, **wish)
        took_s = perf_counter() - began
        assert pair.asked == (1, 1)
    assert 0.3 <= took_s < 0.8
    assert heard.status == 504


@scenario
async def test_line_62_an_outage_is_not_multiplied(tmp_path: Path) -> None:
    """One target that fails always: before its breaker opens retries stay a share of what is offered, then silence."""
    retry = {"max_attempts": 3, "base_delay_ms": 1, "jitter": False, "budget_ratio": 0.2, "budget_min_per_s": 0.1}
    breaker = {"failure_threshold": 10_000, "min_calls": 100, "recovery_timeout_s": 60}
    async with paired(tmp_path, status(500), only_one=True, retry=retry, breaker=breaker) as pair:
        offered = 0
        while circuit(pair) != "open":
            await crowd(5, pair.ask)
            offered += 5
        before = len(pair.one.turns)
        assert before <= offered * 1.2 + 1 + 5
        assert 'pointsman_retries_denied_total{provider="one"}' in await pair.metrics()
        heard = await crowd(100, pair.ask)
        assert len(pair.one.turns) == before
    assert {one.status for one in heard} == {503}
    assert all(int(one.headers["retry-after"]) >= 1 for one in heard)


@both
@scenario
async def test_line_63_one_probe_goes_out_at_half_open(streamed: bool, tmp_path: Path) -> None:
    """200 at once when the time is over: one of them is the probe, and its success closes the circuit."""
    gate = Gate()
    async with paired(tmp_path, status(500), breaker=BREAKER) as pair:
        await opened(pair)
        asked = len(pair.one.turns)
        pair.one.play(gated(gate, speak(FIRST)))
        await asyncio.sleep(0.21)
        async with TaskGroup() as group:
            calls = [group.create_task(pair.ask(streamed)) for _ in range(200)]
            await soon(lambda: sum(call.done() for call in calls) == 199, 5.0)
            assert len(pair.one.turns) == asked + 1
            gate.open()
        heard = [call.result() for call in calls]
        await soon(lambda: circuit(pair) == "closed")
        assert (await pair.ask(streamed)).is_from(FIRST)
    assert sum(one.is_from(FIRST) for one in heard) == 1
    assert sum(one.is_from(SECOND) for one in heard) == 199


@scenario
async def test_line_63_an_open_breaker_rests_one_model_only(tmp_path: Path) -> None:
    """A refusal of our own is no wish of the provider's: its other models are asked at once."""

    def choose(turn: Turn) -> Script:
        return status(500) if turn.asked()["model"] == "bad" else speak(FIRST)

    async with ScriptedProvider(choose=choose) as one:
        first = remote(one, models=["bad", "good"])
        config = routed(first, breaker={"failure_threshold": 1, "recovery_timeout_s": 60})
        async with served({**config, "failover_groups": {}}, tmp_path) as router:
            await ask(router, model="one:bad")
            resting = await ask(router, model="one:bad")
            heard = await ask(router, model="one:good")
    assert resting.status == 503
    assert heard.is_from(FIRST)


@pytest.mark.parametrize("how", ["caller_leaves", "rejected"])
@scenario
async def test_line_64_a_probe_without_a_verdict_frees_its_place(how: str, tmp_path: Path) -> None:
    """The next probe goes out at once: a breaker that waits for a caller who left is stuck for ever."""
    async with paired(tmp_path, status(500), breaker=BREAKER) as pair:
        await opened(pair)
        await asyncio.sleep(0.21)
        if how == "rejected":
            pair.one.play(status(400))
            assert (await pair.ask()).status == 400
        else:
            pair.one.play(silence())
            asked = len(pair.one.turns)
            async with TaskGroup() as group:
                call = group.create_task(pair.ask())
                await pair.one.until(lambda: len(pair.one.turns) == asked + 1)
                call.cancel()
            await soon(lambda: pair.router.in_flight == 0)
        pair.one.play(speak(FIRST))
        assert (await pair.ask()).is_from(FIRST)
        await soon(lambda: circuit(pair) == "closed")


@scenario
async def test_line_65_callers_faults_open_nothing(tmp_path: Path) -> None:
    """Bad bodies and callers without patience say nothing about a provider."""
    async with paired(tmp_path, status(400), breaker=BREAKER, only_one=True) as pair:
        await crowd(100, pair.ask)
        assert circuit(pair) == "closed"
        pair.one.play(silence())
        asked = len(pair.one.turns)
        async with TaskGroup() as group:
            calls = [group.create_task(pair.ask()) for _ in range(50)]
            await pair.one.until(lambda: len(pair.one.turns) == asked + 50)
            for call in calls:
                call.cancel()
        await soon(lambda: pair.router.in_flight == 0)
        await crowd(20, lambda: pair.ask(router={"deadline_s": 0.05}))
        assert circuit(pair) == "closed"
        pair.one.play(speak(FIRST))
        assert (await pair.ask()).is_from(FIRST)


@scenario
async def test_line_66_the_later_of_two_retry_afters_holds(tmp_path: Path) -> None:
    """Two requests are under way when the first is told to wait; the other is told to wait longer."""
    short, long = Gate(), Gate()
    scripts = [
        gated(short, status(429, {"retry-after-ms": "100"})),
        gated(long, status(429, {"retry-after-ms": "500"})),
    ]
    async with paired(tmp_path, [*scripts, speak(FIRST)]) as pair:
        async with TaskGroup() as group:
            calls = [group.create_task(pair.ask()) for _ in range(2)]
            await pair.one.until(lambda: len(pair.one.turns) == 2)
            short.open()
            await soon(lambda: sum(call.done() for call in calls) == 1)
            long.open()
        began = perf_counter()
        while len(pair.one.turns) == 2:
            assert (await pair.ask()).status == 200
        assert perf_counter() - began > 0.45
    assert all(call.result().is_from(SECOND) for call in calls)


@both
@scenario
async def test_line_66_a_single_target_that_wants_quiet_is_waited_for(streamed: bool, tmp_path: Path) -> None:
    """Callers who come during the quiet are answered after it, as long as their time allows."""
    async with paired(tmp_path, [status(429, {"retry-after-ms": "300"}), speak(FIRST)], only_one=True) as pair:
        began = perf_counter()
        async with TaskGroup() as group:
            first = group.create_task(pair.ask(streamed))
            await soon(lambda: bool(pair.one.turns) and pair.one.running == 0)
            later = [group.create_task(pair.ask(streamed)) for _ in range(5)]
            hasty = await pair.ask(streamed, router={"deadline_s": 0.1})
            assert len(pair.one.turns) == 1
        assert perf_counter() - began > 0.3
        assert len(pair.one.turns) == 7
    assert all(call.result().is_from(FIRST) for call in (first, *later))
    assert hasty.status == 429
    assert hasty.why == "throttled"
    assert hasty.headers["retry-after"] == "1"


@scenario
async def test_line_67_a_single_target_is_tried_as_often_as_documented(tmp_path: Path) -> None:
    """Nobody else can answer: three tries, and an error that says when to come back."""
    async with paired(tmp_path, status(500), only_one=True) as pair:
        heard = await pair.ask()
        assert len(pair.one.turns) == 3
    assert heard.status == 502
    assert int(heard.headers["retry-after"]) >= 1


@scenario
async def test_line_68_one_failure_in_a_hundred_ejects_nobody(tmp_path: Path) -> None:
    """An isolated 500 is failed over and forgotten."""
    scripts: list[Script] = [speak(FIRST)] * 50 + [status(500)] + [speak(FIRST)]
    async with paired(tmp_path, scripts) as pair:
        heard = [await pair.ask() for _ in range(100)]
        assert circuit(pair) == "closed"
        assert pair.asked == (100, 1)
    assert sum(one.is_from(FIRST) for one in heard) == 99


@both
@scenario
async def test_line_69_a_connection_closed_in_idleness_is_not_noticed(streamed: bool, tmp_path: Path) -> None:
    """The provider's keep-alive ran out; the next request arrives, once."""
    async with paired(tmp_path, speak(FIRST), only_one=True, failover=ONCE) as pair:
        for _ in range(3):
            heard = await pair.ask(streamed)
            assert heard.is_from(FIRST)
            await soon(lambda: pair.one.running == 0)
            pair.one.hang_up_idle()
        assert len(pair.one.turns) == 3
        rows = await pair.router.entries(3)
    assert {row.end for row in rows} == {"completed"}


@scenario
async def test_line_70_a_crowded_provider_delays_no_other(tmp_path: Path) -> None:
    """150 streams hang at the first; the second answers as if they were not there."""
    async with paired(tmp_path, stall_after(["w"])) as pair:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as http, TaskGroup() as group:
            body = {"model": "one:m", "messages": [{"role": "user", "content": "hi"}], "stream": True}
            url = f"{pair.router.url}/v1/chat/completions"
            calls = [group.create_task(_hold(http, url, body)) for _ in range(150)]
            await pair.one.until(lambda: pair.one.running == 150)
            began = perf_counter()
            heard = await pair.ask(model="two:m")
            took_s = perf_counter() - began
            for call in calls:
                call.cancel()
    assert heard.is_from(SECOND)
    assert took_s < 0.3


async def _hold(http: aiohttp.ClientSession, url: str, body: object) -> None:
    """Read a stream until cancelled."""
    async with http.post(url, json=body) as response:
        await response.read()
