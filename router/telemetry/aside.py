"""Calls that may block, beside the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable


async def run_aside(call: Callable[[], object], *, name: str, grace_s: float) -> bool:
    """Run `call` on a thread of its own; True when it ended within `grace_s`, else it is left behind.

    The thread is a daemon, not an executor's: an executor's threads are joined at exit, and one that hangs in a dead
    collector's socket would keep the process from ending.
    """
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def target() -> None:
        try:
            call()
        finally:
            if not loop.is_closed():
                loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=target, name=name, daemon=True).start()
    try:
        async with asyncio.timeout(grace_s):
            await ended.wait()
    except TimeoutError:
        return False
    return True
