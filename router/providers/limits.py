"""A provider's rate-limit headers as data: what each counts, and in which of five ways it writes a moment.

A name may be followed by that of a parameter, as `ratelimit;r`: newer headers hold what belongs together in one value,
`"api";r=950;t=41`. Of several policies in it the first counts.

Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ (draft 9), read 2026-11.

Nothing here is guessed: a header that a kind does not name is not read. Values that say nothing (-1, a redacted text,
a limit of 0) are left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct

from router.canon.allowance import Allowance, Counted

When = Callable[[str, float], float | None]
"""(text, epoch seconds now) -> seconds from now; None for what cannot be read."""


class LimitHeader(Struct, frozen=True, kw_only=True):
    """One limit that a provider reports, by its lower-case header names.

    Args:
        limit: how much it holds.
        left: how much is left.
        reset: when it is full again; "" where there is none, and then `period_s` after the report.
        when: how `reset` is written.
        period_s: the period of a limit without a reset.
        steps: whether all comes back at once at the reset.
    """

    counts: Counted
    limit: str
    left: str
    reset: str = ""
    when: When = lambda text, _now: _positive(text)
    period_s: float = 60.0
    steps: bool = False


LimitHeaders = tuple[LimitHeader, ...]


def read_limits(headers: Mapping[str, str], known: LimitHeaders, now: float, wall_now: float) -> tuple[Allowance, ...]:
    """What the headers of an answer say.

    Args:
        headers: lower-case names.
        now: monotonic; `wall_now` is the same moment in epoch seconds.
    """
    read = (_read(headers, one, now, wall_now) for one in known if one.left.partition(";")[0] in headers)
    return tuple(allowance for allowance in read if allowance is not None)


def _read(headers: Mapping[str, str], known: LimitHeader, now: float, wall_now: float) -> Allowance | None:
    left, limit = _positive(_value(headers, known.left)), _positive(_value(headers, known.limit))
    if left is None or not limit:
        return None
    reset = _value(headers, known.reset)
    full_in_s = known.when(reset, wall_now) if reset else known.period_s
    if full_in_s is None:
        return None
    return Allowance(
        counts=known.counts,
        limit=limit,
        left=min(left, limit),
        at_s=now,
        full_at_s=now + max(0.0, full_in_s),
        steps=known.steps,
    )


def _value(headers: Mapping[str, str], name: str) -> str:
    """What a header says, or of one with parameters what the named one does; "" for nothing."""
    header, _, parameter = name.partition(";")
    said = headers.get(header, "")
    if not parameter:
        return said
    pairs = (pair.partition("=") for pair in said.partition(",")[0].split(";"))
    return next((value.strip() for key, _, value in pairs if key.strip() == parameter), "")


def seconds(text: str, _now: float) -> float | None:
    """A number of seconds."""
    return _positive(text)


_GO = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?(?:\d+(?:\.\d+)?[uµn]s)?")


def go_duration(text: str, _now: float) -> float | None:
    """A duration as Go writes it: `6m0s`, `1h2m3s`, `1.57s`, `12ms`."""
    match = _GO.fullmatch(text)
    if match is None or not text:
        return None
    hours, minutes, whole, thousandths = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + whole + thousandths / 1000


def moment(text: str, now: float) -> float | None:
    """A moment as RFC 3339 writes it; one without a zone is no moment."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if at.tzinfo is None else at.timestamp() - now


def epoch_ms(text: str, now: float) -> float | None:
    """A moment in milliseconds since 1970."""
    value = _positive(text)
    return None if value is None else value / 1000 - now


def _positive(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def ratelimit(counts: Counted, stem: str, when: When, *, steps: bool = False) -> LimitHeader:
    """A limit whose three headers are `x-ratelimit-{limit,remaining,reset}-` and `stem`."""
    return LimitHeader(
        counts=counts,
        limit=f"x-ratelimit-limit-{stem}",
        left=f"x-ratelimit-remaining-{stem}",
        reset=f"x-ratelimit-reset-{stem}",
        when=when,
        steps=steps,
    )


OPENAI_LIMITS = (ratelimit(Counted.REQUESTS, "requests", go_duration), ratelimit(Counted.TOKENS, "tokens", go_duration))
"""OpenAI's. A reset is when the limit is full again, not the wait for the next request.

Source: https://platform.openai.com/docs/guides/rate-limits, read 2026-10.
"""
