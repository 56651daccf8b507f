"""The second of Pykka's seams: the future of an ask, on asyncio's own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Generator
from typing import Any, NoReturn

import pykka


class Reply(pykka.Future[Any]):
    """The one answer to one ask; given late, or twice, it is dropped.

    Pykka's own futures block when awaited; its `map`, `filter`, `join`, `reduce` are built on that: here they raise.
    """

    __slots__ = ("waiter",)

    def __init__(self) -> None:  # Pykka's sets the get hook, which has no meaning here
        self.waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    @property
    def done(self) -> bool:
        """Whether it was answered, or the asker has given up: timed out, cancelled."""
        return self.waiter.done()

    def set(self, value: Any = None) -> None:
        """Answer."""
        if not self.waiter.done():
            self.waiter.set_result(value)

    def fail(self, error: BaseException) -> None:
        """End the ask with `error`."""
        if not self.waiter.done():
            self.waiter.set_exception(error)
            self.waiter.exception()  # counts as seen: an asker that stopped listening is no fault to log

    def set_exception(self, exc_info: Any = None) -> None:
        """Pykka's spelling of `fail`."""
        error = (exc_info or sys.exc_info())[1]
        self.fail(error if error is not None else RuntimeError("no exception in hand"))

    def get(self, *, timeout: float | None = None) -> NoReturn:
        """Never: it would block the loop that must bring the answer."""
        raise RuntimeError("future.get() blocks the event loop: await the future")

    def set_get_hook(self, func: Callable[[float | None], Any]) -> NoReturn:
        """Never: hooks run inside `get`."""
        raise RuntimeError("get hooks run in future.get(), which blocks the event loop")

    def _no_chaining(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise RuntimeError("built on future.get(), which blocks the event loop: await, then compute")

    filter = join = map = reduce = _no_chaining

    def __await__(self) -> Generator[Any, None, Any]:
        return self.waiter.__await__()

    __iter__ = __await__
