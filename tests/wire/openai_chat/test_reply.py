"""Whole answers of every recorded provider, and ours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.canon.event import Finish
from router.canon.reply import Choice, Reply
from router.canon.request import Reasoning, Refusal, Text, ToolCall
from router.canon.usage import Usage
from router.errors import Reason, WireFault
from router.wire.openai_chat import DIALECT
from router.wire.openai_chat.reply import decode_reply, encode_reply
from tests.wire.recorded import Recorded, needs_recordings, recordings, response_of

INSIDE_A_200 = "openrouter-openai-chat-json-error-with-200-4ba6d58c"
ANSWERS = [
    line
    for line in recordings("openai.chat", "mistral.chat")
    if not line.stream and line.status == 200 and line.id != INSIDE_A_200
]


@needs_recordings
@pytest.mark.parametrize("line", ANSWERS, ids=lambda line: line.id)
def test_a_recorded_answer_keeps_its_words_calls_and_counts(line: Recorded) -> None:
    """Compared with the JSON itself, read without our code."""
    _, _, body = response_of(line.id)
    wire = json.loads(body)
    reply = decode_reply(body)
    assert (reply.id, reply.model, reply.created_s) == (wire["id"], wire["model"], wire["created"])
    assert [choice.index for choice in reply.choices] == [choice["index"] for choice in wire["choices"]]
    for choice, wire_choice in zip(reply.choices, wire["choices"], strict=True):
        message = wire_choice["message"]
        assert "".join(part.text for part in choice.parts if isinstance(part, Text)) == (message.get("content") or "")
        assert [(part.name, part.arguments) for part in choice.parts if isinstance(part, ToolCall)] == [
            (call["function"]["name"], call["function"]["arguments"]) for call in message.get("tool_calls") or []
        ]
        assert choice.said == wire_choice["finish_reason"]
        assert choice.finish is not Finish.OTHER
    assert reply.usage is not None
    assert reply.usage.input_total == wire["usage"]["prompt_tokens"]
    assert reply.usage.total >= wire["usage"]["total_tokens"]
    assert not reply.is_empty


@needs_recordings
def test_an_error_inside_a_200_is_a_fault_and_no_answer() -> None:
    """OpenRouter answers so when the provider behind it fails; its numeric code is the status that was meant."""
    with pytest.raises(WireFault) as caught:
        decode_reply(response_of(INSIDE_A_200)[2])
    assert caught.value.reason is Reason.SERVER_ERROR
    assert caught.value.code == "502"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", Reason.EMPTY_ANSWER, id="nothing"),
        pytest.param(b" \n\n", Reason.EMPTY_ANSWER, id="only the blank lines that keep a connection open"),
        pytest.param(b"<html><body>sk-secret</body></html>", Reason.MALFORMED, id="a web page"),
        pytest.param(b"upstream error", Reason.MALFORMED, id="plain text"),
        pytest.param(b'{"id":"x","choices":[', Reason.MALFORMED, id="cut JSON"),
        pytest.param(b'{"id":"x"}', Reason.MALFORMED, id="no choices"),
        pytest.param(b'{"choices":[{"text":"legacy"}]}', Reason.MALFORMED, id="choices of another shape"),
        pytest.param(b'{"object":"error","message":"x","code":503}', Reason.OVERLOADED, id="a flat error"),
        pytest.param(b'{"error":"model \\"m\\" not found"}', Reason.MODEL_MISSING, id="an error that is a string"),
        pytest.param(
            b'{"choices":[{"message":{},"error":{"code":429,"message":"x"}}]}', Reason.THROTTLED, id="inside a choice"
        ),
        pytest.param(b'{"choices":[{"message":{},"finish_reason":"error"}]}', Reason.SERVER_ERROR, id="finish error"),
    ],
)
def test_a_200_that_is_no_answer_is_a_fault_with_the_right_reason(body: bytes, reason: Reason) -> None:
    """And its words never quote what was not understood."""
    with pytest.raises(WireFault) as caught:
        decode_reply(body)
    assert caught.value.reason is reason
    assert "secret" not in caught.value.message


def test_an_answer_of_nothing_is_read_and_known_as_empty() -> None:
    """Whether that is a failure is decided by who knows the finish reason."""
    assert decode_reply(b'{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}').is_empty
    assert decode_reply(b'{"choices":[]}').is_empty


def test_thinking_is_found_under_each_of_its_names() -> None:
    """DeepSeek's, Groq's, Mistral's and OpenRouter's; a signature keeps its maker's name."""

    def thoughts(message: dict[str, Any]) -> tuple[object, ...]:
        body = json.dumps({"choices": [{"message": {"content": "a", **message}, "finish_reason": "stop"}]})
        return decode_reply(body.encode()).choices[0].parts[:-1]

    plain = (Reasoning(text="hm", family="openai-chat"),)
    assert thoughts({"reasoning_content": "hm"}) == plain
    assert thoughts({"reasoning": "hm"}) == plain
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    assert thoughts({"content": [thinking, {"type": "text", "text": "a"}]}) == plain
    details = [
        {"type": "reasoning.text", "text": "hm", "signature": "s", "format": "f", "index": 0},
        {"type": "reasoning.encrypted", "data": "d", "format": "f", "index": 1},
    ]
    assert thoughts({"reasoning": "hm", "reasoning_details": details}) == (
        Reasoning(text="hm", signature="s", family="f"),
        Reasoning(redacted="d", family="f"),
    )


