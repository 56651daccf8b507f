"""What Anthropic's errors mean, and how ours are said: complete over `Reason`."""

from __future__ import annotations

import json

import pytest

from router.errors import AttemptNote, GatewayError, Limited, Reason, Refused, Unavailable, UpstreamFailed, WireFault
from router.wire.anthropic_messages.fault import SAID, decode_fault, encode_fault, fault_inside, with_request_id
from router.wire.envelope import SAID as OF_OPENAI
from tests.wire.recorded import needs_recordings, recordings, response_of

NOW = 1_748_877_318.0
"""2025-06-02T15:15:18Z."""

RECORDED = {
    "anthropic-count-tokens-json-error404-9a765864": Reason.MODEL_MISSING,
    "anthropic-messages-json-error400-0c8e01f0": Reason.REJECTED,
    "anthropic-messages-json-error401-e6d17a37": Reason.CREDENTIAL,
    "anthropic-messages-json-error404-e68d09d7": Reason.MODEL_MISSING,
}
"""What each recorded error means, by reading it."""

QUOTED = {
    "issue-derived/anthropic-429-input-tokens": (Reason.THROTTLED, 16.0),
    "issue-derived/anthropic-529-overloaded": (Reason.OVERLOADED, None),
}
"""Errors quoted in public threads, with the seconds they ask to wait."""


@needs_recordings
@pytest.mark.parametrize("recording_id", RECORDED)
def test_a_recorded_error_means_what_a_reader_takes_it_for(recording_id: str) -> None:
    """Type, words and status together; the request's id may be shown."""
    status, headers, body = response_of(recording_id)
    fault = decode_fault(status, headers, body, NOW)
    assert (fault.reason, fault.status) == (RECORDED[recording_id], status)
    assert fault.message
    shown = dict(fault.headers)
    assert shown.get("request-id") == headers.get("request-id")


@needs_recordings
def test_every_recorded_error_has_a_row() -> None:
    """A recording that is added must be read by somebody."""
    found = {line.id for line in recordings("anthropic.messages", "anthropic.count_tokens") if line.status >= 400}
    assert found == set(RECORDED)


@needs_recordings
@pytest.mark.parametrize("recording_id", QUOTED)
def test_a_quoted_error_means_what_a_reader_takes_it_for(recording_id: str) -> None:
    """Statuses that no recording holds; the words of a rate limit also speak of a prompt's length."""
    fault = decode_fault(*response_of(recording_id), NOW)
    assert (fault.reason, fault.retry_after_s) == QUOTED[recording_id]


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (400, "invalid_request_error", Reason.REJECTED),
        (401, "authentication_error", Reason.CREDENTIAL),
        (402, "billing_error", Reason.QUOTA_EXHAUSTED),
        (403, "permission_error", Reason.CREDENTIAL),
        (404, "not_found_error", Reason.MODEL_MISSING),
        (409, "conflict_error", Reason.SERVER_ERROR),
        (413, "request_too_large", Reason.TOO_LARGE),
        (429, "rate_limit_error", Reason.THROTTLED),
        (500, "api_error", Reason.SERVER_ERROR),
        (504, "timeout_error", Reason.SERVER_ERROR),
        (529, "overloaded_error", Reason.OVERLOADED),
        (400, "moon_error", Reason.REJECTED),
        (418, "moon_error", Reason.REJECTED),
        (503, "moon_error", Reason.OVERLOADED),
    ],
    ids=lambda value: str(value),
)
def test_every_type_has_a_reason_and_an_unknown_one_is_judged_by_status(status: int, kind: str, reason: Reason) -> None:
    """Whole, and for the known ones inside a stream too, where there is no status."""
    body = json.dumps({"type": "error", "error": {"type": kind, "message": "x"}, "request_id": "req_1"}).encode()
    assert decode_fault(status, {}, body, NOW).reason is reason
    if kind != "moon_error":
        assert fault_inside(body).reason is reason


