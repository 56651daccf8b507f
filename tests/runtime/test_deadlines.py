"""One timer for all asks."""

from __future__ import annotations

import asyncio

import pytest

from actors.runtime import AskTimeout, Reply, run_virtual
from actors.runtime.deadlines import Deadlines


def test_answered_asks_do_not_wait_for_their_deadline_in_memory() -> None:
    """Ten thousand answered under one that is not: the heap stays near what is open."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        deadlines = Deadlines(loop.time)
        slow = Reply()
        deadlines.add(slow, 5.0, "slow")
        for _ in range(10_000):
            reply = Reply()
            deadlines.add(reply, 60.0, "quick")
            reply.set(1)
            deadlines.settle(reply)
            assert len(deadlines._heap) <= 66
        with pytest.raises(AskTimeout, match="slow"):
            await slow
        assert loop.time() == 5.0

    run_virtual(main())


def test_asks_in_sequence_share_a_timer() -> None:
    """It is set once, for the first, and again only when it rings."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        deadlines = Deadlines(loop.time)
        timers = set()
        for _ in range(1000):
            reply = Reply()
            deadlines.add(reply, 5.0, "a")
            timers.add(id(deadlines._timer))
            await asyncio.sleep(0.001)
            reply.set(1)
            deadlines.settle(reply)
        assert len(timers) == 1
        deadlines.stop()

    run_virtual(main())
