"""Scenarios of failover, streams, limits and errors on every protocol, streamed and not: the same outcome (line 20)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import perf_counter

import pytest

from tests.fakes.provider import refused
from tests.fakes.replies import head_then_silence, silence, stall_after, status
from tests.fakes.served import GROUP
from tests.fakes.turn import Gate, Script, Turn
from tests.replay.hearing import hear
from tests.scenarios.cases import CASES, PINGS, Case, by_second
from tests.scenarios.scene import SECOND, WELL, Pair, both, paired, scenario, soon, words
from tests.scenarios.tongues import CHAT, MESSAGES, RESPONSES, Front, every_front, tell

MATRIX = [
    pytest.param(case, streamed, marks=pytest.mark.shows(case.line), id=f"{case.line}_{case.name}-{mode}")
    for case in CASES
    for streamed, mode in ((True, "streamed"), (False, "whole"))
    if streamed in case.modes
]


@pytest.mark.shows(20)
@pytest.mark.parametrize(("case", "streamed"), MATRIX)
@every_front
@scenario
async def test_a_case_has_the_same_outcome_on_every_protocol(
    front: Front, case: Case, streamed: bool, tmp_path: Path
) -> None:
    """What the line says, held to the rules of each protocol."""
    more = {"keys": case.keys, "second": case.second, **case.sections}
    async with paired(tmp_path, case.one(), case.two, **more) as pair:
        told = await tell(pair.router, front, streamed, **case.fields)
        assert case.found(told, pair), (told.status, told.said, pair.asked, told.body[-600:])
        await soon(lambda: pair.router.in_flight == 0)


@pytest.mark.shows(1)
@both
@every_front
@scenario
async def test_a_refused_connection_is_replaced(front: Front, streamed: bool, tmp_path: Path) -> None:
    """Nobody listens there."""
    with refused() as nowhere:
        async with paired(tmp_path, WELL, keys={"base_url": nowhere}) as pair:
            told = await tell(pair.router, front, streamed)
            assert by_second(told, pair)
    assert told.headers["x-router-attempts"] == "2"


@pytest.mark.shows(11, 66)
@both
@every_front
@scenario
async def test_a_named_wait_is_kept_by_everybody(front: Front, streamed: bool, tmp_path: Path) -> None:
    """Fail over now; until then nobody asks the first again."""
    async with paired(tmp_path, status(429, {"retry-after": "5"})) as pair:
        for _ in range(3):
            assert (await tell(pair.router, front, streamed)).is_whole(SECOND)
        assert pair.asked == (1, 3)


@pytest.mark.shows(29, 30)
@every_front
@scenario
async def test_silence_is_filled_and_failover_goes_on_after_it(front: Front, tmp_path: Path) -> None:
    """In the protocol's own form, and then the second's answer as if nothing had been."""
    gate = Gate()

    async def late(turn: Turn) -> None:
        await gate.wait()
        await status(429)(turn)

    async with paired(tmp_path, late, server=PINGS) as pair, asyncio.TaskGroup() as group:
        asking = group.create_task(_raw(pair, front))
        await gate.reached.wait()
        await asyncio.sleep(0.2)
        gate.open()
        body = await asking
    ping = b'event: ping\ndata: {"type":"ping"}\n\n' if front is MESSAGES else b": "
    assert body.startswith(ping)
    answer = body.replace(ping, b"") if front is MESSAGES else body
    assert hear(front, 200, answer, streamed=True, passed=front is CHAT).first.text == SECOND


async def _raw(pair: Pair, front: Front) -> bytes:
    """A stream's bytes."""
    async with pair.router.http.post(pair.router.url + front.path, json=front.body(GROUP, True)) as response:
        return await response.read()


@pytest.mark.shows(38, 39, 40)
@pytest.mark.parametrize(
    ("script", "streamed"),
    [
        (stall_after(words(3)), True),
        (head_then_silence(), True),
        (silence(), True),
        (silence(), False),
    ],
    ids=["mid_stream", "after_the_head", "before_a_byte", "whole"],
)
@every_front
@scenario
async def test_a_caller_who_leaves_ends_the_call(front: Front, script: Script, streamed: bool, tmp_path: Path) -> None:
    """Within a second the provider sees it, and nothing is held."""
    async with paired(tmp_path, script) as pair, asyncio.TaskGroup() as group:
        asking = group.create_task(tell(pair.router, front, streamed))
        await pair.one.until(lambda: pair.one.running == 1)
        await asyncio.sleep(0.05)
        asking.cancel()
        await soon(lambda: pair.one.left == 1 and pair.router.in_flight == 0)
        assert pair.asked == (1, 0)


