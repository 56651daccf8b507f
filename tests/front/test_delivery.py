"""How an answer is written: its headers, and what is said while a provider is silent."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from actors.messages import Answered, Committed, Flow, Opened, Piece
from actors.runtime import Channel
from router.canon.event import TextDelta
from router.canon.target import Target
from router.errors import GatewayError, Reason, UpstreamFailed
from router.front.context import Context
from router.front.delivery import Delivery
from router.front.guard import REQUEST_ID
from router.wire.dialect import Ask, Requirements
from router.wire.openai_chat import DIALECT as OPENAI_CHAT
from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer, gated, head_then_silence, silence, speak, stall_after, status, stream
from tests.fakes.served import remote, routed, served
from tests.fakes.turn import Gate, Script

_PINGS = {"first_ping_after_s": 0.1, "ping_every_s": 0.05}


@on_real_loops
async def test_a_stream_has_the_headers_that_keep_it_one(tmp_path: Path) -> None:
    """No proxy may gather it; who answered stands before the first token."""
    script = stream(headers={"x-ratelimit-remaining-requests": "9", "Set-Cookie": "a=b", "x-request-id": "theirs"})
    async with (
        ScriptedProvider(script) as one,
        served(routed(one), tmp_path) as router,
        router.stream() as heard,
    ):
        headers = heard.response.headers
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-cache", "no")
        assert "content-encoding" not in headers and "content-length" not in headers
        assert (headers["x-router-provider"], headers["x-router-model"]) == ("one", "m")
        assert headers["x-router-attempts"] == "1"
        assert headers["x-router-config"] == router.assembly.settings.version
        assert headers["x-ratelimit-remaining-requests"] == "9"
        assert headers["x-provider-request-id"] == "theirs" and headers["x-request-id"].startswith("req-")
        assert "set-cookie" not in headers
        assert (await heard.rest()).complete


@on_real_loops
async def test_a_whole_answer_tells_what_it_cost_where_that_is_known(tmp_path: Path) -> None:
    """And nothing where it is not: no zero."""
    price = {"input_per_mtok": 1, "output_per_mtok": 10}
    async with ScriptedProvider(answer()) as one:
        known = routed(remote(one, models=[{"name": "m", "price": price}]))
        async with served(known, tmp_path) as router, router.chat() as response:
            assert response.headers["x-router-cost-usd"] == "0.000025"
        async with served(routed(one), tmp_path) as router, router.chat() as response:
            assert response.status == 200 and "x-router-cost-usd" not in response.headers


@on_real_loops
async def test_pieces_are_not_gathered(tmp_path: Path) -> None:
    """Each is with its caller before the provider says the next."""
    gate = Gate()
    async with (
        ScriptedProvider(stream([str(n) for n in range(10)], gate=gate)) as one,
        served(routed(one), tmp_path) as router,
    ):
        gate.let()
        async with router.stream() as heard:
            for n in range(10):
                while len(heard.text) <= n:
                    await heard.read_line()
                assert heard.text == "0123456789"[: n + 1]
                gate.let()
            assert (await heard.rest()).complete


@on_real_loops
async def test_a_silent_provider_is_covered_by_comments_and_can_still_be_failed_over(tmp_path: Path) -> None:
    """They commit the status, not the answer."""
    async with (
        ScriptedProvider(head_then_silence()) as one,
        ScriptedProvider(speak("well")) as two,
        served(routed(remote(one, timeouts={"first_token_s": 0.4}), two, server=_PINGS), tmp_path) as router,
        router.stream() as heard,
    ):
        assert (await heard.rest()).complete and heard.text == "well"
        assert heard.comments >= 2
        assert len(two.turns) == 1
        await one.until(lambda: one.left == 1)


@on_real_loops
async def test_after_a_comment_an_error_is_said_inside_the_stream(tmp_path: Path) -> None:
    """The status is spent; before it, the same error has one of its own."""
    gate = Gate()
    async with (
        ScriptedProvider(gated(gate, status(400)), status(400)) as one,
        served(routed(one, server=_PINGS), tmp_path) as router,
    ):
        async with router.stream() as heard:
            await heard.read_line()
            assert heard.comments == 1
            gate.open()
            await heard.rest()
            assert heard.broken_off and heard.error is not None and heard.error["type"] == "invalid_request_error"
        async with router.chat(stream=True) as response:
            assert response.status == 400


@on_real_loops
async def test_an_answer_in_time_holds_no_comment(tmp_path: Path) -> None:
    """Nor does one that is not streamed, however long it takes."""
    async with ScriptedProvider(speak()) as one, served(routed(one, server=_PINGS), tmp_path) as router:
        async with router.stream() as heard:
            assert (await heard.rest()).complete and heard.comments == 0
        gate = Gate()
        one.play(gated(gate, answer("late")))
        asyncio.get_running_loop().call_later(0.2, gate.open)
        async with router.chat() as response:
            assert (await response.read()).startswith(b"{")


_CLOCKS = {
    "first byte": (silence(), {"first_byte_s": 0.2}, "first_byte_timeout"),
    "first token": (head_then_silence(), {"first_token_s": 0.2}, "first_token_timeout"),
    "total": (silence(), {"total_s": 0.2}, "total_timeout"),
}


@pytest.mark.parametrize(("script", "timeouts", "reason"), _CLOCKS.values(), ids=_CLOCKS)
@on_real_loops
async def test_no_provider_is_waited_for_without_end(
    script: Script, timeouts: dict[str, float], reason: str, tmp_path: Path
) -> None:
    """Each clock has a reason of its own, and 504 is how it is said."""
    async with ScriptedProvider(script) as one:
        config = routed(remote(one, timeouts=timeouts))
        async with served(config, tmp_path) as router, router.chat(stream=True) as response:
            assert response.status == 504
            assert (await response.json())["error"]["metadata"]["reason"] == reason
            await one.until(lambda: one.left == 1)


@on_real_loops
async def test_an_answer_that_falls_silent_is_ended_honestly(tmp_path: Path) -> None:
    """After the idle limit, whatever comments were sent meanwhile."""
    async with ScriptedProvider(stall_after(["red"])) as one:
        config = routed(remote(one, timeouts={"idle_s": 0.3}), server=_PINGS)
        async with served(config, tmp_path) as router, router.stream() as heard:
            await heard.rest()
            assert heard.broken_off and heard.text == "red" and heard.comments >= 1
            assert heard.error is not None and heard.error["metadata"]["reason"] == "idle_timeout"
            await one.until(lambda: one.left == 1)


async def heard_of(*pieces: Piece, error: GatewayError | None = None) -> tuple[int, bytes]:
    """The status and body of a stream of which all of this was there before its reader was."""
    half = OPENAI_CHAT.front
    assert half is not None
    ask = Ask(model="m", fields={}, stream=True, include_usage=None, requirements=Requirements())
    nobody: Any = None
    context = Context(
        desk=nobody,
        codecs={},
        max_body_bytes=1,
        body_s=1.0,
        body_bytes_per_s=1,
        deadline_s=9.0,
        first_ping_after_s=9.0,
        ping_every_s=9.0,
    )
    outbox: Channel[Piece] = Channel(8)
    for piece in pieces:
        outbox.push(piece)
    outbox.close() if error is None else outbox.fail(error)

    async def handle(request: web.Request) -> web.StreamResponse:
        request[REQUEST_ID] = "req-1"
        opened = Opened(job=None, outbox=outbox, config="v", ask=ask)
        return await Delivery(request, context, half, opened).stream(outbox)

    app = web.Application()
    app.router.add_get("/", handle)
    async with (
        TestServer(app) as server,
        aiohttp.ClientSession() as session,
        session.get(server.make_url("/")) as response,
    ):
        return response.status, await response.read()


@on_real_loops
async def test_what_was_said_leaves_before_the_error_that_came_with_it() -> None:
    """Though they are gathered while more is there: no word that was counted is lost."""
    begun = Committed(target=Target(provider="one", model="m"), model="m", attempts=1)
    words = [Flow(events=(TextDelta(text=text),)) for text in ("well", " then")]
    broken = UpstreamFailed("it hung up", target="one:m", reason=Reason.CUT_STREAM)
    status_code, body = await heard_of(begun, *words, error=broken)
    assert status_code == 200
    assert body.index(b'"well"') < body.index(b'" then"') < body.index(b'"error"')
    assert b"[DONE]" not in body
    status_code, body = await heard_of(begun, *words, Answered(usage=None, cost_usd=None))
    assert status_code == 200 and body.index(b'" then"') < body.index(b"[DONE]")
