"""A supervisor whose children come and go."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from actors.runtime import (
    AlreadyStarted,
    Backoff,
    ChildSpec,
    ChildStarted,
    ChildStopped,
    DynamicSupervisor,
    Exit,
    Intensity,
    NoSuchChild,
    Restart,
    Shutdown,
    StartChild,
    StartFailed,
    StartRefused,
    StopChild,
    Supervisor,
    SupervisorSpec,
    WhichChildren,
)
from tests.fakes.recording import Book, Recorder, Scene, play, recorder


def pool(book: Book, **options: Any) -> SupervisorSpec:
    """A root with one dynamic supervisor, `pool`."""
    return SupervisorSpec(children=(ChildSpec(name="pool", start=partial(DynamicSupervisor, **options)),))


async def names(scene: Scene) -> list[str]:
    """Children of the pool."""
    return [info.name for info in await scene.ref("pool").ask(WhichChildren())]


def test_children_are_added_and_removed_at_run_time() -> None:
    """Starting answers after `on_start`, stopping after the end; a name is free again afterwards."""

    async def act(scene: Scene) -> None:
        dynamic = scene.ref("pool")
        spec = recorder("a", scene.book)
        assert await dynamic.ask(StartChild(spec)) == ChildStarted(scene.ref("pool/a"))
        assert await dynamic.ask(StartChild(spec)) == AlreadyStarted(scene.ref("pool/a"))
        assert await names(scene) == ["a"]
        assert await dynamic.ask(StopChild("a")) == ChildStopped()
        assert await dynamic.ask(StopChild("a")) == NoSuchChild()
        assert await dynamic.ask(StartChild(spec)) == ChildStarted(scene.ref("pool/a"))
        assert scene.book.take() == ["+a", "-a:shutdown", "+a"]

    play(pool, act)


def test_a_child_that_does_not_start_is_refused_and_forgotten() -> None:
    """Its error travels in the refusal; the supervisor lives."""

    async def act(scene: Scene) -> None:
        scene.book.failing["a"] = range(1, 2)
        refused = await scene.ref("pool").ask(StartChild(recorder("a", scene.book)))
        assert isinstance(refused, StartRefused) and isinstance(refused.error, StartFailed)
        assert await names(scene) == []

    play(pool, act)


def test_children_beyond_the_limit_are_refused() -> None:
    """Elixir's `max_children`."""

    async def act(scene: Scene) -> None:
        for name in "ab":
            await scene.ref("pool").ask(StartChild(recorder(name, scene.book)))
        refused = await scene.ref("pool").ask(StartChild(recorder("c", scene.book)))
        assert isinstance(refused, StartRefused) and "max_children=2" in str(refused.error)

    play(partial(pool, max_children=2), act)


def test_a_significant_child_is_refused() -> None:
    """Nothing would heed its end. Source: stdlib/supervisor.erl, validSignificant/3."""

    async def act(scene: Scene) -> None:
        spec = recorder("a", scene.book, restart=Restart.TEMPORARY, significant=True)
        assert isinstance(await scene.ref("pool").ask(StartChild(spec)), StartRefused)

    play(pool, act)


def test_a_child_that_ended_for_good_leaves_nothing() -> None:
    """A transient one too: nobody would start it again."""

    async def act(scene: Scene) -> None:
        for name, restart in (("t", Restart.TRANSIENT), ("x", Restart.TEMPORARY)):
            await scene.ref("pool").ask(StartChild(recorder(name, scene.book, restart=restart)))
            await scene.end(f"pool/{name}", "normal")
        await asyncio.sleep(1.0)
        assert await names(scene) == []

    play(pool, act)


def test_without_backoff_crashes_count_against_the_one_intensity() -> None:
    """As in OTP: two children, one budget, and its end is the supervisor's."""

    async def act(scene: Scene) -> None:
        for name in "ab":
            await scene.ref("pool").ask(StartChild(recorder(name, scene.book)))
        await scene.end("pool/a", "crash")
        await asyncio.sleep(1.0)
        await scene.end("pool/b", "crash")
        await asyncio.sleep(1.0)
        assert scene.ref("pool").incarnation == 2
        assert await names(scene) == []

    play(partial(pool, intensity=Intensity(restarts=1, period_s=5.0)), act)


