"""Who leaves whom alone: what a full queue, a resting breaker and a provider's Retry-After mean for other requests."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import paused_stream, speak, status
from tests.fakes.served import remote, routed, served, until
from tests.fakes.turn import Gate, Script, Turn


@on_real_loops
async def test_a_full_queue_refuses_one_request_and_quiets_nobody(tmp_path: Path) -> None:
    """The moment its one slot is free, the next is served: the provider never asked for a pause."""
    gate = Gate()
    async with ScriptedProvider(paused_stream(["red", "green"], gate), speak()) as one:
        config = routed(remote(one, max_parallel=1, max_queue=0), failover={"max_attempts": 1})
        async with served(config, tmp_path) as router:
            async with router.stream() as heard:
                await heard.begin()
                async with router.chat() as response:
                    assert response.status == 429
                    assert int(response.headers["retry-after"]) >= 1
                gate.open()
                assert (await heard.rest()).complete
            await until(lambda: router.in_flight == 0)
            async with router.chat() as response:
                assert response.status == 200
            assert len(one.turns) == 2


def _by_model(turn: Turn) -> Script:
    return status(500) if turn.asked()["model"] == "ill" else speak()


@on_real_loops
async def test_a_resting_breaker_of_one_model_leaves_the_others_of_its_provider_alone(tmp_path: Path) -> None:
    """They share an address, not a fate; the resting one is not asked again."""
    async with ScriptedProvider(choose=_by_model) as one:
        config = {
            "providers": {"one": remote(one, models=["ill", "well"])},
            "breaker": {"failure_threshold": 1},
            "failover": {"max_attempts": 1},
        }
        async with served(config, tmp_path) as router:
            for wanted in (502, 503, 503):
                async with router.chat(model="ill") as response:
                    assert response.status == wanted
            assert int(response.headers["retry-after"]) > 1
            async with router.chat(model="well") as response:
                assert response.status == 200
            assert [turn.asked()["model"] for turn in one.turns] == ["ill", "well"]


@pytest.mark.parametrize("code", [429, 503])
@on_real_loops
async def test_a_provider_that_asks_for_a_pause_gets_it(code: int, tmp_path: Path) -> None:
    """The same request goes to the next target at once, and so do those after it."""
    async with (
        ScriptedProvider(status(code, {"Retry-After": "60"}), speak()) as one,
        ScriptedProvider(speak()) as two,
        served(routed(one, two), tmp_path) as router,
    ):
        for _ in range(3):
            async with router.chat() as response:
                assert (response.status, response.headers["x-router-provider"]) == (200, "two")
        assert len(one.turns) == 1


@on_real_loops
async def test_when_all_rest_the_caller_is_told_for_how_long(tmp_path: Path) -> None:
    """The earliest moment that any of them named; no SDK comes back before it."""
    async with AsyncExitStack() as stack:
        one, two = [
            await stack.enter_async_context(ScriptedProvider(status(429, {"Retry-After": wait})))
            for wait in ("300", "40")
        ]
        router = await stack.enter_async_context(served(routed(one, two, failover={"max_attempts": 2}), tmp_path))
        for _ in range(2):
            async with router.chat() as response:
                assert response.status == 429
                assert 38 <= int(response.headers["retry-after"]) <= 41
        assert (len(one.turns), len(two.turns)) == (1, 1)
