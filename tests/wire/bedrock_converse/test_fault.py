"""What AWS's errors mean."""

from __future__ import annotations

import json
from email.utils import formatdate

import pytest

from router.errors import Reason
from router.wire.bedrock_converse.fault import decode_fault
from tests.wire.recorded import needs_recordings, recordings, response_of

NOW = 1_787_259_738.0

RECORDED = {
    "bedrock-converse-json-error400-03f78c3a": Reason.REJECTED,
    "bedrock-converse-json-error403-5bdfd56a": Reason.CREDENTIAL,
    "bedrock-count-tokens-json-error400-50e2be1c": Reason.REJECTED,
    "bedrock-invoke-json-error403-380c8758": Reason.MODEL_MISSING,
    "bedrock-invoke-stream-json-error400-36dc0222": Reason.REJECTED,
}
"""What each recorded error means, by reading it; the second 403 is a model that the account was not given."""

APIS = ("bedrock.converse", "bedrock.converse_stream", "bedrock.invoke", "bedrock.invoke_stream")


@needs_recordings
@pytest.mark.parametrize("recording_id", RECORDED)
def test_a_recorded_error_means_what_a_reader_takes_it_for(recording_id: str) -> None:
    """Exception and words together."""
    status, headers, body = response_of(recording_id)
    fault = decode_fault(status, headers, body, NOW)
    assert fault.reason is RECORDED[recording_id]
    assert fault.status == status
    assert fault.message


@needs_recordings
def test_every_recorded_error_has_a_row() -> None:
    """A recording that is added must be read by somebody."""
    found = {line.id for line in recordings(*APIS, "bedrock.count_tokens") if line.status >= 400}
    assert found == set(RECORDED)


