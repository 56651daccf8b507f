"""Bringing children back, tested as OTP tests it: every restart type, end, strategy and budget, by trace."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import product
from typing import Any

import pytest

from actors.runtime import (
    Backoff,
    ChildInfo,
    ChildSpec,
    Crashed,
    Exit,
    Intensity,
    Restart,
    Shutdown,
    Strategy,
    Supervisor,
    SupervisorSpec,
    WhichChildren,
)
from tests.fakes.recording import Book, Recorder, Scene, play, recorder

RESTARTED_WITH = {
    Strategy.ONE_FOR_ONE: ["+b"],
    Strategy.ONE_FOR_ALL: ["-c:shutdown", "-a:shutdown", "+a", "+b", "+c"],
    Strategy.REST_FOR_ONE: ["-c:shutdown", "+b", "+c"],
}
"""What follows the end of the middle one of three children when it is brought back."""

COMES_BACK = {
    (Restart.PERMANENT, "normal"): True,
    (Restart.PERMANENT, "shutdown"): True,
    (Restart.PERMANENT, "crash"): True,
    (Restart.TRANSIENT, "normal"): False,
    (Restart.TRANSIENT, "shutdown"): False,
    (Restart.TRANSIENT, "crash"): True,
    (Restart.TEMPORARY, "normal"): False,
    (Restart.TEMPORARY, "shutdown"): False,
    (Restart.TEMPORARY, "crash"): False,
}

LEFT = {
    Restart.TRANSIENT: {"a": "running", "b": "stopped", "c": "running"},
    Restart.TEMPORARY: {"a": "running", "c": "running"},
}
"""Children after the middle one ended for good: a temporary one's spec goes with it."""


async def states(scene: Scene) -> dict[str, str]:
    """Name and state of each child of the root."""
    infos: tuple[ChildInfo, ...] = await scene.system.ref("root").ask(WhichChildren())
    return {info.name: info.state for info in infos}


MATRIX = [
    pytest.param(restart, how, strategy, within, id=f"{restart}-{how}-{strategy}-{'within' if within else 'over'}")
    for restart, how, strategy, within in product(Restart, ("normal", "shutdown", "crash"), Strategy, (True, False))
]


@pytest.mark.parametrize(("restart", "how", "strategy", "within"), MATRIX)
def test_a_child_that_ends_is_treated_as_its_spec_says(
    restart: Restart, how: str, strategy: Strategy, within: bool
) -> None:
    """Three children; the middle one ends. `within` allows one restart, over allows none."""

    def tree(book: Book) -> SupervisorSpec:
        return SupervisorSpec(
            children=(recorder("a", book), recorder("b", book, restart=restart), recorder("c", book)),
            strategy=strategy,
            intensity=Intensity(restarts=1 if within else 0, period_s=5.0),
        )

    async def act(scene: Scene) -> None:
        scene.book.take()
        await scene.end("b", how)
        await asyncio.sleep(1.0)
        ended = f"-b:{'crashed' if how == 'crash' else how}"
        if not COMES_BACK[restart, how]:
            assert scene.book.take() == [ended]
            assert await states(scene) == LEFT[restart]
        elif within:
            assert scene.book.take() == [ended, *RESTARTED_WITH[strategy]]
            assert await states(scene) == {"a": "running", "b": "running", "c": "running"}
        else:
            assert scene.book.take() == [ended, "-c:shutdown", "-a:shutdown"]
            assert await scene.system.terminated() == Shutdown("intensity")
            assert scene.book.contexts()[-1] == ("shutdown", "b")
        reported = how == "crash" or restart is Restart.PERMANENT
        assert (("child_terminated", "b") in scene.book.contexts()) is reported

    play(tree, act)


@pytest.mark.parametrize("strategy", Strategy, ids=str)
def test_a_temporary_sibling_is_stopped_with_the_group_and_not_started_again(strategy: Strategy) -> None:
    """Source: stdlib/supervisor.erl, terminate_children/2 drops temporary children from the list."""

    def tree(book: Book) -> SupervisorSpec:
        children = (recorder("a", book), recorder("t", book, restart=Restart.TEMPORARY))
        return SupervisorSpec(children=children, strategy=strategy)

    async def act(scene: Scene) -> None:
        scene.book.take()
        await scene.end("a", "crash")
        await asyncio.sleep(1.0)
        expected = ["-a:crashed", "+a"] if strategy is Strategy.ONE_FOR_ONE else ["-a:crashed", "-t:shutdown", "+a"]
        assert scene.book.take() == expected
        assert ("t" in await states(scene)) is (strategy is Strategy.ONE_FOR_ONE)

    play(tree, act)


