"""Errors: recorded ones, those of this protocol alone, and how ours are said. What both protocols share is tested
with chat."""

from __future__ import annotations

import json

import pytest

from router.errors import GatewayError, Limited, Reason, Refused, Unavailable, UpstreamFailed, WireFault
from router.wire.openai_responses.fault import decode_fault, encode_error_event, encode_fault
from tests.wire.recorded import needs_recordings, recordings, response_of

NOW = 1_787_259_738.0

RECORDED = {
    "deepseek-openai-responses-json-error400-00a4c9ee": Reason.REJECTED,
    "openai-responses-json-error400-9d22b644": Reason.REJECTED,
    "openai-responses-json-error401-734b56af": Reason.CREDENTIAL,
}
"""What each recorded error means, by reading it: an answer of a tool that is missing, a file of the wrong kind, a
wrong key."""


@needs_recordings
@pytest.mark.parametrize("recording_id", RECORDED)
def test_a_recorded_error_means_what_a_reader_takes_it_for(recording_id: str) -> None:
    """Status, code, type and words together."""
    status, headers, body = response_of(recording_id)
    fault = decode_fault(status, headers, body, NOW)
    assert (fault.reason, fault.status) == (RECORDED[recording_id], status)
    assert fault.message
    assert "key>" not in fault.message


@needs_recordings
def test_every_recorded_error_has_a_row() -> None:
    """A recording that is added must be read by somebody."""
    assert {line.id for line in recordings("openai.responses") if line.status >= 400} == set(RECORDED)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        pytest.param(400, "model_not_found", Reason.MODEL_MISSING, id="an unknown model is a 400 here"),
        pytest.param(400, "previous_response_not_found", Reason.REJECTED, id="previous response"),
        pytest.param(404, "previous_response_not_found", Reason.REJECTED, id="previous response as a 404"),
        pytest.param(400, "invalid_encrypted_content", Reason.REJECTED, id="a forged seal"),
        pytest.param(400, "context_length_exceeded", Reason.CONTEXT_LENGTH, id="context"),
        pytest.param(429, "insufficient_quota", Reason.QUOTA_EXHAUSTED, id="quota"),
        pytest.param(503, "server_is_overloaded", Reason.OVERLOADED, id="overloaded"),
    ],
)
def test_the_codes_of_this_protocol_are_understood(status: int, code: str, reason: Reason) -> None:
    """Whatever the status beside them."""
    body = json.dumps({"error": {"code": code, "type": "invalid_request_error", "message": "x"}}).encode()
    assert decode_fault(status, {}, body, NOW).reason is reason


@pytest.mark.parametrize(
    ("error", "status", "kind", "code"),
    [
        pytest.param(Refused("x", param="input"), 400, "invalid_request_error", "invalid_request", id="refused"),
        pytest.param(Limited("x", reason=Reason.THROTTLED), 429, "rate_limit_error", "rate_limit_exceeded", id="limit"),
        pytest.param(Unavailable("x"), 503, "service_unavailable_error", "shutting_down", id="unavailable"),
        pytest.param(
            UpstreamFailed("x", target="a:m", reason=Reason.CREDENTIAL, fault=WireFault(Reason.CREDENTIAL, "y")),
            502,
            "upstream_error",
            "provider_credential",
            id="upstream",
        ),
    ],
)
def test_ours_are_said_the_same_before_a_stream_and_inside_one(
    error: GatewayError, status: int, kind: str, code: str
) -> None:
    """The envelope stands alone, or beside the flat members that some clients read instead."""
    rendered = encode_fault(error)
    envelope = json.loads(rendered.body)["error"]
    assert (rendered.status, envelope["type"], envelope["code"]) == (status, kind, code)
    event = json.loads(encode_error_event(error, 5).split(b"data: ")[1])
    assert event.pop("error") == envelope
    assert event == {
        "type": "error",
        "sequence_number": 5,
        "code": code,
        "message": envelope["message"],
        "param": envelope["param"],
    }
