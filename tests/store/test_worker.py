"""The thread beside the loop: in order, never on the loop, and gone when told."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from router.store.worker import ThreadWorker


def test_calls_run_in_order_on_one_other_thread() -> None:
    """A later call never overtakes, and the loop goes on while one blocks."""

    async def scene() -> None:
        worker, gate, seen = ThreadWorker("store"), threading.Event(), list[tuple[int, int]]()

        def note(number: int) -> int:
            if number == 0:
                assert gate.wait(5.0)
            seen.append((number, threading.get_ident()))
            return number

        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(worker.run(lambda number=number: note(number))) for number in range(3)]  # type: ignore[misc]  # a default binds it
            await asyncio.sleep(0)
            assert seen == []
            gate.set()
        assert [call.result() for call in calls] == [0, 1, 2]
        assert [number for number, _ in seen] == [0, 1, 2]
        assert {thread for _, thread in seen} != {threading.get_ident()}
        assert len({thread for _, thread in seen}) == 1
        worker.stop()

    asyncio.run(scene())


def test_an_error_reaches_whoever_waits_and_the_worker_goes_on() -> None:
    """Also after it was stopped: it starts afresh."""

    async def scene() -> None:
        worker = ThreadWorker("store")
        with pytest.raises(ZeroDivisionError):
            await worker.run(lambda: 1 // 0)
        assert await worker.run(lambda: 7) == 7
        worker.stop()
        worker.stop()
        assert await worker.run(lambda: 8) == 8
        worker.stop()

    asyncio.run(scene())


_HANGING = """
import asyncio, threading
from router.store.worker import ThreadWorker

async def scene():
    begun = threading.Event()
    waiting = asyncio.ensure_future(ThreadWorker("store").run(lambda: (begun.set(), threading.Event().wait())))
    await asyncio.to_thread(begun.wait)
    waiting.cancel()

asyncio.run(scene())
"""


def test_a_call_that_hangs_does_not_keep_the_process_from_ending() -> None:
    """A disk that went away would outlive every SIGTERM: an executor joins its threads at exit."""
    ended = subprocess.run([sys.executable, "-c", _HANGING], timeout=5.0, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
