"""Idle connections go when their time is over, and not at the price of a loop that does nothing else."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from actors.runtime import run_virtual
from router.upstream.pool import Pool


class Idle:
    """A connection and its link in one, as far as a pool looks at them."""

    should_close = False

    def __init__(self) -> None:
        self.closed_s: float | None = None
        self.transport = self

    def get_write_buffer_size(self) -> int:
        """All is sent."""
        return 0

    def close(self) -> None:
        """When that was."""
        self.closed_s = asyncio.get_running_loop().time()


@pytest.mark.parametrize("idle_s", [15.0, 0.1, 1 / 3])
def test_each_is_closed_when_its_time_is_over(idle_s: float) -> None:
    """At whatever moments they were given: where the sum of a moment and that time is rounded, a timer that is set
    anew by the difference goes off at once, and again, for ever (wire seed 0)."""

    async def main() -> list[float | None]:
        pool, late_s = Pool(idle_s), []
        for number in range(200):
            idle, given_s = Idle(), asyncio.get_running_loop().time()
            pool.give(cast(Any, idle), cast(Any, idle))
            late_s.append((idle, given_s + idle_s))
            await asyncio.sleep(idle_s * (number % 7) / 17)
        await asyncio.sleep(idle_s * 2)
        return [idle.closed_s and abs(idle.closed_s - due_s) for idle, due_s in late_s]

    assert all(late_s is not None and late_s <= 0.001 for late_s in run_virtual(main()))
