"""Whole answers of every recorded provider, and ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from router.canon.event import Finish
from router.canon.reply import Choice, Reply
from router.canon.request import Opaque, Reasoning, Refusal, Text, ToolCall
from router.canon.usage import Usage
from router.errors import Reason, WireFault
from router.wire.anthropic_messages.reply import decode_reply, encode_reply
from router.wire.signatures import unpack_id
from tests.wire.recorded import Recorded, needs_recordings, recordings, response_of

OF_BEDROCK = "bedrock-invoke-json-parallel-tool-calls-5a5e2256"
ANSWERS = [
    line
    for line in recordings("anthropic.messages", "bedrock.invoke")
    if not line.stream and line.status == 200 and (line.api == "anthropic.messages" or line.id == OF_BEDROCK)
]


@needs_recordings
@pytest.mark.parametrize("line", ANSWERS, ids=lambda line: line.id)
def test_a_recorded_answer_keeps_its_words_calls_and_counts(line: Recorded) -> None:
    """Compared with the JSON itself, read without our code."""
    _, _, body = response_of(line.id)
    wire = json.loads(body)
    reply = decode_reply(body)
    choice = reply.choices[0]
    assert (reply.id, reply.model, reply.family) == (wire["id"], wire["model"], "anthropic")
    assert [naive(part) for part in choice.parts] == [
        {name: value for name, value in block.items() if name not in ("type", "caller")} for block in wire["content"]
    ]
    assert (choice.said, choice.stop_sequence) == (wire["stop_reason"], wire["stop_sequence"])
    assert choice.finish is not Finish.OTHER
    assert reply.usage is not None
    counts = wire["usage"]
    assert reply.usage.input == counts["input_tokens"]
    assert reply.usage.output_total == counts["output_tokens"]
    assert reply.usage.cache_read == counts.get("cache_read_input_tokens", 0)
    assert reply.usage.cache_write + reply.usage.cache_write_1h == counts.get("cache_creation_input_tokens", 0)
    assert not reply.is_empty
    assert decode_reply(encode_reply(reply)) == reply


def naive(part: object) -> dict[str, Any]:
    """A part by the wire's names."""
    match part:
        case Text():
            return {"text": part.text}
        case ToolCall():
            return {"id": part.id, "name": part.name, "input": json.loads(part.arguments)}
        case Reasoning():
            return {"thinking": part.text, "signature": part.signature}
    raise AssertionError(part)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", Reason.EMPTY_ANSWER, id="nothing"),
        pytest.param(b" \n\n", Reason.EMPTY_ANSWER, id="only the blank lines that keep a connection open"),
        pytest.param(b"<html><body>sk-secret</body></html>", Reason.MALFORMED, id="a web page"),
        pytest.param(b"upstream error", Reason.MALFORMED, id="plain text"),
        pytest.param(b'{"id":"x","content":[', Reason.MALFORMED, id="cut JSON"),
        pytest.param(b'{"id":"x"}', Reason.MALFORMED, id="no content"),
        pytest.param(b'{"content":[{"type":"text"}]}', Reason.MALFORMED, id="text without text"),
        pytest.param(b'{"content":[3]}', Reason.MALFORMED, id="content of another shape"),
        pytest.param(b'{"content":' + b"[" * 9999 + b"]" * 9999 + b"}", Reason.MALFORMED, id="deep"),
        pytest.param(
            b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}', Reason.OVERLOADED, id="an error"
        ),
        pytest.param(b'{"error":{"message":"x","code":503}}', Reason.OVERLOADED, id="OpenAI's error"),
        pytest.param(b'{"error":"model \\"m\\" not found"}', Reason.MODEL_MISSING, id="an error that is a string"),
    ],
)
def test_a_200_that_is_no_answer_is_a_fault_with_the_right_reason(body: bytes, reason: Reason) -> None:
    """And its words never quote what was not understood."""
    with pytest.raises(WireFault) as caught:
        decode_reply(body)
    assert caught.value.reason is reason
    assert "secret" not in caught.value.message


def test_an_answer_of_nothing_is_read_and_known_as_empty() -> None:
    """A refusal may be one: whether it is a failure is decided by who knows the finish reason."""
    reply = decode_reply(b'{"content":[],"stop_reason":"refusal"}')
    assert reply.is_empty
    assert reply.choices[0].finish is Finish.REFUSAL


