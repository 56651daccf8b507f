"""A supervisor with a fixed list: order, failed starts, escalation, significant children, the operator's wishes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from actors.runtime import (
    Actor,
    AutoShutdown,
    ChildInfo,
    ChildSpec,
    ChildStarted,
    Exit,
    Intensity,
    NoSuchChild,
    Restart,
    RestartChild,
    Shutdown,
    StartFailed,
    StartRefused,
    Supervisor,
    SupervisorSpec,
    WhichChildren,
)
from tests.fakes.recording import Book, Scene, play, recorder


async def states(scene: Scene) -> dict[str, str]:
    """Name and state of each child of the root."""
    infos: tuple[ChildInfo, ...] = await scene.system.ref("root").ask(WhichChildren())
    return {info.name: info.state for info in infos}


def test_the_tree_starts_in_order_and_stops_in_reverse() -> None:
    """A nested supervisor is one child in that order, with its own children inside."""
    book = Book()

    def tree(played: Book) -> SupervisorSpec:
        nonlocal book
        book = played
        inner = SupervisorSpec(children=(recorder("x", book), recorder("y", book)))
        return SupervisorSpec(
            children=(recorder("a", book), ChildSpec(name="in", start=lambda: Supervisor(inner)), recorder("c", book))
        )

    async def act(scene: Scene) -> list[str]:
        return scene.book.take()

    assert play(tree, act) == ["+a", "+x", "+y", "+c"]
    assert book.take() == ["-c:shutdown", "-y:shutdown", "-x:shutdown", "-a:shutdown"]


def test_a_start_that_fails_stops_what_had_started_in_reverse() -> None:
    """`ActorSystem.start` raises with the path of the child and its error as cause."""
    book = Book()

    def tree(played: Book) -> SupervisorSpec:
        nonlocal book
        book = played
        book.failing["c"] = range(1, 9)
        return SupervisorSpec(children=tuple(recorder(name, book) for name in "abcd"))

    async def act(scene: Scene) -> None:
        raise AssertionError("it started")

    with pytest.raises(StartFailed, match="root/c") as failed:
        play(tree, act)
    assert repr(failed.value.__cause__) == "StartFailed(\"root/c: Boom('c')\")"
    assert book.take() == ["+a", "+b", "!c", "-c:crashed", "-b:shutdown", "-a:shutdown"]


def test_a_factory_that_raises_is_a_failed_start() -> None:
    """The error of `ChildSpec.start` itself reaches whoever started the tree."""

    def broken() -> Any:
        raise LookupError("no such thing")

    async def act(scene: Scene) -> None:
        raise AssertionError("it started")

    with pytest.raises(StartFailed, match="no such thing"):
        play(lambda book: SupervisorSpec(children=(ChildSpec(name="a", start=broken),)), act)


def test_a_supervisor_that_gives_up_is_restarted_by_its_own() -> None:
    """Escalation: the inner one exits with shutdown, which a permanent spec answers with a new one."""

    def tree(book: Book) -> SupervisorSpec:
        inner = SupervisorSpec(
            children=(recorder("x", book), recorder("y", book)), intensity=Intensity(restarts=0, period_s=5.0)
        )
        return SupervisorSpec(children=(ChildSpec(name="in", start=lambda: Supervisor(inner)), recorder("z", book)))

    async def act(scene: Scene) -> None:
        scene.book.take()
        await scene.end("in/x", "crash")
        await asyncio.sleep(1.0)
        assert scene.book.take() == ["-x:crashed", "-y:shutdown", "+x", "+y"]
        assert scene.book.contexts() == [("child_terminated", "x"), ("shutdown", "x"), ("child_terminated", "in")]
        assert scene.ref("in").incarnation == 2

    play(tree, act)


def test_a_transient_supervisor_that_gives_up_stays_down() -> None:
    """Its reason is shutdown, and that is no failure to a transient spec."""

    def tree(book: Book) -> SupervisorSpec:
        inner = SupervisorSpec(children=(recorder("x", book),), intensity=Intensity(restarts=0, period_s=5.0))
        return SupervisorSpec(
            children=(ChildSpec(name="in", start=lambda: Supervisor(inner), restart=Restart.TRANSIENT),)
        )

    async def act(scene: Scene) -> None:
        await scene.end("in/x", "crash")
        await asyncio.sleep(1.0)
        assert await states(scene) == {"in": "stopped"}

    play(tree, act)


@pytest.mark.parametrize(
    ("mode", "ends", "lives"),
    [
        pytest.param(AutoShutdown.ANY_SIGNIFICANT, ("s1",), False, id="any-first"),
        pytest.param(AutoShutdown.ALL_SIGNIFICANT, ("s1",), True, id="all-first"),
        pytest.param(AutoShutdown.ALL_SIGNIFICANT, ("s1", "s2"), False, id="all-both"),
        pytest.param(AutoShutdown.ANY_SIGNIFICANT, ("t",), True, id="not-significant"),
    ],
)
def test_significant_children_end_their_supervisor(mode: AutoShutdown, ends: tuple[str, ...], lives: bool) -> None:
    """Source: stdlib/supervisor.erl, do_auto_shutdown/2."""

    def tree(book: Book) -> SupervisorSpec:
        return SupervisorSpec(
            children=(
                recorder("a", book),
                recorder("t", book, restart=Restart.TRANSIENT),
                recorder("s1", book, restart=Restart.TRANSIENT, significant=True),
                recorder("s2", book, restart=Restart.TEMPORARY, significant=True),
            ),
            auto_shutdown=mode,
        )

    async def act(scene: Scene) -> None:
        for name in ends:
            await scene.end(name, "normal")
            await asyncio.sleep(1.0)
        assert scene.ref("a").alive is lives
        if not lives:
            assert await scene.system.terminated() == Shutdown("significant")

    play(tree, act)


def test_a_significant_transient_child_that_crashes_is_brought_back() -> None:
    """Only an end for good is significant."""

    def tree(book: Book) -> SupervisorSpec:
        child = recorder("s", book, restart=Restart.TRANSIENT, significant=True)
        return SupervisorSpec(children=(child,), auto_shutdown=AutoShutdown.ANY_SIGNIFICANT)

    async def act(scene: Scene) -> None:
        await scene.end("s", "crash")
        await asyncio.sleep(1.0)
        assert scene.ref("s").incarnation == 2

    play(tree, act)


def test_an_operator_restarts_a_child() -> None:
    """Nothing is counted against the intensity, which allows no restart here."""

    def tree(book: Book) -> SupervisorSpec:
        book.failing["b"] = range(2, 3)
        return SupervisorSpec(
            children=(recorder("a", book), recorder("b", book)), intensity=Intensity(restarts=0, period_s=5.0)
        )

    async def act(scene: Scene) -> None:
        root = scene.system.ref("root")
        scene.book.take()
        assert await root.ask(RestartChild("a")) == ChildStarted(scene.ref("a"))
        assert scene.book.take() == ["-a:shutdown", "+a"]
        refused = await root.ask(RestartChild("b"))
        assert isinstance(refused, StartRefused) and isinstance(refused.error, StartFailed)
        assert await states(scene) == {"a": "running", "b": "stopped"}
        assert scene.ref("b").tell("nobody reads this") is False
        assert await root.ask(RestartChild("b")) == ChildStarted(scene.ref("b"))
        assert await root.ask(RestartChild("nobody")) == NoSuchChild()

    play(tree, act)


def test_a_stray_tell_costs_no_tree() -> None:
    """As in OTP, a supervisor only logs what it does not know."""

    async def act(scene: Scene) -> None:
        scene.system.ref("root").tell("what is this")
        await asyncio.sleep(1.0)
        assert scene.system.ref("root").incarnation == 1
        assert await scene.ref("a").ask("echo") == "echo"

    play(lambda book: SupervisorSpec(children=(recorder("a", book),)), act)


class Last(Actor):
    """Started last and stopped first: while it stops, others crash, and go on being told things."""

    def __init__(self, wreck: Callable[[], object]) -> None:
        super().__init__()
        self._wreck = wreck

    async def on_stop(self, reason: Exit) -> None:
        """Let it happen, and some time pass."""
        self._wreck()
        await asyncio.sleep(1.0)


@pytest.mark.parametrize("failing", [range(0), range(2, 3)], ids=["starts again", "does not start again"])
def test_one_that_must_finish_is_started_once_more_to_stop(failing: range) -> None:
    """Others that crash while the tree stops stay down, and one that stops in order is not started again."""
    book = Book()

    def tree(played: Book) -> SupervisorSpec:
        nonlocal book
        book = played
        book.failing["a"] = failing
        calm, finishing = recorder("calm", book, finishes=True), recorder("a", book, finishes=True)
        return SupervisorSpec(
            children=(calm, finishing, recorder("b", book), ChildSpec(name="z", start=lambda: Last(wreck)))
        )

    def wreck() -> None:
        for name in "ab":
            scenes[0].ref(name).tell("crash")
            scenes[0].ref(name).tell(lambda actor: book.trace.append(f"{actor.name[-1]} was told"))

    scenes: list[Scene] = []

    async def act(scene: Scene) -> list[str]:
        scenes.append(scene)
        return scene.book.take()

    assert play(tree, act) == ["+calm", "+a", "+b"]
    again = ["!a", "-a:crashed"] if failing else ["+a", "a was told", "-a:shutdown"]
    assert book.take() == ["-a:crashed", "-b:crashed", *again, "-calm:shutdown"]


def test_one_that_need_not_come_back_need_not_finish() -> None:
    """The two wishes contradict each other."""
    with pytest.raises(ValueError, match="finish"):
        recorder("a", Book(), finishes=True, restart=Restart.TRANSIENT)
