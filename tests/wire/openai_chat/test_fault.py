"""What providers' errors mean, and how ours are said: complete over `Reason`."""

from __future__ import annotations

import json

import pytest

from router.errors import AttemptNote, GatewayError, Limited, Reason, Refused, Unavailable, UpstreamFailed, WireFault
from router.wire.envelope import SAID
from router.wire.openai_chat.fault import decode_fault, encode_fault
from tests.wire.recorded import needs_recordings, recordings, response_of

NOW = 1_787_259_738.0

RECORDED = {
    "azure-openai-chat-json-error422-998eb3a7": Reason.REJECTED,
    "azure-openai-chat-json-error429-aafd46d6": Reason.THROTTLED,
    "azure-openai-embeddings-json-error401-338877b2": Reason.CREDENTIAL,
    "deepseek-openai-chat-json-error401-492dd73a": Reason.CREDENTIAL,
    "deepseek-openai-responses-json-error400-00a4c9ee": Reason.REJECTED,
    "groq-openai-chat-json-error404-01e0d64a": Reason.MODEL_MISSING,
    "groq-openai-chat-json-error400-0f6b8563": Reason.MALFORMED,
    "mistral-chat-json-error401-08327cbf": Reason.CREDENTIAL,
    "ollama-openai-chat-json-error400-593fa9e3": Reason.CONTEXT_LENGTH,
    "ollama-openai-chat-json-error401-ee6f3b9a": Reason.CREDENTIAL,
    "openai-chat-json-error404-1e05381f": Reason.MODEL_MISSING,
    "openai-chat-json-error401-23084497": Reason.CREDENTIAL,
    "openai-chat-json-error400-d7bc5d9e": Reason.REJECTED,
    "openai-completions-json-error400-d29dd3de": Reason.REJECTED,
    "openai-completions-json-error401-ee4bfc35": Reason.CREDENTIAL,
    "openai-embeddings-json-error404-32668dcc": Reason.MODEL_MISSING,
    "openai-embeddings-json-error400-69bd63f5": Reason.REJECTED,
    "openai-responses-json-error401-734b56af": Reason.CREDENTIAL,
    "openai-responses-json-error400-9d22b644": Reason.REJECTED,
    "openrouter-openai-chat-json-error403-1bec32d9": Reason.CONTENT_POLICY,
    "openrouter-openai-chat-json-error401-36c1407c": Reason.CREDENTIAL,
    "openrouter-openai-chat-json-error404-c1629922": Reason.MODEL_MISSING,
    "openrouter-openai-chat-json-error400-c7de4bb0": Reason.REJECTED,
    "openrouter-openai-chat-json-error429-e63511de": Reason.THROTTLED,
    "openrouter-openai-chat-json-error429-e8bde500": Reason.THROTTLED,
    "perplexity-openai-chat-json-error401-b10b350a": Reason.CREDENTIAL,
}
"""What each recorded error means, by reading it: OpenRouter's 403 is xAI's safety check, its 404 a model that cannot do
what was asked, and Groq's 400 is its own model's invalid tool call."""


@needs_recordings
@pytest.mark.parametrize("recording_id", RECORDED)
def test_a_recorded_error_means_what_a_reader_takes_it_for(recording_id: str) -> None:
    """Status, code, type and words together."""
    status, headers, body = response_of(recording_id)
    fault = decode_fault(status, headers, body, NOW)
    assert fault.reason is RECORDED[recording_id]
    assert fault.status == status
    assert fault.message


@needs_recordings
def test_every_recorded_chat_error_has_a_row() -> None:
    """A recording that is added must be read by somebody."""
    found = {line.id for line in recordings("openai.chat", "mistral.chat") if line.status >= 400}
    assert found <= set(RECORDED)


