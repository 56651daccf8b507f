"""What Google's errors mean.

They come as google.rpc.Status, alone or as the one element of a list. The details tell most: a quota that is spent for
the minute and one that is spent for the day carry the same status and the same words.

Source: https://ai.google.dev/gemini-api/docs/troubleshooting, cloud.google.com/apis/design/errors, read 2026-11, and
recorded errors.
"""

from __future__ import annotations

import math
import re

import msgspec
from msgspec import Struct

from router.errors import Reason, WireFault
from router.wire.gemini.schema import DETAIL, ERROR, ERRORS, RPC_ERROR, UNREADABLE, Detail, RpcError
from router.wire.headers import retry_after_s, shown_headers
from router.wire.words import reason_in, shown_words

_INFOS: dict[str, Reason] = {
    "API_KEY_INVALID": Reason.CREDENTIAL,
    "API_KEY_EXPIRED": Reason.CREDENTIAL,
    "API_KEY_SERVICE_BLOCKED": Reason.CREDENTIAL,
    "API_KEY_HTTP_REFERRER_BLOCKED": Reason.CREDENTIAL,
    "API_KEY_IP_ADDRESS_BLOCKED": Reason.CREDENTIAL,
    "API_KEY_ANDROID_APP_BLOCKED": Reason.CREDENTIAL,
    "API_KEY_IOS_APP_BLOCKED": Reason.CREDENTIAL,
    "ACCESS_TOKEN_EXPIRED": Reason.CREDENTIAL,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": Reason.CREDENTIAL,
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": Reason.CREDENTIAL,
    "ACCOUNT_STATE_INVALID": Reason.CREDENTIAL,
    "CONSUMER_INVALID": Reason.CREDENTIAL,
    "CONSUMER_SUSPENDED": Reason.CREDENTIAL,
    "CREDENTIALS_MISSING": Reason.CREDENTIAL,
    "IAM_PERMISSION_DENIED": Reason.CREDENTIAL,
    "SERVICE_DISABLED": Reason.CREDENTIAL,
    "BILLING_DISABLED": Reason.QUOTA_EXHAUSTED,
    "QUOTA_EXHAUSTED": Reason.QUOTA_EXHAUSTED,
    "MODEL_CAPACITY_EXHAUSTED": Reason.OVERLOADED,
}
"""ErrorInfo's reasons that mean the same whatever the status beside them."""

_STATUSES: dict[str, Reason] = {
    "INVALID_ARGUMENT": Reason.REJECTED,
    "OUT_OF_RANGE": Reason.REJECTED,
    "UNIMPLEMENTED": Reason.REJECTED,
    "ALREADY_EXISTS": Reason.REJECTED,
    "FAILED_PRECONDITION": Reason.CREDENTIAL,
    "UNAUTHENTICATED": Reason.CREDENTIAL,
    "PERMISSION_DENIED": Reason.CREDENTIAL,
    "NOT_FOUND": Reason.MODEL_MISSING,
    "RESOURCE_EXHAUSTED": Reason.THROTTLED,
    "UNAVAILABLE": Reason.OVERLOADED,
    "CANCELLED": Reason.SERVER_ERROR,
    "DEADLINE_EXCEEDED": Reason.SERVER_ERROR,
    "INTERNAL": Reason.SERVER_ERROR,
    "UNKNOWN": Reason.SERVER_ERROR,
    "ABORTED": Reason.SERVER_ERROR,
    "DATA_LOSS": Reason.SERVER_ERROR,
}
"""Canonical codes. A failed precondition is a region that is not served or a project without billing."""

_CODES: dict[int, Reason] = {
    400: Reason.REJECTED,
    401: Reason.CREDENTIAL,
    402: Reason.QUOTA_EXHAUSTED,
    403: Reason.CREDENTIAL,
    404: Reason.MODEL_MISSING,
    408: Reason.SERVER_ERROR,
    409: Reason.SERVER_ERROR,
    413: Reason.TOO_LARGE,
    429: Reason.THROTTLED,
    499: Reason.SERVER_ERROR,
    503: Reason.OVERLOADED,
    529: Reason.OVERLOADED,
}
"""HTTP statuses, for answers that are no google.rpc.Status, such as web pages."""

_REFUSED: tuple[tuple[Reason, re.Pattern[str]], ...] = (
    (
        Reason.CREDENTIAL,
        re.compile(r"api key (?:not valid|expired|not found)|invalid api key|reported as leaked", re.I),
    ),
    (Reason.CREDENTIAL, re.compile(r"location is not supported|billing (?:has not been|is not|account)", re.I)),
    (Reason.TOO_LARGE, re.compile(r"request payload size exceeds|payload is too large", re.I)),
    (Reason.REJECTED, re.compile(r"cached ?content|access the file|file .{0,80}(?:not found|not exist)", re.I)),
)
"""What only the words of a 4xx tell: a key refused as an argument, a cache or file of the caller that is gone."""

_SPENT = re.compile(r"\blimit: 0\b|credits? (?:are|is) (?:depleted|exhausted)|spend(?:ing)? (?:cap|limit)", re.I)
_PER_DAY = re.compile(r"per_?day|daily", re.I)
_PER_MINUTE = re.compile(r"per_?minute", re.I)
_RETRY_IN = re.compile(r"retry (?:in|after) ((?:\d+(?:\.\d+)?(?:ms|h|m|s))+)", re.I)
_PIECE = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)", re.I)
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PROJECT = re.compile(r"\bprojects/[^/\s'\"`]+|\bproject_number:\d+|\bya29\.[\w.-]+")
_MINUTE_S = 60.0
_DAY_S = 86_400.0
_DAY_BEGINS_S = 8 * 3600.0
"""Daily quotas begin anew at midnight on the Pacific coast, taken as UTC-8: in summer an hour late, never early.

Source: https://ai.google.dev/gemini-api/docs/rate-limits, read 2026-11.
"""