FULL = Reply(
    id="chatcmpl-1",
    model="m",
    created_s=17,
    choices=(
        Choice(
            index=0,
            parts=(
                Reasoning(text="think", signature="seal", family="anthropic"),
                Reasoning(redacted="blob", family="anthropic"),
                Text(text="one "),
                Text(text="two"),
                ToolCall(id="call_1", name="f", arguments='{"x": 1}'),
                ToolCall(id="call_2", name="g", arguments=""),
            ),
            finish=Finish.TOOL_CALLS,
            said="tool_use",
        ),
    ),
    usage=Usage(input=1, cache_read=2, cache_write=4, cache_write_1h=8, output=16, reasoning=32),
    family="anthropic",
)


def test_an_answer_of_another_dialect_is_said_in_full() -> None:
    """Every member a client may look for is there, and empty arguments are JSON."""
    said = json.loads(encode_reply(FULL))
    assert said == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 17,
        "model": "m",
        "service_tier": None,
        "system_fingerprint": None,
        "choices": [
            {
                "index": 0,
                "logprobs": None,
                "finish_reason": "tool_calls",
                "message": {
                    "role": "assistant",
                    "content": "one two",
                    "refusal": None,
                    "annotations": [],
                    "reasoning_content": "think",
                    "reasoning_details": [
                        {
                            "type": "reasoning.text",
                            "text": "think",
                            "signature": "seal",
                            "format": "anthropic",
                            "index": 0,
                        },
                        {"type": "reasoning.encrypted", "data": "blob", "format": "anthropic", "index": 1},
                    ],
                    "tool_calls": [
                        {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}},
                        {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
                    ],
                },
            }
        ],
        "usage": {
            "prompt_tokens": 15,
            "completion_tokens": 48,
            "total_tokens": 63,
            "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 12, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 32,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
    }


@pytest.mark.parametrize("finish", Finish)
def test_every_finish_is_said_in_a_word_clients_know(finish: Finish) -> None:
    """OpenAI's clients know four; a refusal without words of its own is filtered content."""
    assert DIALECT.front is not None
    choice = Choice(index=0, parts=(Text(text="a"),), finish=finish, said="x")
    said = json.loads(DIALECT.front.encode_reply(Reply(id="1", model="m", choices=(choice,), usage=None)))
    assert said["choices"][0]["finish_reason"] in {"stop", "length", "tool_calls", "content_filter"}
    assert said["usage"] is None


def test_a_refusal_in_words_ends_as_openai_ends_it() -> None:
    """Content is null, the words stand in `refusal`, the finish is "stop"."""
    choice = Choice(index=0, parts=(Refusal(text="no"),), finish=Finish.REFUSAL, said="refusal")
    said = json.loads(encode_reply(Reply(id="1", model="m", choices=(choice,), usage=None)))["choices"][0]
    assert (said["message"]["content"], said["message"]["refusal"], said["finish_reason"]) == (None, "no", "stop")
