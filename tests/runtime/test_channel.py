"""A bounded way from one producer to one consumer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime import Channel, ChannelClosed, ChannelTimeout, Tasks, first_ready, run_virtual
from tests.fakes.recording import Boom


async def side_by_side(*coros: Coroutine[Any, Any, Any]) -> None:
    """Run all to their ends."""
    await asyncio.gather(*coros)


def test_a_writer_that_is_ahead_waits() -> None:
    """Never more than the capacity is held, and nothing is lost or reordered."""

    async def main() -> None:
        channel: Channel[int] = Channel(4)
        ahead = 0
        taken: list[int] = []

        async def write() -> None:
            nonlocal ahead
            for number in range(50):
                await channel.put(number)
                ahead = max(ahead, number + 1 - len(taken))
            channel.close()

        async def read() -> None:
            with pytest.raises(ChannelClosed):
                while True:
                    await asyncio.sleep(1.0)
                    taken.append(await channel.get())

        await side_by_side(write(), read())
        assert taken == list(range(50))
        assert ahead == 4

    run_virtual(main())


def test_what_is_buffered_comes_before_the_end() -> None:
    """And the end stays the end."""

    async def main() -> None:
        channel: Channel[int] = Channel(4)
        for number in range(3):
            channel.push(number)
        channel.close()
        assert [await channel.get() for _ in range(3)] == [0, 1, 2]
        for _ in range(2):
            with pytest.raises(ChannelClosed):
                await channel.get()

    run_virtual(main())


def test_what_is_buffered_comes_before_the_failure() -> None:
    """Text that arrived is text; a later close does not hide the failure."""

    async def main() -> None:
        channel: Channel[int] = Channel(4)
        await channel.put(1)
        channel.fail(Boom("cut"))
        channel.close()
        assert await channel.get() == 1
        with pytest.raises(Boom, match="cut"):
            await channel.get()
        with pytest.raises(ChannelClosed):
            await channel.put(2)

    run_virtual(main())


@pytest.mark.parametrize("waits", [True, False], ids=["waiting", "later"])
def test_a_writer_hears_that_the_reader_left(waits: bool) -> None:
    """At once when it waits, at the next put otherwise: back-pressure must not become a hang."""

    async def main() -> None:
        channel: Channel[int] = Channel(1)
        await channel.put(1)
        if waits:
            writing = asyncio.get_running_loop().create_task(channel.put(2))
            await asyncio.sleep(1.0)
            channel.leave()
        else:
            channel.leave()
            writing = asyncio.get_running_loop().create_task(channel.put(2))
        with pytest.raises(ChannelClosed):
            await writing
        with pytest.raises(ChannelClosed):
            channel.push(3)
        assert len(channel) == 0

    run_virtual(main())


def test_a_push_waits_for_nobody() -> None:
    """Who hands on more than a few looks first whether there is room, and waits for it until the reader takes some."""

    async def main() -> None:
        channel: Channel[int] = Channel(2)
        assert not channel.is_full
        channel.push(1, 2, 3)
        assert channel.is_full
        room = Tasks().start(channel.room(), name="writer")
        assert await channel.get() == 1
        await asyncio.sleep(1.0)
        assert (room.done, channel.is_full) == (False, True)
        assert await channel.get() == 2
        await asyncio.sleep(1.0)
        assert (room.done, channel.is_full) == (True, False)
        channel.push(4)
        channel.leave()
        assert not channel.is_full

    run_virtual(main())


def test_a_get_ends_exactly_at_its_timeout() -> None:
    """Also when the timer was set for another get before: it is moved, not trusted."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        channel: Channel[int] = Channel(4)
        for timeout_s in (5.0, 1.0, 3.0, 0.25):
            began_s = loop.time()
            await channel.put(1)
            await channel.get(timeout_s=timeout_s)
            with pytest.raises(ChannelTimeout):
                await channel.get(timeout_s=timeout_s)
            assert loop.time() - began_s == pytest.approx(timeout_s)
        writing = loop.call_later(2.0, channel.push, 7)
        assert await channel.get(timeout_s=3.0) == 7
        assert writing.when() == loop.time()

    run_virtual(main())


