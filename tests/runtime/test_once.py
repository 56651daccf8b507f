"""A value that comes exactly once."""

from __future__ import annotations

import asyncio

import pytest

from actors.runtime import run_virtual
from actors.runtime.once import Once


def test_watchers_are_told_in_order_and_once() -> None:
    """A second value is dropped, a late watcher told at once, a replaced one not at all."""
    once: Once[int] = Once()
    told: list[tuple[str, int]] = []
    for key in ("a", "b", "a"):
        once.watch(key, lambda value, key=key: told.append((key, value)))  # type: ignore[misc]
    once.settle(1)
    once.settle(2)
    once.watch("late", lambda value: told.append(("late", value)))
    assert told == [("a", 1), ("b", 1), ("late", 1)]
    assert (once.settled, once.value) == (True, 1)


def test_a_watcher_may_take_another_back_while_it_is_told() -> None:
    """Then that one is not told: taking back means silence from that moment."""
    once: Once[int] = Once()
    told: list[int] = []
    once.watch("a", lambda _: once.unwatch("b"))
    once.watch("b", told.append)
    once.settle(1)
    assert told == []


def test_giving_up_waiting_leaves_no_watcher() -> None:
    """And disturbs nobody else who waits."""

    async def main() -> None:
        once: Once[int] = Once()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await once.wait()
        assert not once._watchers
        asyncio.get_running_loop().call_later(1.0, once.settle, 7)
        assert {await once.wait(), *await asyncio.gather(once.wait(), once.wait())} == {7}

    run_virtual(main())