@pytest.mark.parametrize(
    ("status", "said", "reason"),
    [
        pytest.param(
            400,
            "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens",
            Reason.CONTEXT_LENGTH,
            id="OpenAI, vLLM, DeepSeek",
        ),
        pytest.param(400, "prompt is too long: 210000 tokens > 200000 maximum", Reason.CONTEXT_LENGTH, id="Anthropic"),
        pytest.param(
            400,
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
            Reason.CONTEXT_LENGTH,
            id="Anthropic with max_tokens",
        ),
        pytest.param(
            400,
            "request (9412 tokens) exceeds the available context size (8192 tokens), try increasing it",
            Reason.CONTEXT_LENGTH,
            id="llama.cpp",
        ),
        pytest.param(
            500,
            "input is too large to process. increase the physical batch size",
            Reason.CONTEXT_LENGTH,
            id="llama.cpp batch, a 500",
        ),
        pytest.param(
            400,
            "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
            Reason.CONTEXT_LENGTH,
            id="Mistral",
        ),
        pytest.param(400, "Please reduce the length of the messages or completion.", Reason.CONTEXT_LENGTH, id="Groq"),
        pytest.param(
            400,
            "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
            Reason.CONTEXT_LENGTH,
            id="SGLang",
        ),
        pytest.param(
            400,
            "This endpoint's maximum context length is 131072 tokens",
            Reason.CONTEXT_LENGTH,
            id="OpenRouter",
        ),
        pytest.param(
            400,
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            Reason.CONTEXT_LENGTH,
            id="Gemini",
        ),
        pytest.param(400, "This model's maximum prompt length is 131072", Reason.CONTEXT_LENGTH, id="xAI"),
        pytest.param(
            400,
            "Trying to keep the first 5000 tokens when context the overflows.",
            Reason.CONTEXT_LENGTH,
            id="LM Studio",
        ),
        pytest.param(
            429,
            "You exceeded your current quota, please check your plan and billing details.",
            Reason.QUOTA_EXHAUSTED,
            id="quota on a 429",
        ),
        pytest.param(400, "Your credit balance is too low to access the API", Reason.QUOTA_EXHAUSTED, id="balance"),
        pytest.param(402, "Insufficient Balance", Reason.QUOTA_EXHAUSTED, id="DeepSeek's 402"),
        pytest.param(402, "whatever", Reason.QUOTA_EXHAUSTED, id="any 402"),
        pytest.param(
            400, "The supported API model names are deepseek-chat", Reason.MODEL_MISSING, id="DeepSeek's unknown model"
        ),
        pytest.param(400, "foo/bar is not a valid model ID", Reason.MODEL_MISSING, id="OpenRouter's unknown model"),
        pytest.param(404, 'model "llama9" not found, try pulling it first', Reason.MODEL_MISSING, id="Ollama"),
        pytest.param(
            400,
            "The response was filtered due to the prompt triggering Azure's content management policy.",
            Reason.CONTENT_POLICY,
            id="Azure's filter",
        ),
        pytest.param(
            400,
            "temperature must be between 0 and 2",
            Reason.REJECTED,
            id="a parameter out of range",
        ),
        pytest.param(500, "the maximum context length module crashed", Reason.SERVER_ERROR, id="words in a 500"),
    ],
)
def test_words_alone_are_understood(status: int, said: str, reason: Reason) -> None:
    """In the envelope, flat, and as `detail`: what is said counts, not where."""
    for body in ({"error": {"message": said, "code": None}}, {"message": said}, {"detail": said}, {"error": said}):
        assert decode_fault(status, {}, json.dumps(body).encode(), NOW).reason is reason


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        pytest.param(429, {"code": "insufficient_quota", "type": "insufficient_quota"}, Reason.QUOTA_EXHAUSTED, id="a"),
        pytest.param(429, {"code": "slow_down", "type": "rate_limit_error"}, Reason.THROTTLED, id="b"),
        pytest.param(400, {"code": "context_length_exceeded"}, Reason.CONTEXT_LENGTH, id="c"),
        pytest.param(400, {"type": "exceed_context_size_error", "code": 400}, Reason.CONTEXT_LENGTH, id="d"),
        pytest.param(400, {"code": "content_policy_violation"}, Reason.CONTENT_POLICY, id="e"),
        pytest.param(
            400,
            {"code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation"}},
            Reason.CONTENT_POLICY,
            id="f",
        ),
        pytest.param(400, {"code": "model_not_found"}, Reason.MODEL_MISSING, id="g"),
        pytest.param(500, {"type": "overloaded_error"}, Reason.OVERLOADED, id="h"),
        pytest.param(502, {"code": 502, "metadata": {"error_type": "provider_overloaded"}}, Reason.OVERLOADED, id="i"),
        pytest.param(413, {"code": "rate_limit_exceeded", "type": "tokens"}, Reason.TOO_LARGE, id="j"),
    ],
)
def test_codes_and_types_come_before_the_status(status: int, error: dict[str, object], reason: Reason) -> None:
    """Azure, Groq, OpenAI, OpenRouter and llama.cpp say the same with different members."""
    body = json.dumps({"error": {"message": "x", **error}}).encode()
    assert decode_fault(status, {}, body, NOW).reason is reason


