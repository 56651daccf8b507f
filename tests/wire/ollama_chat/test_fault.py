"""What Ollama's errors mean: by its own words and by status; recorded ones are of its cloud."""

from __future__ import annotations

import json

import pytest

from router.errors import Reason
from router.wire.ollama_chat import DIALECT
from tests.wire.recorded import needs_recordings, recordings, response_of

NOW = 1_787_259_738.0

RECORDED = {
    "ollama-openai-chat-json-error400-593fa9e3": Reason.CONTEXT_LENGTH,
    "ollama-openai-chat-json-error401-ee6f3b9a": Reason.CREDENTIAL,
}
"""Recorded at its OpenAI endpoint, where the same words come in another envelope."""


@needs_recordings
@pytest.mark.parametrize("recording_id", RECORDED)
def test_a_recorded_error_means_what_a_reader_takes_it_for(recording_id: str) -> None:
    """Status and words together."""
    status, headers, body = response_of(recording_id)
    fault = DIALECT.decode_fault(status, headers, body, NOW)
    assert (fault.reason, fault.status) == (RECORDED[recording_id], status)


@needs_recordings
def test_every_recorded_error_has_a_row() -> None:
    """A recording that is added must be read by somebody."""
    lines = recordings("ollama.chat", "ollama.generate", "openai.chat")
    assert {line.id for line in lines if line.provider == "ollama" and line.status >= 400} <= set(RECORDED)


LONG = "the prompt is longer than the context length currently available to the model; shorten the prompt"


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        (400, LONG, Reason.CONTEXT_LENGTH),
        (400, "request (302 tokens) exceeds the available context size (256 tokens)", Reason.CONTEXT_LENGTH),
        (400, "the input length exceeds the context length", Reason.CONTEXT_LENGTH),
        (500, "input exceeds maximum context length and cannot be truncated further", Reason.CONTEXT_LENGTH),
        (400, "registry.ollama.ai/library/gemma3:1b does not support tools", Reason.REJECTED),
        (400, '"gemma3:1b" does not support thinking', Reason.REJECTED),
        (500, 'invalid format: "yaml"; expected "json" or a valid JSON Schema object', Reason.REJECTED),
        (500, "this model only supports one image while more than one image requested", Reason.REJECTED),
        (400, "illegal base64 data at input byte 4", Reason.REJECTED),
        (400, "missing request body", Reason.REJECTED),
        (401, "unauthorized", Reason.CREDENTIAL),
        (403, "ollama cloud is disabled: remote inference is unavailable", Reason.CREDENTIAL),
        (402, "payment required", Reason.QUOTA_EXHAUSTED),
        (404, "model 'm' not found", Reason.MODEL_MISSING),
        (404, 'model "m" not found, try pulling it first', Reason.MODEL_MISSING),
        (413, "request entity too large", Reason.TOO_LARGE),
        (429, "too many requests", Reason.THROTTLED),
        (429, "you've reached your hourly usage limit", Reason.THROTTLED),
        (429, "you've reached your weekly usage limit, please upgrade to continue", Reason.QUOTA_EXHAUSTED),
        (499, "request canceled", Reason.SERVER_ERROR),
        (500, "model requires more system memory (9.1 GiB) than is available (3.2 GiB)", Reason.OVERLOADED),
        (500, "llama-server reported out-of-memory during startup: x", Reason.OVERLOADED),
        (500, "llama runner process has terminated: exit status 2", Reason.SERVER_ERROR),
        (500, "error parsing tool call: raw='{\"a', err=unexpected end of JSON input", Reason.MALFORMED),
        (502, "model 'm' not found", Reason.SERVER_ERROR),
        (503, "server busy, please try again.  maximum pending requests exceeded", Reason.OVERLOADED),
    ],
)
def test_each_known_error_has_its_reason(status: int, message: str, reason: Reason) -> None:
    """The words come from the server's source; a 500 may be the caller's, a proxy's 502 never is."""
    body = json.dumps({"error": message}).encode()
    fault = DIALECT.decode_fault(status, {}, body, NOW)
    assert fault.reason is reason
    assert fault.status == status
    assert fault.message


def test_where_to_sign_in_is_nothing_a_caller_hears() -> None:
    """A local server that relays to the cloud answers with a link that holds the machine's public key."""
    body = b'{"error":"unauthorized","signin_url":"https://ollama.com/connect?key=abc"}'
    fault = DIALECT.decode_fault(401, {}, body, NOW)
    assert "abc" not in fault.message
    assert "ollama.com" not in fault.message


@pytest.mark.parametrize(
    ("headers", "wait_s"), [({"retry-after": "7"}, 7.0), ({"retry-after-ms": "1500"}, 1.5), ({}, None)], ids=str
)
def test_how_long_to_wait_is_read_where_a_proxy_says_it(headers: dict[str, str], wait_s: float | None) -> None:
    """Ollama itself never does."""
    assert DIALECT.decode_fault(503, headers, b'{"error":"server busy"}', NOW).retry_after_s == wait_s
