"""What Cohere's errors mean: by its documented words, by status, and what it asks to wait."""

from __future__ import annotations

import json

import pytest

from router.errors import Reason
from router.wire.cohere_v2 import DIALECT
from tests.wire.recorded import needs_recordings, recordings

NOW = 1_787_259_738.0


def body_of(message: str) -> bytes:
    """An error as Cohere says it."""
    return json.dumps({"id": "1", "message": message}).encode()


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        (400, "too many tokens: total number of tokens in the prompt cannot exceed 4081", Reason.CONTEXT_LENGTH),
        (400, "too many tokens: size limit exceeded by 11326 tokens. Try using shorter", Reason.CONTEXT_LENGTH),
        (400, "too many tokens: multi-hop prompt is too long even after truncation", Reason.CONTEXT_LENGTH),
        (422, "too many tokens: size limit exceeded by 2 tokens", Reason.CONTEXT_LENGTH),
        (400, "too many tokens: max tokens must be less than or equal to 4096, the maximum output", Reason.REJECTED),
        (400, "invalid request: temperature must be between 0 and 1.0 inclusive.", Reason.REJECTED),
        (400, "tool call id not found in previous tool calls", Reason.REJECTED),
        (400, "invalid request: model 'command-r' is not supported by the generate API", Reason.REJECTED),
        (400, "finetuned model with name xyz is not ready for serving", Reason.MODEL_MISSING),
        (400, "blocked output: please try again with a different prompt", Reason.CONTENT_POLICY),
        (401, "invalid api token", Reason.CREDENTIAL),
        (401, "Your API key has expired. Please create a production key", Reason.CREDENTIAL),
        (402, "Please add or update your payment method at the dashboard to continue", Reason.QUOTA_EXHAUSTED),
        (402, "Maximum billing reached for this API key as set in your dashboard", Reason.QUOTA_EXHAUSTED),
        (403, "model not found for this key", Reason.CREDENTIAL),
        (404, "model 'xyz' not found, make sure the correct model ID was used", Reason.MODEL_MISSING),
        (404, "404 page not found", Reason.MODEL_MISSING),
        (408, "timeout", Reason.SERVER_ERROR),
        (422, "invalid request: message must be at least 1 token long", Reason.REJECTED),
        (429, "You are using a Trial key, which is limited to 40 API calls / minute.", Reason.THROTTLED),
        (429, "You are using a Trial key, which is limited to 1000 API calls / month.", Reason.QUOTA_EXHAUSTED),
        (429, "trial token rate limit exceeded, limit is 100000 tokens per minute", Reason.THROTTLED),
        (429, "Please wait and try again later", Reason.THROTTLED),
        (498, "invalid token", Reason.CONTENT_POLICY),
        (499, "request cancelled", Reason.SERVER_ERROR),
        (500, "too many tokens were on the floor", Reason.SERVER_ERROR),
        (501, "not implemented", Reason.REJECTED),
        (503, "service unavailable", Reason.OVERLOADED),
        (504, "gateway timeout", Reason.SERVER_ERROR),
    ],
)
def test_each_documented_error_has_its_reason(status: int, message: str, reason: Reason) -> None:
    """The words come from Cohere's own list; 498 is a matter of content, and words of a 5xx are the server's woes."""
    fault = DIALECT.decode_fault(status, {}, body_of(message), NOW)
    assert fault.reason is reason
    assert fault.status == status
    assert fault.message


@needs_recordings
def test_no_error_of_this_api_was_recorded() -> None:
    """The table above is all there is to go by; the first recording must be read by somebody."""
    assert [line.id for line in recordings("cohere.chat.v2", "cohere.chat.v1") if line.status >= 400] == []


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        pytest.param({"retry-after": "7"}, 7.0, id="seconds"),
        pytest.param({"retry-after-ms": "1500"}, 1.5, id="milliseconds"),
        pytest.param({"retry-after": "Thu, 20 Aug 2026 21:02:48 GMT"}, 30.0, id="a date"),
        pytest.param({"x-ratelimit-reset": str(NOW + 12)}, 12.0, id="when the limit begins anew"),
        pytest.param({"x-ratelimit-reset": str(NOW - 12)}, None, id="a reset that is past"),
        pytest.param({"x-ratelimit-reset": "soon"}, None, id="no number"),
        pytest.param({"x-ratelimit-reset": "nan"}, None, id="not a number"),
        pytest.param({"retry-after": "7", "x-ratelimit-reset": str(NOW + 12)}, 7.0, id="both"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_how_long_to_wait_is_read_in_every_form(headers: dict[str, str], wait_s: float | None) -> None:
    """As Cohere's own SDK reads it."""
    fault = DIALECT.decode_fault(429, headers, body_of("Please wait and try again later"), NOW)
    assert fault.retry_after_s == (None if wait_s is None else pytest.approx(wait_s))


def test_a_reset_beside_another_error_is_no_waiting_time() -> None:
    """Providers send the header with every answer."""
    assert DIALECT.decode_fault(400, {"x-ratelimit-reset": str(NOW + 12)}, body_of("no"), NOW).retry_after_s is None


def test_a_refused_key_is_never_quoted() -> None:
    """Neither the provider's words about it nor a key among other words reach a caller."""
    key = "co-sk-1234567890abcdef"
    assert key not in DIALECT.decode_fault(401, {}, body_of(f"invalid api token {key}"), NOW).message
    assert "sk-1234567890abcdef" not in DIALECT.decode_fault(400, {}, body_of("bad: sk-1234567890abcdef"), NOW).message
