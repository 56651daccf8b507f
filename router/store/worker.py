"""The thread that a journal's blocking calls run on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")

_Calls = SimpleQueue[Callable[[], None] | None]


class ThreadWorker:
    """One thread, started by the first call. One, because a store's calls must not overtake each other.

    A daemon, not an executor's: an executor's threads are joined at exit, and one that hangs in a dead disk would keep
    the process from ending.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: _Calls | None = None

    async def run(self, call: Callable[[], T]) -> T:
        """As `Worker` says."""
        if self._calls is None:
            self._calls = SimpleQueue()
            threading.Thread(target=_work, args=(self._calls,), name=self._name, daemon=True).start()
        future: Future[T] = Future()
        self._calls.put(partial(_answer, future, call))
        return await asyncio.wrap_future(future)

    def stop(self) -> None:
        """The thread ends by itself, after the calls it was given."""
        if self._calls is not None:
            self._calls.put(None)
            self._calls = None


def _work(calls: _Calls) -> None:
    while (call := calls.get()) is not None:
        call()


def _answer(future: Future[T], call: Callable[[], T]) -> None:
    """Call, unless whoever waited has given up; what is raised is theirs."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 it is raised where the call is awaited
        future.set_exception(error)
    else:
        future.set_result(result)