def status_alone(status: int) -> Reason:
    """The statuses that mean something by themselves, written out again."""
    table = {
        401: Reason.CREDENTIAL,
        402: Reason.QUOTA_EXHAUSTED,
        403: Reason.CREDENTIAL,
        404: Reason.MODEL_MISSING,
        413: Reason.TOO_LARGE,
        429: Reason.THROTTLED,
        498: Reason.OVERLOADED,
        503: Reason.OVERLOADED,
        529: Reason.OVERLOADED,
    }
    if status in (408, 409, 424, 425, 499):
        return Reason.SERVER_ERROR
    return table.get(status, Reason.REJECTED if status < 500 else Reason.SERVER_ERROR)


@pytest.mark.parametrize("status", range(400, 600))
def test_every_status_without_words_has_a_reason(status: int) -> None:
    """No body, a web page and plain text are all judged by status, and a web page is never quoted."""
    for body in (b"", b"<!DOCTYPE html><html>secret</html>", b"upstream connect error"):
        fault = decode_fault(status, {}, body, NOW)
        assert fault.reason is status_alone(status)
        assert "secret" not in fault.message


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"retry-after": "2"}, 2.0, id="whole seconds"),
        pytest.param({"retry-after": "0.5"}, 0.5, id="part of a second"),
        pytest.param({"retry-after": "5", "retry-after-ms": "1500"}, 1.5, id="milliseconds first"),
        pytest.param({"retry-after": "1", "retry-after-ms": "0"}, 1.0, id="Azure's zero milliseconds"),
        pytest.param({"retry-after": "Thu, 20 Aug 2026 21:02:48 GMT"}, 30.0, id="a date"),
        pytest.param({"retry-after": "Thu, 20 Aug 2020 21:02:48 GMT"}, 0.0, id="a date in the past"),
        pytest.param({"retry-after": "-3"}, 0.0, id="negative"),
        pytest.param({"retry-after": "soon"}, None, id="words"),
        pytest.param({"retry-after": "inf"}, None, id="for ever"),
    ],
)
def test_how_long_to_wait_is_read_in_every_form(headers: dict[str, str], expected: float | None) -> None:
    """A date counts from the `now` that is given."""
    assert decode_fault(429, headers, b"", NOW).retry_after_s == expected


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdef123456",
        "gsk_abcdefgh1234",
        "AIzaSyA1234567890",
        "org-abc123def",
        "Bearer abcdef",
        "api_key=hunter2",
    ],
)
def test_no_message_shows_a_credential(secret: str) -> None:
    """Providers quote keys in more than their 401."""
    body = json.dumps({"error": {"message": f"limit reached for {secret} today", "code": None}}).encode()
    assert secret.split()[-1].split("=")[-1] not in decode_fault(429, {}, body, NOW).message
    assert "today" in decode_fault(429, {}, body, NOW).message
    assert "limit reached" not in decode_fault(401, {}, body, NOW).message


def test_only_headers_a_caller_may_see_are_kept() -> None:
    """Rate limits and waiting times, but no account and no cookie."""
    headers = {"x-ratelimit-limit-tokens": "5", "retry-after": "1", "openai-organization": "acme", "set-cookie": "a=b"}
    assert {name for name, _ in decode_fault(429, headers, b"", NOW).headers} == {
        "x-ratelimit-limit-tokens",
        "retry-after",
    }


def failed(reason: Reason, fault: WireFault | None = None, retry_after_s: float | None = None) -> UpstreamFailed:
    """An exchange that ended so."""
    notes = (AttemptNote(target="a:m", reason=Reason.CONNECT), AttemptNote(target="b:m", reason=reason))
    return UpstreamFailed(
        "it broke", target="b:m", reason=reason, attempts=notes, fault=fault, retry_after_s=retry_after_s
    )


def test_every_reason_has_a_row() -> None:
    """The table is complete, so no error can be said wrongly for lack of words."""
    assert set(SAID) == set(Reason)


