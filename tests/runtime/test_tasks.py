"""Jobs: supervised children that are tasks."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest

from actors.runtime import (
    Actor,
    Crashed,
    Exit,
    Job,
    Killed,
    Normal,
    Report,
    Restart,
    Shutdown,
    SupervisorSpec,
    Tasks,
    run_virtual,
)
from tests.fakes.recording import Book, Boom, Scene, crash_of, play, reason_name, recorder


async def forever() -> None:
    """Never ends by itself."""
    await asyncio.sleep(1e9)


async def crash() -> None:
    """Ends badly at once."""
    raise Boom


async def stubborn() -> None:
    """Swallows every cancellation."""
    while True:
        try:
            await asyncio.sleep(1e9)
        except asyncio.CancelledError:
            continue


class Ends:
    """Writes down what `on_exit` was called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def __call__(self, job: Job, reason: Exit) -> None:
        assert job.done and job.reason == reason
        self.calls.append((job.name, reason_name(reason)))


@pytest.mark.parametrize(
    ("work", "stop", "ended"),
    [
        pytest.param(lambda: asyncio.sleep(1.0), None, "normal", id="returns"),
        pytest.param(crash, None, "crashed", id="raises"),
        pytest.param(forever, Shutdown(), "shutdown", id="stopped"),
        pytest.param(forever, Killed(), "killed", id="killed"),
        pytest.param(stubborn, Shutdown(), "killed", id="by-force"),
    ],
)
def test_on_exit_is_called_once_whatever_the_end(work: Any, stop: Exit | None, ended: str) -> None:
    """And the job knows its reason by then; a stop is asked twice here."""

    async def main() -> None:
        ends, reports = Ends(), list[Report]()
        tasks = Tasks("owner", reports.append)
        job = tasks.start(work(), name="j", on_exit=ends)
        assert (tasks.count, tasks.jobs, job.done, job.reason) == (1, (job,), False, None)
        await asyncio.sleep(0.5)
        if stop is not None:
            job.stop(stop)
            job.stop(stop)
        reason = await job.wait()
        assert (reason_name(reason), ends.calls) == (ended, [("j", ended)])
        assert tasks.count == 0
        assert [report.context.value for report in reports] == (["job_crashed"] if ended == "crashed" else [])
        job.stop()
        await asyncio.sleep(1.0)
        assert ends.calls == [("j", ended)]

    run_virtual(main())


def test_a_job_cancelled_before_its_first_step_still_calls_on_exit() -> None:
    """Its coroutine never ran, so no `finally` of its own would have."""

    async def main() -> None:
        ends = Ends()
        ran: list[int] = []

        async def work() -> None:
            ran.append(1)

        job = Tasks().start(work(), name="j", on_exit=ends)
        job.stop()
        assert await job.wait() == Shutdown()
        assert (ran, ends.calls) == ([], [("j", "shutdown")])

    run_virtual(main())


def test_a_job_cancelled_from_outside_was_killed() -> None:
    """Nobody asked it."""

    async def main() -> None:
        ends = Ends()
        job = Tasks().start(forever(), name="j", on_exit=ends)
        await asyncio.sleep(1.0)
        next(task for task in asyncio.all_tasks() if task.get_name() == "j").cancel()
        assert await job.wait() == Killed()

    run_virtual(main())


def test_an_error_in_on_exit_is_reported_and_harms_nobody() -> None:
    """Watchers are told all the same."""

    async def main() -> None:
        reports: list[Report] = []

        def clumsy(_job: Job, _reason: Exit) -> None:
            raise Boom

        job = Tasks("owner", reports.append).start(asyncio.sleep(1.0), name="j", on_exit=clumsy)
        assert await job.wait() == Normal()
        assert [(report.context.value, report.offender) for report in reports] == [("on_exit_crashed", "j")]

    run_virtual(main())


def test_cleaning_up_after_a_stop_has_its_grace() -> None:
    """One cancellation, then `grace_s` to end in order; the reason stays the one it was told."""

    async def main() -> None:
        done: list[float] = []

        async def careful() -> None:
            try:
                await forever()
            finally:
                await asyncio.sleep(3.0)
                done.append(asyncio.get_running_loop().time())

        job = Tasks().start(careful(), name="j")
        await asyncio.sleep(1.0)
        job.stop(Shutdown("enough"), grace_s=4.0)
        assert await job.wait() == Shutdown("enough")
        assert done == [4.0]

    run_virtual(main())


def test_a_tie_goes_one_way() -> None:
    """The exchange ends its attempts; an attempt does not end its exchange."""

    async def main() -> None:
        tasks = Tasks()
        exchange = tasks.start(forever(), name="exchange")
        first, second = (tasks.start(forever(), name=name) for name in ("first", "second"))
        exchange.tie(first)
        exchange.tie(second)
        await asyncio.sleep(1.0)
        first.stop()
        await first.wait()
        assert (exchange.done, second.done) == (False, False)
        exchange.stop()
        assert await second.wait() == Shutdown()
        late = tasks.start(forever(), name="late")
        exchange.tie(late)
        assert await late.wait() == Shutdown()

    run_virtual(main())


