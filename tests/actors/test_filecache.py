"""The cache in a file, in virtual time: no request waits long for it or fails by it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec import Struct
from msgspec.structs import replace

from actors.cache import CacheRules
from actors.filecache import LOOK_S, MOST_WAITING, MOST_WAITING_BYTES, PRUNE_S, PURGE_S, QUIET_S, FileCache
from actors.messages import CacheView, Hit, Lookup, Miss, NotPurged, Purge, Purged
from actors.runtime import ActorSystem, ChildSpec, Ref, Snapshot, SupervisorSpec, run_virtual, virtual_ports
from router.store.answers import AnswersRefuse, KeptAnswer, Label, Shelf
from tests.actors.test_cache import stored
from tests.fakes.journal import InlineWorker


class Held:
    """`Answers` in a dict, which refuse while `why` says so."""

    def __init__(self) -> None:
        self.kept: dict[str, KeptAnswer] = {}
        self.why: str | None = None
        self.calls = 0

    def open(self) -> Shelf:
        """As the Protocol says."""
        if self.why is not None:
            raise AnswersRefuse(self.why)
        return Shelf(entries=len(self.kept), size_bytes=sum(len(each.body) for each in self.kept.values()))

    def get(self, key: str, since_at: float) -> KeptAnswer | None:
        """As the Protocol says."""
        self.calls += 1
        self.open()
        found = self.kept.get(key)
        return found if found is not None and found.at > since_at else None

    def put(self, key: str, answer: KeptAnswer, since_at: float, size_bytes: int) -> Shelf:
        """As the Protocol says."""
        self.open()
        self.kept[key] = answer
        return self.open()

    def prune(self, since_at: float) -> Shelf:
        """As the Protocol says."""
        self.open()
        self.kept = {key: answer for key, answer in self.kept.items() if answer.at > since_at}
        return self.open()

    def purge(self, wish: Label) -> Shelf:
        """As the Protocol says."""
        self.open()
        before = len(self.kept)
        self.kept = {key: answer for key, answer in self.kept.items() if not answer.label.fits(wish)}
        return Shelf(entries=len(self.kept), purged=before - len(self.kept))

    def close(self) -> None:
        """As the Protocol says."""


class Rig(Struct):
    """A running cache, its file, its thread, and what it publishes."""

    ref: Ref
    held: Held
    worker: InlineWorker
    published: Snapshot[CacheView]

    async def look(self, key: str = "k") -> Hit | Miss:
        """What a lookup finds."""
        found = await self.ref.ask(Lookup(key=key))
        assert isinstance(found, Hit | Miss)
        return found


@asynccontextmanager
async def running(ttl_s: float = 300.0) -> AsyncIterator[Rig]:
    """A system whose only actor is this cache."""
    published, held, worker = Snapshot(CacheView()), Held(), InlineWorker()
    spec = ChildSpec(
        name="cache",
        start=lambda: FileCache(
            rules=lambda: CacheRules(ttl_s=ttl_s), published=published, answers=held, worker=worker
        ),
    )
    system = ActorSystem(virtual_ports(), on_report=lambda _report: None)
    await system.start(SupervisorSpec(children=(spec,)))
    try:
        yield Rig(system.ref("root/cache"), held, worker, published)
    finally:
        await system.stop()


def test_an_answer_is_given_again_until_it_is_too_old() -> None:
    """As it was, with its age; what the file holds is published."""

    async def main() -> None:
        async with running(ttl_s=60.0) as rig:
            answer = stored("k", raw=b'{"id":"r"}')
            rig.ref.tell(answer)
            await asyncio.sleep(7)
            hit = await rig.look()
            assert isinstance(hit, Hit) and hit.pieces[1:] == answer.pieces[1:] and hit.age_s == pytest.approx(7.0)
            assert (rig.published.value.entries, rig.published.value.hits) == (1, 1)
            await asyncio.sleep(54)
            assert await rig.look() == Miss()
            await asyncio.sleep(PRUNE_S)
            assert rig.held.kept == {} and rig.published.value == CacheView(hits=1, misses=1)

    run_virtual(main())


def test_a_file_that_refuses_is_said_once_and_left_alone_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    """Lookups are misses at once, answers are not kept; and it is used again when it is well."""

    async def main() -> None:
        async with running() as rig:
            await asyncio.sleep(1)
            rig.held.why = "the disk is full"
            assert [await rig.look() for _ in range(3)] == [Miss()] * 3
            rig.ref.tell(stored("k"))
            asked = rig.held.calls
            await asyncio.sleep(QUIET_S - 1)
            assert await rig.look() == Miss() and rig.held.calls == asked == 1
            await asyncio.sleep(1)
            assert await rig.look() == Miss() and rig.held.calls == 2
            rig.held.why = None
            await asyncio.sleep(QUIET_S)
            assert await rig.look() == Miss()
            rig.ref.tell(stored("k"))
            await asyncio.sleep(1)
            assert isinstance(await rig.look(), Hit)

    with caplog.at_level(logging.WARNING):
        run_virtual(main())
    assert [record.message for record in caplog.records] == ["cache file refuses", "cache file is used again"]


def test_a_disk_that_hangs_holds_up_no_request_for_long() -> None:
    """One lookup waits a moment, those after it do not, and what piles up is bounded."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with running() as rig:
            await asyncio.sleep(1)
            rig.worker.shut()
            for number in range(MOST_WAITING + 50):
                rig.ref.tell(stored(f"k{number}"))
            await asyncio.sleep(0.01)
            began_s = loop.time()
            assert await rig.look() == Miss() and loop.time() == began_s
            rig.worker.release()
            await asyncio.sleep(1)
            assert len(rig.held.kept) == MOST_WAITING
            rig.worker.shut()
            assert await rig.look() == Miss() and loop.time() - began_s - 1 == pytest.approx(LOOK_S, abs=0.05)
            began_s = loop.time()
            assert await rig.look() == Miss() and loop.time() == began_s
            rig.worker.release()

    run_virtual(main())