@pytest.mark.parametrize("reason", Reason)
def test_an_upstream_failure_is_never_the_callers_key_and_is_not_retried_again(reason: Reason) -> None:
    """No 401, 402 or 403 for what is between us and a provider; our tries were theirs."""
    rendered = encode_fault(failed(reason))
    assert rendered.status not in (401, 402, 403)
    assert ("x-should-retry", "false") in rendered.headers
    error = json.loads(rendered.body)["error"]
    assert set(error) == {"message", "type", "param", "code", "metadata"}
    assert error["metadata"] == {
        "target": "b:m",
        "reason": reason.value,
        "attempts": [{"target": "a:m", "reason": "connect"}, {"target": "b:m", "reason": reason.value}],
    }


@pytest.mark.parametrize(
    ("error", "status", "code", "final"),
    [
        pytest.param(Refused("x"), 400, "invalid_request", True, id="refused"),
        pytest.param(Refused("x", reason=Reason.CREDENTIAL), 401, "invalid_api_key", True, id="the caller's key"),
        pytest.param(Refused("x", reason=Reason.UNKNOWN_MODEL), 404, "model_not_found", True, id="unknown model"),
        pytest.param(Refused("x", reason=Reason.TOO_LARGE), 413, "request_too_large", True, id="too large"),
        pytest.param(Limited("x", retry_after_s=1.2), 429, "rate_limit_exceeded", False, id="limited"),
        pytest.param(Limited("x", reason=Reason.QUOTA_EXHAUSTED), 429, "budget_exceeded", True, id="budget"),
        pytest.param(Unavailable("x"), 503, "shutting_down", False, id="stopping"),
        pytest.param(Unavailable("x", reason=Reason.INTERNAL), 500, "internal_error", False, id="bug"),
        pytest.param(Unavailable("x", reason=Reason.PART_DOWN), 503, "unavailable", False, id="restarting"),
        pytest.param(failed(Reason.THROTTLED), 429, "provider_rate_limited", True, id="throttled"),
        pytest.param(failed(Reason.OVERLOADED), 503, "provider_overloaded", True, id="overloaded"),
        pytest.param(failed(Reason.IDLE_TIMEOUT), 504, "provider_timeout", True, id="timeout"),
        pytest.param(failed(Reason.CREDENTIAL), 502, "provider_credential", True, id="our key"),
        pytest.param(failed(Reason.QUOTA_EXHAUSTED), 503, "provider_quota_exhausted", True, id="our money"),
        pytest.param(failed(Reason.CUT_STREAM), 502, "provider_cut_stream", True, id="cut"),
    ],
)
def test_each_error_is_said_by_whose_fault_it_is(error: GatewayError, status: int, code: str, final: bool) -> None:
    """Status and code of the errors callers meet most; the SDKs retry unless told not to."""
    rendered = encode_fault(error)
    assert (rendered.status, json.loads(rendered.body)["error"]["code"]) == (status, code)
    assert (("x-should-retry", "false") in rendered.headers) is final


@pytest.mark.parametrize(
    ("wait_s", "said"), [(0.0, "1"), (0.2, "1"), (1.2, "2"), (30.0, "30")], ids=["zero", "short", "part", "whole"]
)
def test_waiting_is_said_in_whole_seconds_and_at_least_one(wait_s: float, said: str) -> None:
    """Rounded up, or the client comes back too early; the provider's own value stands in where we have none."""
    assert dict(encode_fault(Limited("x", retry_after_s=wait_s)).headers)["retry-after"] == said
    fault = WireFault(Reason.THROTTLED, "slow", status=429, retry_after_s=wait_s, headers=(("retry-after", "99"),))
    headers = [pair for pair in encode_fault(failed(Reason.THROTTLED, fault)).headers if pair[0] == "retry-after"]
    assert headers == [("retry-after", said)]


def test_what_a_provider_found_wrong_with_the_request_is_said_in_its_words() -> None:
    """It knows best; other failures are told in ours."""
    fault = WireFault(Reason.CONTEXT_LENGTH, "9000 tokens > 8192", status=400, code="context_length_exceeded")
    error = json.loads(encode_fault(failed(Reason.CONTEXT_LENGTH, fault)).body)["error"]
    assert (error["message"], error["code"]) == ("9000 tokens > 8192", "context_length_exceeded")
    other = WireFault(Reason.SERVER_ERROR, "stack trace", status=500, code="oops")
    error = json.loads(encode_fault(failed(Reason.SERVER_ERROR, other)).body)["error"]
    assert (error["message"], error["code"]) == ("it broke", "provider_error")


def test_the_field_at_fault_is_named() -> None:
    """Clients show `param`."""
    assert json.loads(encode_fault(Refused("x", param="messages[0]")).body)["error"]["param"] == "messages[0]"
