"""Who was let in where and who was not, on the way into the audit log: one by one, or summed over some minutes.

The first time of each is kept at once: what a kill takes is counts."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.json import encode

from actors.messages import ACCESS, ALLOWED, AdminActed
from actors.runtime import Ports
from router.policy.bucket import Rate, take, wait_s

MOST_SUMMED = 4096
"""Pairs of who and where that are told apart of each outcome, until they are written; more of them are one."""

OTHERS = ("others", "elsewhere")
"""Who and where of what finds no room of its own."""

_SINGLE = Rate(amount=60)
"""How many accesses a minute are kept one by one, at once, of those that were not allowed and of those that were for
the first time: who guesses keys, or comes from ever new addresses, must not fill the disk."""


class _Sum:
    """Accesses of one kind. Not a Struct: it is added to by every request."""

    __slots__ = ("count", "first_at", "last_at")

    def __init__(self, at: float) -> None:
        self.count = 0
        self.first_at = self.last_at = at


class Accesses:
    """What the audit log does not have yet of accesses. Outlives every restart of the Ledger, which takes it.

    Args:
        each: whether every single access is kept by itself.
        sum_s: how long they are summed otherwise.
    """

    def __init__(self, *, each: Callable[[], bool], sum_s: Callable[[], float], ports: Ports) -> None:
        self.sum_s = sum_s
        self._each = each
        self._ports = ports
        self._sums: dict[str, dict[tuple[str, str], _Sum]] = {}
        self._seen: dict[tuple[str, str], None] = {}
        self._full_at_s = {True: 0.0, False: 0.0}

    def note(self, by: str, subject: str, outcome: str) -> AdminActed | None:
        """Take in one decision. The act to keep at once, or None where it is in a sum."""
        at = self._ports.wall.now()
        if self._each() or self._is_single(by, subject, outcome):
            return AdminActed(by=by, act=ACCESS, subject=subject, outcome=outcome, at=at)
        sums = self._sums.setdefault(outcome, {})
        found = sums.get((by, subject))
        if found is None:
            who_where = (by, subject) if len(sums) < MOST_SUMMED else OTHERS
            found = sums.setdefault(who_where, _Sum(at))
        found.count += 1
        found.last_at = at
        return None

    def take(self) -> tuple[AdminActed, ...]:
        """An act for each sum, in the order in which they began; the next ones begin at nothing."""
        sums, self._sums = self._sums, {}
        at = self._ports.wall.now()
        return tuple(
            AdminActed(by=by, act=ACCESS, subject=subject, outcome=outcome, at=at, detail=_detail(found))
            for outcome, those in sums.items()
            for (by, subject), found in those.items()
        )

    def _is_single(self, by: str, subject: str, outcome: str) -> bool:
        """Of what was allowed only the first time, as far as is remembered; of either no more than `_SINGLE`."""
        allowed = outcome == ALLOWED
        if allowed and (by, subject) in self._seen:
            return False
        now, full_at_s = self._ports.clock.now(), self._full_at_s[allowed]
        if wait_s(full_at_s, 1, now, _SINGLE) > 0:
            return False
        self._full_at_s[allowed] = take(full_at_s, 1, now, _SINGLE)
        if allowed:
            if len(self._seen) >= MOST_SUMMED:
                self._seen.clear()
            self._seen[by, subject] = None
        return True


def _detail(found: _Sum) -> str:
    return encode({"count": found.count, "first_at": found.first_at, "last_at": found.last_at}).decode()
