"""The cache: exact, bounded in time and size, honest about itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from actors.cache import Cache, CacheRules
from actors.messages import Answered, CacheView, Committed, Hit, Lookup, Miss, Purge, Purged, Stored, Whole
from actors.runtime import ActorSystem, ChildSpec, Ref, Snapshot, SupervisorSpec, run_virtual, virtual_ports
from router.canon.event import Finish
from router.canon.reply import Choice, Reply
from router.canon.request import Text
from router.canon.target import Target
from router.policy.cachekey import user_mark
from router.store.answers import Label

TARGET = Target(provider="p", model="m")


class Rig(Struct):
    """A running cache and what it publishes."""

    ref: Ref
    published: Snapshot[CacheView]

    async def has(self, key: str) -> bool:
        """Whether a lookup finds it."""
        return isinstance(await self.ref.ask(Lookup(key=key)), Hit)


@asynccontextmanager
async def running(rules: CacheRules) -> AsyncIterator[Rig]:
    """A system whose only actor is a cache."""
    published = Snapshot(CacheView())
    spec = ChildSpec(name="cache", start=lambda: Cache(rules=lambda: rules, published=published))
    system = ActorSystem(virtual_ports(), on_report=lambda _report: None)
    await system.start(SupervisorSpec(children=(spec,)))
    try:
        yield Rig(system.ref("root/cache"), published)
    finally:
        await system.stop()


def virtual(scene: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a scene in virtual time."""

    def run() -> None:
        run_virtual(scene())

    run.__doc__, run.__name__ = scene.__doc__, scene.__name__
    return run


def stored(key: str, text: str = "hello", raw: bytes = b"{}") -> Stored:
    """A complete answer."""
    choice = Choice(index=0, parts=(Text(text=text),), finish=Finish.STOP, said="stop")
    whole = Whole(reply=Reply(id="r", model="m", choices=(choice,), usage=None), raw=raw)
    pieces = (Committed(target=TARGET, model="m", attempts=1), whole, Answered(usage=None, cost_usd=None))
    return Stored(key=key, pieces=pieces, size_bytes=len(text) + len(raw))


@virtual
async def test_an_answer_is_given_again_as_it_was() -> None:
    """Its bytes, its target, and how old it is."""
    async with running(CacheRules()) as rig:
        answer = stored("k", raw=b'{"id":"r"}')
        assert await rig.ref.ask(Lookup(key="k")) == Miss()
        rig.ref.tell(answer)
        await asyncio.sleep(7.0)
        hit = await rig.ref.ask(Lookup(key="k"))
        assert hit == Hit(pieces=answer.pieces, age_s=7.0)
        assert (rig.published.value.hits, rig.published.value.misses, rig.published.value.entries) == (1, 1, 1)


@virtual
async def test_an_answer_expires() -> None:
    """At its age limit it is gone and its room is free; being looked up does not make it younger."""
    async with running(CacheRules(ttl_s=60.0)) as rig:
        rig.ref.tell(stored("k"))
        await asyncio.sleep(59.0)
        assert await rig.has("k")
        await asyncio.sleep(1.0)
        assert not await rig.has("k")
        view = rig.published.value
        assert (view.expired, view.entries, view.size_bytes) == (1, 0, 0)


@virtual
async def test_the_least_recently_used_answers_make_room() -> None:
    """The bound holds in bytes, whatever the number of answers."""
    async with running(CacheRules(size_bytes=5000)) as rig:
        for key in ("a", "b", "c"):
            rig.ref.tell(stored(key))
        assert await rig.has("a")
        rig.ref.tell(stored("d", raw=b"x" * 1000))
        assert [await rig.has(key) for key in ("a", "b", "c", "d")] == [True, False, True, True]
        view = rig.published.value
        assert (view.evicted, view.entries) == (1, 3)
        assert view.size_bytes <= 5000


@virtual
async def test_an_answer_larger_than_the_cache_is_not_kept() -> None:
    """Nor does it push out the others."""
    async with running(CacheRules(size_bytes=5000)) as rig:
        rig.ref.tell(stored("a"))
        rig.ref.tell(stored("b", raw=b"x" * 5000))
        assert [await rig.has(key) for key in ("a", "b")] == [True, False]


@virtual
async def test_the_same_key_again_replaces_the_answer() -> None:
    """Once in the sums of bytes, and young again."""
    async with running(CacheRules(ttl_s=60.0)) as rig:
        rig.ref.tell(stored("k", text="old"))
        await asyncio.sleep(50.0)
        rig.ref.tell(stored("k", text="new"))
        await asyncio.sleep(50.0)
        hit = await rig.ref.ask(Lookup(key="k"))
        assert isinstance(hit, Hit)
        assert hit.pieces == stored("k", "new").pieces
        assert rig.published.value.entries == 1
        assert rig.published.value.size_bytes < 2000


@virtual
async def test_a_restart_begins_empty_and_counts_on() -> None:
    """Answers are a convenience; the counts are metrics and must not fall."""
    async with running(CacheRules()) as rig:
        rig.ref.tell(stored("k"))
        assert await rig.has("k")
        rig.ref.tell("a message it does not take")
        await asyncio.sleep(0.1)
        assert rig.ref.incarnation == 2
        assert rig.published.value == CacheView(hits=1)
        assert not await rig.has("k")


@virtual
async def test_answers_are_let_go_by_key_model_and_end_user() -> None:
    """By each, by several together, and all of them; their bytes are given back, and no name of a user is kept."""
    labels = {
        "a": Label(client="team", model="chat", target="one:m", user=user_mark("ann")),
        "b": Label(client="team", model="one:m", target="one:m"),
        "c": Label(client="other", model="chat", target="two:m", user=user_mark("ann")),
        "d": Label(),
    }
    wishes = (
        (Purge(client="team"), "cd"),
        (Purge(model="chat"), "bd"),
        (Purge(model="one:m"), "cd"),
        (Purge(user="ann"), "bd"),
        (Purge(client="team", user="ann"), "bcd"),
        (Purge(model="m"), "abcd"),
        (Purge(), ""),
    )
    for purge, left in wishes:
        async with running(CacheRules()) as rig:
            for key, label in labels.items():
                rig.ref.tell(replace(stored(key), label=label))
            assert await rig.ref.ask(purge) == Purged(entries=4 - len(left))
            assert [key for key in labels if await rig.has(key)] == list(left), purge
            view = rig.published.value
            assert (view.entries, view.purged, view.evicted) == (len(left), 4 - len(left), 0)
            assert bool(view.size_bytes) is bool(left)
