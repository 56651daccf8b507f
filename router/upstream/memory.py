"""A transport without sockets: each request gets a scripted answer. For tests, simulation and dry runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum

from msgspec import Struct

from router.errors import Reason, WireFault
from router.upstream.blocks import Blocks, read_whole
from router.upstream.transport import UpstreamRequest


class Delay(Struct, frozen=True):
    """Nothing happens for `seconds` of the loop's time, counted from when the reader asks for more."""

    seconds: float


class Hold(Struct, frozen=True):
    """Nothing happens until `gate` is set."""

    gate: asyncio.Event


class Silence(Struct, frozen=True):
    """Nothing happens for ever. Before the head and with `connecting`, until the connect clock runs out."""

    connecting: bool = False


class Fail(Struct, frozen=True):
    """The transport fails: `CUT_STREAM` for a connection that closes or is reset, `CRASHED` for a worker that dies.

    `CONNECT` and `CONNECT_TIMEOUT` belong before the head.
    """

    reason: Reason = Reason.CUT_STREAM
    message: str = "the scripted provider failed here"


Step = bytes | Delay | Hold | Silence | Fail


class Scripted(Struct, frozen=True, kw_only=True):
    """One answer.

    Args:
        before: what happens before the head; bytes have no place there.
        status: of the head.
        headers: of the head.
        steps: the body, one block a `bytes`, and what happens between.
    """

    before: tuple[Step, ...] = ()
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)
    steps: tuple[Step, ...] = ()


Script = Callable[[UpstreamRequest], Scripted]


class Ending(StrEnum):
    """How a request ended: read to its end, left by its reader, failed by its script, or not yet."""

    OPEN = "open"
    READ = "read"
    LEFT = "left"
    FAILED = "failed"


class Carried:
    """One request that came, and how far its answer got."""

    def __init__(self, request: UpstreamRequest) -> None:
        self.request = request
        self.ended = Ending.OPEN
        self.sent_bytes = 0


class MemoryReply:
    """An answer out of a script: a step runs when its reader asks for it, so a reader that waits holds it up."""

    def __init__(self, scripted: Scripted, carried: Carried) -> None:
        self.status = scripted.status
        self.headers = {name.lower(): value for name, value in scripted.headers}
        self._steps = iter(scripted.steps)
        self._carried = carried

    @property
    def is_over(self) -> bool:
        """As the Protocol says."""
        return self._carried.ended is Ending.READ

    def blocks(self) -> Blocks:
        """The scripted blocks that are not empty."""
        return Blocks(self._take)

    async def read(self, limit_bytes: int) -> bytes:
        """The whole body, counted block by block as a socket's would be."""
        return await read_whole(self.blocks(), limit_bytes, self.status)

    async def _take(self) -> bytes:
        for step in self._steps:
            if not isinstance(step, bytes):
                await _happen(step, self._carried)
            elif step:
                self._carried.sent_bytes += len(step)
                return step
        self._carried.ended = Ending.READ
        return b""


class MemoryTransport:
    """Answers each request by what `script` says of it, and keeps `carried`, the account of all that came.

    Args:
        script: called once a request, in the order they come. `in_turn` makes one of a list.
    """

    def __init__(self, script: Script) -> None:
        self.carried: list[Carried] = []
        self.running = False
        self._script = script

    @property
    def open(self) -> int:
        """How many requests have not ended."""
        return sum(carried.ended is Ending.OPEN for carried in self.carried)

    async def start(self) -> None:
        """Nothing is needed; sending before it fails as with a real one."""
        self.running = True

    async def stop(self) -> None:
        """From now on nothing is sent. Answers that are being read go on: there is no connection to close."""
        self.running = False

    @asynccontextmanager
    async def send(self, request: UpstreamRequest) -> AsyncIterator[MemoryReply]:
        """Run the script of `request` up to its head."""
        if not self.running:
            raise WireFault(Reason.SHUTTING_DOWN, "the connections to this provider are closed")
        carried = Carried(request)
        self.carried.append(carried)
        try:
            scripted = self._script(request)
            for step in scripted.before:
                await _happen(step, carried, connect_s=request.connect_s)
            yield MemoryReply(scripted, carried)
        finally:
            if carried.ended is Ending.OPEN:
                carried.ended = Ending.LEFT


def in_turn(*answers: Scripted) -> Script:
    """A script that gives `answers` in order, and the last one for ever."""
    left = list(answers)

    def script(_: UpstreamRequest) -> Scripted:
        return left.pop(0) if len(left) > 1 else left[0]

    return script


async def _happen(step: Step, carried: Carried, connect_s: float | None = None) -> None:
    """Let `step` happen; `connect_s` is given before the head only."""
    match step:
        case Delay(seconds):
            await asyncio.sleep(seconds)
        case Hold(gate):
            await gate.wait()
        case Silence(True) if connect_s is not None:
            await asyncio.sleep(connect_s)
            carried.ended = Ending.FAILED
            raise WireFault(Reason.CONNECT_TIMEOUT, f"no connection within {connect_s:g} s")
        case Silence():
            await asyncio.get_running_loop().create_future()
        case Fail(reason, message):
            carried.ended = Ending.FAILED
            raise WireFault(reason, message)
        case _:
            raise ValueError(f"bytes have no place before the head: {step[:40]!r}")