@pytest.mark.parametrize(
    ("kind", "said", "reason"),
    [
        pytest.param(
            "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", Reason.CONTEXT_LENGTH, id="a"
        ),
        pytest.param(
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length",
            Reason.CONTEXT_LENGTH,
            id="b",
        ),
        pytest.param(
            "invalid_request_error",
            "The conversation exceeds the context window of this model",
            Reason.CONTEXT_LENGTH,
            id="c",
        ),
        pytest.param(
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API.",
            Reason.QUOTA_EXHAUSTED,
            id="no credit, a 400",
        ),
        pytest.param(
            "invalid_request_error",
            "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
            Reason.QUOTA_EXHAUSTED,
            id="spend limit, a 400",
        ),
        pytest.param(
            "rate_limit_error",
            "This request would exceed your workspace monthly spend limit",
            Reason.QUOTA_EXHAUSTED,
            id="spend limit, a 429",
        ),
        pytest.param(
            "rate_limit_error",
            "Number of request tokens has exceeded your per-minute rate limit",
            Reason.THROTTLED,
            id="d",
        ),
        pytest.param(
            "invalid_request_error", "Output blocked by content filtering policy", Reason.CONTENT_POLICY, id="filter"
        ),
        pytest.param(
            "invalid_request_error", '"thinking.type.disabled" is not supported for this model', Reason.REJECTED, id="e"
        ),
        pytest.param(
            "invalid_request_error", "max_tokens: 300000 > 128000, which is the maximum", Reason.REJECTED, id="f"
        ),
        pytest.param("api_error", "prompt is too long: the module crashed", Reason.SERVER_ERROR, id="words in a 500"),
    ],
)
def test_words_tell_what_a_vague_type_means(kind: str, said: str, reason: Reason) -> None:
    """The words of a caller's fault reach the caller unchanged: Claude Code matches them."""
    body = json.dumps({"type": "error", "error": {"type": kind, "message": said}}).encode()
    fault = decode_fault(400, {}, body, NOW)
    assert (fault.reason, fault.message) == (reason, said)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        pytest.param(
            429, b'{"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED"}}', Reason.THROTTLED, id="g"
        ),
        pytest.param(403, b'{"message":"You don\'t have access to the model"}', Reason.CREDENTIAL, id="AWS"),
        pytest.param(
            400, b'{"error":{"code":"context_length_exceeded","message":"x"}}', Reason.CONTEXT_LENGTH, id="OA"
        ),
        pytest.param(404, b"<!DOCTYPE html><html>secret</html>", Reason.MODEL_MISSING, id="Vertex's wrong host"),
        pytest.param(502, b"", Reason.SERVER_ERROR, id="nothing"),
        pytest.param(529, b"upstream busy", Reason.OVERLOADED, id="plain words"),
        pytest.param(400, b'{"error":' + b"[" * 9999 + b"]" * 9999 + b"}", Reason.REJECTED, id="deep"),
    ],
)
def test_errors_of_platforms_and_facades_are_read_too(status: int, body: bytes, reason: Reason) -> None:
    """Whoever stands in front of the model answers in a form of its own; a web page is never quoted."""
    fault = decode_fault(status, {}, body, NOW)
    assert fault.reason is reason
    assert "secret" not in fault.message


RESET = {
    "anthropic-ratelimit-requests-remaining": "0",
    "anthropic-ratelimit-requests-reset": "2025-06-02T15:15:28Z",
    "anthropic-ratelimit-input-tokens-remaining": "0",
    "anthropic-ratelimit-input-tokens-reset": "2025-06-02T15:15:48Z",
    "anthropic-ratelimit-output-tokens-remaining": "8000",
    "anthropic-ratelimit-output-tokens-reset": "2025-06-02T15:25:00Z",
}


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        pytest.param(429, {}, None, id="none"),
        pytest.param(429, {"retry-after": "16"}, 16.0, id="seconds"),
        pytest.param(429, {"retry-after": "5", "retry-after-ms": "1500"}, 1.5, id="milliseconds first"),
        pytest.param(429, {"retry-after": "Mon, 02 Jun 2025 15:15:48 GMT"}, 30.0, id="a date"),
        pytest.param(429, RESET, 30.0, id="the last of the limits that are used up"),
        pytest.param(429, {**RESET, "retry-after": "2"}, 2.0, id="what is said beats what is reckoned"),
        pytest.param(529, RESET, None, id="limits say nothing of an overload"),
        pytest.param(
            429,
            {"anthropic-ratelimit-unified-status": "rejected", "anthropic-ratelimit-unified-reset": "1748877378"},
            60.0,
            id="a subscription's window",
        ),
        pytest.param(
            429,
            {"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "soon"},
            None,
            id="a time that is none",
        ),
        pytest.param(
            429,
            {"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "2020-01-01T00:00:00Z"},
            0.0,
            id="a time in the past",
        ),
    ],
)
def test_how_long_to_wait_is_read_in_every_form(status: int, headers: dict[str, str], expected: float | None) -> None:
    """Times count from the `now` that is given."""
    kind = "overloaded_error" if status == 529 else "rate_limit_error"
    body = json.dumps({"type": "error", "error": {"type": kind, "message": "x"}}).encode()
    assert decode_fault(status, headers, body, NOW).retry_after_s == expected


