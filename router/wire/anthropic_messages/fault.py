"""Errors: what Anthropic's mean, and how ours are said in its words.

An error is judged by its type, but `invalid_request_error` and `rate_limit_error` stand on several things: there the
words tell. Servers that imitate the protocol, and platforms in front of it, answer in other envelopes; those are read
as OpenAI's are. How ours are said stands in one table, `SAID`.

Source: https://platform.claude.com/docs/en/api/errors and /api/rate-limits, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from msgspec import Raw

from router.errors import GatewayError, Limited, Reason, Refused, UpstreamFailed, WireFault
from router.wire import envelope
from router.wire.anthropic_messages.schema import ENCODER, ERROR, ErrorInside
from router.wire.dialect import Rendered
from router.wire.headers import fault_headers, retry_after_s, shown_headers
from router.wire.members import UNREADABLE
from router.wire.words import reason_in, shown_words

_TYPES: dict[str, Reason] = {
    "authentication_error": Reason.CREDENTIAL,
    "permission_error": Reason.CREDENTIAL,
    "billing_error": Reason.QUOTA_EXHAUSTED,
    "not_found_error": Reason.MODEL_MISSING,
    "request_too_large": Reason.TOO_LARGE,
    "rate_limit_error": Reason.THROTTLED,
    "overloaded_error": Reason.OVERLOADED,
    "conflict_error": Reason.SERVER_ERROR,
    "timeout_error": Reason.SERVER_ERROR,
    "api_error": Reason.SERVER_ERROR,
    "invalid_request_error": Reason.REJECTED,
}
"""Anthropic's own types; an error of any other type is read as OpenAI's."""

_WORDY = frozenset({"invalid_request_error", "rate_limit_error", "permission_error", "billing_error"})
"""The types whose words may mean something else. A request causes these; words in the others are the server's woes."""

_SPENT = re.compile(
    r"reached your specified .{0,40}usage limits?|(?:monthly|workspace) .{0,30}(?:spend|usage|limit)"
    r"|spend(?:ing)? limit|credit balance|extra usage is required",
    re.I,
)
"""How Anthropic says that money is spent, which it says with a 400 or a 429."""

_CONTEXT = re.compile(r"prompt is too long|exceed context limit|exceeds? the context window", re.I)
"""The words for a conversation that does not fit; Claude Code looks for them and makes it shorter."""

_LIMIT = re.compile(r"anthropic-ratelimit-(?P<what>[a-z-]+)-remaining")

_OPENAI_COUNTS = re.compile(
    r"maximum context length is (?P<most>\d+) tokens.{0,120}?\((?P<prompt>\d+) in the messages, "
    r"(?P<answer>\d+) in the completion",
    re.S,
)


def decode_fault(status: int, headers: dict[str, str], body: bytes, now: float) -> WireFault:
    """The fault an error answer means.

    Args:
        status: 400 and above; anything else that got here cannot be read as an answer.
        headers: lower-case names.
        body: the whole error body; HTML in it is never quoted.
        now: epoch seconds, for waiting times that are dates.
    """
    error = _own(body)
    if error is None or status < 400:
        fault = envelope.decode_fault(status, headers, body, now)
        reason, message, code = fault.reason, fault.message, fault.code
    else:
        reason, code = _judge(error), None
        message = shown_words(reason, error.message)
    wait_s = retry_after_s(headers, now)
    if wait_s is None and reason is Reason.THROTTLED:
        wait_s = _until_reset_s(headers, now)
    return WireFault(reason, message, status=status, retry_after_s=wait_s, code=code, headers=shown_headers(headers))


def fault_inside(raw: Raw | bytes) -> WireFault:
    """The fault of an error object that came inside a 200, whole or in a stream."""
    error = _own(bytes(raw))
    if error is None:
        return envelope.fault_inside(raw)
    reason = _judge(error)
    return WireFault(reason, shown_words(reason, error.message))


def _own(body: bytes) -> ErrorInside | None:
    """The error in Anthropic's envelope, if it is one."""
    try:
        error = ERROR.decode(body).error
    except UNREADABLE:
        return None
    return error if error.type in _TYPES else None


def _judge(error: ErrorInside) -> Reason:
    if error.type in _WORDY and _SPENT.search(error.message):
        return Reason.QUOTA_EXHAUSTED
    if error.type == "invalid_request_error":
        if _CONTEXT.search(error.message):
            return Reason.CONTEXT_LENGTH
        return reason_in(error.message) or Reason.REJECTED
    return _TYPES[error.type]


