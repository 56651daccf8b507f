"""Runs a test of real sockets on the loops that the product meets: asyncio's own and uvloop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

import uvloop

_P = ParamSpec("_P")
_LOOPS = (asyncio.new_event_loop, uvloop.new_event_loop)


def on_real_loops(scene: Callable[_P, Coroutine[Any, Any, None]]) -> Callable[_P, None]:
    """Make an async test run once on each loop; they differ in how they close, reset and pause."""

    @wraps(scene)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        for loop in _LOOPS:
            with asyncio.Runner(loop_factory=loop) as runner:
                runner.run(scene(*args, **kwargs))

    return run