def test_no_message_shows_a_credential() -> None:
    """Not in the words of an error about keys, and not in any other's."""
    body = b'{"type":"error","error":{"type":"%b","message":"bad key sk-ant-abc123def456 today"}}'
    assert "bad key" not in decode_fault(401, {}, body % b"authentication_error", NOW).message
    shown = decode_fault(400, {}, body % b"invalid_request_error", NOW).message
    assert "abc123" not in shown
    assert "today" in shown


def failed(reason: Reason, fault: WireFault | None = None, retry_after_s: float | None = None) -> UpstreamFailed:
    """An exchange that ended so."""
    notes = (AttemptNote(target="a:m", reason=Reason.CONNECT), AttemptNote(target="b:m", reason=reason))
    return UpstreamFailed(
        "it broke", target="b:m", reason=reason, attempts=notes, fault=fault, retry_after_s=retry_after_s
    )


KNOWN_TYPES = {
    "invalid_request_error",
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "request_too_large",
    "rate_limit_error",
    "timeout_error",
    "overloaded_error",
    "api_error",
}


def test_every_reason_has_a_row_in_words_that_clients_know() -> None:
    """The table is complete, so no error can be said wrongly for lack of words."""
    assert set(SAID) == set(Reason)
    assert {kind for _, kind in SAID.values()} <= KNOWN_TYPES


@pytest.mark.parametrize("reason", Reason)
def test_a_status_is_the_same_in_every_dialect_but_for_an_overload(reason: Reason) -> None:
    """Whoever watches statuses sees one gateway; 529 is the word of this protocol alone."""
    expected = 529 if reason is Reason.OVERLOADED else OF_OPENAI[reason][0]
    assert SAID[reason][0] == expected


@pytest.mark.parametrize("reason", Reason)
def test_an_upstream_failure_is_never_the_callers_key_and_is_not_retried_again(reason: Reason) -> None:
    """No 401, 402 or 403 for what is between us and a provider; our tries were theirs."""
    rendered = encode_fault(failed(reason))
    assert rendered.status not in (401, 402, 403)
    assert ("x-should-retry", "false") in rendered.headers
    body = json.loads(rendered.body)
    assert set(body) == {"type", "error", "request_id"}
    assert body["type"] == "error"
    assert body["error"]["metadata"] == {
        "target": "b:m",
        "reason": reason.value,
        "attempts": [{"target": "a:m", "reason": "connect"}, {"target": "b:m", "reason": reason.value}],
    }


