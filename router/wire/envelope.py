"""OpenAI's error object, which both of its protocols use: what a provider's means, and how ours is said.

A provider's error is judged by its code, then its type, then its words, then its status: the same 429 means "wait" or
"no money left", and the same 400 "your fault" or "too long for this model". How ours are said stands in one table,
`SAID`.

Source: https://platform.openai.com/docs/guides/error-codes, read 2026-10, and recorded errors of two dozen providers.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from router.errors import GatewayError, Limited, Reason, Refused, UpstreamFailed, WireFault
from router.wire.dialect import Rendered
from router.wire.headers import fault_headers, retry_after_s, shown_headers
from router.wire.members import UNREADABLE
from router.wire.words import reason_in, shown_words

_CODES: dict[str, Reason] = {
    code: reason
    for reason, codes in {
        Reason.CONTEXT_LENGTH: (
            "context_length_exceeded",
            "exceed_context_size_error",
            "token_limit_exceeded",
            "tokens_limit_reached",
            "max_tokens_exceeded",
        ),
        Reason.CONTENT_POLICY: (
            "content_policy_violation",
            "content_filter",
            "responsibleaipolicyviolation",
            "moderation",
            "guardrail",
            "data_inspection_failed",
            "bio_policy",
            "refusal",
            "image_content_policy_violation",
        ),
        Reason.QUOTA_EXHAUSTED: (
            "insufficient_quota",
            "credit_balance_exhausted",
            "billing_hard_limit_reached",
            "billing_not_active",
            "exceeded_current_quota_error",
            "insufficient_balance",
            "payment_required",
        ),
        Reason.MODEL_MISSING: (
            "model_not_found",
            "model_not_available",
            "model_deprecated",
            "model_unavailable_upstream",
            "no_endpoints",
            "free_variant_ended",
            "deploymentnotfound",
            "invalid_model",
            # llama.cpp's server, for what it was not started with; another target may have it.
            "not_supported_error",
        ),
        Reason.CREDENTIAL: (
            "invalid_api_key",
            "authentication_error",
            "authentication",
            "permission_error",
            "permission_denied",
        ),
        Reason.THROTTLED: (
            "rate_limit_exceeded",
            "rate_limit_error",
            "slow_down",
            "ratelimitreached",
            "too_many_requests",
        ),
        Reason.OVERLOADED: (
            "overloaded_error",
            "server_is_overloaded",
            "service_unavailable_error",
            "unavailable_error",
            "provider_overloaded",
            "temporarily_unavailable",
            "capacity_exceeded",
            "capacity_exhausted",
            "insufficient_system_resource",
        ),
        # Groq refuses what its own model wrote: the next try may well be right, and the caller did nothing wrong.
        Reason.MALFORMED: ("tool_use_failed", "json_validate_failed", "output_parse_failed"),
        Reason.TOO_LARGE: ("payload_too_large", "request_too_large"),
        # What the Responses API says of a request while it already streams, where no status tells whose fault it is.
        Reason.REJECTED: (
            "invalid_encrypted_content",
            "previous_response_not_found",
            "data_residency_mismatch",
            "invalid_image",
            "invalid_image_format",
            "invalid_image_mode",
            "invalid_image_url",
            "invalid_base64_image",
            "image_too_large",
            "image_too_small",
            "image_parse_error",
            "image_file_too_large",
            "image_file_not_found",
            "unsupported_image_media_type",
            "empty_image_file",
            "failed_to_download_image",
        ),
    }.items()
    for code in codes
}
"""The codes and types that mean the same whatever the status beside them, in lower case."""

_STATUSES: dict[int, Reason] = {
    401: Reason.CREDENTIAL,
    402: Reason.QUOTA_EXHAUSTED,
    403: Reason.CREDENTIAL,
    404: Reason.MODEL_MISSING,
    408: Reason.SERVER_ERROR,
    409: Reason.SERVER_ERROR,
    413: Reason.TOO_LARGE,
    424: Reason.SERVER_ERROR,
    425: Reason.SERVER_ERROR,
    429: Reason.THROTTLED,
    498: Reason.OVERLOADED,
    499: Reason.SERVER_ERROR,
    503: Reason.OVERLOADED,
    529: Reason.OVERLOADED,
}

_VAGUE_TYPES: dict[str, Reason] = {
    "invalid_request_error": Reason.REJECTED,
    "invalid_request": Reason.REJECTED,
    "badrequesterror": Reason.REJECTED,
    "invalid_prompt": Reason.REJECTED,
}
"""Types that only count when nothing else does: providers put them on everything."""


class _Words(Struct, frozen=True):
    """An error body of any shape. `labels` are its codes and types, lower-case; `hidden` judges but is never shown."""

    message: str
    labels: tuple[str, ...] = ()
    code: str | None = None
    status: int | None = None
    hidden: str = ""


def decode_fault(status: int, headers: dict[str, str], body: bytes, now: float) -> WireFault:
    """The fault an error answer means.

    Args:
        status: 400 and above; anything else that got here cannot be read as an answer.
        headers: lower-case names.
        body: the whole error body; HTML in it is never quoted.
        now: epoch seconds, for a Retry-After that is a date.
    """
    words = _read(body, status)
    reason = _judge(words, status)
    return WireFault(
        reason,
        shown_words(reason, words.message),
        status=status,
        retry_after_s=retry_after_s(headers, now),
        code=words.code,
        headers=shown_headers(headers),
    )


def fault_inside(raw: msgspec.Raw | bytes) -> WireFault:
    """The fault of an error object that came inside a 200, whole or in a stream; its own code may be an HTTP status."""
    words = _from_json(_parsed(bytes(raw)))
    reason = _judge(words, words.status)
    return WireFault(reason, shown_words(reason, words.message), code=words.code)


def _judge(words: _Words, status: int | None) -> Reason:
    if status == 413 and "rate_limit_exceeded" in words.labels:
        # Groq: one request above the minute's tokens; waiting never helps.
        return Reason.TOO_LARGE
    for label in words.labels:
        if label in _CODES:
            return _CODES[label]
    if status is None or status < 500 or "input is too large to process" in words.message:
        said = reason_in(words.message, words.hidden)
        if said is not None:
            return said
    return _by_status(words, status)


def _by_status(words: _Words, status: int | None) -> Reason:
    if status in _STATUSES:
        return _STATUSES[status]
    if status is None:
        return next((_VAGUE_TYPES[label] for label in words.labels if label in _VAGUE_TYPES), Reason.SERVER_ERROR)
    if status >= 500:
        return Reason.SERVER_ERROR
    return Reason.REJECTED if status >= 400 else Reason.MALFORMED


def _read(body: bytes, status: int) -> _Words:
    text = body.strip()
    if text[:1] in (b"{", b"["):
        return _from_json(_parsed(text))
    if not text or text[:1] == b"<" or b"<html" in text[:1000].lower():
        return _Words(message=f"the provider answered with status {status} and {'a web page' if text else 'no body'}")
    return _Words(message=text.decode("utf-8", "replace"))


def _parsed(text: bytes) -> object:
    try:
        parsed: object = msgspec.json.decode(text)
    except UNREADABLE:
        return {}
    return parsed[0] if isinstance(parsed, list) and parsed else parsed


def _from_json(body: object) -> _Words:
    """Find the words: in OpenAI's envelope, a flat object, FastAPI's `detail`, xAI's or LM Studio's bare string."""
    if isinstance(body, str):
        return _Words(message=body)
    if not isinstance(body, dict):
        return _Words(message="the provider sent an error without words")
    error = body.get("error")
    inner = error if isinstance(error, dict) else body
    metadata = inner.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    deeper = inner.get("innererror")
    offered = inner.get("availability")
    found = (
        inner.get("code"),
        metadata.get("error_type"),
        inner.get("error_type"),
        deeper.get("code") if isinstance(deeper, dict) else None,
        offered.get("code") if isinstance(offered, dict) else None,
        inner.get("type"),
    )
    said = error if isinstance(error, str) else inner.get("message") or inner.get("detail") or inner.get("msg")
    message = said or "the provider gave no reason"
    code = inner.get("code")
    return _Words(
        message=message if isinstance(message, str) else msgspec.json.encode(message).decode(),
        labels=tuple(label.lower() for label in found if isinstance(label, str)),
        code=None if code is None else str(code),
        status=_status_of(inner.get("status_code"), inner.get("http_status"), code, inner.get("status")),
        hidden=str(metadata.get("raw") or ""),
    )


def _status_of(*candidates: object) -> int | None:
    """The first that is an HTTP error status, as a number or as digits."""
    for candidate in candidates:
        digits = str(candidate)
        if digits.isdecimal() and 400 <= int(digits) < 600:
            return int(digits)
    return None


SAID: dict[Reason, tuple[int, str, str]] = {
    Reason.REJECTED: (400, "invalid_request_error", "invalid_request"),
    Reason.TOO_LARGE: (413, "invalid_request_error", "request_too_large"),
    Reason.UNKNOWN_MODEL: (404, "invalid_request_error", "model_not_found"),
    Reason.CONTEXT_LENGTH: (400, "invalid_request_error", "context_length_exceeded"),
    Reason.CONTENT_POLICY: (400, "invalid_request_error", "content_policy_violation"),
    Reason.INEXPRESSIBLE: (400, "invalid_request_error", "unsupported_parameter"),
    Reason.THREAD_MISSING: (400, "invalid_request_error", "previous_response_not_found"),
    Reason.KEY_REUSED: (422, "invalid_request_error", "idempotency_key_reused"),
    Reason.CLIENT_GONE: (499, "invalid_request_error", "client_closed_request"),
    Reason.DEADLINE: (504, "timeout_error", "deadline_exceeded"),
    Reason.CREDENTIAL: (502, "upstream_error", "provider_credential"),
    Reason.MODEL_MISSING: (502, "upstream_error", "provider_model_missing"),
    Reason.BREAKER_OPEN: (503, "service_unavailable_error", "providers_unavailable"),
    Reason.BUSY: (429, "rate_limit_error", "rate_limit_exceeded"),
    Reason.NO_TARGET: (503, "service_unavailable_error", "no_target"),
    Reason.SHUTTING_DOWN: (503, "service_unavailable_error", "shutting_down"),
    Reason.PART_DOWN: (503, "service_unavailable_error", "unavailable"),
    Reason.INTERNAL: (500, "server_error", "internal_error"),
    Reason.SUPERSEDED: (500, "server_error", "internal_error"),
    Reason.DIVERGED: (502, "upstream_error", "provider_diverged"),
    Reason.CONNECT: (502, "upstream_error", "provider_unreachable"),
    Reason.CONNECT_TIMEOUT: (504, "upstream_error", "provider_timeout"),
    Reason.FIRST_BYTE_TIMEOUT: (504, "upstream_error", "provider_timeout"),
    Reason.FIRST_TOKEN_TIMEOUT: (504, "upstream_error", "provider_timeout"),
    Reason.IDLE_TIMEOUT: (504, "upstream_error", "provider_timeout"),
    Reason.TOTAL_TIMEOUT: (504, "upstream_error", "provider_timeout"),
    Reason.TOO_SLOW: (504, "upstream_error", "provider_timeout"),
    Reason.SERVER_ERROR: (502, "upstream_error", "provider_error"),
    Reason.CUT_STREAM: (502, "upstream_error", "provider_cut_stream"),
    Reason.MALFORMED: (502, "upstream_error", "provider_malformed"),
    Reason.EMPTY_ANSWER: (502, "upstream_error", "provider_empty_answer"),
    Reason.CRASHED: (502, "upstream_error", "provider_crashed"),
    Reason.THROTTLED: (429, "rate_limit_error", "provider_rate_limited"),
    Reason.OVERLOADED: (503, "service_unavailable_error", "provider_overloaded"),
    Reason.QUOTA_EXHAUSTED: (503, "service_unavailable_error", "provider_quota_exhausted"),
}
"""Reason -> (status, type, code), for whatever class of error carries it.

