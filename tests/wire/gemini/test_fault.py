"""What Google's errors mean: recorded ones, and the forms its documentation and other gateways' issues show."""

from __future__ import annotations

import json

import pytest

from router.errors import Reason
from router.wire.gemini.fault import decode_fault, fault_inside
from tests.wire.recorded import needs_recordings, recordings, response_of

NOW = 1_787_259_738.0
"""2026-08-20 21:02:18 UTC."""

RECORDED = {
    "gemini-counttokens-json-error404-a177daad": Reason.MODEL_MISSING,
    "gemini-generatecontent-json-error400-6a92c4e0": Reason.REJECTED,
    "gemini-generatecontent-json-error404-a3a76b3b": Reason.MODEL_MISSING,
    "gemini-generatecontent-json-error403-da4b1ce0": Reason.CREDENTIAL,
    "gemini-generatecontent-json-error429-e454245d": Reason.THROTTLED,
    "gemini-streamgeneratecontent-json-error404-9a588ac5": Reason.MODEL_MISSING,
    "vertex-gemini-generatecontent-json-error400-1c7098dc": Reason.REJECTED,
}
APIS = ("gemini.generateContent", "gemini.streamGenerateContent", "gemini.countTokens", "gemini.batchEmbedContents")

RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.4s"}


def quota(quota_id: str) -> dict[str, object]:
    """A detail that names a spent quota."""
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota_id}]}


def info(reason: str) -> dict[str, object]:
    """A detail that names a reason."""
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}


def body(code: int, status: str, message: str = "x", *details: object) -> bytes:
    """An error as Google writes it."""
    return json.dumps(
        {"error": {"code": code, "message": message, "status": status, "details": details}}, indent=2
    ).encode()


@needs_recordings
@pytest.mark.parametrize("recording_id", RECORDED)
def test_a_recorded_error_means_what_a_reader_takes_it_for(recording_id: str) -> None:
    """Status, details and words together."""
    status, headers, said = response_of(recording_id)
    fault = decode_fault(status, headers, said, NOW)
    assert fault.reason is RECORDED[recording_id]
    assert fault.status == status
    assert fault.message


@needs_recordings
def test_every_recorded_error_has_a_row() -> None:
    """A recording that is added must be read by somebody."""
    assert {line.id for line in recordings(*APIS) if line.status >= 400} == set(RECORDED)


