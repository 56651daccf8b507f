"""Headers of answers: which of a provider's a caller may see, how long they ask to wait, and those of our own errors.

All of a provider's other headers stay inside: they name accounts, cookies and hops.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from router.errors import BLAME, Blame, GatewayError, Reason, Refused, Standing, UpstreamFailed

_NAMES = frozenset({"retry-after", "retry-after-ms", "request-id", "openai-processing-ms", "openai-version"})
_PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-")

_FIT = re.compile(r"[\x20-\x7e]{1,200}")
"""What a provider's header may say to be shown. A control character ends the caller's connection, and a value of
kilobytes is more than many clients read."""

_MOST_SHOWN = 32

_MOST_LOST = 2000
"""Characters of `x-router-lost`: many proxies refuse a head of more than 8 KiB."""

_UNFIT = re.compile(r"[^\x21-\x7e]|,")
"""What a name may not bring into a header."""


def shown_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Rate limits, waiting times and the provider's own request id, in the order they came; names are lower-case.

    The provider's `x-request-id` is shown as `x-provider-request-id`, since `x-request-id` is ours.
    """
    shown = [(name, value) for name, value in headers.items() if name in _NAMES or name.startswith(_PREFIXES)]
    if "x-request-id" in headers:
        shown.append(("x-provider-request-id", headers["x-request-id"]))
    return tuple(pair for pair in shown[:_MOST_SHOWN] if _FIT.fullmatch(pair[1]))


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, never negative: `retry-after-ms` where it is above 0, else `retry-after`, a number or a date."""
    wait_ms = _number(headers.get("retry-after-ms"))
    if wait_ms:
        return wait_ms / 1000
    said = headers.get("retry-after")
    wait_s = _number(said)
    if wait_s is not None or said is None:
        return wait_s
    try:
        return max(parsedate_to_datetime(said).timestamp() - now, 0.0)
    except (ValueError, TypeError, OverflowError):
        return None


def _number(said: str | None) -> float | None:
    try:
        value = float(said or "")
    except ValueError:
        return None
    return max(value, 0.0) if math.isfinite(value) else None


def lost_header(lost: Iterable[str]) -> str:
    """What translation could not say, as one header: paths hold names that callers choose, and may be thousands."""
    named: list[str] = []
    room = _MOST_LOST
    paths = tuple(dict.fromkeys(lost))
    for path in paths:
        word = _UNFIT.sub("?", path)
        room -= len(word) + 2
        if room < 0:
            return ", ".join((*named, f"and {len(paths) - len(named)} more"))
        named.append(word)
    return ", ".join(named)


def openai_limits(standings: tuple[Standing, ...]) -> dict[str, str]:
    """A caller's limits as OpenAI says them: what is back when, as a duration.

    Source: https://platform.openai.com/docs/guides/rate-limits ("Rate limits in headers"), read 2026-11.
    """
    said: dict[str, str] = {}
    for one in standings:
        said[f"x-ratelimit-limit-{one.unit}"] = str(one.limit)
        said[f"x-ratelimit-remaining-{one.unit}"] = str(one.remaining)
        said[f"x-ratelimit-reset-{one.unit}"] = _duration(one.reset_s)
    return said


def anthropic_limits(standings: tuple[Standing, ...]) -> dict[str, str]:
    """The same as Anthropic says them: as a moment, in RFC 3339.

    Source: https://platform.claude.com/docs/en/api/rate-limits ("Response headers"), read 2026-11.
    """
    said: dict[str, str] = {}
    for one in standings:
        said[f"anthropic-ratelimit-{one.unit}-limit"] = str(one.limit)
        said[f"anthropic-ratelimit-{one.unit}-remaining"] = str(one.remaining)
        at = datetime.fromtimestamp(math.ceil(one.reset_at), UTC)
        said[f"anthropic-ratelimit-{one.unit}-reset"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return said


def _duration(seconds: float) -> str:
    """As Go writes one, which is what OpenAI sends: 1m6s, 20ms."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(math.ceil(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def fault_headers(error: GatewayError) -> tuple[tuple[str, str], ...]:
    """The headers of an error body, the same in every dialect.

    `x-should-retry: false` tells SDKs that our tries were theirs. Waiting is rounded up, or clients come too early.
    """
    headers = [("content-type", "application/json")]
    wait_s = error.retry_after_s
    fault = error.fault if isinstance(error, UpstreamFailed) else None
    if fault is not None:
        wait_s = wait_s if wait_s is not None else fault.retry_after_s
        headers += [pair for pair in fault.headers if not pair[0].startswith("retry-after")]
    if isinstance(error, UpstreamFailed) and error.injected:
        headers.append(("x-router-fault", ", ".join(error.injected)))
    if wait_s is not None:
        headers.append(("retry-after", str(max(math.ceil(wait_s), 1))))
    if _is_final(error):
        headers.append(("x-should-retry", "false"))
    return tuple(headers)


def _is_final(error: GatewayError) -> bool:
    """Whether asking again cannot help: our attempts are spent, or the state will not change by itself."""
    spent = isinstance(error, UpstreamFailed | Refused)
    return spent or error.reason is Reason.QUOTA_EXHAUSTED or BLAME[error.reason] is Blame.CALLER
