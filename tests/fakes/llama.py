"""What the embedded model is tested with: a loop that lasts, ports that repeat, and requests."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvloop

from router.errors import WireFault
from router.upstream.llama.options import LlamaOptions
from router.upstream.llama.transport import LlamaTransport
from router.upstream.transport import UpstreamRequest

T = TypeVar("T")

of_what_is_said = pytest.mark.parametrize(
    "bench", (uvloop.new_event_loop,), ids=("uvloop",), indirect=True, scope="module"
)
"""For tests of what the worker answers, which it does without the loop: they are made on one, not on each."""


class _Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def now(self) -> float:
        """Seconds."""
        return self.at


class _Ids:
    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def new(self, prefix: str) -> str:
        """In order."""
        return f"{prefix}-{next(self._numbers)}"


class FixedPorts:
    """Clock, ids and randomness that give the same in every run."""

    def __init__(self) -> None:
        self.clock = _Clock()
        self.wall = _Clock()
        self.ids = _Ids()
        self.rng = random.Random(1)


class Bench:
    """An event loop, and the tasks that would be an actor's."""

    def __init__(self, loop: Callable[[], asyncio.AbstractEventLoop] | None = None) -> None:
        self._runner = asyncio.Runner(loop_factory=loop)
        self.tasks: list[asyncio.Task[None]] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run the loop until `work` is done; the tasks stay between two calls."""
        return self._runner.run(work)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> object:
        """Start a task that `close` cancels and awaits, as an actor's `Tasks` does."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self.tasks.append(task)
        return task

    def close(self) -> None:
        """End every task; a task that crashed fails the test here."""
        self.run(self._end())
        self._runner.close()

    async def _end(self) -> None:
        for task in self.tasks:
            task.cancel()
        ends = await asyncio.gather(*self.tasks, return_exceptions=True)
        crashed = [end for end in ends if isinstance(end, Exception)]
        assert crashed == []


def chat(model: str, *, connect_s: float = 8.0, **fields: Any) -> UpstreamRequest:
    """A chat request with one short message, unless `fields` say otherwise."""
    body = {"model": model, "messages": [{"role": "user", "content": "Count from one to ten."}], **fields}
    return UpstreamRequest(
        method="POST",
        url="llama:///v1/chat/completions",
        headers=(),
        body=json.dumps(body).encode(),
        connect_s=connect_s,
    )


READ_BYTES = 10**7


@asynccontextmanager
async def fresh(
    bench: Bench, models_dir: Path, crashes: list[str] | None = None, **options: Any
) -> AsyncIterator[LlamaTransport]:
    """A transport of its own, stopped at the end."""
    small = {"n_ctx": 512, "n_threads": 1, "n_threads_batch": 1}
    given = LlamaOptions(models_dir=str(models_dir), **{**small, **options})
    told = [] if crashes is None else crashes
    transport = LlamaTransport(given, FixedPorts(), spawn=bench.spawn, on_crash=told.append)
    try:
        yield transport
    finally:
        await transport.stop()


async def whole(transport: LlamaTransport, request: UpstreamRequest) -> tuple[int, dict[str, Any]]:
    """Status and body of one answer."""
    async with transport.send(request) as reply:
        return reply.status, json.loads(await reply.read(READ_BYTES))


async def fault_of(transport: LlamaTransport, request: UpstreamRequest) -> WireFault:
    """How a request fails."""
    with pytest.raises(WireFault) as told:
        await whole(transport, request)
    return told.value