def test_a_disk_that_hangs_holds_few_bytes_and_what_it_has_no_room_for_is_counted() -> None:
    """Long answers wait up to a bound, and there is room again when they have been written."""

    async def main() -> None:
        async with running() as rig:
            await asyncio.sleep(1)
            rig.worker.shut()
            long = replace(stored("k"), size_bytes=4 << 20)
            for number in range(20):
                rig.ref.tell(replace(long, key=f"k{number}"))
            await asyncio.sleep(0.01)
            assert rig.published.value.unkept == 20 - MOST_WAITING_BYTES // (4 << 20)
            rig.worker.release()
            await asyncio.sleep(1)
            rig.ref.tell(replace(long, key="later"))
            await asyncio.sleep(1)
            assert "later" in rig.held.kept and rig.published.value.unkept == 12

    run_virtual(main())


def test_answers_are_let_go_also_of_a_file_that_is_left_alone() -> None:
    """Who wants that is told how many went, or that nobody can say."""

    async def main() -> None:
        async with running() as rig:
            for key, client in (("a", "team"), ("b", "team"), ("c", "other")):
                rig.ref.tell(replace(stored(key), label=Label(client=client)))
            await asyncio.sleep(1)
            rig.held.why = "the disk is gone"
            assert await rig.look("a") == Miss()
            assert await rig.ref.ask(Purge(client="team")) == NotPurged()
            rig.held.why = None
            assert await rig.ref.ask(Purge(client="team")) == Purged(entries=2)
            assert list(rig.held.kept) == ["c"] and rig.published.value.purged == 2
            rig.worker.shut()
            began_s = asyncio.get_running_loop().time()
            assert await rig.ref.ask(Purge(), timeout_s=60) == NotPurged()
            assert asyncio.get_running_loop().time() - began_s == pytest.approx(PURGE_S, abs=0.05)
            rig.worker.release()

    run_virtual(main())


def test_bytes_that_are_no_answer_and_a_clock_set_back_are_misses() -> None:
    """Nobody can say what the one is, or how old the other."""

    async def main() -> None:
        async with running() as rig:
            rig.held.kept["k"] = KeptAnswer(body=b"{}", at=rig.held.calls + 4e9)
            rig.ref.tell(stored("later"))
            await asyncio.sleep(1)
            rig.held.kept["later"] = KeptAnswer(body=rig.held.kept["later"].body, at=4e9)
            rig.held.kept["odd"] = KeptAnswer(body=b"{}", at=0.0)
            assert [await rig.look(key) for key in ("k", "later", "odd")] == [Miss()] * 3

    run_virtual(main())
