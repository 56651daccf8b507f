"""Errors that mean something else at one provider than everywhere else, as data beside its kind."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec.structs import replace

from router.errors import Reason, WireFault
from router.wire.dialect import Dialect
from router.wire.words import scrubbed

_MOST_BYTES = 8192
"""As much of an error's body as is searched: its code stands at the beginning."""


def judging(dialect: Dialect, *rules: tuple[Reason, str], statuses: Mapping[int, Reason] | None = None) -> Dialect:
    """The dialect with this provider's own errors read first.

    Args:
        rules: what an error means whose body, below status 500, holds this regular expression; the first match counts.
        statuses: what a status means of which nothing else is known, where the dialect would blame the caller.
    """
    compiled = tuple((reason, re.compile(pattern.encode(), re.I)) for reason, pattern in rules)

    def decode_fault(status: int, headers: dict[str, str], body: bytes, now: float) -> WireFault:
        """As the dialect's, but for what `rules` say."""
        fault = dialect.decode_fault(status, headers, body, now)
        found = ((reason, pattern.search(body[:_MOST_BYTES])) for reason, pattern in compiled)
        reason, match = next(((reason, match) for reason, match in found if match), (fault.reason, None))
        words = fault.message if match is None else f"the provider said {scrubbed(match[0].decode('utf-8', 'replace'))}"
        if match is None and fault.reason is Reason.REJECTED:
            reason = (statuses or {}).get(status, reason)
        if reason is fault.reason or status >= 500:
            return fault
        return WireFault(
            reason,
            words,
            status=status,
            retry_after_s=fault.retry_after_s,
            code=fault.code,
            headers=fault.headers,
        )

    return replace(dialect, decode_fault=decode_fault)
