"""The router as a process that is told to stop, or that gives up."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from router.canon.outcome import End
from tests.fakes.entries import entries_in
from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import paused_stream, speak, stall_after
from tests.fakes.served import Process, log_of, process, routed, served, until
from tests.fakes.stream import ChatStream
from tests.fakes.turn import Gate

pytestmark = pytest.mark.process

_PIECES = ["red, ", "green, ", "blue"]
_STREAMS = 50


async def _listening(router: Process, stack: AsyncExitStack, count: int) -> list[ChatStream]:
    """That many streams, each with its first piece heard."""

    async def listen() -> ChatStream:
        return await (await stack.enter_async_context(router.stream())).begin()

    return [await listen() for _ in range(count)]


@pytest.mark.shows(92)
def test_a_stop_lets_streams_finish_and_exits_well(tmp_path: Path) -> None:
    """Readiness is gone at once while the listener still answers; new chats are sent away; fifty streams complete."""

    async def scene() -> None:
        gate = Gate()
        async with (
            ScriptedProvider(paused_stream(_PIECES, gate)) as one,
            process(routed(one), tmp_path) as router,
            AsyncExitStack() as stack,
        ):
            streams = await _listening(router, stack, _STREAMS)
            assert await router.get("/readyz") == (200, {"status": "ready"})
            router.signal(signal.SIGTERM)
            await router.said("shutdown step", step="draining")
            assert await router.get("/readyz") == (503, {"status": "draining"})
            assert await router.get("/livez") == (200, {"status": "alive"})
            async with router.chat() as response:
                assert (response.status, response.headers["retry-after"]) == (503, "1")
                assert (await response.json())["error"]["code"] == "shutting_down"
            gate.open()
            for heard in streams:
                assert (await heard.rest()).complete and heard.text == "".join(_PIECES)
            assert await router.exited() == 0
            assert log_of(router.log, "shutdown step", step="stopped")
        assert [row.end for row in entries_in(tmp_path)] == [End.COMPLETED] * _STREAMS

    asyncio.run(scene())


@pytest.mark.shows(92)
def test_what_outlasts_the_drain_ends_with_an_error_event(tmp_path: Path) -> None:
    """Exit status 0 all the same, and no entry of the account is left open."""

    async def scene() -> None:
        async with (
            ScriptedProvider(stall_after(["red"])) as one,
            process(routed(one, server={"port": 0, "drain_s": 0.2}), tmp_path) as router,
            AsyncExitStack() as stack,
        ):
            streams = await _listening(router, stack, 5)
            router.signal(signal.SIGTERM)
            for heard in streams:
                await heard.rest()
                assert heard.broken_off and heard.text == "red"
                assert heard.error is not None and heard.error["code"] == "shutting_down"
            assert await router.exited() == 0
            await one.until(lambda: one.left == 5)
        assert [row.end for row in entries_in(tmp_path)] == [End.STOPPED] * 5

    asyncio.run(scene())


def test_a_request_that_waits_for_its_first_token_is_told_too(tmp_path: Path) -> None:
    """With a status, for nothing was written yet."""

    async def scene() -> None:
        async with (
            ScriptedProvider(stall_after([])) as one,
            process(routed(one, server={"port": 0, "drain_s": 0.2}), tmp_path) as router,
            asyncio.TaskGroup() as group,
        ):
            askings = [group.create_task(_answer(router, stream=stream)) for stream in (True, False)]
            await one.until(lambda: one.running == 2)
            router.signal(signal.SIGINT)
            for asking in askings:
                status, headers, body = await asking
                assert (status, body["error"]["code"]) == (503, "shutting_down")
                assert headers["retry-after"] == "1"
            assert await router.exited() == 0

    asyncio.run(scene())


async def _answer(router: Process, *, stream: bool) -> tuple[int, Any, Any]:
    async with router.chat(stream=stream) as response:
        return response.status, response.headers, await response.json()


@pytest.mark.shows(92)
def test_a_lame_duck_still_serves(tmp_path: Path) -> None:
    """Not ready from the first moment, and yet not a request is lost to a load balancer that is slow to see it."""

    async def scene() -> None:
        async with (
            ScriptedProvider(speak()) as one,
            process(routed(one, server={"port": 0, "lame_duck_s": 0.5}), tmp_path) as router,
        ):
            router.signal(signal.SIGTERM)
            await router.said("shutdown step", step="draining")
            assert (await router.get("/readyz"))[0] == 503
            status, _, _ = await _answer(router, stream=False)
            assert status == 200
            assert await router.exited() == 0

    asyncio.run(scene())


def test_whoever_asks_twice_does_not_wait(tmp_path: Path) -> None:
    """The second signal ends it; the next start closes what the account has open, as crashed."""

    async def scene() -> None:
        async with ScriptedProvider(stall_after(["red"]), speak()) as one:
            async with process(routed(one), tmp_path) as router, AsyncExitStack() as stack:
                await _listening(router, stack, 1)
                await until(lambda: [row.end for row in entries_in(tmp_path)] == [None])
                router.signal(signal.SIGTERM)
                await router.said("shutdown step", step="draining")
                router.signal(signal.SIGTERM)
                assert await router.exited() == 128 + signal.SIGTERM
            async with process(routed(one), tmp_path) as router:
                assert (await _answer(router, stream=False))[0] == 200
                router.signal(signal.SIGTERM)
                assert await router.exited() == 0
        assert [row.end for row in entries_in(tmp_path)] == [End.COMPLETED, End.CRASHED]

    asyncio.run(scene())


def test_a_tree_that_gives_up_ends_the_process_with_a_failure(tmp_path: Path) -> None:
    """In order, and with a line that says so: an init system then starts it anew."""

    async def scene() -> None:
        async with (
            ScriptedProvider(speak()) as one,
            process(routed(one), tmp_path, module="tests.fakes.doomed") as router,
        ):
            assert await router.exited() == 1
            assert (await router.said("shutdown step", step="gave up"))["why"] == "intensity"

    asyncio.run(scene())


@on_real_loops
async def test_a_stop_in_the_loop_drains_as_well(tmp_path: Path) -> None:
    """What embeds the router and stops it waits for the streams under way."""
    gate = Gate()
    async with (
        ScriptedProvider(paused_stream(_PIECES, gate)) as one,
        served(routed(one), tmp_path) as router,
        router.stream() as heard,
        asyncio.TaskGroup() as group,
    ):
        await heard.begin()
        stopping = group.create_task(router.assembly.stop())
        await until(lambda: not router.assembly.desk.ready)
        assert await router.get("/readyz") == (503, {"status": "draining"})
        assert not stopping.done()
        gate.open()
        assert (await heard.rest()).complete