def test_stop_ends_all_and_waits_for_all() -> None:
    """Last started first; what outlasts the grace is ended by force."""

    async def main() -> None:
        ends = Ends()
        tasks = Tasks()
        for name, work in (("a", forever), ("b", stubborn), ("c", forever)):
            tasks.start(work(), name=name, on_exit=ends)
        await asyncio.sleep(1.0)
        await tasks.stop(Shutdown(), 2.0)
        assert tasks.count == 0
        assert ends.calls == [("c", "shutdown"), ("a", "shutdown"), ("b", "killed")]
        assert asyncio.get_running_loop().time() == pytest.approx(3.05)

    run_virtual(main())


def test_drained_waits_without_stopping() -> None:
    """For an owner that lets its jobs finish, and starts more meanwhile."""

    async def main() -> None:
        tasks = Tasks()

        async def nested() -> None:
            await asyncio.sleep(1.0)
            tasks.start(asyncio.sleep(1.0), name="late")

        tasks.start(nested(), name="early")
        await tasks.drained()
        assert asyncio.get_running_loop().time() == 2.0
        await tasks.drained()

    run_virtual(main())


@pytest.mark.parametrize(
    ("how", "told"),
    [
        pytest.param("normal", "shutdown", id="normal"),
        pytest.param("shutdown", "shutdown", id="shutdown"),
        pytest.param("crash", "killed", id="crash"),
    ],
)
def test_an_owner_takes_its_jobs_along(how: str, told: str) -> None:
    """Whatever its end; and it is restarted only after all of them have ended."""

    def tree(book: Book) -> SupervisorSpec:
        return SupervisorSpec((recorder("a", book),))

    async def act(scene: Scene) -> None:
        def start(actor: Actor) -> None:
            def note(job: Job, why: Exit) -> None:
                scene.book.trace.append(f"{job.name}:{reason_name(why)}")

            actor.tasks.start(forever(), name="x", on_exit=note)
            actor.tasks.start(stubborn(), name="y", on_exit=note)

        await scene.ref("a").ask(start)
        await asyncio.sleep(1.0)
        scene.book.take()
        await scene.end("a", how)
        await asyncio.sleep(10.0)
        ended = "crashed" if how == "crash" else how
        assert scene.book.take() == [f"-a:{ended}", f"x:{told}", "y:killed", "+a"]

    play(tree, act)


def test_a_job_outlives_nothing_when_its_owner_is_killed() -> None:
    """The owner's own code never gets to stop it: what stands outside that code does."""

    async def act(scene: Scene) -> None:
        async def busy(actor: Actor) -> None:
            actor.tasks.start(stubborn(), name="x", on_exit=lambda job, why: scene.book.trace.append(reason_name(why)))
            await stubborn()

        scene.ref("a").tell(busy)
        await asyncio.sleep(1.0)
        await scene.system.stop()
        assert scene.book.take()[-1] == "killed"

    play(lambda book: SupervisorSpec((recorder("a", book, shutdown_s=1.0),)), act)


def test_an_owner_that_has_ended_starts_no_job() -> None:
    """It would belong to nobody."""

    async def act(scene: Scene) -> None:
        tasks: Tasks = await scene.ref("a").ask(lambda actor: actor.tasks)
        await scene.end("a", "normal")
        await asyncio.sleep(1.0)
        with pytest.raises(RuntimeError, match="root/a has ended"):
            tasks.start(forever(), name="x")

    play(lambda book: SupervisorSpec((recorder("a", book, restart=Restart.TEMPORARY),)), act)


def test_giving_up_waiting_does_not_stop_the_job() -> None:
    """Waiting is watching."""

    async def main() -> None:
        job = Tasks().start(asyncio.sleep(5.0), name="j")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await job.wait()
        assert await job.wait() == Normal()

    run_virtual(main())


def test_a_job_that_ended_is_freed_without_the_collector() -> None:
    """One per request: cycles would pile up between collections."""

    async def main() -> None:
        tasks = Tasks()
        gc.collect()
        gc.disable()
        try:
            seen = []
            for _ in range(10):
                job = tasks.start(asyncio.sleep(1.0), name="j", on_exit=lambda job, why: None)
                seen.append(weakref.ref(job))
                await job.wait()
                del job
            await asyncio.sleep(0)
            assert [ref() for ref in seen] == [None] * 10
        finally:
            gc.enable()

    run_virtual(main())


def test_a_crash_report_holds_no_frames() -> None:
    """Frames would keep the bodies of the requests alive that crashed."""

    async def main() -> None:
        job = Tasks("owner", lambda report: None).start(crash(), name="j")
        reason = await job.wait()
        assert isinstance(reason, Crashed)
        assert (crash_of(reason), reason.error.__traceback__) == ("Boom", None)

    run_virtual(main())


def test_a_job_that_survives_everything_is_given_up_and_reported() -> None:
    """Its owner goes on: for it the job has ended."""

    async def main() -> None:
        closings = 0

        async def immortal() -> None:
            nonlocal closings
            while closings < 2:
                try:
                    await asyncio.sleep(1e9)
                except asyncio.CancelledError:
                    continue
                except GeneratorExit:
                    closings += 1

        reports: list[Report] = []
        ends = Ends()
        job = Tasks("owner", reports.append).start(immortal(), name="j", on_exit=ends)
        await asyncio.sleep(1.0)
        job.stop(Killed())
        assert await job.wait() == Killed()
        assert (job.leaked, ends.calls) == (True, [("j", "killed")])
        assert [report.context.value for report in reports] == ["leaked"]
        closings = 2
        next(task for task in asyncio.all_tasks() if task.get_name() == "j").cancel()
        await asyncio.sleep(1.0)
        assert len(ends.calls) == 1

    run_virtual(main())
