"""Lines 38 to 43: callers who leave, at every moment at which one can."""

from __future__ import annotations

import asyncio
import gc
import os
import struct
from asyncio import TaskGroup
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET

import pytest

from tests.fakes.replies import gated, silence, speak, stall_after, status, stream
from tests.fakes.turn import Gate
from tests.scenarios.scene import FIRST, Pair, both, paired, scenario, soon, words

RESET = struct.pack("ii", 1, 0)
DRAINING = {"on_disconnect": "drain", "drain_s": 5.0}
ONE_SLOT = {"max_parallel": 1, "max_queue": 0}
"""With one slot and no queue, only a slot that was given back lets the next request in."""


async def asked_and_left(pair: Pair, streamed: bool, requests: int = 1) -> None:
    """Call, and leave once the provider has the request."""
    before = len(pair.one.turns)
    async with TaskGroup() as group:
        calls = [group.create_task(pair.ask(streamed)) for _ in range(requests)]
        await pair.one.until(lambda: len(pair.one.turns) == before + requests)
        for call in calls:
            call.cancel()


async def must_be_free(pair: Pair) -> None:
    """The provider's socket is closed within a second, and its only slot takes the next request."""
    await soon(lambda: pair.one.left == 1 and pair.router.in_flight == 0)
    pair.one.play(speak(FIRST))
    assert (await pair.ask()).is_from(FIRST)


@scenario
async def test_line_38_leaving_in_the_middle_ends_the_upstream_call(tmp_path: Path) -> None:
    """A provider goes on generating, and billing, for nobody otherwise."""
    async with paired(tmp_path, stall_after(words(3)), keys=ONE_SLOT, only_one=True) as pair:
        async with pair.router.stream() as heard:
            await heard.begin()
        await must_be_free(pair)


@scenario
async def test_line_39_leaving_before_the_first_token_ends_the_upstream_call(tmp_path: Path) -> None:
    """Nothing was written yet, so no write can fail: the closed connection itself must be seen."""
    async with paired(tmp_path, silence(), keys=ONE_SLOT, only_one=True) as pair:
        await asked_and_left(pair, streamed=True)
        await must_be_free(pair)


@scenario
async def test_line_40_leaving_a_call_that_is_not_streamed_ends_it_too(tmp_path: Path) -> None:
    """As for a stream."""
    async with paired(tmp_path, silence(), keys=ONE_SLOT, only_one=True) as pair:
        await asked_and_left(pair, streamed=False)
        await must_be_free(pair)


@both
@scenario
async def test_line_41_leaving_between_two_attempts_sends_no_second(streamed: bool, tmp_path: Path) -> None:
    """The exchange waits for its backoff; with the caller gone it ends there."""
    slow = {"base_delay_ms": 60_000, "max_delay_ms": 60_000, "jitter": False}
    async with paired(tmp_path, status(500), only_one=True, retry=slow) as pair:
        async with TaskGroup() as group:
            call = group.create_task(pair.ask(streamed))
            await pair.one.until(lambda: bool(pair.one.turns) and pair.one.turns[0].over.is_set())
            await pair.router.entries(1)
            call.cancel()
        await soon(lambda: pair.router.in_flight == 0)
        rows = await pair.router.entries(1)
    assert len(pair.one.turns) == 1
    assert rows[0].end == "failed"


@both
@scenario
async def test_line_42_a_policy_reads_on_for_the_usage(streamed: bool, tmp_path: Path) -> None:
    """Only the provider knows what it will bill: the account has its own count, and says that nobody heard the rest."""
    async with paired(tmp_path, silence(), keys={**DRAINING, **ONE_SLOT, "max_drains": 1}, only_one=True) as pair:
        for number in (1, 2):
            gate = Gate()
            pair.one.play(gated(gate, speak(FIRST)))
            await asked_and_left(pair, streamed)
            await soon(lambda: pair.router.in_flight == 0)
            assert pair.one.left == 0
            gate.open()
            row = (await pair.router.entries(number))[-1]
            assert (row.end, row.usage_source) == ("client_gone", "provider_final")
            assert row.usage is not None and row.usage.output_total > 0
        pair.one.play(speak(FIRST))
        assert (await pair.ask()).is_from(FIRST)
        health = await pair.router.get("/health/detailed")
    assert health[1]["providers"]["one"]["circuit_state"] == "closed"