def test_parts_only_this_dialect_knows_are_kept_whole() -> None:
    """A paused turn is sent back with them, byte for byte, and is no empty answer."""
    blocks = [
        b'{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"q": 1}}',
        b'{"type":"text","text":"a","citations":[{"type":"page_location","page":1}]}',
        b'{"type":"redacted_thinking","data":"blob"}',
    ]
    reply = decode_reply(b'{"id":"msg_1","content":[%b],"stop_reason":"pause_turn"}' % b",".join(blocks))
    assert reply.choices[0].parts == (
        Opaque(raw=Raw(blocks[0]), family="anthropic"),
        Text(text="a", citations=(Raw(b'{"type":"page_location","page":1}'),)),
        Reasoning(redacted="blob", family="anthropic"),
    )
    assert reply.choices[0].finish is Finish.PAUSED
    assert not reply.is_empty
    assert json.loads(encode_reply(reply))["content"] == [json.loads(block) for block in blocks]
    assert blocks[0] in encode_reply(reply)


FULL = Reply(
    id="chatcmpl-1",
    model="m",
    created_s=17,
    choices=(
        Choice(
            index=0,
            parts=(
                Reasoning(text="think", family="openai-chat"),
                Text(text=""),
                Text(text="one", citations=(Raw(b'{"type":"url_citation"}'),)),
                Opaque(raw=Raw(b"{}"), family="openai-responses"),
                ToolCall(id="call_1", name="f", arguments='{"x": 1.0}'),
                ToolCall(id="call:2", name="g", arguments=""),
                ToolCall(id="call_3", name="h", arguments='{"x": '),
                ToolCall(id="call_4", name="sh", arguments="ls", custom=True),
                ToolCall(id="call_5", name="k", arguments="{}", signature="c2ln", family="gemini"),
            ),
            finish=Finish.STOP,
            said="stop",
        ),
        Choice(index=1, parts=(Text(text="another"),), finish=Finish.STOP, said="stop"),
    ),
    usage=Usage(input=1, cache_read=2, cache_write=4, cache_write_1h=8, output=16, reasoning=32, audio_input=64),
    family="openai-chat",
)


def test_an_answer_of_another_dialect_is_said_in_full() -> None:
    """Every member a client may look for is there; its inputs are objects, byte for byte where they were."""
    body = encode_reply(FULL)
    said = json.loads(body)
    assert said.pop("id").startswith("msg_")
    thinking, *blocks = said.pop("content")
    assert (thinking["type"], thinking["thinking"]) == ("thinking", "think")
    assert thinking["signature"].startswith("pointsman.seal.")
    assert blocks[0] == {"type": "text", "text": "one"}
    assert [(block["name"], block["input"]) for block in blocks[1:]] == [
        ("f", {"x": 1.0}),
        ("g", {}),
        ("h", {"arguments": '{"x": '}),
        ("sh", {"input": "ls"}),
        ("k", {}),
    ]
    assert b'"input":{"x": 1.0}' in body
    assert [unpack_id(block["id"]).id.partition("_")[0] for block in blocks[1:]] == ["call"] * 5
    assert unpack_id(blocks[-1]["id"]).signature == "c2ln"
    assert said == {
        "type": "message",
        "role": "assistant",
        "model": "m",
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 65,
            "cache_creation_input_tokens": 12,
            "cache_read_input_tokens": 2,
            "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 8},
            "output_tokens": 48,
            "output_tokens_details": {"thinking_tokens": 32},
            "service_tier": None,
        },
    }


def test_a_refusal_is_text_that_ends_with_a_refusal() -> None:
    """Clients branch on the reason; the words are there to read."""
    choice = Choice(index=0, parts=(Refusal(text="no"),), finish=Finish.REFUSAL, said="refusal")
    said = json.loads(encode_reply(Reply(id="1", model="m", choices=(choice,), usage=None)))
    assert said["content"] == [{"type": "text", "text": "no"}]
    assert (said["stop_reason"], said["stop_details"]["type"]) == ("refusal", "refusal")


def test_an_answer_without_choices_or_counts_is_still_a_message() -> None:
    """Clients read `content` and `usage` unguarded."""
    said = json.loads(encode_reply(Reply(id="", model="m", choices=(), usage=None)))
    assert (said["content"], said["stop_reason"], said["usage"]["output_tokens"]) == ([], "end_turn", 0)