def _until_reset_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until the last of the limits that are used up is full again; None where no header says."""
    resets = [
        headers.get(f"anthropic-ratelimit-{found['what']}-reset")
        for name, left in headers.items()
        if left.strip() == "0" and (found := _LIMIT.fullmatch(name))
    ]
    if headers.get("anthropic-ratelimit-unified-status") == "rejected":
        resets.append(headers.get("anthropic-ratelimit-unified-reset"))
    waits = [at - now for at in map(_epoch_s, resets) if at is not None]
    return max(max(waits), 0.0) if waits else None


def _epoch_s(said: str | None) -> float | None:
    """A time, given as RFC 3339 or as epoch seconds."""
    if said is None:
        return None
    if said.isdecimal() and len(said) <= 12:
        return float(said)
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return None
    return at.timestamp() if at.tzinfo is not None else None


SAID: dict[Reason, tuple[int, str]] = {
    Reason.REJECTED: (400, "invalid_request_error"),
    Reason.TOO_LARGE: (413, "request_too_large"),
    Reason.UNKNOWN_MODEL: (404, "not_found_error"),
    Reason.CONTEXT_LENGTH: (400, "invalid_request_error"),
    Reason.CONTENT_POLICY: (400, "invalid_request_error"),
    Reason.INEXPRESSIBLE: (400, "invalid_request_error"),
    Reason.THREAD_MISSING: (400, "invalid_request_error"),
    Reason.KEY_REUSED: (422, "invalid_request_error"),
    Reason.CLIENT_GONE: (499, "invalid_request_error"),
    Reason.DEADLINE: (504, "timeout_error"),
    Reason.CREDENTIAL: (502, "api_error"),
    Reason.MODEL_MISSING: (502, "api_error"),
    Reason.BREAKER_OPEN: (503, "overloaded_error"),
    Reason.BUSY: (429, "rate_limit_error"),
    Reason.NO_TARGET: (503, "overloaded_error"),
    Reason.SHUTTING_DOWN: (503, "overloaded_error"),
    Reason.PART_DOWN: (503, "overloaded_error"),
    Reason.INTERNAL: (500, "api_error"),
    Reason.SUPERSEDED: (500, "api_error"),
    Reason.DIVERGED: (502, "api_error"),
    Reason.CONNECT: (502, "api_error"),
    Reason.CONNECT_TIMEOUT: (504, "timeout_error"),
    Reason.FIRST_BYTE_TIMEOUT: (504, "timeout_error"),
    Reason.FIRST_TOKEN_TIMEOUT: (504, "timeout_error"),
    Reason.IDLE_TIMEOUT: (504, "timeout_error"),
    Reason.TOTAL_TIMEOUT: (504, "timeout_error"),
    Reason.TOO_SLOW: (504, "timeout_error"),
    Reason.SERVER_ERROR: (502, "api_error"),
    Reason.CUT_STREAM: (502, "api_error"),
    Reason.MALFORMED: (502, "api_error"),
    Reason.EMPTY_ANSWER: (502, "api_error"),
    Reason.CRASHED: (502, "api_error"),
    Reason.THROTTLED: (429, "rate_limit_error"),
    Reason.OVERLOADED: (529, "overloaded_error"),
    Reason.QUOTA_EXHAUSTED: (503, "api_error"),
}
"""Reason -> (status, type), for whatever class of error carries it. The types are those that clients know, no others.

The statuses are those of the other dialects, for the reasons given there, but for an overloaded provider: Anthropic's
clients know a status of its own for that, and wait for it to pass.
"""

_SAID_TO_CALLER: dict[tuple[type[GatewayError], Reason], tuple[int, str]] = {
    (Refused, Reason.CREDENTIAL): (401, "authentication_error"),
    (Refused, Reason.MODEL_MISSING): (404, "not_found_error"),
    (Limited, Reason.QUOTA_EXHAUSTED): (402, "billing_error"),
}
"""Where the class changes what a reason means: these are about the caller's own key and budget."""

_PROVIDERS_WORDS = frozenset({Reason.REJECTED, Reason.CONTEXT_LENGTH, Reason.CONTENT_POLICY})
"""The caller's faults that a provider found: it says best what is wrong, and clients match its words."""

_ID_SLOT = b'"request_id":null}'


def encode_fault(error: GatewayError) -> Rendered:
    """Status, headers and body for any of our errors."""
    status, _ = _row(error)
    return Rendered(status=status, headers=fault_headers(error), body=encode_envelope(error))


def encode_envelope(error: GatewayError) -> bytes:
    """Anthropic's error object as JSON, for a body or for the inside of a stream; `with_request_id` fills its slot."""
    _, kind = _row(error)
    said: dict[str, object] = {"type": kind, "message": _message(error)}
    if isinstance(error, UpstreamFailed):
        said["metadata"] = error.metadata
    return ENCODER.encode({"type": "error", "error": said, "request_id": None})


def with_request_id(body: bytes, request_id: str) -> bytes:
    """An error object with the request's id in its slot; anything else as it is."""
    if not body.endswith(_ID_SLOT):
        return body
    return b'%b"request_id":%b}' % (body.removesuffix(_ID_SLOT), ENCODER.encode(request_id))


def _row(error: GatewayError) -> tuple[int, str]:
    return _SAID_TO_CALLER.get((type(error), error.reason)) or SAID[error.reason]


def _message(error: GatewayError) -> str:
    fault = error.fault if isinstance(error, UpstreamFailed) else None
    message = fault.message if fault is not None and error.reason in _PROVIDERS_WORDS else error.message
    if error.reason is not Reason.CONTEXT_LENGTH or _CONTEXT.search(message):
        return message
    return _too_long(message)


def _too_long(message: str) -> str:
    """Another provider's words for a full context, in those that Anthropic's clients act on."""
    found = _OPENAI_COUNTS.search(message)
    if found is None:
        return f"prompt is too long: {message}"
    most, prompt, answer = (int(found[name]) for name in ("most", "prompt", "answer"))
    if prompt >= most:
        return f"prompt is too long: {prompt} tokens > {most} maximum"
    return (
        f"input length and `max_tokens` exceed context limit: {prompt} + {answer} > {most}, "
        "decrease input length or `max_tokens` and try again"
    )
