"""What an ask and a tell cost. `python -m bench.runtime`; exits 1 when over budget on asyncio.

Each figure is the best of several rounds: on a shared machine the others' work is noise, and only ever adds.
The baseline is the least any ask can do: two tasks that wake each other through bare futures.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from actors.runtime import Actor, ActorSystem, Channel, ChildSpec, Ref, SupervisorSpec

ROUNDS = 7
CALLS = 10_000
BUDGET_US = {"ask": 15.0, "tell": 4.0}


class Counter(Actor):
    """Takes anything, answers how many it took. A restart loses the count."""

    mailbox_capacity = CALLS

    async def on_start(self) -> None:
        """Begin at nothing."""
        self.taken = 0

    def on_receive(self, message: Any) -> Any:
        """Count."""
        self.taken += 1
        return self.taken


async def asks(counter: Ref) -> None:
    """One ask after the other."""
    for _ in range(CALLS):
        await counter.ask(1)


async def crowd_asks(counter: Ref) -> None:
    """Asks of a hundred callers at a time."""

    async def caller() -> None:
        for _ in range(CALLS // 100):
            await counter.ask(1)

    async with asyncio.TaskGroup() as callers:
        for _ in range(100):
            callers.create_task(caller())


async def tells(counter: Ref) -> None:
    """Tells in bursts of half a mailbox, handled before the next burst."""
    for _ in range(2):
        for _ in range(CALLS // 2):
            counter.tell(1)
        await counter.ask(1)


async def channel_items(_unused: Ref) -> None:
    """Items through a channel of 64, each `get` with a timeout."""
    channel: Channel[int] = Channel(64)

    async def writer() -> None:
        for number in range(CALLS):
            await channel.put(number)
        channel.close()

    async with asyncio.TaskGroup() as pair:
        pair.create_task(writer())
        for _ in range(CALLS):
            await channel.get(timeout_s=30.0)


async def bare_wakes(_unused: Ref) -> None:
    """Two tasks, two futures, no runtime."""
    loop = asyncio.get_running_loop()
    box: list[tuple[asyncio.Future[None], asyncio.Future[None]]] = []
    wake: asyncio.Future[None] = loop.create_future()

    async def callee() -> None:
        nonlocal wake
        for _ in range(CALLS):
            await wake
            wake = loop.create_future()
            box.pop()[0].set_result(None)

    async with asyncio.TaskGroup() as pair:
        pair.create_task(callee())
        await asyncio.sleep(0)
        for _ in range(CALLS):
            answer: asyncio.Future[None] = loop.create_future()
            box.append((answer, wake))
            wake.set_result(None)
            await answer


async def best_us(work: Callable[[Ref], Awaitable[None]], counter: Ref) -> float:
    """Microseconds a call, in the best round."""
    best = float("inf")
    for _ in range(ROUNDS):
        gc.collect()
        began = time.perf_counter()
        await work(counter)
        best = min(best, time.perf_counter() - began)
    return best / CALLS * 1e6


async def measure() -> dict[str, float]:
    """Every figure, on the loop that runs."""
    system = ActorSystem()
    await system.start(SupervisorSpec(children=(ChildSpec(name="counter", start=Counter),)))
    counter = system.ref("root/counter")
    works: dict[str, Callable[[Ref], Awaitable[None]]] = {
        "bare wakes": bare_wakes,
        "ask": asks,
        "ask, 100 callers": crowd_asks,
        "tell": tells,
        "channel item": channel_items,
    }
    figures = {name: await best_us(work, counter) for name, work in works.items()}
    await system.stop()
    return figures


def run_uvloop(main: Coroutine[Any, Any, dict[str, float]]) -> dict[str, float]:
    """Run on uvloop."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def main() -> int:
    """Print the table; 1 when an ask or a tell is over its budget on asyncio."""
    plain = asyncio.run(measure())
    fast = run_uvloop(measure()) if sys.platform != "win32" else {}
    print(f"{'':18}{'asyncio us':>12}{'x bare':>8}{'of budget':>11}{'uvloop us':>12}{'x bare':>8}")
    for name, us in plain.items():
        share = f"{us / BUDGET_US[name]:.0%}" if name in BUDGET_US else ""
        there = f"{fast[name]:12.2f}{fast[name] / fast['bare wakes']:8.2f}" if fast else ""
        print(f"{name:18}{us:12.2f}{us / plain['bare wakes']:8.2f}{share:>11}{there}")
    over = [name for name, budget_us in BUDGET_US.items() if plain[name] > budget_us]
    for name in over:
        print(f"over budget: {name} took {plain[name]:.2f} us, {BUDGET_US[name]:.0f} allowed")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
