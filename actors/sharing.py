"""Requests that are one: what was asked with the same key is carried out once, and told as often as it is asked.

Bounded by age, number and bytes. A failure is not kept: whoever asks again after one is asking anew. What is kept of an
answer that a provider broke off is what its reader was told, error and all: it was paid for, and asking anew would pay
again for an answer of which somebody has the beginning.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.json import encode

from actors.messages import Call, Once, Opened
from actors.runtime import Clock
from actors.shared import Shared
from router.errors import Limited, Reason, Refused
from router.policy.cachekey import request_digest

JOINED = "joined"
REPLAYED = "replayed"

Name = tuple[str, str, str]
"""Whose it is, in which dialect, and its key."""


class SharingRules(Struct, frozen=True, kw_only=True):
    """How long and how much.

    Args:
        enabled: whether keys are heeded at all.
        ttl_s: an answer is told again for this long after it was complete.
        max_entries: answers that are kept; the oldest go first.
        max_bytes: of all answers, those under way included.
        max_answer_bytes: a longer answer is not kept, and nobody can join it once it is.
    """

    enabled: bool = True
    ttl_s: float = 600.0
    max_entries: int = 10_000
    max_bytes: int = 64 << 20
    max_answer_bytes: int = 4 << 20


class _Entry:
    """One key: its request's digest, whether its answer may be kept, its exchange, when that was complete and what it
    was last counted."""

    def __init__(self, digest: str, *, may_keep: bool) -> None:
        self.digest = digest
        self.may_keep = may_keep
        self.shared: Shared
        self.at_s = 0.0
        self.size_bytes = 0


class Sharing:
    """All requests that are under way or were answered, by their keys. Lives as long as the door: a front that crashed
    has paid for answers that it may tell again.

    Args:
        shared: told of each request that was answered out of another's exchange, in which way.
    """

    def __init__(
        self, *, rules: Callable[[], SharingRules], clock: Clock, shared: Callable[[Call, str], None] = lambda *_: None
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._shared = shared
        self._under_way: dict[Name, _Entry] = {}
        self._answered: dict[Name, _Entry] = {}
        self._size_bytes = 0

    @property
    def count(self) -> int:
        """Keys that are known."""
        return len(self._under_way) + len(self._answered)

    @property
    def size_bytes(self) -> int:
        """What their answers take."""
        return self._size_bytes

    def open(self, call: Call, once: Once, begin: Callable[[], Opened]) -> Opened:
        """The exchange of that key, or a new one.

        Args:
            begin: starts an exchange for this call.

        Raises:
            Refused: the key came with another request before.
            Limited: its answer has become too long to be told from the beginning.
        """
        if not self._rules().enabled:
            return begin()
        self._expire()
        name = (call.caller.id, call.dialect, once.key)
        digest = request_digest(call.dialect, once.said.fields, encode(once.said.requirements))
        known = self._under_way.get(name) or self._answered.get(name)
        if known is not None:
            return self._one_more(call, digest, known)
        opened, entry = begin(), _Entry(digest, may_keep=call.caller.cache.on is not False)
        entry.shared = Shared(opened, lambda shared: self._changed(name, entry))
        self._under_way[name] = entry
        self._changed(name, entry)
        return entry.shared.read(None)

    def _one_more(self, call: Call, digest: str, known: _Entry) -> Opened:
        if known.digest != digest:
            raise Refused(
                "this Idempotency-Key came with another request before; a new request needs a new key",
                reason=Reason.KEY_REUSED,
                param="Idempotency-Key",
            )
        if not known.shared.keeps:
            raise Limited(
                "the first request with this Idempotency-Key is still being answered, too long to be joined",
                reason=Reason.BUSY,
                retry_after_s=1.0,
            )
        how = REPLAYED if known.shared.ended else JOINED
        self._shared(call, how)
        return known.shared.read(how)

    def _changed(self, name: Name, entry: _Entry) -> None:
        """An answer grew or ended: count it, keep it or forget it, and make room."""
        if self._under_way.get(name) is not entry:
            return
        rules = self._rules()
        self._count(entry, entry.shared.size_bytes)
        if entry.size_bytes > rules.max_answer_bytes:
            self._let_go(entry)
        if entry.shared.ended:
            del self._under_way[name]
            if not (entry.may_keep and entry.shared.lasts):
                self._count(entry, 0)
                return
            entry.at_s = self._clock.now()
            self._answered[name] = entry
        self._make_room(rules)
        if self._size_bytes > rules.max_bytes:
            self._let_go(entry)

    def _let_go(self, entry: _Entry) -> None:
        entry.shared.let_go()
        self._count(entry, 0)

    def _make_room(self, rules: SharingRules) -> None:
        while self._answered and (len(self._answered) > rules.max_entries or self._size_bytes > rules.max_bytes):
            self._forget(next(iter(self._answered)))

    def _expire(self) -> None:
        """Forget what is too old; they stand in the order in which they were complete."""
        since_s = self._clock.now() - self._rules().ttl_s
        while self._answered and next(iter(self._answered.values())).at_s <= since_s:
            self._forget(next(iter(self._answered)))

    def _forget(self, name: Name) -> None:
        self._count(self._answered.pop(name), 0)

    def _count(self, entry: _Entry, size_bytes: int) -> None:
        self._size_bytes += size_bytes - entry.size_bytes
        entry.size_bytes = size_bytes