A provider that refuses the gateway's credential is a 502, never a 401: the caller's key is good, and clients drop keys
on a 401. A provider where the gateway's money is spent is a 503, not a 402 or 429: the caller neither owes nor hurries.
The caller's own key and budget are the exceptions below. 502 is what a provider did, 504 what it did not do in time.
"""

_SAID_TO_CALLER: dict[tuple[type[GatewayError], Reason], tuple[int, str, str]] = {
    (Refused, Reason.CREDENTIAL): (401, "authentication_error", "invalid_api_key"),
    (Refused, Reason.MODEL_MISSING): (404, "invalid_request_error", "model_not_found"),
    (Limited, Reason.QUOTA_EXHAUSTED): (429, "insufficient_quota", "budget_exceeded"),
    (Limited, Reason.THROTTLED): (429, "rate_limit_error", "rate_limit_exceeded"),
}
"""Where the class changes what a reason means: these are about the caller's own key, budget and limits."""

_PROVIDERS_WORDS = frozenset({Reason.REJECTED, Reason.CONTEXT_LENGTH, Reason.CONTENT_POLICY})
"""The caller's faults that a provider found: it says best what is wrong."""


def encode_fault(error: GatewayError) -> Rendered:
    """Status, headers and body for any of our errors."""
    return Rendered(status=status_of(error), headers=fault_headers(error), body=encode_envelope(error))


