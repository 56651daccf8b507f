"""One incarnation: its cancellation, its end by force."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from actors.runtime import (
    Actor,
    ActorDead,
    ChildSpec,
    Crashed,
    Exit,
    Job,
    Killed,
    Normal,
    Restart,
    Shutdown,
    SupervisorSpec,
)
from tests.fakes.recording import Book, Boom, Recorder, Scene, play, reason_name, recorder


def family(book: Book, **options: Any) -> SupervisorSpec:
    """A root with the recorders `a`, `b`, `c`."""
    return SupervisorSpec(children=tuple(recorder(name, book, **options) for name in "abc"))


def job_of(actor: Actor, coro: Any, name: str = "job") -> Job:
    """Start a job of an actor."""
    return actor.tasks.start(coro, name=name)


# ---- cancellation


def test_cancelling_one_actor_leaves_its_siblings_alone() -> None:
    """Pykka's loop would stop every actor of the process. Here it is an abnormal end of one, which is brought back."""

    async def act(scene: Scene) -> None:
        scene.book.take()
        task = next(task for task in asyncio.all_tasks() if task.get_name() == "root/b#1")
        task.cancel()
        await asyncio.sleep(0.1)
        assert scene.book.take() == ["-b:killed", "+b"]
        assert [scene.ref(name).incarnation for name in "abc"] == [1, 2, 1]

    play(family, act)


def test_awaiting_something_cancelled_is_a_crash_not_a_kill() -> None:
    """Nobody cancelled the actor: the error says what happened."""

    async def act(scene: Scene) -> None:
        async def trip(_: Actor) -> None:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.cancel()
            await future

        with pytest.raises(ActorDead) as dead:
            await scene.ref("a").ask(trip)
        assert isinstance(dead.value.reason, Crashed)

    play(family, act)


# ---- the kill ladder


async def swallow(times: int) -> None:
    """Catches that many cancellations, then gives in."""
    for _ in range(times):
        try:
            await asyncio.sleep(3600.0)
        except asyncio.CancelledError:
            continue
    await asyncio.sleep(3600.0)


@pytest.mark.parametrize("times", [0, 1, 4, 10**6], ids=str)
def test_a_handler_that_swallows_cancellation_is_ended_by_force(times: int) -> None:
    """One second to stop, then cancelled each 10 ms, then its frames are closed under it; asks end meanwhile."""

    async def act(scene: Scene) -> None:
        loop = asyncio.get_running_loop()
        pending = loop.create_task(scene.ref("a").ask(lambda _: swallow(times), timeout_s=60.0))
        await asyncio.sleep(0.1)
        began_s = loop.time()
        await scene.system.stop()
        assert loop.time() - began_s == pytest.approx(1.0 + min(times, 5) * 0.01, abs=1e-6)
        with pytest.raises(ActorDead):
            await pending
        assert [report.reason for report in scene.book.reports] == [Killed()]
        assert scene.system.counters.leaked == 0
        assert ("-a:killed" in scene.book.take()) is (times < 5), "on_stop runs unless force was needed"
        await asyncio.sleep(0)
        assert [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("root")] == []

    play(lambda book: family(book, shutdown_s=1.0), act)


async def immortal(closings: int, until_s: float = 1e9) -> None:
    """Swallows every cancellation until then, and the closing of its frames so many times."""
    loop = asyncio.get_running_loop()
    while closings >= 0 and loop.time() < until_s:
        try:
            await asyncio.sleep(until_s - loop.time())
        except asyncio.CancelledError:
            continue
        except GeneratorExit:
            closings -= 1


def test_a_handler_that_ignores_even_the_closing_of_its_frames_is_ended() -> None:
    """The runtime's own frames around it do close; what is left of the handler is dropped."""

    async def act(scene: Scene) -> None:
        a = scene.ref("a")
        a.tell(lambda _: immortal(1))
        await asyncio.sleep(1.0)
        a.cell.stop(Killed(), 0.0)
        await asyncio.sleep(1.0)
        assert (a.incarnation, scene.system.counters.leaked) == (2, 0)
        assert await a.ask("echo") == "echo"

    play(family, act)


def test_a_job_that_survives_everything_does_not_hold_its_owner_back() -> None:
    """It is given up and counted; the owner's name runs again."""

    async def act(scene: Scene) -> None:
        a = scene.ref("a")
        job = await a.ask(lambda actor: job_of(actor, immortal(1, 100.0)))
        await scene.end("a", "crash")
        await asyncio.sleep(10.0)
        assert (a.incarnation, scene.system.counters.leaked, job.leaked) == (2, 1, True)
        assert ("leaked", "job") in scene.book.contexts()
        await asyncio.sleep(100.0)
        assert a.incarnation == 2

    play(family, act)


