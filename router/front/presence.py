"""Whether a caller is still there, for where nobody tells the handler.

aiohttp cancels a handler whose caller left only where the application's runner asks for it. Ours does; under a host's
application that is the host's to say, and the provider must not go on for nobody meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web


class Watch:
    """Within its block, calls `gone` once when the connection is no more, at most `every_s` later.

    One timer that sets itself again.
    """

    def __init__(self, request: web.Request, every_s: float, gone: Callable[[], None]) -> None:
        self._request = request
        self._every_s = every_s
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle

    def __enter__(self) -> None:
        """Begin to look."""
        self._timer = self._loop.call_later(self._every_s, self._look)

    def __exit__(self, *_: object) -> None:
        """Look no more."""
        self._timer.cancel()

    def _look(self) -> None:
        if self._request.transport is None:
            self._gone()
        else:
            self._timer = self._loop.call_later(self._every_s, self._look)
