"""Monitors and links."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from actors.runtime import (
    Actor,
    ChildSpec,
    Job,
    Killed,
    SupervisorSpec,
)
from tests.fakes.recording import Book, Boom, Recorder, Scene, crash_of, play, recorder


class Trapper(Recorder):
    """A recorder that is told of the ends of its links instead of sharing them."""

    trap_exit = True


def family(book: Book, **options: Any) -> SupervisorSpec:
    """A root with the recorders `a`, `b`, `c` and the trapper `t`."""
    children = [recorder(name, book, **options) for name in "abc"]
    return SupervisorSpec(children=(*children, ChildSpec(name="t", start=partial(Trapper, book))))


def job_of(actor: Actor, coro: Any, name: str = "job") -> Job:
    """Start a job of an actor."""
    return actor.tasks.start(coro, name=name)


# ---- monitors


@pytest.mark.parametrize("how", ["normal", "shutdown", "crash"])
def test_down_comes_exactly_once_with_the_reason(how: str) -> None:
    """Though monitored twice, and though the name runs again afterwards and ends again."""

    async def act(scene: Scene) -> None:
        for _ in range(2):
            await scene.ref("a").ask(lambda actor: actor.monitor(scene.ref("b")))
        scene.book.take()
        for _ in range(2):
            await scene.end("b", how)
            await asyncio.sleep(0.1)
        ended = "crashed" if how == "crash" else how
        assert scene.book.take() == [f"-b:{ended}", f"down b:{ended}", "+b", f"-b:{ended}", "+b"]

    play(family, act)


def test_down_after_a_kill() -> None:
    """Whatever the end."""

    async def act(scene: Scene) -> None:
        await scene.ref("a").ask(lambda actor: actor.monitor(scene.ref("b")))
        scene.ref("b").cell.stop(Killed(), 0.0)
        await asyncio.sleep(0.1)
        assert "down b:killed" in scene.book.take()

    play(family, act)


def test_a_monitor_taken_back_is_silent_even_when_down_was_queued() -> None:
    """As OTP's `demonitor(Ref, [flush])`."""

    async def act(scene: Scene) -> None:
        a, b = scene.ref("a"), scene.ref("b")

        async def busy(actor: Actor) -> None:
            actor.monitor(b)
            b.tell("crash")
            await asyncio.sleep(1.0)
            actor.demonitor(b)

        await a.ask(busy)
        await asyncio.sleep(1.0)
        assert [entry for entry in scene.book.take() if entry.startswith("down")] == []

    play(family, act)


def test_the_end_of_an_ended_job_is_told_to_a_late_monitor() -> None:
    """With the reason it had, not with noproc: the job object is still there to say."""

    async def act(scene: Scene) -> None:
        async def crash() -> None:
            raise Boom

        job = await scene.ref("a").ask(lambda actor: job_of(actor, crash()))
        await job.wait()
        await scene.ref("b").ask(lambda actor: actor.monitor(job))
        await asyncio.sleep(0.1)
        assert "down job:crashed" in scene.book.take()

    play(family, act)


def test_an_actor_monitors_a_job_of_another() -> None:
    """That is how a slot is given back when an exchange ends, whatever its end."""

    async def act(scene: Scene) -> None:
        job = await scene.ref("a").ask(lambda actor: job_of(actor, asyncio.sleep(3600.0)))
        await scene.ref("b").ask(lambda actor: actor.monitor(job))
        job.stop()
        await asyncio.sleep(0.1)
        assert "down job:shutdown" in scene.book.take()

    play(family, act)


# ---- links


@pytest.mark.parametrize(
    ("how", "shared"),
    [pytest.param("normal", False), pytest.param("shutdown", True), pytest.param("crash", True)],
    ids=["normal", "shutdown", "crash"],
)
@pytest.mark.parametrize(("dies", "linked"), [("a", "b"), ("b", "a")], ids=["linker-dies", "linked-dies"])
def test_a_link_shares_every_end_but_a_normal_one(dies: str, linked: str, how: str, shared: bool) -> None:
    """Both ways. OTP's exit signals: only `normal` is ignored."""

    async def act(scene: Scene) -> None:
        await scene.ref("a").ask(lambda actor: actor.link(scene.ref("b")))
        scene.book.take()
        await scene.end(dies, how)
        await asyncio.sleep(0.1)
        ended = "crashed" if how == "crash" else how
        trace = scene.book.take()
        assert f"-{dies}:{ended}" in trace
        assert (f"-{linked}:{ended}" in trace) is shared

    play(family, act)


