"""The router as a process that is killed under load, and started again: what was acknowledged is there, once."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from router.canon.outcome import End
from tests.fakes.entries import entries_in
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer
from tests.fakes.served import Process, process, routed

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

CALLS = 2_000
CALLERS = 24
KILLED_AFTER = 1_200
SAFE_S = 0.2
"""An answer that came so long before the kill was written down: four groups of the journal, and less than it takes to
be carried to the store."""


class Load:
    """Callers who ask until the router is gone, and when each of them was told that its answer is complete."""

    def __init__(self, router: Process) -> None:
        self._router = router
        self._loop = asyncio.get_running_loop()
        self._left = CALLS
        self.told_s: dict[str, float] = {}
        self.killed_s = 0.0

    async def run(self) -> None:
        """Ask; in the middle of it the router is killed."""
        async with asyncio.TaskGroup() as group:
            for _ in range(CALLERS):
                group.create_task(self._ask())

    async def _ask(self) -> None:
        while self._left > 0 and not self.killed_s:
            self._left -= 1
            try:
                async with self._router.chat() as response:
                    await response.read()
                    assert response.status == 200
                    self.told_s[response.headers["x-request-id"]] = self._loop.time()
            except aiohttp.ClientError:
                assert self.killed_s, "the router left by itself"
            if len(self.told_s) == KILLED_AFTER:
                self._router.signal(signal.SIGKILL)
                self.killed_s = self._loop.time()


@pytest.mark.shows(55)
def test_what_was_acknowledged_is_there_once_after_a_kill(tmp_path: Path) -> None:
    """Line 55: nothing twice, nothing that was never asked, nothing open; and what was told in time is complete."""

    async def scene() -> None:
        async with ScriptedProvider(answer()) as provider:
            config = routed(provider)
            async with process(config, tmp_path) as router:
                load = Load(router)
                await load.run()
                assert await router.exited() == -signal.SIGKILL
            async with process(config, tmp_path) as router:
                async with router.chat() as response:
                    assert response.status == 200
                    last = response.headers["x-request-id"]
                router.signal(signal.SIGTERM)
                assert await router.exited() == 0
            asked = len(provider.turns)
        rows = entries_in(tmp_path)
        ends = {row.exchange: row.end for row in rows}
        assert max(Counter(row.attempt for row in rows).values()) == 1
        assert len(rows) <= asked + CALLERS
        assert all(row.closed_at is not None for row in rows)
        assert {end for end in ends.values()} <= {End.COMPLETED, End.CRASHED}
        assert ends[last] is End.COMPLETED
        safe = [name for name, at_s in load.told_s.items() if at_s < load.killed_s - SAFE_S]
        assert len(safe) > 100
        assert [name for name in safe if ends.get(name) is not End.COMPLETED] == []

    asyncio.run(scene())