@scenario
async def test_line_42_a_drain_ends_with_its_time(tmp_path: Path) -> None:
    """A provider that goes on for ever is closed, and its slot is free."""
    keys = {**DRAINING, **ONE_SLOT, "drain_s": 0.05}
    async with paired(tmp_path, stall_after(words(3)), keys=keys, only_one=True) as pair:
        async with pair.router.stream() as heard:
            await heard.begin()
        await must_be_free(pair)
        rows = await pair.router.entries(2)
    assert rows[0].end == "client_gone"


@scenario
async def test_line_42_no_more_are_drained_at_once_than_may_be(tmp_path: Path) -> None:
    """Callers who come and go could else have a provider generate without bound."""
    async with paired(tmp_path, silence(), keys={**DRAINING, "max_drains": 2}, only_one=True) as pair:
        await asked_and_left(pair, streamed=True, requests=5)
        await soon(lambda: pair.one.left == 3 and pair.router.in_flight == 0)
        await _turns(20)
        assert pair.one.left == 3


@scenario
async def test_line_42_a_stop_ends_what_is_drained(tmp_path: Path) -> None:
    """Nobody waits for it, so a stop does not; its entry is closed as what it is."""
    async with paired(tmp_path, stall_after(words(3)), keys={**DRAINING, "drain_s": 60}, only_one=True) as pair:
        async with pair.router.stream() as heard:
            await heard.begin()
        await soon(lambda: pair.router.in_flight == 0)
        assert pair.one.left == 0
        provider = pair.one
    assert provider.turns[0].over.is_set()


def open_files() -> int:
    """Sockets and files of this process."""
    return len(os.listdir("/proc/self/fd"))


def resident_bytes() -> int:
    """Memory of this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files where Linux shows them")
@scenario
async def test_line_43_callers_who_come_and_go_leave_nothing_behind(tmp_path: Path) -> None:
    """300 who leave before, while and after the provider begins; `ops/load/aborts.py` does 10,000."""
    async with paired(tmp_path, stall_after(words(3)), only_one=True) as pair:

        async def cycle(count: int) -> None:
            for number in range(count):
                async with TaskGroup() as group:
                    call = group.create_task(_begun(pair, number))
                    await _turns(number % 7)
                    if number % 2 or number % 3:
                        call.cancel()
            await soon(lambda: pair.router.in_flight == 0 and pair.one.open_connections == 0, 5.0)

        await cycle(60)
        tasks, files, memory_bytes = len(asyncio.all_tasks()), open_files(), resident_bytes()
        await cycle(300)
        assert len(asyncio.all_tasks()) <= tasks + 1
        assert open_files() <= files + 2
        assert resident_bytes() < memory_bytes + (8 << 20)
        pair.one.play(speak(FIRST))
        assert (await pair.ask()).is_from(FIRST)


@scenario
async def test_line_43_a_caller_who_leaves_is_no_error_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever is woken by errors is not to be woken by callers who reset while they are written to."""
    async with paired(tmp_path, stream(words(2000)), only_one=True) as pair:
        for _ in range(40):
            async with pair.router.stream() as heard:
                await heard.begin()
                connection = heard.response.connection
                assert connection is not None and connection.transport is not None
                connection.transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, RESET)
                connection.transport.abort()
        await soon(lambda: pair.router.in_flight == 0)
        log = pair.router.log
    assert [line for line in log.read if line["level"] == "error"] == []
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def _begun(pair: Pair, number: int) -> None:
    """A stream that is left once it has begun, or a whole call that never is."""
    if number % 2:
        await pair.ask()
        return
    async with pair.router.stream() as heard:
        await heard.begin()


async def _turns(count: int) -> None:
    """Let the loop turn a few times, so that callers leave at different moments."""
    for _ in range(count):
        await asyncio.sleep(0)
