"""The FileCache actor: kept answers in a file, which a restart of the router does not lose."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import TypeVar, assert_never

from msgspec.structs import replace

from actors.cache import CacheRules, wish_of
from actors.messages import CacheView, Hit, Lookup, Miss, NotPurged, Purge, Purged, Stored
from actors.parcel import Unreadable, pack, unpack
from actors.runtime import Actor, Crashed, Exit, Overflow, Reply, Snapshot
from router.store.answers import Answers, AnswersRefuse, KeptAnswer, Label, Shelf
from router.store.journal import Worker
from router.telemetry.logs import Line

T = TypeVar("T")

LOOK_S = 0.5
"""How long a lookup may take; a request waits for it, and a provider is asked in less."""

QUIET_S = 30.0
"""How long a file that refused, or did not answer, is left alone."""

MOST_WAITING = 256
"""Lookups and answers on their way to the file; those that find more are misses, and not kept."""

MOST_WAITING_BYTES = 32 << 20
"""What answers on their way to the file may take; of a disk that hangs they all wait."""

PURGE_S = 5.0
"""How long letting answers go may take; an operator waits for it."""

PRUNE_S = 60.0
"""How often what is too old is looked for."""

CLOSE_S = 1.0
"""How long a stop waits for the file."""

_LOG = logging.getLogger(__name__)


class FileCache(Actor):
    """Keeps complete answers in a file, for a while and up to a size; the least recently used go first.

    Accepts `Lookup` -> `Hit | Miss`, `Purge` -> `Purged | NotPurged`, and `Stored` (fact). Publishes `CacheView`. The
    file is read and written by a thread of its own. While it refuses every lookup is a miss, and the log says so once;
    no request fails by it.

    A restart loses what was on its way to the file. When its mailbox is full new answers are not kept.
    """

    overflow = Overflow.DROP_NEWEST

    def __init__(
        self, *, rules: Callable[[], CacheRules], published: Snapshot[CacheView], answers: Answers, worker: Worker
    ) -> None:
        super().__init__()
        self._rules = rules
        self._published = published
        self._answers = answers
        self._worker = worker

    async def on_start(self) -> None:
        """Open the file, beside the mailbox: nobody waits for a large or a slow one."""
        self._view = self._published.value
        self._waiting = self._waiting_bytes = 0
        self._refuses = False
        self._quiet_until_s = 0.0
        # Not linked: a crash of it is reported, and none of the cache may ever add up to one of the router.
        self.tasks.start(self._prune_forever(), name="prune")

    def on_receive(self, message: Lookup | Stored | Purge) -> Hit | Miss | Reply | None:
        """Ask the file, unless it is left alone now."""
        alone = self._waiting >= MOST_WAITING or self.ports.clock.now() < self._quiet_until_s
        match message:
            case Lookup():
                if alone:
                    return self._missed()
                reply = self.defer_reply()
                self.tasks.start(self._look_up(message.key, reply), name="look up")
                return reply
            case Stored():
                if alone or self._waiting_bytes + message.size_bytes > MOST_WAITING_BYTES:
                    self._publish(replace(self._view, unkept=self._view.unkept + 1))
                else:
                    self._waiting_bytes += message.size_bytes
                    self.tasks.start(self._keep(message), name="keep")
            case Purge():
                reply = self.defer_reply()
                self.tasks.start(self._purge(wish_of(message), reply), name="purge")
                return reply
            case _:
                assert_never(message)
        return None

    async def on_stop(self, reason: Exit) -> None:
        """Close the file, if it lets itself be closed. After a crash the next incarnation has it open."""
        if isinstance(reason, Crashed):
            return
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._worker.run(self._answers.close)
        except TimeoutError:
            pass  # a thread that hangs in a dead disk is left to the end of the process
        self._worker.stop()

    async def _prune_forever(self) -> None:
        """What is too old leaves the file also where nobody asks any more; first of all what an earlier run left."""
        while True:
            if self.ports.clock.now() >= self._quiet_until_s:
                since_at = self.ports.wall.now() - self._rules().ttl_s
                shelf = await self._ask(partial(self._answers.prune, since_at), None)
                if shelf is not None:
                    self._holds(shelf)
            await asyncio.sleep(PRUNE_S)

    async def _look_up(self, key: str, reply: Reply) -> None:
        found = None
        try:
            found = await self._ask(partial(self._found, key, self.ports.wall.now(), self._rules().ttl_s), LOOK_S)
        finally:
            reply.set(self._missed() if found is None else self._hit(found))

    async def _keep(self, stored: Stored) -> None:
        try:
            shelf = await self._ask(partial(self._put, stored, self.ports.wall.now(), self._rules()), None)
        finally:
            self._waiting_bytes -= stored.size_bytes
        if shelf is not None:
            self._holds(shelf)

    async def _purge(self, wish: Label, reply: Reply) -> None:
        """Also of a file that is left alone: whoever wants something gone does not want to wait for better times."""
        purged: Purged | NotPurged = NotPurged()
        try:
            shelf = await self._ask(partial(self._answers.purge, wish), PURGE_S)
            if shelf is not None:
                self._holds(shelf)
                purged = Purged(entries=shelf.purged)
        finally:
            reply.set(purged)

    def _found(self, key: str, now_at: float, ttl_s: float) -> Hit | None:
        """Blocking. An answer of which nobody can say how old it is, because the clock was set back, is none."""
        kept = self._answers.get(key, now_at - ttl_s)
        if kept is None or kept.at > now_at:
            return None
        try:
            return unpack(kept.body, now_at - kept.at)
        except Unreadable:
            return None

    def _put(self, stored: Stored, now_at: float, rules: CacheRules) -> Shelf | None:
        """Blocking, as is making bytes of a long answer."""
        try:
            body = pack(stored)
        except Unreadable:
            return None
        answer = KeptAnswer(body=body, at=now_at, label=stored.label)
        return self._answers.put(stored.key, answer, now_at - rules.ttl_s, rules.size_bytes)

    async def _ask(self, call: Callable[[], T], within_s: float | None) -> T | None:
        """What the file says; None where it refuses."""
        self._waiting += 1
        try:
            async with asyncio.timeout(within_s):
                answer = await self._worker.run(call)
        except AnswersRefuse as error:
            self._refused(str(error))
            return None
        except TimeoutError:
            self._refused(f"the file did not answer within {within_s} s")
            return None
        finally:
            self._waiting -= 1
        if self._refuses:
            self._refuses = False
            _LOG.warning(Line.CACHE_ACCEPTS)
        return answer

    def _refused(self, why: str) -> None:
        self._quiet_until_s = self.ports.clock.now() + QUIET_S
        if not self._refuses:
            self._refuses = True
            _LOG.error(Line.CACHE_REFUSES, extra={"told": {"why": why}})

    def _hit(self, hit: Hit) -> Hit:
        self._publish(replace(self._view, hits=self._view.hits + 1))
        return hit

    def _missed(self) -> Miss:
        self._publish(replace(self._view, misses=self._view.misses + 1))
        return Miss()

    def _holds(self, shelf: Shelf) -> None:
        view = self._view
        self._publish(
            replace(
                view,
                entries=shelf.entries,
                size_bytes=shelf.size_bytes,
                expired=view.expired + shelf.expired,
                evicted=view.evicted + shelf.evicted,
                purged=view.purged + shelf.purged,
            )
        )

    def _publish(self, view: CacheView) -> None:
        self._view = view
        self._published.publish(view)