@pytest.mark.shows(58)
@every_front
@scenario
async def test_a_limit_of_attempts_at_once_is_never_passed(front: Front, tmp_path: Path) -> None:
    """Thirty at a time at a provider that takes five."""
    async with paired(tmp_path, WELL, keys={"max_parallel": 5}, only_one=True) as pair:
        told = await asyncio.gather(*(tell(pair.router, front, number % 2 > 0) for number in range(30)))
        assert pair.one.most_running <= 5
    assert all(one.is_whole(SECOND) for one in told)


@pytest.mark.shows(61)
@both
@every_front
@scenario
async def test_a_deadline_bounds_all_attempts(front: Front, streamed: bool, tmp_path: Path) -> None:
    """Two silent providers, and one deadline over both."""
    async with paired(tmp_path, silence(), silence()) as pair:
        began = perf_counter()
        told = await tell(pair.router, front, streamed, headers={"x-router-deadline-s": "0.3"})
        assert perf_counter() - began < 1.3
    assert told.status == 504


@pytest.mark.shows(67, 72)
@both
@every_front
@scenario
async def test_when_all_want_quiet_the_earliest_moment_is_told(front: Front, streamed: bool, tmp_path: Path) -> None:
    """And nobody is asked again meanwhile."""
    async with paired(tmp_path, status(429, {"retry-after": "9"}), status(429, {"retry-after": "5"})) as pair:
        for _ in range(2):
            told = await tell(pair.router, front, streamed, headers={"x-router-deadline-s": "2"})
            assert told.status in (429, 503)
            assert 4 <= int(told.headers["retry-after"]) <= 6
        assert pair.asked == (1, 1)


@pytest.mark.shows(71)
@both
@every_front
@scenario
async def test_limits_that_a_provider_tells_reach_the_caller(front: Front, streamed: bool, tmp_path: Path) -> None:
    """Cookies do not."""
    said = {"retry-after": "7", "x-ratelimit-remaining-requests": "0", "set-cookie": "session=secret"}
    async with paired(tmp_path, status(429, said), only_one=True) as pair:
        told = await tell(pair.router, front, streamed, headers={"x-router-deadline-s": "1"})
    assert told.status == 429
    assert told.headers["x-ratelimit-remaining-requests"] == "0"
    assert 6 <= int(told.headers["retry-after"]) <= 8
    assert "set-cookie" not in told.headers


@pytest.mark.shows(74)
@both
@every_front
@scenario
async def test_an_unknown_model_is_a_404_in_the_protocol(front: Front, streamed: bool, tmp_path: Path) -> None:
    """And nobody is asked."""
    async with paired(tmp_path, WELL) as pair:
        body = {**front.body(GROUP, streamed), "model": "gpt-nothing"}
        async with pair.router.http.post(pair.router.url + front.path, json=body) as response:
            error = (await response.json())["error"]
            code = response.status
        assert pair.asked == (0, 0)
    word = error["type"] if front is MESSAGES else error["code"]
    assert (code, word) == (
        404,
        {CHAT.name: "model_not_found", RESPONSES.name: "model_not_found"}.get(front.name, "not_found_error"),
    )


@pytest.mark.shows(75)
@both
@every_front
@scenario
async def test_after_failover_the_answer_names_who_gave_it(front: Front, streamed: bool, tmp_path: Path) -> None:
    """In the headers, and as the model."""
    named = {"models": [{"name": "m", "upstream": "the-real-one"}]}
    async with paired(tmp_path, status(500), second=named) as pair:
        told = await tell(pair.router, front, streamed)
        assert by_second(told, pair)
    assert (told.headers["x-router-model"], told.headers["x-router-attempts"]) == ("m", "2")
    assert b'"the-real-one"' in told.body
