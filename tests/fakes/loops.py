"""Runs a test of real sockets on the loops that the product meets: asyncio's own and uvloop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

import uvloop

_P = ParamSpec("_P")
_Loop = Callable[[], asyncio.AbstractEventLoop]


def on_real_loops(scene: Callable[_P, Coroutine[Any, Any, None]]) -> Callable[_P, None]:
    """Make an async test run once on each loop; they differ in how they close, reset and pause."""
    return _on((asyncio.new_event_loop, uvloop.new_event_loop), scene)


def on_uvloop(scene: Callable[_P, Coroutine[Any, Any, None]]) -> Callable[_P, None]:
    """Make an async test run once, on the loop of `pointsman serve`: where that router is a process of its own, or the
    test is of what is said and not of how it goes through a socket."""
    return _on((uvloop.new_event_loop,), scene)


def _on(loops: tuple[_Loop, ...], scene: Callable[_P, Coroutine[Any, Any, None]]) -> Callable[_P, None]:
    @wraps(scene)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        for loop in loops:
            with asyncio.Runner(loop_factory=loop) as runner:
                runner.run(scene(*args, **kwargs))

    return run
