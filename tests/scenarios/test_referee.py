"""The public referee's faults, S01 to S13 and S15, one streamed request each.

S08 and S09 end with an honest error here: routes that rescue half-sent answers are in `test_rescue.py`, with S14.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import perf_counter

import pytest

from actors.runtime import run_virtual
from router.upstream.memory import Scripted, in_turn
from router.upstream.transport import UpstreamRequest
from tests.fakes.embedded import embedded, read
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import (
    DONE,
    USAGE,
    cut_after,
    delta,
    hang_up,
    reset,
    silence,
    speak,
    stall_after,
    status,
    stream,
)
from tests.fakes.served import log_of, remote, routed, served
from tests.fakes.turn import Script, Turn
from tests.scenarios.scene import FIRST, LIMIT_S, SECOND, ask, joined, paired, scenario, words

WELL_SAID = (
    b'{"id":"c","model":"m",'
    b'"choices":[{"index":0,"message":{"role":"assistant","content":"well"},"finish_reason":"stop"}]}'
)
OFTEN = {"breaker": {"failure_threshold": 10_000}, "retry": {"max_attempts": 6, "base_delay_ms": 1, "jitter": False}}


@scenario
async def test_s01_a_named_wait_is_kept_and_an_answer_arrives(tmp_path: Path) -> None:
    """429 with a Retry-After, then well: the same target is left alone for that long."""
    async with paired(tmp_path, [status(429, {"retry-after": "0.4"}), speak(FIRST)], only_one=True) as pair:
        began = perf_counter()
        heard = await pair.ask(streamed=True)
        assert perf_counter() - began >= 0.4
        assert len(pair.one.turns) == 2
    assert heard.is_from(FIRST)


@pytest.mark.parametrize(
    "script", [status(429), status(503), status(503, {"retry-after": "1"})], ids=["S02", "S04", "S16"]
)
@scenario
async def test_s02_a_primary_that_never_recovers_is_replaced(script: Script, tmp_path: Path) -> None:
    """At most six attempts at it; the answer has the fallback's model and usage."""

    async def second(turn: Turn) -> None:
        usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        await stream([SECOND], usage=usage)(turn)

    async with ScriptedProvider(script) as one, ScriptedProvider(second) as two:
        named = remote(two, models=[{"name": "m", "upstream": "backup"}])
        async with served(routed(one, named, failover={"max_attempts": 8}, **OFTEN), tmp_path) as router:
            heard = await ask(router, True, stream_options={"include_usage": True})
    assert heard.is_from(SECOND)
    assert len(one.turns) <= 6
    assert {chunk["model"] for chunk in heard.chunks} == {"backup"}
    assert heard.usages[-1]["total_tokens"] == 10


@pytest.mark.shows("S05")
@pytest.mark.parametrize("script", [status(500), status(502), hang_up(), reset()], ids=["500", "502", "fin", "rst"])
@scenario
async def test_s03_one_transient_failure_is_mended_by_one_retry(script: Script, tmp_path: Path) -> None:
    """S03 and S05: a 5xx or a dropped connection, with nobody else to ask."""
    async with paired(tmp_path, [script, speak(FIRST)], only_one=True) as pair:
        heard = await pair.ask(streamed=True)
        assert len(pair.one.turns) == 2
    assert heard.is_from(FIRST)
    assert heard.headers["x-router-attempts"] == "2"


@scenario
async def test_s06_a_silent_route_is_tried_once(tmp_path: Path) -> None:
    """It accepts and says nothing: a bounded wait, no second try on it, whatever is allowed."""
    keys = {"timeouts": {"first_byte_s": LIMIT_S}}
    async with paired(tmp_path, silence(), keys=keys, failover={"max_attempts": 8}) as pair:
        heard = await pair.ask(streamed=True)
        assert pair.asked == (1, 1)
    assert heard.is_from(SECOND)


@scenario
async def test_s07_a_first_token_that_is_late_comes_from_another(tmp_path: Path) -> None:
    """Head and role come at once, the first token not in time."""
    keys = {"timeouts": {"first_token_s": LIMIT_S}}
    async with paired(tmp_path, stall_after([]), keys=keys) as pair:
        began = perf_counter()
        heard = await pair.ask(streamed=True)
        assert perf_counter() - began < LIMIT_S + 0.5
    assert heard.is_from(SECOND)


@scenario
async def test_s08_a_cut_in_the_middle_is_an_honest_error(tmp_path: Path) -> None:
    """40 of 60 tokens were sent: until an answer can be rescued, no stop is made up and no second one is appended."""
    pieces = words(40)
    async with paired(tmp_path, cut_after(pieces)) as pair:
        heard = await pair.ask(streamed=True)
        assert pair.asked == (1, 0)
    assert heard.is_broken_off(joined(pieces))
    assert heard.why == "cut_stream"


@scenario
async def test_s09_a_stall_in_the_middle_is_an_honest_error(tmp_path: Path) -> None:
    """As S08, after the idle limit."""
    pieces = words(20)
    async with paired(tmp_path, stall_after(pieces), keys={"timeouts": {"idle_s": LIMIT_S}}) as pair:
        heard = await pair.ask(streamed=True)
        assert pair.asked == (1, 0)
    assert heard.is_broken_off(joined(pieces))
    assert heard.why == "idle_timeout"


