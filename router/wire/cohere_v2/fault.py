"""What Cohere's errors mean, a status and a sentence under `message`, and how ours are said to its clients.

498 is no matter of credentials, whatever its name in the SDK (InvalidToken): a token of the text is on a deny list. The
same words, "too many tokens", stand for a prompt that does not fit and for a `max_tokens` that no model has.

Source: https://docs.cohere.com/reference/errors, read 2026-11, and cohere-python 7.0.9, `core/http_client.py`.
"""

from __future__ import annotations

import math
import re

from msgspec import Raw

from router.errors import GatewayError, Reason, WireFault
from router.wire.complaint import Complaints
from router.wire.dialect import Rendered
from router.wire.envelope import error_members, status_of
from router.wire.headers import fault_headers
from router.wire.members import ENCODER

COMPLAINTS = Complaints(
    words=(
        (Reason.REJECTED, re.compile(r"max[_ ]tokens must be less than or equal", re.I)),
        (Reason.QUOTA_EXHAUSTED, re.compile(r"maximum billing reached|payment method|calls ?/ ?month", re.I)),
        (Reason.CONTENT_POLICY, re.compile(r"blocked (?:input|output)", re.I)),
        (Reason.MODEL_MISSING, re.compile(r"not ready for serving|finetuned model \S+ not found", re.I)),
    ),
    statuses={
        401: Reason.CREDENTIAL,
        402: Reason.QUOTA_EXHAUSTED,
        403: Reason.CREDENTIAL,
        404: Reason.MODEL_MISSING,
        408: Reason.SERVER_ERROR,
        409: Reason.SERVER_ERROR,
        413: Reason.TOO_LARGE,
        429: Reason.THROTTLED,
        498: Reason.CONTENT_POLICY,
        499: Reason.SERVER_ERROR,
        501: Reason.REJECTED,
        503: Reason.OVERLOADED,
        529: Reason.OVERLOADED,
    },
    plain=frozenset({401, 402, 403, 498, 499, 500, 501, 502, 503, 504, 529}),
)


def decode_fault(status: int, headers: dict[str, str], body: bytes, now: float) -> WireFault:
    """The fault an error answer means.

    Args:
        status: 400 and above; anything else that got here cannot be read as an answer.
        headers: lower-case names.
        body: the whole error body; HTML in it is never quoted.
        now: epoch seconds, for waiting times that are dates.
    """
    fault = COMPLAINTS.fault(status, headers, body, now)
    if fault.retry_after_s is None and status == 429:
        fault.retry_after_s = _until_reset_s(headers.get("x-ratelimit-reset"), now)
    return fault


def fault_inside(body: bytes) -> WireFault:
    """The fault of an error object that came inside a 200."""
    return COMPLAINTS.inside(Raw(body))


def encode_fault(error: GatewayError) -> Rendered:
    """Status, headers and body for any of our errors: Cohere's clients read `message` alone; the rest is ours."""
    said = error_members(error)
    body = {"message": said.pop("message"), **{name: value for name, value in said.items() if value is not None}}
    return Rendered(status=status_of(error), headers=fault_headers(error), body=ENCODER.encode(body))


def _until_reset_s(reset: str | None, now: float) -> float | None:
    """Seconds until the epoch second at which the limit begins anew; None for one that is past or no number."""
    try:
        wait_s = float(reset or "") - now
    except ValueError:
        return None
    return wait_s if math.isfinite(wait_s) and wait_s > 0 else None
