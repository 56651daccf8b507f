"""A router whose disk fills up under load, and has room again: it goes on answering, says so, and loses nothing."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections import Counter
from pathlib import Path

import pytest

from router.canon.outcome import End
from tests.fakes.entries import entries_in
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer
from tests.fakes.served import Process, process, routed

pytestmark = [pytest.mark.process, pytest.mark.timeout(60)]

CALLS = 60
CALLERS = 6


def _room(router: Process, most: int) -> None:
    """No file of the router may become longer than this from now on: each write beyond it fails, the journal's and the
    store's alike."""
    resource.prlimit(router.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


async def _asked(router: Process) -> list[str]:
    """The requests that were answered, of some callers at once; all are."""

    async def some() -> list[str]:
        told = []
        for _ in range(CALLS // CALLERS):
            async with router.chat() as response:
                assert response.status == 200, await response.text()
                told.append(response.headers["x-request-id"])
        return told

    async with asyncio.TaskGroup() as group:
        callers = [group.create_task(some()) for _ in range(CALLERS)]
    return [name for caller in callers for name in caller.result()]


def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    """Callers never notice; health and the log do; what was not written waits, and is written once there is room."""

    async def scene() -> None:
        async with ScriptedProvider(answer()) as provider:
            async with process(routed(provider), tmp_path) as router:
                told = await _asked(router)
                _room(router, 1)
                told += await _asked(router)
                refused = await router.said("ledger journal refuses")
                assert refused["level"] == "error"
                _, health = await router.get("/health/detailed")
                assert health["ledger_degraded"] and health["status"] == "degraded"
                _room(router, resource.RLIM_INFINITY)
                await router.said("ledger journal accepts writes again")
                told += await _asked(router)
                router.signal(signal.SIGTERM)
                assert await router.exited() == 0
            asked = len(provider.turns)
        rows = entries_in(tmp_path)
        assert Counter(row.exchange for row in rows) == Counter(told)
        assert len(rows) == asked == 3 * CALLS
        assert {row.end for row in rows} == {End.COMPLETED}

    asyncio.run(scene())
