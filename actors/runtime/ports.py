"""What a program may not take from Python itself, so that a run can be repeated: durations, dates, chance, names."""

from __future__ import annotations

import random
import time
from typing import Protocol

from msgspec import Struct


class Clock(Protocol):
    """Durations. Finer than a millisecond, which `loop.time()` is not under uvloop."""

    def now(self) -> float:
        """Monotonic seconds from an arbitrary start."""
        ...


class Wall(Protocol):
    """Dates. May jump; never subtract two of them."""

    def now(self) -> float:
        """Epoch seconds."""
        ...


class Ids(Protocol):
    """Names nobody else has."""

    def new(self, prefix: str) -> str:
        """A new id, `prefix-...`, safe in a URL."""
        ...


class Ports(Struct, frozen=True):
    """What an actor is given instead of `time`, `random` and `uuid`."""

    clock: Clock
    wall: Wall
    rng: random.Random
    ids: Ids


class SystemClock:
    """The operating system's monotonic clock, in nanosecond steps."""

    __slots__ = ()

    now = staticmethod(time.monotonic)  # noqa: TID251 the one place of it
    """Monotonic seconds. The function itself: a request reads the clock some forty times."""


class SystemWall:
    """The operating system's date."""

    __slots__ = ()

    now = staticmethod(time.time)  # noqa: TID251 the one place of it
    """Epoch seconds."""


class RandomIds:
    """Ids that sort by the millisecond they were made in, then 64 random bits."""

    __slots__ = ("_rng", "_wall")

    def __init__(self, wall: Wall, rng: random.Random) -> None:
        self._wall = wall
        self._rng = rng

    def new(self, prefix: str) -> str:
        """A new id of 28 hexadecimal digits after the prefix."""
        return f"{prefix}-{int(self._wall.now() * 1000):012x}{self._rng.getrandbits(64):016x}"


def system_ports() -> Ports:
    """The real ones. The generator is seeded by the operating system, once."""
    rng = random.Random(random.SystemRandom().getrandbits(128))
    wall = SystemWall()
    return Ports(clock=SystemClock(), wall=wall, rng=rng, ids=RandomIds(wall, rng))
