"""A bounded way from one producer to one consumer, for what must not go through mailboxes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class ChannelClosed(Exception):
    """For the reader: the end, in order. For the writer: the reader left, or it was ended already."""


class ChannelTimeout(Exception):
    """Nothing came in time. Nothing is lost: the next `get` goes on where this one waited."""


class Channel(Generic[T]):
    """Back-pressure: a writer that is ahead by `capacity` items waits.

    A timer is kept from one `get` to the next and moved only when it rings, so a timeout per item is cheap.
    """

    __slots__ = (
        "_capacity",
        "_deadline_s",
        "_ended",
        "_error",
        "_getter",
        "_items",
        "_putter",
        "_ring_s",
        "_timer",
        "is_full",
    )

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError("a channel holds at least one item")
        self._capacity = capacity
        self.is_full = False
        """Whether the reader is behind by the whole capacity."""
        self._items: deque[T] = deque()
        self._getter: asyncio.Future[bool] | None = None
        self._putter: asyncio.Future[None] | None = None
        self._ended = False
        self._error: BaseException | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ring_s = 0.0
        self._deadline_s: float | None = None

    def __len__(self) -> int:
        return len(self._items)

    async def put(self, item: T) -> None:
        """Hand on an item; wait before it while the reader is behind.

        Raises:
            ChannelClosed: the reader left, or the channel was closed.
        """
        if self.is_full:
            await self.room()
        self.push(item)

    async def room(self) -> None:
        """Wait until the reader is no more behind than it may be, or has left."""
        while self.is_full:
            if self._putter is not None:
                raise RuntimeError("a channel has one writer")
            self._putter = asyncio.get_running_loop().create_future()
            try:
                await self._putter
            finally:
                self._putter = None

    def push(self, *items: T) -> None:
        """Hand on items without waiting, though the reader be behind: who hands on more than a few looks at `is_full`.

        Raises:
            ChannelClosed: the reader left, or the channel was closed.
        """
        if self._ended:
            raise ChannelClosed
        self._items.extend(items)
        self.is_full = len(self._items) >= self._capacity
        self._wake_getter(True)

    async def get(self, *, timeout_s: float | None = None) -> T:
        """The next item; what is buffered comes before the end or the failure.

        Raises:
            ChannelTimeout: nothing came within `timeout_s`.
            ChannelClosed: the end.
            BaseException: what was given to `fail`, once; after it the end.
        """
        if not self._items and not self._ended:
            getter = self._waiting(timeout_s)
            try:
                in_time = await getter
            finally:
                self._getter = self._deadline_s = None
            if not in_time and not self._items and not self._ended:
                raise ChannelTimeout
        if self._items:
            item = self._items.popleft()
            if self.is_full:
                self._taken()
            return item
        error, self._error = self._error, None  # kept, it would be in a cycle with the frames it is raised through
        raise error if error is not None else ChannelClosed

    def finish(self, *items: T) -> None:
        """Hand on the last items and close, at once and whole: how the end comes is not for a slow reader to decide.

        Raises:
            ChannelClosed: the reader left, or the channel was closed.
        """
        if self._ended:
            raise ChannelClosed
        self._items.extend(items)
        self._end(None)

    def close(self) -> None:
        """No more items will come."""
        if not self._ended:
            self._end(None)

    def fail(self, error: BaseException) -> None:
        """No more items will come, because of `error`. After `close` or `fail` this does nothing."""
        self._end(error)

    def rest(self) -> tuple[T, ...]:
        """What is buffered, at once: for a reader who waits for nothing more."""
        items = tuple(self._items)
        self._items.clear()
        self._taken()
        return items

    def leave(self) -> None:
        """The reader goes; what is buffered is dropped, and every `put` raises from now on."""
        self._items.clear()
        self.close()

    def _end(self, error: BaseException | None) -> None:
        if self._ended:
            return
        self._ended = True
        self._error = error
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wake_getter(True)
        self._taken()

    def _taken(self) -> None:
        """Nobody waits for room that there is, or for a reader who takes no more."""
        self.is_full = not self._ended and len(self._items) >= self._capacity
        if self._putter is not None and not self.is_full and not self._putter.done():
            self._putter.set_result(None)

    @property
    def is_ready(self) -> bool:
        """Whether a `get` would not wait: there is an item, or it has ended."""
        return bool(self._items) or self._ended

    def _waiting(self, timeout_s: float | None) -> asyncio.Future[bool]:
        """What the one reader awaits: whether something came in time."""
        if self._getter is not None:
            raise RuntimeError("a channel has one reader")
        loop = asyncio.get_running_loop()
        self._getter = getter = loop.create_future()
        if timeout_s is not None:
            self._set_timer(loop, loop.time() + timeout_s)
        return getter

    def _wake_getter(self, in_time: bool) -> None:
        if self._getter is not None and not self._getter.done():
            self._getter.set_result(in_time)

    def _set_timer(self, loop: asyncio.AbstractEventLoop, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        if self._timer is not None:
            if self._ring_s <= deadline_s:
                return
            self._timer.cancel()
        self._ring_s = deadline_s
        self._timer = loop.call_at(deadline_s, self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if self._deadline_s is None:
            return
        if self._deadline_s > self._ring_s:
            self._set_timer(loop, self._deadline_s)
        else:
            self._wake_getter(False)


async def first_ready(channels: Sequence[Channel[T]], timeout_s: float | None = None) -> Channel[T] | None:
    """The first of these whose `get` would not wait; None when none is within `timeout_s`. Their only reader calls it.

    Nothing is taken from any of them, so nothing is lost when the wait is given up.
    """
    loop = asyncio.get_running_loop()
    until_s = None if timeout_s is None else loop.time() + timeout_s
    while True:
        for channel in channels:
            if channel.is_ready:
                return channel
        left_s = None if until_s is None else until_s - loop.time()
        if left_s is not None and left_s <= 0:
            return None
        await _any_changed(channels, left_s)


async def _any_changed(channels: Sequence[Channel[T]], timeout_s: float | None) -> None:
    if any(channel._getter is not None for channel in channels):
        raise RuntimeError("a channel has one reader")
    loop = asyncio.get_running_loop()
    woken = loop.create_future()
    timer = None if timeout_s is None else loop.call_later(timeout_s, _wake, woken)
    for channel in channels:
        channel._getter = woken
    try:
        await woken
    finally:
        for channel in channels:
            channel._getter = None
        if timer is not None:
            timer.cancel()


def _wake(waiter: asyncio.Future[bool]) -> None:
    if not waiter.done():
        waiter.set_result(False)