@pytest.mark.parametrize(
    ("status", "name", "said", "reason"),
    [
        pytest.param(400, "ValidationException", "messages: bad", Reason.REJECTED, id="rejected"),
        pytest.param(
            400, "ValidationException", "Input is too long for requested model.", Reason.CONTEXT_LENGTH, id="Claude"
        ),
        pytest.param(
            400,
            "ValidationException",
            "The model returned the following errors: prompt is too long: 210000 tokens > 200000 maximum",
            Reason.CONTEXT_LENGTH,
            id="Claude, newer",
        ),
        pytest.param(
            400,
            "ValidationException",
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
            Reason.CONTEXT_LENGTH,
            id="with max_tokens",
        ),
        pytest.param(400, "ValidationException", "too many total text bytes", Reason.CONTEXT_LENGTH, id="bytes"),
        pytest.param(
            400,
            "ValidationException",
            "Input Tokens Exceeded: Number of input tokens exceeds maximum length.",
            Reason.CONTEXT_LENGTH,
            id="Nova",
        ),
        pytest.param(
            400,
            "ValidationException",
            "400 Bad Request: Too many input tokens. Max input tokens: 4096, request input token count: 5000",
            Reason.CONTEXT_LENGTH,
            id="Titan",
        ),
        pytest.param(
            400,
            "ValidationException",
            "This model's maximum context length is 8192 tokens. Please reduce the length of the prompt",
            Reason.CONTEXT_LENGTH,
            id="Llama",
        ),
        pytest.param(
            400, "ValidationException", "The provided model identifier is invalid.", Reason.MODEL_MISSING, id="no model"
        ),
        pytest.param(
            400,
            "ValidationException",
            "Invocation of model ID x with on-demand throughput isn't supported. Retry with an inference profile",
            Reason.MODEL_MISSING,
            id="a profile is needed",
        ),
        pytest.param(400, "ValidationException", "Operation not allowed", Reason.CREDENTIAL, id="a locked account"),
        pytest.param(
            400, "ValidationException", "Output blocked by content filtering policy", Reason.CONTENT_POLICY, id="filter"
        ),
        pytest.param(403, "AccessDeniedException", "User: arn:aws:iam::1:user/x may not", Reason.CREDENTIAL, id="403"),
        pytest.param(
            403,
            "AccessDeniedException",
            "You don't have access to the model with the specified model ID.",
            Reason.MODEL_MISSING,
            id="a model not given",
        ),
        pytest.param(403, "UnrecognizedClientException", "invalid token", Reason.CREDENTIAL, id="an unknown key"),
        pytest.param(403, "InvalidSignatureException", "signature", Reason.CREDENTIAL, id="a wrong signature"),
        pytest.param(403, "", "Authentication failed", Reason.CREDENTIAL, id="a bearer key, without a name"),
        pytest.param(404, "ResourceNotFoundException", "end of life", Reason.MODEL_MISSING, id="a model that is gone"),
        pytest.param(408, "ModelTimeoutException", "late", Reason.SERVER_ERROR, id="late"),
        pytest.param(424, "ModelErrorException", "model error", Reason.SERVER_ERROR, id="the model's server"),
        pytest.param(
            429,
            "ThrottlingException",
            "Too many tokens, please wait before trying again.",
            Reason.THROTTLED,
            id="too many tokens a minute: no context error",
        ),
        pytest.param(
            429,
            "ThrottlingException",
            "Too many tokens per day, please wait before trying again.",
            Reason.QUOTA_EXHAUSTED,
            id="too many tokens a day",
        ),
        pytest.param(429, "ModelNotReadyException", "loading", Reason.OVERLOADED, id="not ready"),
        pytest.param(400, "ServiceQuotaExceededException", "quota", Reason.QUOTA_EXHAUSTED, id="quota"),
        pytest.param(500, "InternalServerException", "oh", Reason.SERVER_ERROR, id="500"),
        pytest.param(503, "ServiceUnavailableException", "busy", Reason.OVERLOADED, id="503"),
        pytest.param(502, "", "<html>bad gateway</html>", Reason.SERVER_ERROR, id="a page from in between"),
        pytest.param(504, "", "", Reason.SERVER_ERROR, id="nothing from in between"),
        pytest.param(413, "", "", Reason.TOO_LARGE, id="too large"),
        pytest.param(418, "BrandNewException", "hm", Reason.REJECTED, id="unheard of, theirs"),
        pytest.param(500, "BrandNewException", "prompt is too long", Reason.SERVER_ERROR, id="unheard of, 5xx"),
        pytest.param(302, "", "", Reason.MALFORMED, id="no error at all"),
    ],
)
def test_each_error_has_its_reason(status: int, name: str, said: str, reason: Reason) -> None:
    """However the exception is named: bare, with namespace and URL, or in the body."""
    body = said.encode() if said.startswith("<") or not said else json.dumps({"message": said}).encode()
    header = {"x-amzn-errortype": f"{name}:http://internal.amazon.com/coral/"} if name else {}
    assert decode_fault(status, header, body, NOW).reason is reason
    if name:
        typed = json.dumps({"__type": f"com.amazon.bedrock#{name}", "Message": said}).encode()
        fault = decode_fault(status, {}, typed, NOW)
        assert (fault.reason, fault.code) == (reason, name)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        pytest.param(403, "The key AKIAIOSFODNN7EXAMPLE of arn:aws:iam::123456789012:user/ann is bad", id="credential"),
        pytest.param(400, "arn:aws:bedrock:us-east-1:123456789012:x/y with AKIAIOSFODNN7EXAMPLE", id="in other words"),
    ],
)
def test_no_message_names_a_key_or_an_account(status: int, said: str) -> None:
    """What a caller reads must not say whose account the gateway uses."""
    for body in (said.encode(), json.dumps({"message": said}).encode()):
        message = decode_fault(status, {}, body, NOW).message
        assert "AKIA" not in message
        assert "arn:" not in message


def test_what_is_said_of_a_credential_is_never_passed_on() -> None:
    """Whatever it holds: these words are ours."""
    said = json.dumps({"message": "User ann with secret abc is not authorized"}).encode()
    message = decode_fault(403, {"x-amzn-errortype": "AccessDeniedException"}, said, NOW).message
    assert "ann" not in message
    assert "abc" not in message


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        pytest.param({"x-amz-retry-after": "1500"}, 1.5, id="AWS's own, in milliseconds"),
        pytest.param({"retry-after": "7"}, 7.0, id="seconds"),
        pytest.param({"retry-after": formatdate(NOW + 30, usegmt=True)}, 30.0, id="a date"),
        pytest.param({"x-amz-retry-after": "soon", "retry-after": "3"}, 3.0, id="one that is no number"),
        pytest.param({}, None, id="none"),
    ],
)
def test_the_wait_is_read(headers: dict[str, str], wait_s: float | None) -> None:
    """In whichever unit it is said; a date counts from now."""
    assert decode_fault(429, headers, b"", NOW).retry_after_s == wait_s


def test_the_request_id_is_shown() -> None:
    """It is what AWS's support asks for; other headers stay inside."""
    fault = decode_fault(500, {"x-amzn-requestid": "r-1", "x-amzn-trace-id": "t"}, b"{}", NOW)
    assert fault.headers == (("x-provider-request-id", "r-1"),)
