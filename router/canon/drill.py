"""A fault that somebody who runs the router wants to see happen to an attempt of one request: where, and what."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Place(StrEnum):
    """Which boundary of an attempt a fault stands at: before the connection, before the head, or at a frame."""

    CONNECT = "connect"
    HEAD = "head"
    FRAME = "frame"


class Mishap(StrEnum):
    """What happens there."""

    REFUSE = "refuse"
    HANG = "hang"
    STATUS = "status"
    CUT = "cut"
    DELAY = "delay"
    MALFORMED = "malformed"


class Drill(Struct, frozen=True, kw_only=True):
    """One fault to inject.

    Args:
        text: the fault in the words it was asked for, without its conditions.
        frame: of a stream the event that is hit, counted from 1; 0 is the last one.
        status: what the head says.
        retry_after_s: the wait that the head asks for; None asks for none.
        delay_s: how late it is.
        target: `provider:model`, or a provider alone; None hits whoever is asked.
        attempts: how many attempts of the exchange are hit at most; None: all of them.
        counts: whether the router learns of its target from it as from any other failure.
    """

    text: str
    place: Place
    mishap: Mishap
    frame: int = 1
    status: int = 0
    retry_after_s: float | None = None
    delay_s: float = 0.0
    target: str | None = None
    attempts: int | None = 1
    counts: bool = True
