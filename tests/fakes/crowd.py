"""Jobs that do nothing until they are told to end, and a tree to try one actor in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from actors.runtime import Actor, ActorSystem, ChildSpec, Intensity, Job, Ref, SupervisorSpec, Tasks, virtual_ports


class Crowd:
    """Owner of jobs that stand for exchanges or attempts."""

    def __init__(self) -> None:
        self._tasks = Tasks("crowd", report=lambda _: None)
        self._wishes: dict[Job, asyncio.Future[None]] = {}

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Those that have not ended."""
        return self._tasks.jobs

    def job(self, on_exit: Callable[[Job], None] | None = None) -> Job:
        """A new job, under way; `on_exit` is called by its end, as an attempt's settling is."""
        wish = asyncio.get_running_loop().create_future()
        told = on_exit or (lambda _: None)
        job = self._tasks.start(_until(wish), name="job", on_exit=lambda job, _: told(job))
        self._wishes[job] = wish
        return job

    async def finish(self, job: Job) -> None:
        """Let it come to its end."""
        await breathe()
        self._wishes[job].set_result(None)
        await self._gone(job)

    async def crash(self, job: Job) -> None:
        """Let it raise."""
        await breathe()
        self._wishes[job].set_exception(RuntimeError("a crash on purpose"))
        await self._gone(job)

    async def cancel(self, job: Job) -> None:
        """Stop it, as a client that leaves does."""
        job.stop()
        await self._gone(job)

    async def _gone(self, job: Job) -> None:
        await job.wait()
        await breathe()


End = Callable[[Crowd, Job], Awaitable[None]]
ENDS = [
    pytest.param(Crowd.finish, id="finished"),
    pytest.param(Crowd.crash, id="crashed"),
    pytest.param(Crowd.cancel, id="cancelled"),
]
"""The ways a job can end, for `parametrize`."""


class Recorder(Actor):
    """Keeps every message it is told."""

    def __init__(self, heard: list[Any]) -> None:
        super().__init__()
        self._heard = heard

    def on_receive(self, message: Any) -> None:
        """Keep it."""
        self._heard.append(message)


async def breathe() -> None:
    """Let everything that can happen now happen: virtual time moves only when nothing else can."""
    await asyncio.sleep(1e-6)


@asynccontextmanager
async def staged_with(start: Callable[[Ref], Actor], *, heard: list[Any] | None = None) -> AsyncIterator[Ref]:
    """A started system in virtual time with one actor, made with the ref of a `Recorder` that fills `heard`.

    A crash is not logged, and restarted at once.
    """
    system = ActorSystem(virtual_ports(), on_report=lambda _: None)
    recorder = ChildSpec(name="recorder", start=lambda: Recorder([] if heard is None else heard))
    tried = ChildSpec(name="tried", start=lambda: start(system.ref("root/recorder")))
    await system.start(SupervisorSpec(children=(recorder, tried), intensity=Intensity(restarts=100, period_s=1.0)))
    try:
        yield system.ref("root/tried")
    finally:
        await system.stop()


def staged(start: Callable[[], Actor]) -> AbstractAsyncContextManager[Ref]:
    """As `staged_with`, for an actor that tells nobody."""
    return staged_with(lambda _: start())


async def crash(ref: Ref) -> None:
    """Make an actor raise, and wait until it is back."""
    before = ref.incarnation
    ref.tell(object())
    await breathe()
    assert ref.alive
    assert ref.incarnation == before + 1


async def _until(wish: asyncio.Future[None]) -> None:
    await wish
