"""A full mailbox does what its policy says."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from actors.runtime import Actor, ChildSpec, MailboxFull, Overflow, Ref, Shutdown, SupervisorSpec
from tests.fakes.recording import Book, Recorder, Scene, play

KINDS: dict[Overflow, type[Recorder]] = {
    policy: type(f"Small{policy}", (Recorder,), {"mailbox_capacity": 3, "overflow": policy}) for policy in Overflow
}


def small(policy: Overflow, book: Book) -> SupervisorSpec:
    """A root with a recorder of three places, and another of the same kind."""
    return SupervisorSpec(children=tuple(ChildSpec(name, partial(KINDS[policy], book)) for name in ("a", "b")))


def note(text: str) -> Any:
    """A message that writes itself down."""
    return lambda actor: actor.book.trace.append(text)


async def block(ref: Ref) -> asyncio.Event:
    """Keep an actor busy until the event is set."""
    gate = asyncio.Event()

    async def wait(_: Actor) -> None:
        await gate.wait()

    ref.tell(wait)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return gate


@pytest.mark.parametrize(
    ("policy", "accepted", "kept", "rejected", "dropped"),
    [
        pytest.param(Overflow.REJECT, [True] * 3 + [False] * 2, "012", 2, 0, id="reject"),
        pytest.param(Overflow.DROP_NEWEST, [True] * 3 + [False] * 2, "012", 0, 2, id="drop_newest"),
        pytest.param(Overflow.DROP_OLDEST, [True] * 5, "234", 0, 2, id="drop_oldest"),
    ],
)
def test_a_full_mailbox_treats_tells_by_its_policy(
    policy: Overflow, accepted: list[bool], kept: str, rejected: int, dropped: int
) -> None:
    """Five tells to three places, while the actor is busy; none waits, and what is lost is counted."""

    async def act(scene: Scene) -> None:
        gate = await block(scene.ref("a"))
        assert [scene.ref("a").tell(note(str(number))) for number in range(5)] == accepted
        gate.set()
        await asyncio.sleep(1.0)
        assert scene.book.take() == ["+a", "+b", *kept]
        assert (scene.system.counters.rejected, scene.system.counters.dropped) == (rejected, dropped)

    play(partial(small, policy), act)


@pytest.mark.parametrize("policy", Overflow, ids=str)
def test_an_ask_to_a_full_mailbox_is_always_rejected(policy: Overflow) -> None:
    """Its caller is there to hear it; and a queued ask is never dropped for a newer tell."""

    async def act(scene: Scene) -> None:
        a = scene.ref("a")
        gate = await block(a)
        queued = [asyncio.get_running_loop().create_task(a.ask(number)) for number in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(MailboxFull):
            await a.ask("too much")
        assert a.tell("too much") is False
        gate.set()
        assert [await task for task in queued] == [0, 1, 2]

    play(partial(small, policy), act)


def test_system_messages_pass_a_full_mailbox() -> None:
    """Down comes in, and before every user message; the stop comes before both."""

    async def act(scene: Scene) -> None:
        a, b = scene.ref("a"), scene.ref("b")
        await a.ask(lambda actor: actor.monitor(b))
        gate = await block(a)
        for number in range(3):
            a.tell(note(str(number)))
        scene.book.take()
        b.tell("crash")
        await asyncio.sleep(0.1)
        gate.set()
        await asyncio.sleep(0.1)
        assert scene.book.take() == ["-b:crashed", "+b", "down b:crashed", "0", "1", "2"]

    play(partial(small, Overflow.REJECT), act)


def test_a_stop_goes_before_everything_queued() -> None:
    """What waited is not handled any more; its tells are counted."""

    async def act(scene: Scene) -> None:
        a = scene.ref("a")
        gate = await block(a)
        for number in range(3):
            a.tell(note(str(number)))
        scene.book.take()
        asyncio.get_running_loop().call_later(1.0, gate.set)
        await scene.system.stop()
        assert await scene.system.terminated() == Shutdown()
        assert scene.book.take() == ["-b:shutdown", "-a:shutdown"]
        assert scene.system.counters.undelivered == 3

    play(partial(small, Overflow.REJECT), act)