def test_a_transient_child_that_had_finished_starts_again_with_the_group() -> None:
    """Source: stdlib/supervisor.erl, start_children/2 starts every child that is left, finished or not."""

    def tree(book: Book) -> SupervisorSpec:
        children = (recorder("a", book), recorder("t", book, restart=Restart.TRANSIENT))
        return SupervisorSpec(children=children, strategy=Strategy.ONE_FOR_ALL)

    async def act(scene: Scene) -> None:
        await scene.end("t", "normal")
        await asyncio.sleep(1.0)
        scene.book.take()
        await scene.end("a", "crash")
        await asyncio.sleep(1.0)
        assert scene.book.take() == ["-a:crashed", "+a", "+t"]

    play(tree, act)


def test_a_failed_restart_is_tried_again_and_each_try_counts() -> None:
    """Start 2 and 3 fail: three restarts are spent on one crash, and the fourth would be too many."""

    def tree(book: Book) -> SupervisorSpec:
        book.failing["a"] = range(2, 4)
        return SupervisorSpec(children=(recorder("a", book),), intensity=Intensity(restarts=3, period_s=5.0))

    async def act(scene: Scene) -> Exit:
        scene.book.take()
        await scene.end("a", "crash")
        await asyncio.sleep(1.0)
        assert scene.book.take() == ["-a:crashed", "!a", "-a:crashed", "!a", "-a:crashed", "+a"]
        assert scene.book.contexts() == [("child_terminated", "a"), ("start_error", "a"), ("start_error", "a")]
        await scene.end("a", "crash")
        return await scene.system.terminated()

    assert play(tree, act) == Shutdown("intensity")


def test_a_failed_group_start_is_tried_again_as_a_group() -> None:
    """one_for_all: the child that failed to start stops those before it again. Source: supervisor.erl, restart/3."""

    def tree(book: Book) -> SupervisorSpec:
        book.failing["b"] = range(2, 3)
        return SupervisorSpec(children=tuple(recorder(name, book) for name in "abc"), strategy=Strategy.ONE_FOR_ALL)

    async def act(scene: Scene) -> None:
        scene.book.take()
        await scene.end("a", "crash")
        await asyncio.sleep(1.0)
        first = ["-a:crashed", "-c:shutdown", "-b:shutdown", "+a", "!b", "-b:crashed"]
        assert scene.book.take() == [*first, "-a:shutdown", "+a", "+b", "+c"]

    play(tree, act)


@pytest.mark.parametrize(
    ("gap_s", "lives"), [pytest.param(1.5, False, id="in-window"), pytest.param(2.6, True, id="window-slides")]
)
def test_the_window_of_restarts_slides(gap_s: float, lives: bool) -> None:
    """Two restarts in five seconds are allowed, however long it goes on."""

    def tree(book: Book) -> SupervisorSpec:
        return SupervisorSpec(children=(recorder("a", book),), intensity=Intensity(restarts=2, period_s=5.0))

    async def act(scene: Scene) -> None:
        for _ in range(6):
            await scene.end("a", "crash")
            await asyncio.sleep(gap_s)
        assert scene.ref("a").alive is lives

    play(tree, act)


def test_a_stop_during_a_restart_is_heard() -> None:
    """A child hangs in its second start; the stop ends that start at once and nothing is started after it."""
    starts = 0

    def tree(book: Book) -> SupervisorSpec:
        def make() -> Any:
            nonlocal starts
            starts += 1
            actor = recorder("h", book).start()
            if starts == 2:
                actor.on_start = hang  # type: ignore[method-assign]
            return actor

        async def hang() -> None:
            book.trace.append("hangs")
            await asyncio.sleep(3600.0)

        return SupervisorSpec(
            children=(ChildSpec(name="h", start=make), recorder("z", book)), strategy=Strategy.ONE_FOR_ALL
        )

    async def act(scene: Scene) -> None:
        loop = asyncio.get_running_loop()
        scene.book.take()
        await scene.end("h", "crash")
        await asyncio.sleep(10.0)
        assert scene.book.take() == ["-h:crashed", "-z:shutdown", "hangs"]
        asked_s = loop.time()
        await scene.system.stop()
        assert loop.time() == asked_s
        assert scene.book.take() == ["-h:shutdown"]
        assert await scene.system.terminated() == Shutdown()

    play(tree, act)


def test_questions_between_two_tries_of_a_restart_are_answered() -> None:
    """The next try queues behind them. Source: stdlib/supervisor.erl, try_again_restart/1 is a cast to itself."""

    def tree(book: Book) -> SupervisorSpec:
        book.failing["a"] = range(2, 10**9)
        return SupervisorSpec(children=(recorder("a", book),), intensity=Intensity(restarts=10**6, period_s=5.0))

    async def act(scene: Scene) -> None:
        await scene.end("a", "crash")
        await asyncio.sleep(0)
        for _ in range(20):
            assert await states(scene) == {"a": "restarting"}
        assert scene.book.starts["a"] > 10

    play(tree, act)


