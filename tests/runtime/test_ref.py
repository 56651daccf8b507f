"""Addresses: how an ask ends, what survives a restart."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actors.runtime import (
    Actor,
    ActorDead,
    ActorSystem,
    AskTimeout,
    Backoff,
    ChildSpec,
    Crashed,
    Fate,
    MailboxFull,
    NoProc,
    Ports,
    Ref,
    Restart,
    SupervisorSpec,
    run_virtual,
    virtual_ports,
)
from tests.fakes.recording import Book, Scene, crash_of, play, recorder


def one(book: Book, **options: Any) -> SupervisorSpec:
    """A root with the recorder `a`."""
    return SupervisorSpec(children=(recorder("a", book, **options),))


async def end_of(asked: asyncio.Future[Any]) -> str:
    """How an ask ended, in one word."""
    try:
        return repr(await asked)
    except ActorDead as dead:
        return dead.fate.value
    except (AskTimeout, MailboxFull) as error:
        return type(error).__name__


async def asks(scene: Scene, ref: Ref, *messages: Any, timeout_s: float = 5.0) -> list[asyncio.Task[Any]]:
    """Asks on their way, in order, each in its mailbox."""
    tasks = [asyncio.get_running_loop().create_task(ref.ask(message, timeout_s=timeout_s)) for message in messages]
    await asyncio.sleep(0)
    return tasks


def test_asks_in_hand_and_queued_end_when_the_callee_dies() -> None:
    """The one in hand may have been handled, the queued one was not; and a tell between them survives."""

    async def act(scene: Scene) -> None:
        a = scene.ref("a")

        async def slow(_: Actor) -> None:
            await asyncio.sleep(1.0)
            raise ArithmeticError

        pending = await asks(scene, a, slow, "queued")
        a.tell(lambda actor: actor.book.trace.append("told"))
        assert [await end_of(task) for task in pending] == ["maybe_handled", "not_handled"]
        error = pending[0].exception()
        assert isinstance(error, ActorDead) and error.reason is not None
        assert crash_of(error.reason) == "ArithmeticError"
        await asyncio.sleep(0.1)
        assert scene.book.take() == ["+a", "-a:crashed", "+a", "told"]

    play(one, act)


def test_a_crash_ends_the_actor_whether_or_not_somebody_asked() -> None:
    """Pykka lets it live when somebody waits for the answer: then supervision depends on the caller."""

    async def act(scene: Scene) -> None:
        with pytest.raises(ActorDead) as dead:
            await scene.ref("a").ask("crash")
        assert isinstance(dead.value.reason, Crashed)
        assert dead.value.reason.message_type == "str"
        await asyncio.sleep(0.1)
        assert scene.ref("a").incarnation == 2

    play(one, act)


def test_while_an_actor_restarts_asks_end_at_once_and_tells_are_kept() -> None:
    """For its next incarnation, in order."""

    async def act(scene: Scene) -> None:
        a = scene.ref("a")
        a.tell("crash")
        await asyncio.sleep(0.0001)
        assert not a.alive
        with pytest.raises(ActorDead) as dead:
            await a.ask("now")
        assert dead.value.fate is Fate.NOT_HANDLED
        for number in range(3):
            assert a.tell(lambda actor, number=number: actor.book.trace.append(f"told {number}"))
        await asyncio.sleep(300.0)
        assert a.alive
        assert scene.book.take() == ["+a", "-a:crashed", "+a", "told 0", "told 1", "told 2"]

    play(lambda book: one(book, backoff=Backoff(first_s=100.0, cap_s=100.0)), act)


def test_a_ref_is_good_before_the_start_and_after_the_end() -> None:
    """Nobody there: a tell is not accepted and counted, an ask ends at once."""
    scene_after: list[Scene] = []

    async def act(scene: Scene) -> None:
        later = scene.ref("a/later")
        assert later is scene.ref("a/later")
        assert (later.incarnation, later.alive) == (0, False)
        assert later.tell("x") is False
        assert scene.system.counters.undelivered == 1
        with pytest.raises(ActorDead):
            await later.ask("x")
        scene_after.append(scene)

    play(one, act)


def test_tells_left_at_the_final_end_are_counted() -> None:
    """A temporary child is not brought back: nobody will read them."""

    async def act(scene: Scene) -> None:
        a = scene.ref("a")
        a.tell("crash")
        a.tell("lost")
        a.tell("lost")
        await asyncio.sleep(0.1)
        assert scene.system.counters.undelivered == 2
        assert a.tell("to nobody") is False
        assert scene.system.counters.undelivered == 3

    play(lambda book: one(book, restart=Restart.TEMPORARY), act)


def test_an_ask_ends_exactly_at_its_deadline_and_the_late_reply_is_dropped() -> None:
    """The callee is not disturbed: it answers its next ask as ever."""

    async def act(scene: Scene) -> None:
        loop = asyncio.get_running_loop()

        async def slow(_: Actor) -> str:
            await asyncio.sleep(3.0)
            return "late"

        began_s = loop.time()
        with pytest.raises(AskTimeout):
            await scene.ref("a").ask(slow, timeout_s=2.0)
        assert loop.time() - began_s == pytest.approx(2.0, abs=1e-6)
        assert await scene.ref("a").ask("next") == "next"
        assert scene.ref("a").incarnation == 1

    play(one, act)


def test_deadlines_ring_in_their_own_order() -> None:
    """One timer serves them all, whichever was set first."""

    async def act(scene: Scene) -> None:
        loop = asyncio.get_running_loop()
        ended: list[tuple[float, float]] = []

        async def ask(timeout_s: float) -> None:
            with pytest.raises(AskTimeout):
                await scene.ref("a").ask(lambda actor: actor.defer_reply(), timeout_s=timeout_s)
            ended.append((timeout_s, round(loop.time(), 6)))

        await asyncio.gather(*(ask(timeout_s) for timeout_s in (5.0, 1.0, 3.0, 1.0, 0.5)))
        assert ended == [(0.5, 0.5), (1.0, 1.0), (1.0, 1.0), (3.0, 3.0), (5.0, 5.0)]

    play(one, act)


def test_an_expired_ask_is_dropped_unhandled() -> None:
    """Work after the caller left is pure amplification; a cancelled caller counts as gone too."""

    async def act(scene: Scene) -> None:
        a = scene.ref("a")

        async def slow(_: Actor) -> None:
            await asyncio.sleep(10.0)

        a.tell(slow)
        await asyncio.sleep(0.1)
        timed = await asks(scene, a, lambda actor: actor.book.trace.append("handled"), timeout_s=1.0)
        gone = await asks(scene, a, lambda actor: actor.book.trace.append("handled"), timeout_s=60.0)
        gone[0].cancel()
        assert [await end_of(task) for task in timed] == ["AskTimeout"]
        await asyncio.sleep(20.0)
        assert scene.book.take() == ["+a"]
        assert scene.system.counters.expired == 2

    play(one, act)


def test_an_ask_that_expired_while_the_loop_was_blocked_is_dropped() -> None:
    """Its timer has had no chance to ring: the callee looks at the deadline itself."""

    class Jumping:
        ahead_s = 0.0

        def now(self) -> float:
            return asyncio.get_running_loop().time() + self.ahead_s

    async def main() -> None:
        clock, book = Jumping(), Book()
        ports = virtual_ports()
        system = ActorSystem(Ports(clock, ports.wall, ports.rng, ports.ids), on_report=book.reports.append)
        await system.start(one(book))
        a = system.ref("root/a")

        def block(_: Actor) -> None:
            clock.ahead_s += 60.0

        a.tell(block)
        with pytest.raises(AskTimeout):
            await a.ask(lambda actor: actor.book.trace.append("handled"), timeout_s=5.0)
        assert (book.take(), system.counters.expired) == (["+a"], 1)
        await system.stop()

    run_virtual(main())


def test_an_ask_without_time_is_not_sent() -> None:
    """A deadline that has passed already."""

    async def act(scene: Scene) -> None:
        with pytest.raises(AskTimeout):
            await scene.ref("a").ask(lambda actor: actor.book.trace.append("handled"), timeout_s=0.0)
        await asyncio.sleep(1.0)
        assert scene.book.take() == ["+a"]

    play(one, act)


def test_the_callee_sees_the_deadline_of_the_ask_in_hand() -> None:
    """In the clock of the ports; a tell has none."""

    async def act(scene: Scene) -> None:
        a = scene.ref("a")
        assert await a.ask(lambda actor: actor.deadline_s - actor.ports.clock.now(), timeout_s=2.5) == 2.5
        a.tell(lambda actor: actor.book.trace.append(f"{actor.deadline_s}"))
        await asyncio.sleep(0.1)
        assert scene.book.take() == ["+a", "None"]

    play(one, act)


def test_a_reply_put_off_is_given_later() -> None:
    """Messages in between are handled; the asker gets the one answer."""

    async def act(scene: Scene) -> None:
        kept: list[Any] = []
        a = scene.ref("a")

        def keep(actor: Actor) -> Any:
            kept.append(actor.defer_reply())
            return kept[-1]

        pending = await asks(scene, a, keep)
        assert await a.ask("between") == "between"
        assert kept[0].done is False
        kept[0].set("at last")
        kept[0].set("twice")
        assert await pending[0] == "at last"
        assert kept[0].done is True

    play(one, act)


def test_a_reply_put_off_ends_with_its_actor() -> None:
    """The asker is not left waiting for an answer nobody can give."""

    async def act(scene: Scene) -> None:
        a = scene.ref("a")
        pending = await asks(scene, a, lambda actor: actor.defer_reply(), timeout_s=60.0)
        a.tell("crash")
        assert await end_of(pending[0]) == "maybe_handled"

    play(one, act)


def test_whoever_put_off_a_reply_sees_that_the_asker_gave_up() -> None:
    """So that a waiting queue can skip it."""

    async def act(scene: Scene) -> None:
        kept: list[Any] = []
        pending = await asks(scene, scene.ref("a"), lambda actor: kept.append(actor.defer_reply()), timeout_s=60.0)
        await asyncio.sleep(1.0)
        assert kept[0].done is False
        pending[0].cancel()
        await asyncio.sleep(0)
        assert kept[0].done is True

    play(one, act)


def test_an_awaitable_reply_is_awaited_before_the_next_message() -> None:
    """Handlers of one actor never overlap."""

    async def act(scene: Scene) -> None:
        def handler(number: int) -> Any:
            async def run(actor: Any) -> int:
                actor.book.trace.append(f"in {number}")
                await asyncio.sleep(1.0)
                actor.book.trace.append(f"out {number}")
                return number

            return run

        pending = await asks(scene, scene.ref("a"), handler(1), handler(2))
        assert [await task for task in pending] == [1, 2]
        assert scene.book.take() == ["+a", "in 1", "out 1", "in 2", "out 2"]

    play(one, act)


def test_a_sync_handler_costs_no_task() -> None:
    """A thousand asks later as many tasks run as before."""

    async def act(scene: Scene) -> None:
        before = asyncio.all_tasks()
        seen = set()
        for _ in range(1000):
            await scene.ref("a").ask(lambda actor: seen.add(asyncio.current_task()))
        assert asyncio.all_tasks() == before
        assert len(seen) == 1

    play(one, act)


def test_a_flood_of_messages_leaves_turns_to_others() -> None:
    """OTP's reductions: an actor that never runs dry does not hold the loop."""

    async def act(scene: Scene) -> None:
        handled = 0

        def again(actor: Actor) -> None:
            nonlocal handled
            handled += 1
            if handled < 1000:
                actor.ref.tell(again)

        scene.ref("a").tell(again)
        for turn in range(1, 5):
            await asyncio.sleep(0)
            assert handled <= turn * 64
        assert handled > 64

    play(one, act)


def test_noproc_is_what_a_dead_name_answers_to_a_monitor() -> None:
    """Not silence."""

    async def act(scene: Scene) -> None:
        await scene.ref("a").ask(lambda actor: actor.monitor(actor.system.ref("root/nobody")))
        await asyncio.sleep(0.1)
        assert scene.book.take() == ["+a", "down nobody:noproc"]
        assert isinstance(await scene.ref("a").ask(lambda actor: actor.downs[0].reason), NoProc)

    play(one, act)


def test_the_spec_may_be_a_class() -> None:
    """`start` is any callable without arguments."""

    async def act(scene: Scene) -> None:
        assert scene.ref("a").alive

    play(lambda book: SupervisorSpec((ChildSpec("a", Actor),)), act)
