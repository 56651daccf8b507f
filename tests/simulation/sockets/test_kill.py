"""The outermost tier, short: real sockets, a real journal, and a router that is killed under load."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from router.canon.outcome import End
from router.store.journal import EntryRow, Query
from router.store.sqlite import sqlite_store
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer
from tests.fakes.served import Process, process, routed

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]  # two starts of a process, and a load

CALLERS = 8
CALLS = 60


async def _load(router: Process, told: Counter[int]) -> None:
    """One caller after its answers, until its router is gone."""
    with suppress(aiohttp.ClientError, OSError):
        while True:
            async with router.chat() as response:
                await response.read()
                told[response.status] += 1


def _rows(home: Path) -> list[EntryRow]:
    store = sqlite_store(home / "ledger.sqlite", read_only=True)
    store.open()
    try:
        return list(store.entries(Query(limit=10_000)))
    finally:
        store.close()


def test_a_router_that_is_killed_keeps_its_account(tmp_path: Path) -> None:
    """Started again: no attempt is there twice, none is open, and there are no more than its provider saw."""

    async def scene() -> None:
        told: Counter[int] = Counter()
        async with ScriptedProvider(answer("well")) as provider:
            async with process(routed(provider), tmp_path) as router, asyncio.TaskGroup() as group:
                for _ in range(CALLERS):
                    group.create_task(_load(router, told))
                await provider.until(lambda: len(provider.turns) >= CALLS)
                router.signal(signal.SIGKILL)
            seen = len(provider.turns)
            async with process(routed(provider), tmp_path) as router:
                async with router.chat() as response:
                    assert response.status == 200
                router.signal(signal.SIGTERM)
                await router.exited()
        rows = _rows(tmp_path)
        assert len({row.attempt for row in rows}) == len(rows)
        assert all(row.end is not None for row in rows)
        assert len(rows) <= seen + 1
        assert sum(row.end is End.COMPLETED for row in rows) <= seen + 1
        assert rows and told[200] >= CALLS - 2 * CALLERS

    asyncio.run(scene())
