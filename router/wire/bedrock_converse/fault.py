"""Errors: what AWS's exceptions mean, as the answer to a call and inside a stream, where only their names differ.

An exception is judged by its name; `ValidationException` stands on everything, so there the words tell. Names are
`Pascal` in answers and `camel` in streams, and may have a namespace before and a URL behind them.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors
and botocore 1.44.5, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from router.errors import Reason, WireFault
from router.wire.bedrock_converse.schema import ERROR, ErrorBody
from router.wire.headers import retry_after_s, shown_headers
from router.wire.members import UNREADABLE
from router.wire.words import reason_in, shown_words

_CODES: dict[str, Reason] = {
    code: reason
    for reason, codes in {
        Reason.CREDENTIAL: (
            "accessdeniedexception",
            "unrecognizedclientexception",
            "expiredtokenexception",
            "expiredtoken",
            "invalidsignatureexception",
            "signaturedoesnotmatch",
            "incompletesignature",
            "incompletesignatureexception",
            "invalidclienttokenid",
            "missingauthenticationtoken",
            "missingauthenticationtokenexception",
            "notauthorized",
            "optinrequired",
        ),
        Reason.MODEL_MISSING: ("resourcenotfoundexception", "unknownoperationexception"),
        Reason.THROTTLED: ("throttlingexception", "throttledexception", "toomanyrequestsexception"),
        Reason.QUOTA_EXHAUSTED: ("servicequotaexceededexception",),
        Reason.OVERLOADED: ("serviceunavailableexception", "serviceunavailable", "modelnotreadyexception"),
        Reason.SERVER_ERROR: (
            "internalserverexception",
            "internalfailure",
            "modeltimeoutexception",
            "modelerrorexception",
            "modelstreamerrorexception",
            "conflictexception",
        ),
        Reason.TOO_LARGE: ("requestentitytoolargeexception", "requesttoolarge"),
    }.items()
    for code in codes
}
"""Exception, in lower case -> what it means; one that is not here is judged by its words, then its status."""

_WORDS: dict[str, tuple[tuple[Reason, re.Pattern[str]], ...]] = {
    "throttlingexception": ((Reason.QUOTA_EXHAUSTED, re.compile(r"tokens per day|daily", re.I)),),
    "accessdeniedexception": (
        (Reason.MODEL_MISSING, re.compile(r"access to (?:the|this) model|model access|specified model id", re.I)),
    ),
    "": (
        (
            Reason.CONTEXT_LENGTH,
            re.compile(
                r"too many total text bytes|input tokens exceeded|too many input tokens|exceeds maximum length", re.I
            ),
        ),
        (
            Reason.MODEL_MISSING,
            re.compile(r"model identifier is invalid|on-demand throughput|reached the end of its life", re.I),
        ),
        (Reason.CREDENTIAL, re.compile(r"^operation not allowed$", re.I)),
    ),
}
"""Exception -> what its words may mean instead; "" is for `ValidationException` and for errors without a name. An
account that may not use the service yet is told "Operation not allowed"."""

_ORIGINAL: dict[int, Reason] = {429: Reason.THROTTLED, 503: Reason.OVERLOADED, 529: Reason.OVERLOADED}
"""What the model's own server answered, where the exception tells."""

_STATUSES: dict[int, Reason] = {
    401: Reason.CREDENTIAL,
    403: Reason.CREDENTIAL,
    404: Reason.MODEL_MISSING,
    408: Reason.SERVER_ERROR,
    413: Reason.TOO_LARGE,
    424: Reason.SERVER_ERROR,
    429: Reason.THROTTLED,
    503: Reason.OVERLOADED,
}

_NAME = re.compile(r"(?:.*#)?(?P<name>[^:#]*)")
_ACCOUNT = re.compile(r"arn:aws[\w-]*:[^\s\"']*|\b(?:AKIA|ASIA)[A-Z0-9]{8,}")
"""Names of accounts and keys; the first also holds who was refused."""


def decode_fault(status: int, headers: dict[str, str], body: bytes, now: float) -> WireFault:
    """The fault an error answer means.

    Args:
        status: 400 and above; anything else that got here cannot be read as an answer.
        headers: lower-case names; `x-amzn-errortype` names the exception.
        body: the whole error body; HTML in it is never quoted.
        now: epoch seconds, for a Retry-After that is a date.
    """
    error = _read(body) or ErrorBody()
    message = error.message or error.Message or _wordless(status, body)
    name = _name(headers.get("x-amzn-errortype") or error.type or "")
    reason = _judge(name, message, error, status)
    return WireFault(
        reason,
        shown_words(reason, message, _ACCOUNT),
        status=status,
        retry_after_s=_wait_s(headers, now),
        code=name or None,
        headers=_shown_headers(headers),
    )


def fault_inside(name: str, body: bytes) -> WireFault:
    """The fault of an exception inside a stream or a 200, by its name and its JSON."""
    error = _read(body) or ErrorBody()
    name = _name(name or error.type or "")
    message = error.originalMessage or error.message or error.Message or f"the provider ended the answer with {name!r}"
    reason = _judge(name, message, error, None)
    return WireFault(reason, shown_words(reason, message, _ACCOUNT), code=name or None)


def _judge(name: str, message: str, error: ErrorBody, status: int | None) -> Reason:
    code = name.lower()
    for reason, pattern in _WORDS.get("" if code == "validationexception" else code, ()):
        if pattern.search(message):
            return reason
    if error.originalStatusCode in _ORIGINAL:
        return _ORIGINAL[error.originalStatusCode]
    if code in _CODES:
        return _CODES[code]
    if status is None or status < 500:
        said = reason_in(message)
        if said is not None:
            return said
    return Reason.REJECTED if code == "validationexception" else _by_status(status)


def _by_status(status: int | None) -> Reason:
    if status is None or status >= 500:
        return _STATUSES.get(status or 500, Reason.SERVER_ERROR)
    return _STATUSES.get(status, Reason.REJECTED if status >= 400 else Reason.MALFORMED)


def _wait_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait: AWS's own header counts milliseconds."""
    wait_ms = headers.get("x-amz-retry-after", "")
    return int(wait_ms) / 1000 if wait_ms.isdecimal() else retry_after_s(headers, now)


def _shown_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    shown = shown_headers(headers)
    request_id = headers.get("x-amzn-requestid")
    return shown if request_id is None else (*shown, ("x-provider-request-id", request_id))


def _name(said: str) -> str:
    """An exception's bare name: `a.b#Name:http://...` is `Name`."""
    match = _NAME.match(said)
    return match["name"].strip() if match else ""


def _read(body: bytes) -> ErrorBody | None:
    try:
        return ERROR.decode(body)
    except UNREADABLE:
        return None


def _wordless(status: int, body: bytes) -> str:
    """What to say of an error without words: never a page."""
    text = body.strip()
    if text[:1] in (b"", b"{", b"[", b"<") or b"<html" in text[:1000].lower():
        what = {b"": "no body", b"<": "a web page"}.get(text[:1], "no reason")
        return f"the provider answered with status {status} and {what}"
    return text.decode("utf-8", "replace")
