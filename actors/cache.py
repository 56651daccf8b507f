"""The Cache actor: answers to exactly the same request, for those who switch it on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from actors.messages import CacheView, Hit, Lookup, Miss, Purge, Purged, Stored
from actors.runtime import Actor, Overflow, Snapshot
from router.policy.cachekey import user_mark
from router.policy.enduser import label_of
from router.store.answers import Label

_ENTRY_BYTES = 1024
"""What an entry costs beside its text: keys, objects, the place in the order. Rounded up."""


class CacheRules(Struct, frozen=True, kw_only=True):
    """How long and how much.

    Args:
        ttl_s: an answer is given for this long after it was stored.
        size_bytes: bound of all entries; the least recently used go first. One larger than it is never kept.
    """

    ttl_s: float = 300.0
    size_bytes: int = 32 * 1024 * 1024


def wish_of(purge: Purge) -> Label:
    """Which labels are meant."""
    user = None if purge.user is None else user_mark(label_of(purge.user))
    return Label(client=purge.client or "", model=purge.model or "", user=user or "")


class _Entry(Struct, frozen=True):
    """One answer as it is kept."""

    stored: Stored
    at_s: float
    size_bytes: int


class Cache(Actor):
    """Keeps complete answers, streams as they were streamed, for a while and up to a size.

    Accepts `Lookup` -> `Hit | Miss`, `Purge` -> `Purged`, and `Stored` (fact). Publishes `CacheView`. Whether a request
    may be looked up at all, and which answers may be given again, is decided by who asks; without a cache in the tree
    nobody does.

    A restart loses every answer; counts go on from what was published. When its mailbox is full new answers are not
    kept: they would only be a convenience.
    """

    overflow = Overflow.DROP_NEWEST

    def __init__(self, *, rules: Callable[[], CacheRules], published: Snapshot[CacheView]) -> None:
        super().__init__()
        self._rules = rules
        self._published = published

    async def on_start(self) -> None:
        """Begin empty."""
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._view = replace(self._published.value, entries=0, size_bytes=0)
        self._published.publish(self._view)

    def on_receive(self, message: Lookup | Stored | Purge) -> Hit | Miss | Purged | None:
        """Answer at once: nothing here waits."""
        match message:
            case Lookup():
                return self._look_up(message.key)
            case Stored():
                self._store(message)
            case Purge():
                return self._purge(wish_of(message))
            case _:
                assert_never(message)
        return None

    def _look_up(self, key: str) -> Hit | Miss:
        entry = self._entries.get(key)
        age_s = self.ports.clock.now() - entry.at_s if entry is not None else 0.0
        if entry is not None and age_s >= self._rules().ttl_s:
            self._drop(key)
            self._count(expired=self._view.expired + 1)
            entry = None
        if entry is None:
            self._count(misses=self._view.misses + 1)
            return Miss()
        self._entries.move_to_end(key)
        self._count(hits=self._view.hits + 1)
        return Hit(pieces=entry.stored.pieces, age_s=age_s, passed=entry.stored.passed)

    def _store(self, message: Stored) -> None:
        """Keep it as the newest, and make room at the other end."""
        size_bytes = message.size_bytes + _ENTRY_BYTES
        if size_bytes > self._rules().size_bytes:
            return
        if message.key in self._entries:
            self._drop(message.key)
        while self._view.size_bytes + size_bytes > self._rules().size_bytes:
            self._drop(next(iter(self._entries)))
            self._count(evicted=self._view.evicted + 1)
        self._entries[message.key] = _Entry(message, self.ports.clock.now(), size_bytes)
        self._count(entries=len(self._entries), size_bytes=self._view.size_bytes + size_bytes)

    def _purge(self, wish: Label) -> Purged:
        meant = [key for key, entry in self._entries.items() if entry.stored.label.fits(wish)]
        for key in meant:
            self._drop(key)
        self._count(purged=self._view.purged + len(meant))
        return Purged(entries=len(meant))

    def _drop(self, key: str) -> None:
        gone = self._entries.pop(key)
        self._count(entries=len(self._entries), size_bytes=self._view.size_bytes - gone.size_bytes)

    def _count(self, **changed: int) -> None:
        self._view = replace(self._view, **changed)
        self._published.publish(self._view)
