"""The Front actor and the desk where exchanges are opened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from actors.exchange import Exchange, Wiring
from actors.messages import Call, Desk, Opened, Server
from actors.runtime import Actor, Crashed, Exit, Job, Tasks
from actors.sharing import Sharing
from actors.tally import stop_for
from router.errors import Reason, Unavailable

FAREWELL_S = 2.0
"""How long readers get to take the error that ends their unfinished answers."""

LAST_WORDS_S = 1.0
"""How long what was said last may take to leave, however little is left of the drain."""


class Door:
    """Whether new exchanges may come in, and the group they run in. Outlives the Front's restarts; the Front alone
    changes it.

    Args:
        sharing: requests that are one.
    """

    def __init__(self, sharing: Sharing) -> None:
        self._sharing = sharing
        self.tasks: Tasks | None = None
        self.ready = False
        self.refusing = False

    @property
    def count(self) -> int:
        """Exchanges under way."""
        return self.tasks.count if self.tasks is not None else 0

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The exchanges under way."""
        return self.tasks.jobs if self.tasks is not None else ()

    def open(self, call: Call, wiring: Wiring) -> Opened:
        """Start an exchange as a job of the Front, or join the one that is this call's already. Raises `Unavailable`
        when the Front takes none, and as `Sharing.open`."""
        if self.tasks is None or self.refusing:
            raise Unavailable(
                "the gateway is not taking new requests now", reason=Reason.SHUTTING_DOWN, retry_after_s=1.0
            )
        if call.once is None:
            return _begin(self.tasks, call, wiring)
        return self._sharing.open(call, call.once, partial(_begin, self.tasks, call, wiring))


def _begin(tasks: Tasks, call: Call, wiring: Wiring) -> Opened:
    exchange = Exchange(call, wiring)
    job = tasks.start(exchange.run(), name=call.request_id, on_exit=exchange.settle)
    exchange.job = job
    opened = Opened(job=job, outbox=exchange.outbox, config=wiring.version, ask=call.ask)
    return opened if exchange.caching is None else exchange.caching.opened(opened)


class Front(Actor):
    """Serves callers; exchanges are its supervised tasks.

    Accepts no messages. A restart ends the exchanges under way and the open connections; it rebuilds the server.

    Args:
        drain_s: how long a stop waits for exchanges to end by themselves.
        lame_duck_s: how long a stop still takes new exchanges, for load balancers to notice that readiness is gone.
    """

    def __init__(
        self, *, door: Door, desk: Callable[[], Desk], server: Server, drain_s: float, lame_duck_s: float
    ) -> None:
        super().__init__()
        self._door = door
        self._desk = desk
        self._server = server
        self._drain_s = drain_s
        self._lame_duck_s = lame_duck_s

    async def on_start(self) -> None:
        """Open the door, then the listener: the first request must find it open."""
        self._door.tasks, self._door.refusing = self.tasks, False
        await self._server.start(self._desk())
        self._door.ready = True

    def on_receive(self, message: object) -> None:
        """Nothing is sent here; whoever does has a bug worth a crash report."""
        raise TypeError(f"the front takes no messages, got {type(message).__name__}")

    async def on_stop(self, reason: Exit) -> None:
        """Drain when asked to stop; when crashed, end the exchanges as our fault before their
        connections close, which would look like their callers' leaving."""
        self._door.ready = False
        if isinstance(reason, Crashed):
            self._door.refusing = True
            left_s = FAREWELL_S
            await self._end(Reason.INTERNAL)
        else:
            left_s = await self._drain()
        self._door.tasks = None
        await self._server.stop(left_s)

    async def _drain(self) -> float:
        """Readiness is gone already: a while as before, then nothing new, then the rest is ended with an honest error.
        How long answers that are complete may still take to reach their readers."""
        if self._lame_duck_s > 0:
            await asyncio.sleep(self._lame_duck_s)
        self._door.refusing = True
        until_s = self.ports.clock.now() + self._drain_s
        await self._wait_for(self.tasks.jobs, self._drain_s)
        await self._end(Reason.SHUTTING_DOWN)
        return max(LAST_WORDS_S, until_s - self.ports.clock.now())

    async def _end(self, reason: Reason) -> None:
        """Stop what is left, each with an error that says why."""
        left = self.tasks.jobs
        for job in left:
            job.stop(stop_for(reason))
        await self._wait_for(left, FAREWELL_S)

    async def _wait_for(self, jobs: tuple[Job, ...], limit_s: float) -> None:
        """Until all are done or the limit passes."""
        try:
            async with asyncio.timeout(limit_s):
                for job in jobs:
                    await job.wait()
        except TimeoutError:
            return
