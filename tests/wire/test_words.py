"""A conversation that is too long, in the words of whoever says so, inside every dialect's own error."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from router.errors import Reason
from router.wire.anthropic_messages import DIALECT as ANTHROPIC
from router.wire.bedrock_converse import DIALECT as BEDROCK
from router.wire.cohere_v2 import DIALECT as COHERE
from router.wire.dialect import Dialect
from router.wire.gemini import DIALECT as GEMINI
from router.wire.ollama_chat import DIALECT as OLLAMA
from router.wire.openai_chat import DIALECT as CHAT
from router.wire.openai_responses import DIALECT as RESPONSES


def _openai(words: str) -> object:
    return {"error": {"message": words, "type": "invalid_request_error", "param": None, "code": None}}


ENVELOPES: tuple[tuple[Dialect, Callable[[str], object]], ...] = (
    (CHAT, _openai),
    (RESPONSES, _openai),
    (ANTHROPIC, lambda words: {"type": "error", "error": {"type": "invalid_request_error", "message": words}}),
    (GEMINI, lambda words: {"error": {"code": 400, "message": words, "status": "INVALID_ARGUMENT"}}),
    (BEDROCK, lambda words: {"message": words}),
    (COHERE, lambda words: {"id": "x", "message": words}),
    (OLLAMA, lambda words: {"error": words}),
)
"""Facades pass on the words of who is behind them, so each dialect must know them all."""

TOO_LONG = (
    "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens",
    "This model's maximum context length is 4096 tokens. However, your request has 5000 input tokens.",
    "The decoder prompt (length 5000) is longer than the maximum model length of 4096.",
    "'max_tokens' or 'max_completion_tokens' is too large: 5000. This model's maximum context length is 4096 tokens",
    "Input length (5000 tokens) exceeds the maximum allowed length (4096 tokens).",
    "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
    "Requested token count exceeds the model's maximum context length of 4096 tokens.",
    "the request exceeds the available context size. try increasing the context size or enable context shift",
    "request (9412 tokens) exceeds the available context size (8192 tokens), try increasing it",
    "the prompt is too long; prompt length 5000 exceeds context length 4096",
    "input length exceeds the context length",
    "prompt too long; exceeded max context length by 20 tokens",
    "Requested tokens (5000) exceed context window of 4096",
    "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4290.",
    "too many tokens: size limit exceeded by 11326 tokens.",
    "Input is too long for requested model.",
    "prompt is too long: 210000 tokens > 200000 maximum",
    "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
    "too many total text bytes: 30000000 > 25000000",
    "The model returned the following errors: Input tokens exceed the configured limit of 272000",
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
    "This model's maximum prompt length is 131072 but the request contains 200000 tokens.",
    "Please reduce the length of the messages or completion.",
    "inputs tokens + max_new_tokens must be <= 4096. Given: 5000 inputs tokens and 10 max_new_tokens",
    "Prompt exceeds max length",
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
    "Trying to keep the first 5000 tokens when context the overflows.",
    "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000",
    "Range of input length should be [1, 98304]",
    "Invalid request: Your request exceeded model token limit: 8192",
    "the total length of the prompt and max_tokens exceeds the model's context window",
)
"""As vLLM, SGLang, llama.cpp, llama-cpp-python, LM Studio, Ollama, TGI, Cohere, Bedrock, Anthropic, OpenAI, Gemini,
Mistral, xAI, Groq, z.ai, Alibaba, Moonshot and OpenRouter say it."""


@pytest.mark.parametrize(("dialect", "envelope"), ENVELOPES, ids=lambda value: getattr(value, "name", ""))
@pytest.mark.parametrize("words", TOO_LONG, ids=lambda words: words[:40])
def test_a_conversation_that_does_not_fit_is_known_as_one(
    dialect: Dialect, envelope: Callable[[str], object], words: str
) -> None:
    """So that it goes to a target with a larger window, and only to such."""
    fault = dialect.decode_fault(400, {}, msgspec.json.encode(envelope(words)), 0.0)
    assert fault.reason is Reason.CONTEXT_LENGTH


@pytest.mark.parametrize(
    "words",
    [
        "'temperature' is too large: 5",
        "the tool name is longer than 64 characters",
        "max_tokens must be at least 1",
        "the image is too large",
        "unknown field context",
    ],
)
@pytest.mark.parametrize(("dialect", "envelope"), ENVELOPES, ids=lambda value: getattr(value, "name", ""))
def test_another_complaint_is_not(dialect: Dialect, envelope: Callable[[str], object], words: str) -> None:
    """A larger window would not mend it."""
    fault = dialect.decode_fault(400, {}, msgspec.json.encode(envelope(words)), 0.0)
    assert fault.reason is Reason.REJECTED