class _Said(Struct, frozen=True, kw_only=True):
    """An error, read: the words, the canonical code, and what of the details counts."""

    message: str
    status: str | None = None
    code: int | None = None
    infos: tuple[str, ...] = ()
    quotas: str = ""
    delay_s: float | None = None


def decode_fault(status: int, headers: dict[str, str], body: bytes, now: float) -> WireFault:
    """The fault an error answer means.

    Args:
        status: 400 and above; anything else that got here cannot be read as an answer.
        headers: lower-case names.
        body: the whole error body; HTML in it is never quoted.
        now: epoch seconds, for a Retry-After that is a date and for the end of the quota's day.
    """
    said = _read(body, status)
    reason = _judge(said, status)
    wait_s = retry_after_s(headers, now)
    return WireFault(
        reason,
        shown_words(reason, said.message, _PROJECT),
        status=status,
        retry_after_s=wait_s if wait_s is not None else _wait_s(reason, said, now),
        code=_label(said),
        headers=shown_headers(headers),
    )


def fault_inside(error: msgspec.Raw | bytes) -> WireFault:
    """The fault of an error object that came inside a 200, whole or in a stream; its own code is the status meant."""
    try:
        said = _from_rpc(RPC_ERROR.decode(error))
    except UNREADABLE:
        said = _Said(message="the provider sent an error that cannot be read")
    reason = _judge(said, said.code)
    return WireFault(reason, shown_words(reason, said.message, _PROJECT), retry_after_s=said.delay_s, code=_label(said))


def error_in(text: bytes) -> msgspec.Raw | bytes | None:
    """The error object of a body that is one, or a list of one; None for any other.

    Google writes it without `data:` into a stream of events, over several lines; one that was cut is an error still.
    """
    head = text.lstrip()[:1]
    if head not in (b"{", b"["):
        return None
    try:
        errors = ERRORS.decode(text) if head == b"[" else [ERROR.decode(text)]
    except UNREADABLE:
        return b"{}" if re.match(rb'[\s\[]*\{\s*"error"\s*:', text) else None
    return msgspec.json.encode(errors[0].error) if errors else None


def _judge(said: _Said, status: int | None) -> Reason:
    for info in said.infos:
        if info in _INFOS:
            return _INFOS[info]
    if said.status == "RESOURCE_EXHAUSTED" or status == 429:
        return _quota(said)
    if status is None or status < 500:
        refused = next((reason for reason, pattern in _REFUSED if pattern.search(said.message)), None)
        found = refused or reason_in(said.message)
        if found is not None:
            return found
    if said.status in _STATUSES:
        return _STATUSES[said.status]
    if status is None or status >= 500:
        return _CODES.get(status or 500, Reason.SERVER_ERROR)
    return _CODES.get(status, Reason.REJECTED if status >= 400 else Reason.MALFORMED)


def _quota(said: _Said) -> Reason:
    """Whether waiting a little helps. The words name billing even where only the minute's requests are spent."""
    if _PER_MINUTE.search(said.quotas) and not _PER_DAY.search(said.quotas):
        return Reason.THROTTLED
    spent = _PER_DAY.search(said.quotas) or _SPENT.search(said.message)
    return Reason.QUOTA_EXHAUSTED if spent else Reason.THROTTLED


def _wait_s(reason: Reason, said: _Said, now: float) -> float | None:
    """Seconds to wait. For a day's quota the provider names seconds too, after which it is as spent as before."""
    if reason is Reason.QUOTA_EXHAUSTED and _PER_DAY.search(said.quotas):
        return _DAY_S - (now - _DAY_BEGINS_S) % _DAY_S
    if said.delay_s is None and reason is Reason.THROTTLED and _PER_MINUTE.search(said.quotas):
        return _MINUTE_S
    return said.delay_s


def _label(said: _Said) -> str | None:
    return said.infos[0] if said.infos else said.status


def _read(body: bytes, status: int) -> _Said:
    text = body.strip()
    error = error_in(text)
    if error is not None:
        return _from_rpc(RPC_ERROR.decode(error))
    if not text or text[:1] == b"<" or b"<html" in text[:1000].lower():
        return _Said(message=f"the provider answered with status {status} and {'a web page' if text else 'no body'}")
    return _Said(message=text.decode("utf-8", "replace"))


def _from_rpc(error: RpcError) -> _Said:
    message = error.message or "the provider sent an error without words"
    details = [detail for raw in error.details or () if (detail := _detail(raw)) is not None]
    delays = [_seconds(detail.retry_delay) for detail in details if detail.retry_delay]
    if told := _RETRY_IN.search(message):
        delays.append(_seconds(told[1]))
    quotas = [violation.quota_id for detail in details for violation in detail.violations or ()]
    return _Said(
        message=message,
        status=error.status,
        code=error.code if isinstance(error.code, int) else None,
        infos=tuple(detail.reason for detail in details if detail.reason),
        quotas=" ".join(quotas),
        delay_s=delays[0] if delays and math.isfinite(delays[0]) else None,
    )


def _detail(raw: msgspec.Raw) -> Detail | None:
    try:
        return DETAIL.decode(raw)
    except UNREADABLE:
        return None


def _seconds(said: str) -> float:
    """A duration such as 34.07s, 900ms or 1h2m3s."""
    return sum(float(number) * _UNIT_S[unit.lower()] for number, unit in _PIECE.findall(said))
