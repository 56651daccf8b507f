"""Whether an attempt may go: a key and a slot of its provider's pace, then its circuit's word.

Why not is told as an `Unsent`. Nothing is given back here: pace and breaker watch the job that they let go.
"""

from __future__ import annotations

import math

from actors.messages import Busy, Open, Unsent
from actors.runtime import AskFailed
from router.errors import Reason
from router.policy.lanes import Demand, Lane, LaneRules, Shut, choose_lane

_SHUT: dict[Shut, tuple[Reason, str]] = {
    Shut.QUIET: (Reason.THROTTLED, "it asked for quiet"),
    Shut.RATE: (Reason.THROTTLED, "its limit of requests or tokens is spent"),
    Shut.SLOTS: (Reason.BUSY, "it is at its limit of requests"),
    Shut.HELD_BACK: (Reason.BUSY, "it refuses most requests, and this one is held back"),
    Shut.REFUSED: (Reason.CREDENTIAL, "it has refused the configured key"),
    Shut.EXHAUSTED: (Reason.QUOTA_EXHAUSTED, "its account is empty"),
}
"""Why an attempt may not go. What passes at a known time is waited for; all else sends callers away."""

_BY_KEY = frozenset({Reason.THROTTLED, Reason.CREDENTIAL, Reason.QUOTA_EXHAUSTED})
"""What a provider refuses to one key and perhaps not to another."""


def turned_away(word: Busy | Open) -> Unsent:
    """Why an attempt may not go, by the word of its pace or its circuit."""
    if isinstance(word, Open):
        return Unsent(Reason.BREAKER_OPEN, "it is resting after failures", retry_after_s=word.retry_after_s)
    reason, why = _SHUT[word.why]
    wait_s = word.retry_after_s if math.isfinite(word.retry_after_s) else None
    return Unsent(reason, why, retry_after_s=wait_s)


def unanswered(error: AskFailed) -> Unsent:
    """Of a unit that does not say whether it may go."""
    return Unsent(Reason.BUSY, f"its unit cannot take requests now ({type(error).__name__})")


def has_spare(lanes: tuple[Lane, ...], demand: Demand, reason: Reason, now: float) -> bool:
    """Whether what was refused to the keys that `demand` avoids may go at once by another."""
    if len(lanes) < 2 or reason not in _BY_KEY:
        return False
    opening = choose_lane(lanes, demand, now, LaneRules())
    return opening.why is None and opening.key not in demand.avoid
