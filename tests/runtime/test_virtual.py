"""Time that jumps."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from actors.runtime import SimDeadlock, VirtualLoop, run_virtual, virtual, virtual_ports


def test_time_jumps_exactly() -> None:
    """A year passes at once, and what is due afterwards still comes."""

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        seen = []
        for wait_s in (0.1, 0.2, 86_400.0 * 365, 1e-7):
            due_s = loop.time() + wait_s
            await asyncio.sleep(wait_s)
            seen.append(loop.time() - due_s)
        return seen

    assert run_virtual(main()) == [0.0] * 4


def test_a_run_that_would_hang_says_so_and_who_waits() -> None:
    """Instead of a test that times out."""

    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(SimDeadlock, match="waiting: Task-"):
        run_virtual(main())


def test_a_run_that_goes_round_and_round_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where somebody does something again and again and no time passes."""
    monkeypatch.setattr(virtual, "MOST_TURNS", 1000)

    async def main() -> None:
        await asyncio.sleep(3.0)
        again()
        await asyncio.sleep(1.0)

    def again() -> None:
        asyncio.get_running_loop().call_soon(again)

    with pytest.raises(SimDeadlock, match="time stands still at 3"):
        run_virtual(main())


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda loop: loop.run_in_executor(None, print), id="executor"),
        pytest.param(lambda loop: loop.call_soon_threadsafe(print), id="threadsafe"),
    ],
)
def test_threads_are_refused(call: Any) -> None:
    """One would make the run unrepeatable."""

    async def main() -> None:
        with pytest.raises(RuntimeError, match="thread"):
            call(asyncio.get_running_loop())

    run_virtual(main())


def test_no_thread_is_left() -> None:
    """Not even the default executor's."""

    async def main() -> None:
        with pytest.raises(RuntimeError, match="thread"):
            await asyncio.to_thread(print)

    run_virtual(main())
    assert threading.active_count() == 1


def test_timers_of_one_moment_go_off_in_the_order_they_were_set() -> None:
    """However many there are, whatever was cancelled between them; and the cancelled are not counted as set."""

    async def main() -> tuple[int, list[int]]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        rang: list[int] = []
        timers = [loop.call_later(1.0, rang.append, number) for number in range(500)]
        for timer in timers[::2] + timers[:100]:
            timer.cancel()
        set_ = len(loop.timers)
        await asyncio.sleep(1.0)
        return set_, rang

    assert run_virtual(main()) == (200, list(range(101, 500, 2)))


async def race() -> list[int]:
    """Ten tasks ready at the same moment, in the order they ran."""
    ran: list[int] = []

    async def run(number: int) -> None:
        await asyncio.sleep(0)
        ran.append(number)

    await asyncio.gather(*(run(number) for number in range(10)))
    return ran


def test_the_shuffle_is_seeded() -> None:
    """Off: in order. On: another order for another seed, the same for the same."""
    assert run_virtual(race()) == list(range(10))
    orders = [run_virtual(race(), seed=seed, shuffle=True) for seed in range(5)]
    assert len({tuple(order) for order in orders}) > 1
    assert orders == [run_virtual(race(), seed=seed, shuffle=True) for seed in range(5)]


def test_what_main_leaves_running_is_cancelled() -> None:
    """With its `finally` run, in virtual time."""
    ended: list[str] = []

    async def left() -> None:
        try:
            await asyncio.sleep(1e6)
        finally:
            await asyncio.sleep(5.0)
            ended.append("left")

    async def main() -> None:
        tasks.append(asyncio.get_running_loop().create_task(left()))
        await asyncio.sleep(1.0)

    tasks: list[asyncio.Task[None]] = []
    run_virtual(main())
    assert ended == ["left"]


def test_an_error_of_main_is_raised() -> None:
    """As it was."""

    async def main() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        run_virtual(main())


def test_virtual_ports_repeat() -> None:
    """Clock and date advance together, chance is seeded by the loop's seed, ids count."""

    async def main() -> list[Any]:
        ports = virtual_ports()
        date, now = ports.wall.now(), ports.clock.now()
        await asyncio.sleep(2.5)
        assert (ports.wall.now() - date, ports.clock.now() - now) == (2.5, 2.5)
        return [ports.ids.new("ex"), ports.ids.new("ex"), ports.rng.random()]

    assert run_virtual(main(), seed=3) == run_virtual(main(), seed=3)
    assert run_virtual(main(), seed=3)[:2] == ["ex-000001", "ex-000002"]
    assert run_virtual(main(), seed=3)[2] != run_virtual(main(), seed=4)[2]


def test_the_loop_is_one_of_asyncio() -> None:
    """What runs on it meets the real scheduler, not a model of it."""
    loop = VirtualLoop()
    assert isinstance(loop, asyncio.BaseEventLoop)
    loop.close()
