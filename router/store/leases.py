"""Where it is counted what callers hold and have spent: amounts under names, with an end.

Nothing here knows of keys, nor how many routers count in the same place. What is taken comes back by itself when its
time is over: who took it may be gone. Whatever is asked twice under one id counts once.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from msgspec import Struct


class Kind(StrEnum):
    """How an amount is bounded: so much a period, so much at once, or so much in all until a window ends."""

    RATE = "rate"
    PARALLEL = "parallel"
    BUDGET = "budget"


class Unit(StrEnum):
    """What is counted. Money is in steps of 1e-12 USD, so that amounts are whole numbers wherever they are kept."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    USD = "usd"


class Claim(Struct, frozen=True, kw_only=True):
    """An amount of one purse, and what bounds that purse now.

    Args:
        purse: its name, the same for all who share it.
        period_s: of a rate.
        begins_at: of a budget: when its window began, epoch seconds; what was spent before does not count.
        ends_at: when it ends; None: never.
        hard: whether more than there is can not be taken.
    """

    purse: str
    kind: Kind
    unit: Unit
    limit: int
    amount: int
    period_s: float = 60.0
    begins_at: float = 0.0
    ends_at: float | None = None
    hard: bool = True


class Level(Struct, frozen=True, kw_only=True):
    """A purse as it is after a question."""

    purse: str
    kind: Kind
    unit: Unit
    limit: int
    remaining: int
    reset_s: float


class Granted(Struct, frozen=True, kw_only=True):
    """All claims hold."""

    levels: tuple[Level, ...] = ()


class Denied(Struct, frozen=True, kw_only=True):
    """None does. `purse` is the one that is the longest in the way; `retry_after_s` None: waiting does not help."""

    purse: str
    kind: Kind
    unit: Unit
    limit: int
    retry_after_s: float | None
    levels: tuple[Level, ...] = ()


class Leases(Protocol):
    """Counts. Whoever keeps this elsewhere answers from what it holds here, and does not wait for elsewhere."""

    async def take(self, lease: str, claims: tuple[Claim, ...], lasts_s: float) -> Granted | Denied:
        """All of `claims` or none. What is not given back is free again after `lasts_s`."""
        ...

    def charge(self, lease: str, charge: str, amounts: dict[Unit, int]) -> None:
        """What was really used, once for each `charge`; it comes out of what is held first. Also heard after the lease
        was given back, for as long as it could have lasted."""
        ...

    def give_back(self, lease: str, *, kinds: frozenset[Kind] = frozenset(Kind)) -> None:
        """What these kinds still hold is free: of a rate what was taken by estimate and not used."""
        ...

    def spent(self, claim: Claim) -> int:
        """What was spent of a budget in the claim's window, as it is counted here; 0 of a window that is over."""
        ...

    def spend(self, claim: Claim) -> None:
        """Note what was spent of a budget without being counted here. In a window that is over it is of no account."""
        ...
