"""What a recorded error means, read as an operator would read it: by what it says, then by its status.

Plain words and no table of the product: where the two differ, somebody must read the error and say who is right.
"""

from __future__ import annotations

import json
import re
from typing import Any

_WORDS = (
    ("context_length", r"context length|context window|prompt (is )?too long"),
    ("quota_exhausted", r"insufficient_quota|exceeded your current quota|credit balance|out of credits"),
    ("content_policy", r"usage guidelines|content policy|safety_check"),
    ("malformed", r"tool_use_failed|json_validate_failed|MALFORMED_FUNCTION_CALL"),
)

_STATUSES = {
    400: "rejected",
    401: "credential",
    402: "quota_exhausted",
    403: "credential",
    404: "model_missing",
    413: "too_large",
    422: "rejected",
    429: "throttled",
    500: "server_error",
    502: "server_error",
    503: "overloaded",
    529: "overloaded",
}

_NAMES = {
    "throttlingexception": "throttled",
    "serviceunavailableexception": "overloaded",
    "validationexception": "rejected",
    "overloaded_error": "overloaded",
    "rate_limit_error": "throttled",
    "rate_limit_exceeded": "throttled",
}
"""Names of errors that come inside streams, where no status tells."""


def why(error: Any, status: int | None = None) -> str:
    """The reason in one word.

    Args:
        error: as JSON, or as text where it is none.
        status: of the answer; an error inside a 200 may hold a number of its own, which counts then.
    """
    text = error if isinstance(error, str) else json.dumps(error)
    code = status if status is not None else _inner_status(error)
    if code is None or code < 500:
        for reason, words in _WORDS:
            if re.search(words, text, re.I):
                return reason
    named = next((reason for name, reason in _NAMES.items() if name in text.lower()), None)
    return _STATUSES.get(code or 0) or named or "server_error"


def _inner_status(error: Any) -> int | None:
    held = error if isinstance(error, dict) else {}
    for name in ("status_code", "code", "http_status"):
        if str(held.get(name)).isdecimal():
            return int(held[name])
    return None