def test_a_unit_that_gives_up_comes_back_later_and_later() -> None:
    """The unit exceeds its own intensity each time; the dynamic supervisor, which allows no restart, lives on."""

    async def act(scene: Scene) -> list[float]:
        loop = asyncio.get_running_loop()
        book = scene.book
        unit = SupervisorSpec(children=(recorder("x", book),), intensity=Intensity(restarts=0, period_s=5.0))
        backoff = Backoff(first_s=1.0, cap_s=8.0, reset_after_s=60.0)
        spec = ChildSpec(name="unit", start=lambda: Supervisor(unit), backoff=backoff)
        await scene.ref("pool").ask(StartChild(spec))
        gaps = []
        for number in range(2, 10):
            await scene.end("pool/unit/x", "crash")
            began_s = loop.time()
            for _ in range(900):
                await asyncio.sleep(0.01)
                if scene.ref("pool/unit").incarnation == number:
                    break
            gaps.append(loop.time() - began_s)
        assert scene.ref("pool").incarnation == 1
        return gaps

    zero = partial(pool, intensity=Intensity(restarts=0, period_s=5.0))
    runs = [play(zero, act, seed=seed) for seed in range(20)]
    for number in range(8):
        cap_s = min(8.0, 2.0**number)
        waits = [run[number] for run in runs]
        assert max(waits) <= cap_s + 0.02
        assert max(waits) > cap_s / 2, "never in the upper half: not full jitter"
        assert min(waits) < cap_s / 2, "never in the lower half: not full jitter"


def test_backoff_is_forgotten_after_a_healthy_time() -> None:
    """After `reset_after_s` up, the next wait is bounded by the first again."""

    async def act(scene: Scene) -> None:
        backoff = Backoff(first_s=0.1, cap_s=1000.0, reset_after_s=60.0)
        await scene.ref("pool").ask(StartChild(recorder("a", scene.book, backoff=backoff)))
        for _ in range(12):
            await scene.end("pool/a", "crash")
            await asyncio.sleep(1000.0)
            before = scene.ref("pool/a").incarnation
            await scene.end("pool/a", "crash")
            await asyncio.sleep(0.2)
            assert scene.ref("pool/a").incarnation == before + 1

    play(pool, act)


def test_a_child_that_waits_for_its_restart_can_be_stopped() -> None:
    """Its timer goes with it."""

    async def act(scene: Scene) -> None:
        spec = recorder("a", scene.book, backoff=Backoff(first_s=100.0, cap_s=100.0))
        await scene.ref("pool").ask(StartChild(spec))
        await scene.end("pool/a", "crash")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert [info.state for info in await scene.ref("pool").ask(WhichChildren())] == ["restarting"]
        assert await scene.ref("pool").ask(StopChild("a")) == ChildStopped()
        await asyncio.sleep(1000.0)
        assert scene.book.take() == ["+a", "-a:crashed"]

    play(pool, act)


class Slow(Recorder):
    """Takes a second to stop."""

    async def on_stop(self, reason: Exit) -> None:
        """Wait, then end."""
        await asyncio.sleep(1.0)
        await super().on_stop(reason)


def test_children_are_stopped_all_at_once() -> None:
    """Ten that take a second each take a second. Source: Elixir's DynamicSupervisor, terminate_children/2."""

    async def act(scene: Scene) -> None:
        loop = asyncio.get_running_loop()
        for number in range(10):
            await scene.ref("pool").ask(StartChild(ChildSpec(name=f"s{number}", start=lambda: Slow(scene.book))))
        began_s = loop.time()
        await scene.system.stop()
        assert loop.time() - began_s == 1.0
        assert await scene.system.terminated() == Shutdown()

    play(pool, act)


def test_initial_children_start_with_their_supervisor_and_again_after_its_restart() -> None:
    """In order. Those that were added at run time are whoever's who added them."""

    def tree(book: Book) -> SupervisorSpec:
        return pool(book, initial=(recorder("a", book), recorder("b", book)), intensity=Intensity(restarts=0))

    async def act(scene: Scene) -> None:
        await scene.ref("pool").ask(StartChild(recorder("c", scene.book)))
        assert scene.book.take() == ["+a", "+b", "+c"]
        await scene.end("pool/a", "crash")
        await asyncio.sleep(1.0)
        assert await names(scene) == ["a", "b"]
        assert scene.ref("pool").incarnation == 2

    play(tree, act)


def test_an_initial_child_that_does_not_start_is_tried_again_later() -> None:
    """With backoff it keeps nobody else from starting: one unreachable provider must not keep the router down."""

    def tree(book: Book) -> SupervisorSpec:
        book.failing["a"] = range(1, 4)
        return pool(book, initial=(recorder("a", book), recorder("b", book)), backoff=Backoff(first_s=1.0))

    async def act(scene: Scene) -> None:
        assert [info.state for info in await scene.ref("pool").ask(WhichChildren())] == ["restarting", "running"]
        await asyncio.sleep(100.0)
        assert await names(scene) == ["a", "b"]
        assert scene.ref("pool/a").alive

    play(tree, act)


def test_without_backoff_an_initial_child_that_does_not_start_fails_its_supervisor() -> None:
    """As one of a fixed list would."""

    def tree(book: Book) -> SupervisorSpec:
        book.failing["a"] = range(1, 2)
        return pool(book, initial=(recorder("a", book),))

    async def act(_scene: Scene) -> None:
        raise AssertionError("it started")

    with pytest.raises(StartFailed, match="root/pool"):
        play(tree, act)
