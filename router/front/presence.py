"""Whether a caller is still there, for where nobody tells the handler.

aiohttp cancels a handler whose caller left only where the application's runner asks for it. Ours does; under a host's
application that is the host's to say, and the provider must not go on for nobody meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from aiohttp import web

_NEVER = nullcontext()


def watching(request: web.Request, every_s: float | None, gone: Callable[[], None]) -> AbstractContextManager[object]:
    """Within the block, call `gone` once when the connection is no more, at most `every_s` later; None never looks."""
    return _NEVER if every_s is None else _Watch(request, every_s, gone)


class _Watch:
    """One timer that sets itself again."""

    def __init__(self, request: web.Request, every_s: float, gone: Callable[[], None]) -> None:
        self._request = request
        self._every_s = every_s
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle

    def __enter__(self) -> None:
        self._timer = self._loop.call_later(self._every_s, self._look)

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        if self._request.transport is None:
            self._gone()
        else:
            self._timer = self._loop.call_later(self._every_s, self._look)
