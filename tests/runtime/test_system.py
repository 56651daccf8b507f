"""A tree of its own, beside others and inside a host."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from functools import partial
from typing import Any

import pykka
import pytest

from actors.runtime import (
    Actor,
    ActorSystem,
    Backoff,
    ChildSpec,
    DynamicSupervisor,
    Exit,
    Intensity,
    Ref,
    Restart,
    Shutdown,
    StartChild,
    StopChild,
    Strategy,
    Supervisor,
    SupervisorSpec,
    run_virtual,
    virtual_ports,
)
from tests.fakes.recording import Book, Recorder, Scene, play, recorder


def test_two_systems_in_one_loop_do_not_meet() -> None:
    """Same names, own mailboxes, own counters; one ends and the other goes on."""

    async def main() -> None:
        books = Book(), Book()
        systems = [ActorSystem(virtual_ports(), on_report=book.reports.append) for book in books]
        for system, book in zip(systems, books, strict=True):
            await system.start(SupervisorSpec((recorder("a", book),), intensity=Intensity(restarts=0)))
        ones = [system.ref("root/a") for system in systems]
        assert ones[0] is not ones[1]
        ones[0].tell("crash")
        assert await systems[0].terminated() == Shutdown("intensity")
        assert await ones[1].ask("echo") == "echo"
        assert (len(books[0].reports), len(books[1].reports)) == (2, 0)
        assert books[1].take() == ["+a"]
        await systems[1].stop()

    run_virtual(main())


class HostActor(pykka.ThreadingActor):
    """An actor of the program that embeds us."""

    def on_receive(self, message: Any) -> Any:
        """Echo."""
        return message


def test_an_embedding_hosts_pykka_actors_are_never_touched() -> None:
    """Its registry never holds one of ours, and cancelling, crashing and stopping ours leaves its own running."""
    host = HostActor.start()
    try:

        async def act(scene: Scene) -> None:
            assert pykka.ActorRegistry.get_all() == [host]  # noqa: TID251 what the host would see
            next(task for task in asyncio.all_tasks() if task.get_name() == "root/a#1").cancel()
            await scene.end("b", "crash")
            await asyncio.sleep(1.0)

        play(lambda book: SupervisorSpec((recorder("a", book), recorder("b", book))), act)
        assert host.is_alive()
        assert host.ask("still here") == "still here"
        assert pykka.ActorRegistry.get_all() == [host]  # noqa: TID251 what the host would see
    finally:
        host.stop()


def test_a_system_has_one_life() -> None:
    """A second start would mix two trees under the same names; and the end leaves no timer."""

    async def main() -> None:
        system = ActorSystem(virtual_ports())
        await system.start(SupervisorSpec((recorder("a", Book()),)))
        await system.ref("root/a").ask("echo")
        await system.stop()
        await system.stop()
        assert [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()] == []  # type: ignore[attr-defined]
        assert await system.terminated() == Shutdown()
        with pytest.raises(RuntimeError, match="started before"):
            await system.start(SupervisorSpec())

    run_virtual(main())


def test_a_system_that_never_started_stops_at_once() -> None:
    """So that clean-up code need not ask."""

    async def main() -> None:
        await ActorSystem(virtual_ports()).stop()

    run_virtual(main())


def test_stop_ends_by_force_what_takes_longer_than_asked() -> None:
    """Though every child may take for ever by its spec."""

    class Slow(Recorder):
        async def on_stop(self, reason: Exit) -> None:
            await asyncio.sleep(1e9)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        book = Book()
        system = ActorSystem(virtual_ports(), on_report=book.reports.append)
        await system.start(SupervisorSpec((ChildSpec("a", partial(Slow, book), shutdown_s=None),)))
        await system.stop(timeout_s=2.0)
        assert loop.time() == pytest.approx(2.0, abs=0.2)
        assert [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("root")] == []

    run_virtual(main())


def test_a_cancelled_start_stops_what_it_began() -> None:
    """The caller gave up: nothing of the tree may live on."""

    async def main() -> None:
        class Hanging(Actor):
            async def on_start(self) -> None:
                await asyncio.sleep(1e9)

        book = Book()
        system = ActorSystem(virtual_ports(), on_report=book.reports.append)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await system.start(SupervisorSpec((recorder("a", book), ChildSpec("h", Hanging))))
        assert await system.terminated() == Shutdown()
        assert book.take() == ["+a", "-a:shutdown"]

    run_virtual(main())


def test_reports_go_to_the_log_when_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    """Or when the listener itself raises; its error must not harm the tree."""

    def broken(_report: Any) -> None:
        raise LookupError

    async def main(listener: Any) -> None:
        system = ActorSystem(virtual_ports(), on_report=listener)
        await system.start(SupervisorSpec((recorder("a", Book()),)))
        system.ref("root/a").tell("crash")
        await asyncio.sleep(1.0)
        assert system.ref("root/a").incarnation == 2
        await system.stop()

    with caplog.at_level(logging.ERROR, "actors.runtime"):
        run_virtual(main(None))
        run_virtual(main(broken))
    assert [record.getMessage() for record in caplog.records] == ["supervisor report"] * 2


def test_ten_thousand_starts_and_stops_leave_nothing() -> None:
    """No task, no ref, no actor, no bond; half of them crash, every third has a job."""

    async def act(scene: Scene) -> None:
        dynamic = scene.ref("pool")
        scene.book.trace = []

        class Short(Actor):
            async def on_start(self) -> None:
                actors.add(self)
                self.tasks.start(asyncio.sleep(1e9), name="job")

            def on_receive(self, message: Any) -> Any:
                raise LookupError

        actors: weakref.WeakSet[Actor] = weakref.WeakSet()
        tasks = {task.get_name() for task in asyncio.all_tasks()}
        for number in range(10_000):
            name = f"n{number % 7}"
            spec = ChildSpec(name, Short, restart=Restart.TEMPORARY)
            ref = (await dynamic.ask(StartChild(spec))).ref
            if number % 2:
                ref.tell("crash")
            await dynamic.ask(StopChild(name))
            del ref
            scene.book.reports.clear()
        await asyncio.sleep(1.0)
        gc.collect()
        assert len(actors) == 0
        assert {task.get_name() for task in asyncio.all_tasks()} == tasks
        assert sorted(scene.system._refs) == ["root", "root/pool"]
        assert len(scene.system.deadlines._heap) < 100

    play(lambda book: SupervisorSpec((ChildSpec("pool", DynamicSupervisor),)), act)


def chaos(seed: int, shuffle: bool) -> list[str]:
    """A tree under random ends and random messages; everything that happened, with its time."""

    def tree(book: Book) -> SupervisorSpec:
        def unit() -> Supervisor:
            children = tuple(recorder(name, book) for name in ("u", "v", "w"))
            return Supervisor(SupervisorSpec(children, strategy=Strategy.REST_FOR_ONE))

        children = [recorder(name, book, backoff=Backoff(first_s=0.3)) for name in "abc"]
        return SupervisorSpec(
            (*children, ChildSpec("unit", unit)),
            strategy=Strategy.ONE_FOR_ALL,
            intensity=Intensity(restarts=10**6, period_s=1.0),
        )

    async def act(scene: Scene) -> list[str]:
        loop, rng = asyncio.get_running_loop(), scene.system.ports.rng

        async def poke(path: str) -> None:
            for _ in range(30):
                await asyncio.sleep(rng.random())
                await scene.end(path, rng.choice(("normal", "crash", "shutdown")))
                scene.book.trace.append(f"{loop.time()!r}")

        await asyncio.gather(*(poke(path) for path in ("a", "b", "c", "unit/u", "unit/v", "unit/w")))
        await asyncio.sleep(10_000.0)  # what was told to somebody down is kept, and still ends them
        for path in ("a", "b", "c", "unit/u", "unit/v", "unit/w"):
            assert await scene.ref(path).ask("alive") == "alive", path
        return scene.book.take()

    return play(tree, act, seed=seed, shuffle=shuffle)


@pytest.mark.parametrize("shuffle", [False, True], ids=["fifo", "shuffled"])
def test_the_same_seed_gives_the_same_trace(shuffle: bool) -> None:
    """Of a tree in chaos, to the last digit of its times; and everybody is alive when it is over."""
    first = chaos(1, shuffle)
    assert len(first) > 300
    assert chaos(1, shuffle) == first
    assert chaos(2, shuffle) != first


def test_a_shuffled_schedule_changes_the_trace() -> None:
    """Else the shuffle tests nothing."""
    assert chaos(1, True) != chaos(1, False)


def test_refs_say_who_they_are() -> None:
    """For logs and for failing tests."""

    async def act(scene: Scene) -> None:
        a: Ref = scene.ref("a")
        assert (a.name, a.incarnation, a.alive, repr(a)) == ("root/a", 1, True, "<Ref root/a#1 alive>")

    play(lambda book: SupervisorSpec((recorder("a", book),)), act)
