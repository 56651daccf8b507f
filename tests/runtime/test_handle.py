"""Pykka's own ways in: those that would block a loop raise instead of hanging it."""

from __future__ import annotations

import asyncio
from typing import Any

import pykka
import pytest

from actors.runtime import Actor, MailboxFull, Reply, SupervisorSpec
from tests.fakes.recording import Scene, play, recorder


async def pykka_ref(scene: Scene) -> Any:
    """The recorder's `actor_ref`, as Pykka's code would see it."""
    return await scene.ref("a").ask(lambda actor: actor.actor_ref)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda ref: ref.ask("x"), id="ask-block"),
        pytest.param(lambda ref: ref.ask("x", block=False).get(), id="future-get"),
        pytest.param(lambda ref: ref.ask("x", block=False).map(print), id="future-map"),
        pytest.param(lambda ref: ref.ask("x", block=False).set_get_hook(print), id="get-hook"),
        pytest.param(lambda ref: pykka.get_all([ref.ask("x", block=False)]), id="get-all"),
        pytest.param(lambda ref: ref.stop(), id="stop-block"),
        pytest.param(lambda ref: ref.stop(block=False), id="stop"),
        pytest.param(lambda ref: ref.proxy(), id="proxy"),
        pytest.param(lambda ref: ref.actor_inbox.get(), id="inbox-get"),
    ],
)
def test_what_would_block_the_loop_raises(call: Any) -> None:
    """At once, and the actor is none the worse."""

    async def act(scene: Scene) -> None:
        ref = await pykka_ref(scene)
        with pytest.raises(RuntimeError):
            call(ref)
        assert await scene.ref("a").ask("echo") == "echo"

    play(lambda book: SupervisorSpec((recorder("a", book),)), act)


def test_what_does_not_block_works() -> None:
    """Tell, ask without blocking, and awaiting Pykka's future."""

    async def act(scene: Scene) -> None:
        ref = await pykka_ref(scene)
        assert isinstance(ref, pykka.ActorRef) and ref.is_alive()
        assert await ref.ask("echo", block=False) == "echo"
        ref.tell(lambda actor: actor.book.trace.append("told"))
        await asyncio.sleep(0.1)
        assert scene.book.take() == ["+a", "told"]

    play(lambda book: SupervisorSpec((recorder("a", book),)), act)


def test_pykkas_ref_follows_the_name_over_restarts() -> None:
    """Pykka's own would go on talking to the dead incarnation's inbox."""

    async def act(scene: Scene) -> None:
        ref = await pykka_ref(scene)
        ref.tell("crash")
        await asyncio.sleep(0.1)
        assert await ref.ask("echo", block=False) == "echo"
        await scene.system.stop()
        assert not ref.is_alive()
        with pytest.raises(pykka.ActorDeadError):
            ref.tell("x")
        with pytest.raises(pykka.ActorDeadError):
            await ref.ask("x", block=False)

    play(lambda book: SupervisorSpec((recorder("a", book),)), act)


def test_an_ask_through_pykka_to_a_full_mailbox_ends() -> None:
    """It would be for ever otherwise."""

    async def act(scene: Scene) -> None:
        ref = await pykka_ref(scene)
        scene.ref("a").mailbox.capacity = 0
        with pytest.raises(MailboxFull):
            await ref.ask("x", block=False)

    play(lambda book: SupervisorSpec((recorder("a", book),)), act)


def test_an_actor_without_a_supervisor_does_not_start() -> None:
    """Nobody would bring it back."""
    with pytest.raises(RuntimeError, match="started by a supervisor"):
        Actor.start()


def test_an_actor_is_pykkas_by_its_three_seams() -> None:
    """Inbox, future and loop start are ours; the class is theirs."""

    async def act(scene: Scene) -> None:
        actor = await scene.ref("a").ask(lambda actor: actor)
        assert isinstance(actor, pykka.Actor)
        assert actor.actor_inbox.empty()
        assert isinstance(actor._create_future(), pykka.Future)
        assert actor.actor_urn == "urn:actor:root/a:1"
        assert not actor.actor_stopped.is_set()
        await scene.system.stop()
        assert actor.actor_stopped.is_set()
        with pytest.raises(RuntimeError, match="blocks"):
            actor._actor_loop()

    play(lambda book: SupervisorSpec((recorder("a", book),)), act)


def test_a_reply_takes_pykkas_spelling_of_failure() -> None:
    """`set_exception()` in an except block."""

    async def act(_scene: Scene) -> None:
        reply = Reply()
        try:
            raise LookupError
        except LookupError:
            reply.set_exception()
        with pytest.raises(LookupError):
            await reply

    play(lambda _: SupervisorSpec(), act)