def test_a_group_with_backoff_is_stopped_at_once_and_started_after_the_wait() -> None:
    """Those that depend on the dead one must not go on without it meanwhile."""

    def tree(book: Book) -> SupervisorSpec:
        first = recorder("a", book, backoff=Backoff(first_s=50.0, cap_s=50.0))
        return SupervisorSpec((first, recorder("b", book)), strategy=Strategy.ONE_FOR_ALL, intensity=Intensity(0))

    async def act(scene: Scene) -> None:
        scene.book.take()
        await scene.end("a", "crash")
        await asyncio.sleep(0.01)
        assert scene.book.take() == ["-a:crashed", "-b:shutdown"]
        assert await states(scene) == {"a": "restarting", "b": "stopped"}
        await asyncio.sleep(50.0)
        assert scene.book.take() == ["+a", "+b"]

    play(tree, act)


class Slow(Recorder):
    """Takes a second to stop."""

    async def on_stop(self, reason: Exit) -> None:
        """Wait, then end."""
        await asyncio.sleep(1.0)
        await super().on_stop(reason)


def test_a_stop_while_a_group_is_stopped_for_a_restart_is_heard() -> None:
    """Nothing is started after it."""

    def tree(book: Book) -> SupervisorSpec:
        children = (recorder("a", book), ChildSpec("s", partial(Slow, book)))
        return SupervisorSpec(children, strategy=Strategy.ONE_FOR_ALL)

    async def act(scene: Scene) -> None:
        scene.book.take()
        await scene.end("a", "crash")
        await asyncio.sleep(0.5)
        await scene.system.stop()
        assert scene.book.take() == ["-a:crashed", "-s:shutdown"]

    play(tree, act)


def test_a_supervisor_has_for_ever_to_stop_unless_its_spec_says_otherwise() -> None:
    """OTP's defaults: 5 s for a worker, infinity for a supervisor, whose children have limits of their own."""

    def tree(book: Book) -> SupervisorSpec:
        inner = SupervisorSpec((recorder("x", book, shutdown_s=60.0), recorder("y", book)))
        return SupervisorSpec((ChildSpec("in", lambda: Supervisor(inner)),))

    async def act(scene: Scene) -> None:
        for name in "xy":
            scene.ref(f"in/{name}").tell(lambda _: asyncio.sleep(20.0))
        await asyncio.sleep(0.5)
        scene.book.take()
        await scene.system.stop()
        assert scene.book.take() == ["-y:killed", "-x:shutdown"]
        assert asyncio.get_running_loop().time() == 20.0

    play(tree, act)


def test_a_child_that_ended_for_good_takes_no_tells() -> None:
    """Though a group restart may start it again: until then nobody would read them, so they are counted."""

    def tree(book: Book) -> SupervisorSpec:
        return SupervisorSpec((recorder("t", book, restart=Restart.TRANSIENT),))

    async def act(scene: Scene) -> None:
        await scene.end("t", "normal")
        scene.ref("t").tell("left in the mailbox")
        await asyncio.sleep(1.0)
        assert scene.ref("t").tell("x") is False
        assert scene.system.counters.undelivered == 2

    play(tree, act)


def test_a_stop_between_two_tries_of_a_restart_is_heard() -> None:
    """The child never starts again and the budget is huge: only a queue between the tries lets the stop in."""

    def tree(book: Book) -> SupervisorSpec:
        book.failing["a"] = range(2, 10**9)
        return SupervisorSpec(children=(recorder("a", book),), intensity=Intensity(restarts=10**6, period_s=5.0))

    async def act(scene: Scene) -> None:
        await scene.end("a", "crash")
        for _ in range(60):
            await asyncio.sleep(0)
        tried = scene.book.starts["a"]
        assert tried > 5
        await scene.system.stop()
        assert scene.book.starts["a"] <= tried + 1

    play(tree, act)


def test_a_message_that_kills_again_and_again_is_named() -> None:
    """Reports count crashes in a row on the same type of message: above 1 it may be poison."""

    async def act(scene: Scene) -> None:
        for _ in range(3):
            await scene.end("a", "crash")
            await asyncio.sleep(0.1)
        assert [(report.message_type, report.repeats) for report in scene.book.reports] == [
            ("str", 1),
            ("str", 2),
            ("str", 3),
        ]
        assert all(isinstance(r.reason, Crashed) and r.reason.error.__traceback__ is None for r in scene.book.reports)

    play(lambda book: SupervisorSpec(children=(recorder("a", book),)), act)