def test_items_that_keep_coming_set_the_timer_rarely() -> None:
    """A thousand gets with a timeout, each waiting, and a handful of timers: that is what makes them cheap."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        channel: Channel[int] = Channel(4)
        timers = 0
        call_at = loop.call_at

        def counted(*args: Any, **kwargs: Any) -> asyncio.TimerHandle:
            nonlocal timers
            timers += 1
            return call_at(*args, **kwargs)

        async def write() -> None:
            for number in range(1000):
                await asyncio.sleep(0)
                await channel.put(number)

        async def read() -> None:
            for number in range(1000):
                assert await channel.get(timeout_s=30.0) == number

        loop.call_at = counted  # type: ignore[method-assign, assignment]
        await side_by_side(write(), read())
        assert timers == 1

    run_virtual(main())


@settings(max_examples=60, deadline=None)
@given(
    waits=st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), max_size=30),
    timeouts=st.lists(st.sampled_from([0.1, 0.5, 1.0, None]), min_size=1, max_size=10),
    capacity=st.integers(min_value=1, max_value=3),
    seed=st.integers(min_value=0, max_value=1000),
)
def test_timeouts_lose_nothing(waits: list[float], timeouts: list[float | None], capacity: int, seed: int) -> None:
    """Whatever the rhythm of writer and reader, also when an item and a timeout meet at the same moment."""

    async def main() -> list[int]:
        channel: Channel[int] = Channel(capacity)
        taken: list[int] = []

        async def write() -> None:
            for number, wait_s in enumerate(waits):
                await asyncio.sleep(wait_s)
                await channel.put(number)
            channel.close()

        async def read() -> None:
            turn = 0
            while True:
                turn += 1
                try:
                    taken.append(await channel.get(timeout_s=timeouts[turn % len(timeouts)]))
                except ChannelTimeout:
                    continue
                except ChannelClosed:
                    return

        await side_by_side(write(), read())
        return taken

    assert run_virtual(main(), seed=seed, shuffle=True) == list(range(len(waits)))


def test_an_item_that_comes_with_the_timeout_wins() -> None:
    """The timer rings, then the item comes, then the reader runs."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        channel: Channel[int] = Channel(1)
        loop.call_soon(lambda: loop.call_at(1.0, channel.push, 7))
        assert await channel.get(timeout_s=1.0) == 7

    run_virtual(main())


def test_a_cancelled_get_loses_nothing() -> None:
    """Cancelled in the very moment in which an item came."""

    async def main() -> None:
        channel: Channel[int] = Channel(4)
        reading = Tasks().start(channel.get(), name="reader")
        await asyncio.sleep(1.0)
        channel.push(1)
        reading.stop()
        await reading.wait()
        assert await channel.get() == 1

    run_virtual(main())


def test_the_last_items_wait_for_nobody() -> None:
    """There is room for them whatever the reader has taken, and after them comes the end."""

    async def main() -> list[int]:
        channel: Channel[int] = Channel(1)
        await channel.put(1)
        channel.finish(2, 3)
        with pytest.raises(ChannelClosed):
            channel.finish(4)
        channel.fail(Boom())
        taken = [await channel.get() for _ in range(3)]
        with pytest.raises(ChannelClosed):
            await channel.get()
        return taken

    assert run_virtual(main()) == [1, 2, 3]


@pytest.mark.parametrize("side", ["get", "put"])
def test_a_second_reader_or_writer_is_refused(side: str) -> None:
    """It would wait where nobody wakes it."""

    async def main() -> None:
        channel: Channel[int] = Channel(1)
        if side == "put":
            await channel.put(1)
        first = Tasks().start(channel.get() if side == "get" else channel.put(2), name="first")
        await asyncio.sleep(1.0)
        with pytest.raises(RuntimeError, match="one"):
            await (channel.get() if side == "get" else channel.put(3))
        first.stop()

    run_virtual(main())


def test_a_channel_that_holds_nothing_is_refused() -> None:
    """Nothing could ever be put."""
    with pytest.raises(ValueError, match="at least one"):
        Channel(0)


def test_a_channel_does_not_keep_the_failure_it_has_told() -> None:
    """Raised through its reader's frames, which hold the channel, it would live until a collection."""

    async def act() -> None:
        channel: Channel[int] = Channel(1)
        channel.fail(OSError("gone"))
        with pytest.raises(OSError, match="gone"):
            await channel.get()
        with pytest.raises(ChannelClosed):
            await channel.get()

    run_virtual(act())


def test_the_first_of_several_channels_that_is_ready_is_found() -> None:
    """An item, an end or an error; nothing is taken, and a wait that is given up loses nothing."""

    async def scene() -> None:
        one: Channel[str] = Channel(1)
        two: Channel[str] = Channel(1)
        assert await first_ready((one, two), timeout_s=1.0) is None
        asyncio.get_running_loop().call_later(1.0, two.push, "second")
        assert await first_ready((one, two)) is two
        assert await two.get() == "second"
        asyncio.get_running_loop().call_later(1.0, one.fail, ValueError("broken"))
        assert await first_ready((one, two), timeout_s=5.0) is one
        with pytest.raises(ValueError, match="broken"):
            await one.get()
        assert await first_ready((two, one)) is one

    run_virtual(scene())
