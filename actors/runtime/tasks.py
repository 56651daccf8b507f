"""Supervised children that are tasks, or guests in one: the only place that makes asyncio tasks out of coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from actors.runtime.exits import Crashed, Exit, Killed, Normal, Shutdown, forget_frames
from actors.runtime.failures import failure_of
from actors.runtime.guest import Begun, Guest, Stoppable
from actors.runtime.ladder import Ladder
from actors.runtime.once import Once
from actors.runtime.report import Context, Report, log_report

GRACE_S = 5.0


class Job:
    """One task, or a guest in one, and the reason of its end. Can be monitored and linked like an actor.

    `leaked` is a job that counts as ended, because its owner must go on, though its coroutine survived every means.
    """

    __slots__ = ("__weakref__", "_asked", "_ladder", "_task", "ended", "leaked", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.ended: Once[Exit] = Once()
        self.leaked = False
        self._asked: Exit | None = None
        self._ladder: Ladder | None = None
        self._task: Stoppable | None = None

    def __repr__(self) -> str:
        return f"<Job {self.name} {self.reason or 'running'}>"

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.ended.settled

    @property
    def reason(self) -> Exit | None:
        """Why it ended; None while it runs."""
        return self.ended.value

    @property
    def asked(self) -> Exit | None:
        """Why it is to end; None as long as nobody asked."""
        return self._asked

    def stop(self, reason: Exit = Shutdown(), *, grace_s: float = GRACE_S) -> None:  # noqa: B008 frozen, shared on purpose
        """Cancel it, and end it by force when it still runs after `grace_s`. `Killed` leaves no grace."""
        task = self._task
        if task is None or task.done():
            return
        if self._asked is None:
            self._asked = reason
            task.cancel()
        if self._ladder is None:
            self._ladder = Ladder(task, self._give_up)
        self._ladder.climb(0.0 if isinstance(reason, Killed) else grace_s)

    async def wait(self) -> Exit:
        """Why it ended, once it has. Giving up waiting does not stop it."""
        return await self.ended.wait()

    def tie(self, other: Job, ended: Callable[[Exit], None] | None = None) -> None:
        """When this job ends, whatever its end, `other` is stopped, or `ended` told, who stops it. Not the other way
        round."""
        key = ("tie", other)
        self.ended.watch(key, ended or (lambda _: other.stop()))
        other.ended.watch(("tied", self), lambda _: self.ended.unwatch(key))

    def untie(self, other: Job) -> None:
        """Take back `tie`: `other` outlives this job."""
        self.ended.unwatch(("tie", other))

    async def host(self, coro: Coroutine[Any, Any, Coroutine[Any, Any, None] | None]) -> None:
        """Run `coro` in the task of whoever awaits this: no task of its own, and no turn of the loop to begin and to
        end in. However it ends, its host goes on; where that is ended, so is `coro`. What `coro` returns is what is
        left to do when its host needs it no more: it gets a task of its own."""
        guest = self._task = Guest(coro)
        reason: Exit = Killed()
        rest, felt = None, False
        try:
            rest = await coro
            reason = Normal()
        except asyncio.CancelledError:
            reason, felt = self._asked or (Shutdown() if guest.loses_host else Killed()), True
        except Exception as error:  # noqa: BLE001 the one place where a guest's exception becomes its exit
            reason = self._crashed(error)
        finally:
            self._go_on(rest, reason)
        await guest.leave(felt=felt)

    def _go_on(self, rest: Coroutine[Any, Any, None] | None, reason: Exit) -> None:
        if rest is None:
            self._end(reason)
            return
        begun = self._task = Begun(rest, self.name)
        begun.task.add_done_callback(self._finish)
        if self._asked is not None:
            asked, self._asked = self._asked, None
            self._drop_ladder()
            self.stop(asked)

    def _run(self, task: asyncio.Task[Any]) -> None:
        self._task = task
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            self._end(self._asked or Killed())
        else:
            error = task.exception()
            self._end(Normal() if error is None else self._crashed(error))

    def _crashed(self, error: BaseException) -> Exit:
        """An error of frames that were closed under it is its ladder's doing."""
        return Killed() if self._ladder is not None and self._ladder.closed else Crashed(error)

    def _give_up(self) -> None:
        self.leaked = True
        self._end(Killed())

    def _end(self, reason: Exit) -> None:
        self._drop_ladder()
        self._task = None
        self.ended.settle(reason)

    def _drop_ladder(self) -> None:
        if self._ladder is not None:
            self._ladder.stop()
            self._ladder = None


class Tasks:
    """The jobs of one owner: they end with it, whatever its end.

    Args:
        owner: path of the owner, for reports.
        report: told of every job that crashed.
    """

    __slots__ = ("_closed", "_jobs", "_owner", "_report", "_waiting")

    def __init__(self, owner: str = "", report: Callable[[Report], None] = log_report) -> None:
        self._owner = owner
        self._report = report
        self._jobs: dict[Job, None] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether its owner has ended: nothing more is started."""
        return self._closed

    @property
    def count(self) -> int:
        """Jobs that have not ended."""
        return len(self._jobs)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Jobs that have not ended, in the order they started."""
        return tuple(self._jobs)

    def start(
        self, coro: Coroutine[Any, Any, Any], *, name: str, on_exit: Callable[[Job, Exit], None] | None = None
    ) -> Job:
        """Run `coro` as a job. `on_exit` is called once, whatever the end, even when `coro` never took its first step.

        Raises:
            RuntimeError: the owner has ended.
        """
        if self._closed:
            coro.close()
            raise RuntimeError(f"{self._owner} has ended: it starts no job {name}")
        job = self.admit(name=name, on_exit=on_exit)
        job._run(asyncio.get_running_loop().create_task(coro, name=name))
        return job

    def admit(self, *, name: str, on_exit: Callable[[Job, Exit], None] | None = None) -> Job:
        """A job that runs in the task of whoever calls its `host`, which must be done in the same turn."""
        job = Job(name)
        self._jobs[job] = None
        job.ended.watch("owner", partial(self._ended, job, on_exit))
        return job

    async def stop(self, reason: Exit, grace_s: float) -> None:
        """Cancel every job, last started first, and wait for all. What outlasts `grace_s` is ended by force."""
        for job in reversed(self.jobs):
            job.stop(reason, grace_s=grace_s)
        await self.drained()

    async def drained(self) -> None:
        """Wait until no job is left, without stopping any."""
        while self._jobs:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            finally:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)

    def close(self) -> tuple[Once[Exit], ...]:
        """The owner has ended: kill what is left and start nothing more. What to wait for."""
        self._closed = True
        left = self.jobs
        for job in reversed(left):
            job.stop(Killed())
        return tuple(job.ended for job in left)

    def _ended(self, job: Job, on_exit: Callable[[Job, Exit], None] | None, reason: Exit) -> None:
        self._jobs.pop(job, None)
        if on_exit is not None:
            error = failure_of(on_exit, job, reason)
            if error is not None:
                self._tell(job, Context.ON_EXIT, Crashed(error))
        if job.leaked or isinstance(reason, Crashed):
            self._tell(job, Context.LEAKED if job.leaked else Context.JOB, reason)
        if not self._jobs:
            for waiter in self._waiting:
                if not waiter.done():
                    waiter.set_result(None)
            self._waiting.clear()

    def _tell(self, job: Job, context: Context, reason: Exit) -> None:
        self._report(Report(supervisor=self._owner, context=context, reason=reason, offender=job.name))
        forget_frames(reason)
