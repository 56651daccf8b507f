"""Leases counted in this process. Made by the composition root: an actor that restarts finds what is held."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping

from msgspec import Struct

from actors.runtime import Ports
from router.policy.bucket import Rate, put_back, take, wait_s
from router.store.leases import Claim, Denied, Granted, Kind, Level, Unit

SHARES = (50, 80, 100)
"""Percent of a budget at which somebody is told."""

PARALLEL_BACK_S = 1.0
"""When to come back for a place: requests end at any moment, and a second spreads callers."""


class Crossed(Struct, frozen=True, kw_only=True):
    """So much of a budget is spent."""

    purse: str
    share: int


class Purse:
    """One purse: what is held of it by leases, what is spent in its window, when its bucket is full again."""

    __slots__ = ("begins_at", "full_at_s", "held", "spent")

    def __init__(self) -> None:
        self.held = 0
        self.spent = 0
        self.begins_at = 0.0
        self.full_at_s = 0.0


class _Lease:
    """What one holder has: `left` of each claim is what is held still."""

    __slots__ = ("claims", "ends_s", "left", "paid", "used")

    def __init__(self, claims: tuple[Claim, ...], ends_s: float) -> None:
        self.claims = claims
        self.left = [claim.amount for claim in claims]
        self.used: dict[Unit, int] = {}
        self.paid: set[str] = set()
        self.ends_s = ends_s


class LocalLeases:
    """See `router.store.leases.Leases`.

    Args:
        crossed: told when the spending of a budget reaches one of `SHARES`.
    """

    def __init__(self, ports: Ports, crossed: Callable[[Crossed], None]) -> None:
        self._ports = ports
        self._crossed = crossed
        self._purses: dict[str, Purse] = {}
        self._leases: dict[str, _Lease] = {}
        self._ends: list[tuple[float, str]] = []

    @property
    def purses(self) -> Mapping[str, Purse]:
        """All that is counted."""
        return self._purses

    async def take(self, lease: str, claims: tuple[Claim, ...], lasts_s: float) -> Granted | Denied:
        """As the Protocol says."""
        now = self._ports.clock.now()
        self._expire(now)
        if lease not in self._leases:
            waits = [(wait, claim) for claim in claims if (wait := self._wait_s(claim, now)) != 0.0]
            if waits:
                wait, claim = max(waits, key=lambda each: float("inf") if each[0] is None else each[0])
                return Denied(
                    purse=claim.purse,
                    kind=claim.kind,
                    unit=claim.unit,
                    limit=claim.limit,
                    retry_after_s=wait,
                    levels=self._levels(claims, now),
                )
            for claim in claims:
                self._hold(claim, now)
            ends_s = now + lasts_s
            self._leases[lease] = _Lease(claims, ends_s)
            heapq.heappush(self._ends, (ends_s, lease))
        return Granted(levels=self._levels(claims, now))

    def charge(self, lease: str, charge: str, amounts: dict[Unit, int]) -> None:
        """As the Protocol says."""
        held = self._leases.get(lease)
        if held is None or charge in held.paid:
            return
        held.paid.add(charge)
        for unit, amount in amounts.items():
            held.used[unit] = held.used.get(unit, 0) + amount
        for place, claim in enumerate(held.claims):
            if claim.kind is Kind.BUDGET and claim.unit in amounts:
                self._pay(held, place, amounts[claim.unit])

    def give_back(self, lease: str, *, kinds: frozenset[Kind] = frozenset(Kind)) -> None:
        """As the Protocol says. It is remembered to its end, for charges that come late."""
        held = self._leases.get(lease)
        if held is None:
            return
        now = self._ports.clock.now()
        for place, claim in enumerate(held.claims):
            if claim.kind not in kinds or not held.left[place]:
                continue
            purse = self._purses[claim.purse]
            if claim.kind is not Kind.RATE:
                purse.held -= held.left[place]
            elif claim.unit is Unit.TOKENS and (not held.paid or Unit.TOKENS in held.used):
                unused = claim.amount - held.used.get(Unit.TOKENS, 0)
                purse.full_at_s = put_back(purse.full_at_s, unused, now, _rate(claim))
            held.left[place] = 0

    def spent(self, claim: Claim) -> int:
        """As the Protocol says."""
        purse = self._purse(claim)
        return purse.spent if purse.begins_at <= claim.begins_at else 0

    def spend(self, claim: Claim) -> None:
        """As the Protocol says."""
        purse = self._purse(claim)
        if purse.begins_at <= claim.begins_at:
            purse.spent += claim.amount

    def _expire(self, now: float) -> None:
        while self._ends and self._ends[0][0] <= now:
            _, lease = heapq.heappop(self._ends)
            self.give_back(lease)
            del self._leases[lease]

    def _purse(self, claim: Claim) -> Purse:
        """A purse, its window the one of the claim: what was spent in an earlier one is over."""
        purse = self._purses.setdefault(claim.purse, Purse())
        begins_at = claim.begins_at
        if claim.ends_at is not None and self._ports.wall.now() >= claim.ends_at:
            begins_at = claim.ends_at  # claimed in the window before, used in this one
        if claim.kind is Kind.BUDGET and begins_at > purse.begins_at:
            purse.begins_at, purse.spent = begins_at, 0
        return purse

    def _wait_s(self, claim: Claim, now: float) -> float | None:
        """How long until the claim could hold: 0.0 now, None never."""
        purse = self._purse(claim)
        match claim.kind:
            case Kind.RATE:
                return wait_s(purse.full_at_s, claim.amount, now, _rate(claim))
            case Kind.PARALLEL:
                return PARALLEL_BACK_S if purse.held + claim.amount > claim.limit else 0.0
            case Kind.BUDGET:
                if not claim.hard or purse.held + purse.spent + claim.amount <= claim.limit:
                    return 0.0
                return None if claim.ends_at is None else max(claim.ends_at - self._ports.wall.now(), 1.0)

    def _hold(self, claim: Claim, now: float) -> None:
        purse = self._purse(claim)
        if claim.kind is Kind.RATE:
            purse.full_at_s = take(purse.full_at_s, claim.amount, now, _rate(claim))
        else:
            purse.held += claim.amount

    def _pay(self, held: _Lease, place: int, amount: int) -> None:
        claim = held.claims[place]
        purse = self._purse(claim)
        covered = min(held.left[place], amount)
        held.left[place] -= covered
        purse.held -= covered
        before, purse.spent = purse.spent, purse.spent + amount
        for share in SHARES:
            if before * 100 < share * claim.limit <= purse.spent * 100:
                self._crossed(Crossed(purse=claim.purse, share=share))

    def _levels(self, claims: tuple[Claim, ...], now: float) -> tuple[Level, ...]:
        return tuple(self._level(claim, now) for claim in claims if claim.kind is Kind.RATE)

    def _level(self, claim: Claim, now: float) -> Level:
        reset_s = max(0.0, self._purse(claim).full_at_s - now)
        used = reset_s / _rate(claim).each_s
        return Level(
            purse=claim.purse,
            kind=claim.kind,
            unit=claim.unit,
            limit=claim.limit,
            remaining=max(0, int(claim.limit - used + 1e-9)),
            reset_s=reset_s,
        )


def _rate(claim: Claim) -> Rate:
    return Rate(amount=claim.limit, period_s=claim.period_s)
