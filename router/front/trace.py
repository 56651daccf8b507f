"""W3C trace context, the part we need.

Source: https://www.w3.org/TR/trace-context/ section 3.2, read 2026-11.
"""

from __future__ import annotations

import re

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")


def decode_traceparent(value: str | None) -> tuple[str, str] | None:
    """(trace id, parent span id) of a `traceparent` header; None when it is absent or not valid, as the standard
    asks."""
    found = _TRACEPARENT.fullmatch(value.strip()) if value else None
    return (found[1], found[2]) if found else None