@pytest.mark.parametrize(
    ("error", "status", "kind", "final"),
    [
        pytest.param(Refused("x"), 400, "invalid_request_error", True, id="refused"),
        pytest.param(Refused("x", reason=Reason.CREDENTIAL), 401, "authentication_error", True, id="the caller's key"),
        pytest.param(Refused("x", reason=Reason.UNKNOWN_MODEL), 404, "not_found_error", True, id="unknown model"),
        pytest.param(Refused("x", reason=Reason.TOO_LARGE), 413, "request_too_large", True, id="too large"),
        pytest.param(Limited("x", retry_after_s=1.2), 429, "rate_limit_error", False, id="limited"),
        pytest.param(Limited("x", reason=Reason.QUOTA_EXHAUSTED), 402, "billing_error", True, id="budget"),
        pytest.param(Unavailable("x"), 503, "overloaded_error", False, id="stopping"),
        pytest.param(Unavailable("x", reason=Reason.INTERNAL), 500, "api_error", False, id="bug"),
        pytest.param(
            Unavailable("x", reason=Reason.PART_DOWN), 503, "overloaded_error", False, id="a part is restarted"
        ),
        pytest.param(failed(Reason.THROTTLED), 429, "rate_limit_error", True, id="throttled"),
        pytest.param(failed(Reason.OVERLOADED), 529, "overloaded_error", True, id="overloaded"),
        pytest.param(failed(Reason.IDLE_TIMEOUT), 504, "timeout_error", True, id="timeout"),
        pytest.param(failed(Reason.CREDENTIAL), 502, "api_error", True, id="our key"),
        pytest.param(failed(Reason.QUOTA_EXHAUSTED), 503, "api_error", True, id="our money"),
        pytest.param(failed(Reason.CUT_STREAM), 502, "api_error", True, id="cut"),
    ],
)
def test_each_error_is_said_by_whose_fault_it_is(error: GatewayError, status: int, kind: str, final: bool) -> None:
    """Status and type of the errors callers meet most; the SDKs retry unless told not to."""
    rendered = encode_fault(error)
    assert (rendered.status, json.loads(rendered.body)["error"]["type"]) == (status, kind)
    assert (("x-should-retry", "false") in rendered.headers) is final


def test_waiting_is_said_in_whole_seconds() -> None:
    """Rounded up, or the client comes back too early; the provider's own value stands in where we have none."""
    assert dict(encode_fault(Limited("x", retry_after_s=1.2)).headers)["retry-after"] == "2"
    fault = WireFault(Reason.THROTTLED, "slow", status=429, retry_after_s=7.0)
    assert dict(encode_fault(failed(Reason.THROTTLED, fault)).headers)["retry-after"] == "7"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        pytest.param(
            "prompt is too long: 9 tokens > 8 maximum", "prompt is too long: 9 tokens > 8 maximum", id="Anthropic's own"
        ),
        pytest.param(
            "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens "
            "(8000 in the messages, 1000 in the completion). Please reduce the length.",
            "input length and `max_tokens` exceed context limit: 8000 + 1000 > 8192, "
            "decrease input length or `max_tokens` and try again",
            id="OpenAI's, where a shorter answer helps",
        ),
        pytest.param(
            "This model's maximum context length is 8192 tokens. However, you requested 10000 tokens "
            "(9000 in the messages, 1000 in the completion). Please reduce the length.",
            "prompt is too long: 9000 tokens > 8192 maximum",
            id="OpenAI's, where it does not",
        ),
        pytest.param("too big", "prompt is too long: too big", id="anybody's"),
    ],
)
def test_a_full_context_is_said_in_the_words_that_clients_act_on(said: str, shown: str) -> None:
    """Claude Code makes the conversation shorter, or its bound, by these words."""
    fault = WireFault(Reason.CONTEXT_LENGTH, said, status=400)
    error = json.loads(encode_fault(failed(Reason.CONTEXT_LENGTH, fault)).body)["error"]
    assert (error["type"], error["message"]) == ("invalid_request_error", shown)


def test_what_a_provider_found_wrong_with_the_request_is_said_in_its_words() -> None:
    """It knows best; other failures are told in ours."""
    for reason, message in ((Reason.REJECTED, "thinking: signature"), (Reason.SERVER_ERROR, "it broke")):
        fault = WireFault(reason, "thinking: signature", status=400)
        assert json.loads(encode_fault(failed(reason, fault)).body)["error"]["message"] == message


def test_the_requests_id_has_a_slot_of_its_own() -> None:
    """Whoever knows the id fills it; words that look like the slot stay words."""
    body = encode_fault(Refused('the "request_id":null} is odd')).body
    assert json.loads(body)["request_id"] is None
    filled = json.loads(with_request_id(body, "req_1"))
    assert (filled["request_id"], filled["error"]) == ("req_1", json.loads(body)["error"])
    assert with_request_id(b"{}", "req_1") == b"{}"
