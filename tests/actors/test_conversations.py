"""Conversations: whole or not at all, bounded in time and size, each owner's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec import Raw, Struct

from actors.conversations import ActorMemory, ConversationRules, Conversations
from actors.messages import ConversationsView, Turn
from actors.runtime import ActorSystem, ChildSpec, Snapshot, SupervisorSpec, run_virtual, virtual_ports
from router.canon.target import Target


class Rig(Struct):
    """A running keeper of conversations and what it publishes."""

    memory: ActorMemory
    published: Snapshot[ConversationsView]

    async def ids(self, id: str, owner: str = "") -> list[str]:
        """The turns that one can be gone on from."""
        return [turn.id for turn in await self.memory.recall(id, owner)]


@asynccontextmanager
async def running(rules: ConversationRules) -> AsyncIterator[Rig]:
    """A system whose only actor it is."""
    published = Snapshot(ConversationsView())
    spec = ChildSpec(name="kept", start=lambda: Conversations(rules=lambda: rules, published=published))
    ports = virtual_ports()
    system = ActorSystem(ports, on_report=lambda _report: None)
    await system.start(SupervisorSpec(children=(spec,)))
    try:
        yield Rig(ActorMemory(system.ref("root/kept"), ports), published)
    finally:
        await system.stop()


def virtual(scene: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a scene in virtual time."""

    def run() -> None:
        run_virtual(scene())

    run.__doc__, run.__name__ = scene.__doc__, scene.__name__
    return run


def turn(id: str, previous: str | None = None, *, owner: str = "", held: bool = False, size: int = 0) -> Turn:
    """A turn of so many bytes beside its own."""
    return Turn(
        id=id,
        previous=previous,
        owner=owner,
        target=Target(provider="p", model="m"),
        held=held,
        input=Raw(b'"' + b"x" * size + b'"'),
        answer=Raw(b"{}"),
    )


@virtual
async def test_a_turn_is_recalled_with_all_before_it() -> None:
    """Oldest first, whichever of two branches it is on."""
    async with running(ConversationRules()) as rig:
        for made in (turn("a"), turn("b", "a"), turn("c", "a"), turn("d", "b")):
            rig.memory.keep(made)
        assert await rig.ids("d") == ["a", "b", "d"]
        assert await rig.ids("c") == ["a", "c"]
        assert await rig.ids("x") == []


@virtual
async def test_a_conversation_with_a_hole_is_none() -> None:
    """A model that is told half of it would answer another question; but a provider that holds it all needs none."""
    async with running(ConversationRules()) as rig:
        for made in (turn("a"), turn("b", "a"), turn("h", "a", held=True)):
            rig.memory.keep(made)
        assert await rig.memory.forget("a", "") is not None
        assert await rig.ids("b") == []
        assert await rig.ids("h") == ["h"]


@virtual
async def test_what_is_used_is_known_longer_and_all_before_it_with_it() -> None:
    """The time runs from the last use."""
    async with running(ConversationRules(ttl_s=10)) as rig:
        rig.memory.keep(turn("a"))
        await asyncio.sleep(8)
        rig.memory.keep(turn("b", "a"))
        await asyncio.sleep(8)
        assert await rig.ids("b") == ["a", "b"]
        await asyncio.sleep(9.9)
        assert await rig.ids("b") == ["a", "b"]
        await asyncio.sleep(10)
        assert await rig.ids("b") == []
        assert rig.published.value.expired == 1


@virtual
async def test_the_least_recently_used_conversation_goes_first_and_no_living_one_loses_its_beginning() -> None:
    """The bound holds at every moment; a turn larger than it is not kept at all."""
    async with running(ConversationRules(size_bytes=8 * 1200)) as rig:
        rig.memory.keep(turn("old", size=100))
        rig.memory.keep(turn("first", size=100))
        rig.memory.keep(turn("huge", size=9000))
        before = "first"
        for number in range(6):
            rig.memory.keep(turn(f"t{number}", before, size=100))
            before = f"t{number}"
            assert len(await rig.ids(before)) == number + 2
            assert rig.published.value.size_bytes <= 8 * 1200
        rig.memory.keep(turn("new", size=100))
        assert (await rig.ids("old"), await rig.ids("huge")) == ([], [])
        assert await rig.ids("new") == ["new"]
        assert rig.published.value.evicted == 1


@virtual
async def test_nobody_goes_on_with_what_is_anothers() -> None:
    """Nor reads it, nor deletes it; the same id of two owners is two turns."""
    async with running(ConversationRules()) as rig:
        rig.memory.keep(turn("a", owner="one"))
        assert await rig.ids("a", "two") == []
        assert await rig.memory.forget("a", "two") is None
        rig.memory.keep(turn("a", owner="two", size=5))
        assert await rig.ids("a", "one") == ["a"]
        assert rig.published.value.turns == 2


@virtual
async def test_forgetting_gives_the_room_back() -> None:
    """And a turn that is kept again takes it once."""
    async with running(ConversationRules()) as rig:
        rig.memory.keep(turn("a"))
        rig.memory.keep(turn("a"))
        assert await rig.ids("a") == ["a"]
        size_bytes = rig.published.value.size_bytes
        assert 1024 < size_bytes < 1100
        await rig.memory.forget("a", "")
        assert (rig.published.value.turns, rig.published.value.size_bytes) == (0, 0)


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("ids", ["aa", "aba"], ids=["at once", "later"])
def test_an_id_that_is_given_twice_makes_no_endless_conversation(ids: str, held: bool) -> None:
    """Some servers call every answer alike. Who holds the conversation has all of it; otherwise its beginning is
    gone."""

    async def scene() -> None:
        async with running(ConversationRules()) as rig:
            for previous, id in zip((None, *ids), ids, strict=False):
                rig.memory.keep(turn(id, previous, held=held))
            assert await rig.ids(ids[-1]) == (sorted(set(ids), reverse=True) if held else [])

    run_virtual(scene())