@pytest.mark.parametrize("how", ["normal", "shutdown", "crash"])
@pytest.mark.parametrize("linker", ["t", "b", "both"])
def test_an_actor_that_traps_exits_is_told_once_instead(linker: str, how: str) -> None:
    """Whoever made the link, and when both did; of a normal end too."""

    async def act(scene: Scene) -> None:
        for one, other in (("t", "b"), ("b", "t")):
            if linker in (one, "both"):
                await scene.ref(one).ask(lambda actor, other=other: actor.link(scene.ref(other)))
        scene.book.take()
        await scene.end("b", how)
        await asyncio.sleep(0.1)
        ended = "crashed" if how == "crash" else how
        assert sorted(scene.book.take()) == ["+b", f"-b:{ended}", f"down b:{ended}"]

    play(family, act)


def test_a_link_taken_back_shares_nothing() -> None:
    """From either side."""

    async def act(scene: Scene) -> None:
        await scene.ref("a").ask(lambda actor: actor.link(scene.ref("b")))
        await scene.ref("b").ask(lambda actor: actor.unlink(scene.ref("a")))
        await scene.end("a", "crash")
        await asyncio.sleep(0.1)
        assert scene.ref("b").incarnation == 1

    play(family, act)


def test_a_link_to_a_dead_name_is_an_end_with_noproc() -> None:
    """As in OTP; a permanent actor is brought back."""

    async def act(scene: Scene) -> None:
        scene.book.take()
        scene.ref("a").tell(lambda actor: actor.link(scene.ref("nobody")))
        await asyncio.sleep(0.1)
        assert scene.book.take() == ["-a:noproc", "+a"]

    play(family, act)


def test_an_actor_that_ends_abnormally_ends_its_linked_jobs_of_others() -> None:
    """A link to a job is a link like any other."""

    async def act(scene: Scene) -> None:
        job = await scene.ref("a").ask(lambda actor: job_of(actor, asyncio.sleep(3600.0)))
        await scene.ref("b").ask(lambda actor: actor.link(job))
        await scene.end("b", "crash")
        assert crash_of(await job.wait()) == "Boom"
        assert scene.ref("a").incarnation == 1

    play(family, act)


def test_a_linked_job_that_crashes_ends_the_actor() -> None:
    """With its reason; without the link the job is only reported."""

    async def act(scene: Scene) -> None:
        async def crash() -> None:
            await asyncio.sleep(1.0)
            raise Boom

        await scene.ref("b").ask(lambda actor: job_of(actor, crash(), "alone"))
        await scene.ref("a").ask(lambda actor: actor.link(job_of(actor, crash(), "linked")))
        await asyncio.sleep(2.0)
        assert (scene.ref("a").incarnation, scene.ref("b").incarnation) == (2, 1)
        assert ("job_crashed", "alone") in scene.book.contexts()

    play(family, act)


def test_bonds_leave_nothing_with_a_target_that_lives_on() -> None:
    """A thousand short jobs bound and ended, three actors that watched it and ended: no trace of them is left."""

    async def act(scene: Scene) -> None:
        long_lived = await scene.ref("a").ask(lambda actor: job_of(actor, asyncio.sleep(3600.0), "long"))
        cell = scene.ref("b").cell

        def bind(actor: Actor) -> Job:
            job = job_of(actor, asyncio.sleep(0.0), "short")
            actor.link(job)
            actor.monitor(job)
            long_lived.tie(job)
            return job

        for _ in range(1000):
            await (await scene.ref("b").ask(bind)).wait()
        await asyncio.sleep(1.0)
        for _ in range(3):
            await scene.ref("c").ask(lambda actor: (actor.monitor(long_lived), actor.link(long_lived)))
            await scene.end("c", "normal")
            await asyncio.sleep(1.0)
        assert (cell.bonds.held, cell.ended._watchers.keys(), len(long_lived.ended._watchers)) == ({}, {"keeper"}, 1)

    play(family, act)