@scenario
async def test_s10_one_malformed_event_is_skipped_and_reported(tmp_path: Path) -> None:
    """The answer goes on without it, and an operator can see that it happened."""

    async def script(turn: Turn) -> None:
        await turn.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        await turn.chunk(delta(turn, {"role": "assistant", "content": "from "}))
        await turn.chunk(b'data: {"id": "chatcmpl-1", "choices": [{"ind\n\n')
        await turn.chunk(delta(turn, {"content": "the first"}))
        await turn.chunk(delta(turn, {}, "stop") + DONE)
        await turn.chunk(b"")

    async with paired(tmp_path, script) as pair:
        heard = await pair.ask(streamed=True)
        async with asyncio.timeout(2):
            while 'pointsman_skipped_events_total{model="m",provider="one"} 1' not in await pair.metrics():
                continue
        log = pair.router.log
    assert heard.is_from(FIRST)
    (told,) = log_of(log.read, "exchange ended")
    assert (told["level"], told["skipped_events"]) == ("warning", 1)
    assert heard.body.count(b"\n: x-router-skipped 1\n\n") == 1


@pytest.mark.parametrize("ends", [b"0\r\n\r\n", b""], ids=["body_ended", "connection_closed"])
@scenario
async def test_s11_a_finish_without_done_is_complete(ends: bytes, tmp_path: Path) -> None:
    """The finish reason is the provider's word; the marker is only a marker."""

    async def script(turn: Turn) -> None:
        await turn.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        await turn.chunk(delta(turn, {"role": "assistant", "content": FIRST}) + delta(turn, {}, "stop", usage=USAGE))
        await turn.send(ends)
        turn.cut()

    async with paired(tmp_path, script) as pair:
        heard = await pair.ask(streamed=True)
        assert pair.asked == (1, 0)
    assert heard.is_from(FIRST)


@scenario
async def test_s12_a_request_too_long_goes_to_the_larger_model_after_one_attempt(tmp_path: Path) -> None:
    """Asking the same model again could only fail again."""
    said = {"error": {"message": "too long", "type": "invalid_request_error", "code": "context_length_exceeded"}}
    async with ScriptedProvider(status(400, body=said)) as one, ScriptedProvider(speak(SECOND)) as two:
        small = remote(one, models=[{"name": "m", "context_window": 4_000}])
        large = remote(two, models=[{"name": "m", "context_window": 200_000}])
        async with served(routed(small, large, failover={"max_attempts": 8}), tmp_path) as router:
            heard = await ask(router, True)
    assert heard.is_from(SECOND)
    assert (len(one.turns), len(two.turns)) == (1, 1)


@scenario
async def test_s13_a_content_filter_reaches_the_caller(tmp_path: Path) -> None:
    """A refusal in the middle of a stream is how this answer ends; nobody else is asked for another."""
    async with paired(tmp_path, stream(words(3), finish="content_filter")) as pair:
        heard = await pair.ask(streamed=True)
        assert pair.asked == (1, 0)
    assert heard.error is None
    assert heard.text == joined(words(3))
    assert heard.finishes == ["content_filter"]


@pytest.mark.parametrize("code", [500, 503])
@scenario
async def test_s15_an_outage_is_probed_and_not_hammered(code: int, tmp_path: Path) -> None:
    """A minute of it in a sixtieth of the time: all are answered, probes are few, and it is soon back."""
    breaker = {"failure_threshold": 5, "recovery_timeout_s": 0.08, "max_open_s": 0.32, "min_calls": 5}
    async with paired(tmp_path, status(code), breaker=breaker) as pair:
        began, heard = perf_counter(), []
        while perf_counter() - began < 1.0:
            heard.append(await pair.ask(streamed=True))
        down = len(pair.one.turns)
        pair.one.play(speak(FIRST))
        healed = perf_counter()
        while not heard[-1].is_from(FIRST):
            heard.append(await pair.ask(streamed=True))
            assert perf_counter() - healed < 0.5, "half of a sixtieth of a minute"
    assert all(one.is_from(SECOND) for one in heard[:-1])
    assert len(heard) > 50
    assert down <= 5 + 8


def test_s15_with_the_defaults_it_is_back_within_half_a_minute() -> None:
    """The whole minute of it, and two requests a second, in virtual time and with nothing configured."""
    well = Scripted(steps=(WELL_SAID,))

    async def main() -> tuple[float, int]:
        now_s = asyncio.get_running_loop().time
        sent = 0

        def ill_for_a_minute(_: UpstreamRequest) -> Scripted:
            nonlocal sent
            sent += now_s() < 60
            return Scripted(status=500, steps=(b"{}",)) if now_s() < 60 else well

        async with embedded(ill_for_a_minute, in_turn(well)) as router:
            while True:
                got = await read(router.open(stream=False))
                assert got.complete
                if got.target.provider == "p0":
                    return now_s(), sent
                await asyncio.sleep(0.5)

    back_s, sent = run_virtual(main())
    assert back_s < 60 + 30
    assert sent <= 5 + 6
