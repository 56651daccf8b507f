"""Ending what does not want to end, on the loops that serve in production: undocumented CPython, pinned here."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import pytest

from actors.runtime import run_virtual
from actors.runtime.ladder import CANCEL_EVERY_S, CANCELS, Ladder


def uvloop_loop() -> asyncio.AbstractEventLoop:
    """A uvloop, where there is one."""
    return pytest.importorskip("uvloop").new_event_loop()  # type: ignore[no-any-return]


LOOPS = [pytest.param(asyncio.new_event_loop, id="asyncio"), pytest.param(uvloop_loop, id="uvloop")]


async def swallow(heard: list[str]) -> None:
    """Goes on whatever it is told; its `finally` is the last word."""
    try:
        while True:
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                heard.append("cancelled")
    finally:
        heard.append("closed")


@pytest.mark.parametrize("make_loop", LOOPS)
def test_closing_the_frames_ends_a_coroutine_that_swallows_cancellation(
    make_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """Every rung is heard, then the synchronous `finally` runs and the task is done."""
    heard: list[str] = []

    async def main() -> bool:
        task = asyncio.get_running_loop().create_task(swallow(heard))
        ladder = Ladder(task, lambda: heard.append("given up"))
        await asyncio.sleep(0)
        ladder.climb(0.0)
        ladder.climb(0.0)
        await asyncio.wait([task])
        ladder.stop()
        assert isinstance(task.exception(), RuntimeError), "the task was poked after its frames were gone"
        return ladder.fired and ladder.closed

    with asyncio.Runner(loop_factory=make_loop) as runner:
        assert runner.run(main())
    assert heard == ["cancelled"] * CANCELS + ["closed"]


def test_the_earliest_beginning_counts() -> None:
    """A parent may shorten what a link began, never lengthen it."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for delays_s in ((1.0, 10.0), (10.0, 1.0)):
            task = loop.create_task(asyncio.sleep(1e9))
            ladder = Ladder(task, lambda: pytest.fail("given up"))
            began_s = loop.time()
            for delay_s in delays_s:
                ladder.climb(delay_s)
            await asyncio.wait([task])
            ladder.stop()
            assert loop.time() - began_s == pytest.approx(1.0)

    run_virtual(main())


def test_a_task_that_ends_meanwhile_is_left_alone() -> None:
    """Nothing is cancelled that has ended, and no timer stays behind."""

    async def main() -> None:
        task = asyncio.get_running_loop().create_task(asyncio.sleep(0))
        ladder = Ladder(task, lambda: pytest.fail("given up"))
        ladder.climb(CANCEL_EVERY_S)
        await task
        ladder.climb(0.0)
        assert not ladder.fired
        ladder.stop()
        assert sys.getrefcount(ladder) == 2, "a timer still holds it"

    asyncio.run(main())