@pytest.mark.parametrize(
    ("status", "said", "reason"),
    [
        pytest.param(
            400,
            body(
                400,
                "INVALID_ARGUMENT",
                "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            ),
            Reason.CONTEXT_LENGTH,
            id="too long",
        ),
        pytest.param(
            400,
            body(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", info("API_KEY_INVALID")),
            Reason.CREDENTIAL,
            id="a bad key is a 400",
        ),
        pytest.param(
            400, body(400, "INVALID_ARGUMENT", "API key expired. Please renew it."), Reason.CREDENTIAL, id="key expired"
        ),
        pytest.param(
            400,
            body(400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
            Reason.CREDENTIAL,
            id="region",
        ),
        pytest.param(
            403, body(403, "PERMISSION_DENIED", "x", info("SERVICE_DISABLED")), Reason.CREDENTIAL, id="API off"
        ),
        pytest.param(
            403, body(403, "PERMISSION_DENIED", "x", info("BILLING_DISABLED")), Reason.QUOTA_EXHAUSTED, id="no billing"
        ),
        pytest.param(
            403,
            body(403, "PERMISSION_DENIED", "You do not have permission to access the File abc or it may not exist."),
            Reason.REJECTED,
            id="the caller's file",
        ),
        pytest.param(
            404, body(404, "NOT_FOUND", "CachedContent not found (or permission denied)"), Reason.REJECTED, id="cache"
        ),
        pytest.param(
            404,
            body(
                404, "NOT_FOUND", "Publisher Model `projects/p1/locations/l/publishers/google/models/x` was not found"
            ),
            Reason.MODEL_MISSING,
            id="Vertex model",
        ),
        pytest.param(404, b"<!DOCTYPE html><html>404</html>", Reason.MODEL_MISSING, id="a host of another location"),
        pytest.param(
            429,
            body(
                429,
                "RESOURCE_EXHAUSTED",
                "You exceeded your current quota, check your plan and billing details.",
                RETRY,
            ).replace(
                b'"details": [', b'"details": [' + json.dumps(quota("RequestsPerMinutePerProject")).encode() + b","
            ),
            Reason.THROTTLED,
            id="the minute's quota, in words of billing",
        ),
        pytest.param(
            429,
            body(429, "RESOURCE_EXHAUSTED", "x", quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), RETRY),
            Reason.QUOTA_EXHAUSTED,
            id="the day's quota",
        ),
        pytest.param(
            429,
            body(429, "RESOURCE_EXHAUSTED", "Quota exceeded for metric: x, limit: 0, model: gemini"),
            Reason.QUOTA_EXHAUSTED,
            id="a quota of nothing",
        ),
        pytest.param(
            429,
            body(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."),
            Reason.QUOTA_EXHAUSTED,
            id="credits",
        ),
        pytest.param(429, body(429, "RESOURCE_EXHAUSTED", "Resource exhausted."), Reason.THROTTLED, id="Vertex, bare"),
        pytest.param(
            429,
            body(429, "RESOURCE_EXHAUSTED", "x", info("MODEL_CAPACITY_EXHAUSTED")),
            Reason.OVERLOADED,
            id="capacity",
        ),
        pytest.param(503, body(503, "UNAVAILABLE", "The model is overloaded."), Reason.OVERLOADED, id="overloaded"),
        pytest.param(500, body(500, "INTERNAL"), Reason.SERVER_ERROR, id="internal"),
        pytest.param(504, body(504, "DEADLINE_EXCEEDED"), Reason.SERVER_ERROR, id="their deadline"),
        pytest.param(499, body(499, "CANCELLED"), Reason.SERVER_ERROR, id="cancelled"),
        pytest.param(
            400, body(400, "INVALID_ARGUMENT", "Invalid JSON payload received."), Reason.REJECTED, id="invalid"
        ),
        pytest.param(400, b"[" + body(400, "INVALID_ARGUMENT") + b"]", Reason.REJECTED, id="in a list"),
        pytest.param(401, b'{"error":{"code":"odd","message":"x","status":3}}', Reason.CREDENTIAL, id="odd types"),
        pytest.param(413, b"", Reason.TOO_LARGE, id="no body"),
        pytest.param(502, b"<html>AIzaSyA1234567890123</html>", Reason.SERVER_ERROR, id="a proxy's page"),
        pytest.param(418, b"teapot", Reason.REJECTED, id="another 4xx"),
        pytest.param(302, b"", Reason.MALFORMED, id="no error at all"),
    ],
)
def test_each_kind_of_error_has_its_reason(status: int, said: bytes, reason: Reason) -> None:
    """By the details first, then the canonical code, then the words, then the status."""
    assert decode_fault(status, {}, said, NOW).reason is reason


@pytest.mark.parametrize(
    ("headers", "message", "details", "wait_s"),
    [
        pytest.param({}, "x", [RETRY], 34.4, id="RetryInfo"),
        pytest.param({}, "x", [{**RETRY, "retryDelay": "900ms"}], 0.9, id="milliseconds"),
        pytest.param({}, "x", [{**RETRY, "retryDelay": "1h2m3s"}], 3723.0, id="hours"),
        pytest.param({}, "Quota exceeded. Please retry in 34.07s.", [], 34.07, id="in words"),
        pytest.param({}, "Please retry in 1m5.5s.", [quota("RequestsPerMinute")], 65.5, id="words before the quota"),
        pytest.param({}, "x", [quota("RequestsPerMinute")], 60.0, id="the minute's quota alone"),
        pytest.param({}, "x", [], None, id="not said"),
        pytest.param({}, "x", [{**RETRY, "retryDelay": 3}], None, id="no text"),
        pytest.param({"retry-after": "7"}, "x", [RETRY], 7.0, id="the header wins"),
        pytest.param(
            {}, "retry in 20s", [quota("RequestsPerDay"), RETRY], 39_462.0, id="the day's quota, until 08:00 UTC"
        ),
    ],
)
def test_how_long_to_wait_is_read_wherever_it_is_said(
    headers: dict[str, str], message: str, details: list[object], wait_s: float | None
) -> None:
    """Headers, details, words; a day's quota comes back with the day, whatever seconds are named."""
    fault = decode_fault(429, headers, body(429, "RESOURCE_EXHAUSTED", message, *details), NOW)
    assert fault.retry_after_s == (None if wait_s is None else pytest.approx(wait_s))


def test_messages_never_quote_keys_or_projects() -> None:
    """Neither of a credential's error nor of any other."""
    denied = decode_fault(403, {}, body(403, "PERMISSION_DENIED", "key AIzaSyA1234567890123 is bad"), NOW)
    assert "AIza" not in denied.message
    missing = decode_fault(
        404,
        {},
        body(404, "NOT_FOUND", "projects/secret-project/locations/l was not found, key=AIzaSyA1234567890123"),
        NOW,
    )
    assert "secret" not in missing.message
    assert "AIza" not in missing.message
    assert "locations/l" in missing.message


def test_the_code_for_logs_is_the_most_exact_one() -> None:
    """A detail's reason, else the canonical code."""
    assert (
        decode_fault(400, {}, body(400, "INVALID_ARGUMENT", "x", info("API_KEY_INVALID")), NOW).code
        == "API_KEY_INVALID"
    )
    assert decode_fault(400, {}, body(400, "INVALID_ARGUMENT"), NOW).code == "INVALID_ARGUMENT"


def test_an_error_inside_a_200_is_judged_by_the_status_it_names() -> None:
    """With the time to wait it names."""
    error = json.loads(body(429, "RESOURCE_EXHAUSTED", "x", RETRY))["error"]
    fault = fault_inside(json.dumps(error).encode())
    assert (fault.reason, fault.status, fault.retry_after_s) == (Reason.THROTTLED, None, 34.4)