def status_of(error: GatewayError) -> int:
    """The status of any of our errors."""
    return _row(error)[0]


def encode_envelope(error: GatewayError) -> bytes:
    """OpenAI's error object as JSON, for a body or for the inside of a stream."""
    return msgspec.json.encode({"error": error_members(error)})


def error_members(error: GatewayError) -> dict[str, object]:
    """What stands inside OpenAI's error object; `metadata` is ours and tells which targets were tried."""
    _, kind, code = _row(error)
    said: dict[str, object] = {"message": error.message, "type": kind, "param": error.param, "code": code}
    if isinstance(error, UpstreamFailed):
        if error.fault is not None and error.reason in _PROVIDERS_WORDS:
            said["message"] = error.fault.message
            said["code"] = _code_said(error.fault, code)
        said["metadata"] = error.metadata
    return said


def _code_said(fault: WireFault, code: str) -> str:
    """The provider's code, if it can be one of OpenAI's: clients act on that of a full context."""
    own = fault.code or ""
    told = fault.reason is Reason.REJECTED or own.startswith("content_")
    return own if told and own.islower() and not own.isdecimal() else code


def _row(error: GatewayError) -> tuple[int, str, str]:
    return _SAID_TO_CALLER.get((type(error), error.reason)) or SAID[error.reason]
