"""Whether an attempt may go: a key and a slot of its provider's pace, then its circuit's word.

Why not is told as an `Unsent`. Nothing is given back here: pace and breaker watch the job that they let go.
"""

from __future__ import annotations

import math
from typing import Any

from actors.messages import Acquire, Acquired, Knock, LetThrough, Unsent
from actors.runtime import ActorDead, AskTimeout, MailboxFull, Ref
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


async def slot_of(pace: Ref, wish: Acquire, timeout_s: float) -> Acquired:
    """A key and a slot, at once or when it is its turn. Raises `Unsent`."""
    word = await _ask(pace, wish, timeout_s)
    if isinstance(word, Acquired):
        return word
    reason, why = _SHUT[word.why]
    wait_s = word.retry_after_s if math.isfinite(word.retry_after_s) else None
    raise Unsent(reason, why, retry_after_s=wait_s)


async def passage_of(breaker: Ref, knock: Knock, timeout_s: float) -> LetThrough:
    """The circuit's leave, perhaps as its probe. Raises `Unsent`."""
    word = await _ask(breaker, knock, timeout_s)
    if isinstance(word, LetThrough):
        return word
    raise Unsent(Reason.BREAKER_OPEN, "it is resting after failures", retry_after_s=word.retry_after_s)


def has_spare(lanes: tuple[Lane, ...], demand: Demand, reason: Reason, now: float) -> bool:
    """Whether what was refused to the keys that `demand` avoids may go at once by another."""
    if len(lanes) < 2 or reason not in _BY_KEY:
        return False
    opening = choose_lane(lanes, demand, now, LaneRules())
    return opening.why is None and opening.key not in demand.avoid


async def _ask(ref: Ref, message: Acquire | Knock, timeout_s: float) -> Any:
    try:
        return await ref.ask(message, timeout_s=timeout_s)
    except (ActorDead, AskTimeout, MailboxFull) as error:
        raise Unsent(Reason.BUSY, f"its unit cannot take requests now ({type(error).__name__})") from error