def test_a_kill_overrules_a_stop() -> None:
    """A handler that swallows the cancellation and then returns was still killed, not stopped."""

    async def act(scene: Scene) -> None:
        async def once(_: Actor) -> None:
            try:
                await asyncio.sleep(1e9)
            except asyncio.CancelledError:
                return

        a = scene.ref("a")
        a.tell(once)
        await asyncio.sleep(1.0)
        a.cell.stop(Shutdown(), None)
        a.cell.stop(Killed(), 0.0)
        await asyncio.sleep(1.0)
        assert "-a:killed" in scene.book.take()

    play(family, act)


def test_no_time_to_stop_is_a_kill_at_once() -> None:
    """OTP's brutal_kill: expected, so not reported."""

    async def act(scene: Scene) -> None:
        loop = asyncio.get_running_loop()
        scene.ref("a").tell(lambda _: swallow(0))
        await asyncio.sleep(1.0)
        began_s = loop.time()
        await scene.system.stop()
        assert loop.time() == began_s
        assert "-a:killed" in scene.book.take()
        assert scene.book.reports == []

    play(lambda book: family(book, shutdown_s=0), act)


def test_for_ever_to_stop_is_for_ever() -> None:
    """`shutdown_s=None`."""

    async def act(scene: Scene) -> None:
        loop = asyncio.get_running_loop()
        scene.ref("a").tell(lambda _: asyncio.sleep(86_400.0))
        await asyncio.sleep(1.0)
        await scene.system.stop()
        assert loop.time() == 86_400.0
        assert "-a:shutdown" in scene.book.take()

    play(lambda book: family(book, shutdown_s=None), act)


def test_a_crash_keeps_its_reason_though_on_stop_is_cut_short() -> None:
    """The supervisor judges by why it ended, not by how long the cleaning took."""

    class Slow(Recorder):
        async def on_stop(self, reason: Exit) -> None:
            await asyncio.sleep(3600.0)

    async def act(scene: Scene) -> None:
        scene.ref("a").tell("crash")
        await asyncio.sleep(10.0)
        assert scene.ref("a").incarnation == 2
        assert [reason_name(report.reason) for report in scene.book.reports] == ["crashed"]

    def tree(book: Book) -> SupervisorSpec:
        spec = ChildSpec("a", partial(Slow, book), restart=Restart.TRANSIENT, shutdown_s=1.0)
        return SupervisorSpec((spec,))

    play(tree, act)


def test_an_error_in_on_stop_is_reported_and_changes_nothing() -> None:
    """The end keeps its reason."""

    class Clumsy(Recorder):
        async def on_stop(self, reason: Exit) -> None:
            raise Boom

    async def act(scene: Scene) -> None:
        await scene.system.stop()
        assert scene.book.contexts() == [("on_stop_crashed", "a")]
        assert await scene.system.terminated() == Shutdown()

    play(lambda book: SupervisorSpec((ChildSpec("a", partial(Clumsy, book)),)), act)


def test_a_kill_of_a_supervisor_takes_its_whole_subtree() -> None:
    """Nothing below it runs when its own supervisor hears of it: no name is taken twice."""

    async def act(scene: Scene) -> None:
        root = scene.system.ref("root")
        for name in "abc":
            scene.ref(name).tell(lambda _: swallow(10**6))
        await asyncio.sleep(1.0)
        scene.book.take()
        assert root.cell is not None
        root.cell.stop(Killed(), 0.0)
        assert await scene.system.terminated() == Killed()
        assert [task for task in asyncio.all_tasks() if task.get_name().startswith("root")] == []

    play(family, act)


@pytest.mark.parametrize("reason", [pytest.param(Normal(), id="normal"), pytest.param(Shutdown("done"), id="shutdown")])
def test_an_actor_ends_itself_after_the_message_in_hand(reason: Exit) -> None:
    """And answers it first."""

    async def act(scene: Scene) -> None:
        def leave(actor: Actor) -> str:
            actor.stop(reason)
            return "bye"

        assert await scene.ref("a").ask(leave) == "bye"
        await asyncio.sleep(0.1)
        assert scene.book.reports[0].reason == reason

    play(family, act)


def test_an_error_that_is_no_exception_passes_through_the_loop() -> None:
    """KeyboardInterrupt and SystemExit are the program's, not the supervisor's."""

    def leave(_: Actor) -> None:
        raise SystemExit(3)

    async def act(scene: Scene) -> None:
        scene.ref("a").tell(leave)
        await asyncio.sleep(1.0)

    with pytest.raises(SystemExit):
        play(family, act)
