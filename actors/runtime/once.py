"""A value that comes exactly once: that an actor has started, why a job has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_UNSET: Any = object()


class Once(Generic[T]):
    """Tells each watcher once, in the order they came; a watcher that comes late is told at once."""

    __slots__ = ("_value", "_watchers")

    def __init__(self) -> None:
        self._value: T = _UNSET
        self._watchers: dict[Hashable, Callable[[T], None]] | None = None

    @property
    def settled(self) -> bool:
        """Whether the value is there."""
        return self._value is not _UNSET

    @property
    def value(self) -> T | None:
        """The value, or None before it came."""
        return None if self._value is _UNSET else self._value

    def watch(self, key: Hashable, told: Callable[[T], None]) -> None:
        """Have `told` called with the value; the same `key` again replaces the earlier watcher."""
        if self._value is not _UNSET:
            told(self._value)
        elif self._watchers is None:
            self._watchers = {key: told}
        else:
            self._watchers[key] = told

    def unwatch(self, key: Hashable) -> None:
        """Forget a watcher; after this it is not told."""
        if self._watchers is not None:
            self._watchers.pop(key, None)

    def settle(self, value: T) -> None:
        """Give the value. A second one is dropped."""
        if self._value is not _UNSET:
            return
        self._value = value
        watchers = self._watchers
        while watchers:  # one at a time: a watcher may unwatch another
            watchers.pop(next(iter(watchers)))(value)
        self._watchers = None

    async def wait(self) -> T:
        """The value. Giving up waiting disturbs nobody else."""
        if self._value is _UNSET:
            waiter = asyncio.get_running_loop().create_future()
            self.watch(waiter, lambda _: None if waiter.done() else waiter.set_result(None))
            try:
                await waiter
            finally:
                self.unwatch(waiter)
        return self._value
