"""How well a provider does, as numbers, over a sliding window. Pure: whoever asks says what time it is.

    health = (good + PRIOR) / (good + bad + PRIOR)

`good` counts answers, `bad` counts every failure but a caller's (`errors.BLAME`): a rejected key or a missing model is
the operator's, and yet nobody gets an answer there. What ended an attempt whatever its provider would have said counts
as neither. Each counts `0.5 ** (age / half_life_s)`: yesterday's outage is not
today's. `PRIOR` good answers are taken for granted, so that a provider nobody asked is 1.0, one isolated failure is
0.8, and a provider that only fails sinks under 0.5 at the fifth. Latency is not in it: a slow answer is an answer; it
is a number of its own.
"""

from __future__ import annotations

from msgspec import Struct

from router.canon.outcome import End
from router.errors import BLAME, Blame, Reason

PRIOR = 4.0
_OWN = frozenset(
    {
        Reason.BREAKER_OPEN,
        Reason.BUSY,
        Reason.NO_TARGET,
        Reason.SHUTTING_DOWN,
        Reason.PART_DOWN,
        Reason.SUPERSEDED,
        Reason.DIVERGED,
    }
)
"""This gateway's own word, whatever the provider would have said."""


class Span(Struct, frozen=True, kw_only=True):
    """How long a window remembers and how fast it forgets, in seconds. `slot_s` is its grain."""

    window_s: float = 300.0
    slot_s: float = 10.0
    half_life_s: float = 60.0


class Slot(Struct, frozen=True, kw_only=True):
    """What ended within one grain of time; `good_s` is the sum of the durations of the good ones."""

    number: int
    good: int = 0
    bad: int = 0
    good_s: float = 0.0


class Window(Struct, frozen=True, kw_only=True):
    """What ended lately, oldest slot first: at most `window_s / slot_s` + 1 slots, however many attempts."""

    slots: tuple[Slot, ...] = ()


class Score(Struct, frozen=True, kw_only=True):
    """A window, summed up. Rates and times are None where nothing was there to take them from.

    Args:
        health: 0 to 1, weighted by age.
        success_rate: good / (good + bad), every one of the window alike.
        avg_response_ms: mean duration of the good ones, in milliseconds.
        counted: good and bad ones in the window.
    """

    health: float
    success_rate: float | None
    avg_response_ms: float | None
    counted: int


def judge_attempt(end: End, reason: Reason | None) -> bool | None:
    """True for an answer, False for a failure not of the caller's making, None for what says nothing about its
    provider. Not the breaker's rule: that one leaves alone what a rest would not mend."""
    if end is End.COMPLETED:
        return True
    return None if reason is None or reason in _OWN or BLAME[reason] is Blame.CALLER else False


def judge_exchange(end: End, reason: Reason | None) -> bool | None:
    """True for an answer, False for a failure not of the caller's making, None for the caller's own and for limits."""
    if end is End.COMPLETED:
        return True
    if end in (End.REFUSED, End.LIMITED, End.CLIENT_GONE):
        return None
    return None if reason is not None and BLAME[reason] is Blame.CALLER else False


def fold_outcome(window: Window, now: float, span: Span, good: bool, duration_s: float) -> Window:
    """Add one outcome at `now` and drop the slots that are too old."""
    number = int(now // span.slot_s)
    slots = window.slots
    if slots and slots[-1].number == number and slots[0].number > (now - span.window_s) // span.slot_s:
        *older, last = slots
        good_s = last.good_s + duration_s if good else last.good_s
        newest = Slot(number=number, good=last.good + good, bad=last.bad + (not good), good_s=good_s)
        return Window(slots=(*older, newest))
    newest = Slot(number=number, good=int(good), bad=int(not good), good_s=duration_s if good else 0.0)
    return Window(slots=(*_recent(window, now, span), newest))


def score_window(window: Window, now: float, span: Span) -> Score:
    """Sum up what is left of the window at `now`."""
    slots = _recent(window, now, span)
    good = bad = 0
    good_weight = bad_weight = good_s = 0.0
    for slot in slots:
        weight = _weight(slot, now, span)
        good += slot.good
        bad += slot.bad
        good_weight += weight * slot.good
        bad_weight += weight * slot.bad
        good_s += slot.good_s
    return Score(
        health=(good_weight + PRIOR) / (good_weight + bad_weight + PRIOR),
        success_rate=good / (good + bad) if good + bad else None,
        avg_response_ms=1000.0 * good_s / good if good else None,
        counted=good + bad,
    )


def is_empty(window: Window, now: float, span: Span) -> bool:
    """Whether nothing is left of the window at `now`."""
    return not window.slots or not _recent(window, now, span)


def _recent(window: Window, now: float, span: Span) -> tuple[Slot, ...]:
    oldest = int((now - span.window_s) // span.slot_s)
    if not window.slots or window.slots[0].number > oldest:
        return window.slots
    return tuple(slot for slot in window.slots if slot.number > oldest)


def _weight(slot: Slot, now: float, span: Span) -> float:
    """A slot's weight by its age, which counts from the slot's end: everything of the current slot is of now."""
    age_s = max(0.0, now - (slot.number + 1) * span.slot_s)
    return float(0.5 ** (age_s / span.half_life_s))
