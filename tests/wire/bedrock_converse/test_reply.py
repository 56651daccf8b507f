"""Whole answers: recorded ones, errors inside a 200, and everything that is no answer."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from router.canon.event import Finish
from router.canon.reply import Reply
from router.canon.request import Opaque, Reasoning, Text, ToolCall
from router.canon.usage import Usage
from router.errors import Reason, WireFault
from router.wire.bedrock_converse.reply import decode_reply
from router.wire.bedrock_converse.request import ANSWER_TOOL
from tests.wire.recorded import Recorded, needs_recordings, recordings, response_of

WHOLE = [line for line in recordings("bedrock.converse") if line.status == 200]


def reply_of(*blocks: object, stop: str = "end_turn", **members: object) -> Reply:
    """What an answer of these blocks is read as."""
    message = {"role": "assistant", "content": blocks}
    return decode_reply(json.dumps({"output": {"message": message}, "stopReason": stop, **members}).encode())


@needs_recordings
@pytest.mark.parametrize("line", WHOLE, ids=lambda line: line.id)
def test_a_recorded_answer_says_what_a_naive_reader_finds(line: Recorded) -> None:
    """Text, calls of the caller's tools and counts; what the service ran itself stays whole and in its place."""
    _, _, body = response_of(line.id)
    said: dict[str, Any] = json.loads(body)
    blocks = said["output"]["message"]["content"]
    reply = decode_reply(body)
    (choice,) = reply.choices
    assert len(choice.parts) == len(blocks)
    for part, block in zip(choice.parts, blocks, strict=True):
        match part:
            case Text():
                assert part.text == block["text"]
            case ToolCall():
                call = block["toolUse"]
                assert call["type"] == "tool_use"
                assert [part.id, part.name] == [call["toolUseId"], call["name"]]
                assert json.loads(part.arguments) == call["input"]
            case Opaque():
                assert json.loads(bytes(part.raw)) == block
            case _:
                pytest.fail(f"an unexpected part: {part}")
    assert choice.said == said["stopReason"]
    assert reply.usage is not None
    assert (reply.usage.input, reply.usage.output) == (said["usage"]["inputTokens"], said["usage"]["outputTokens"])
    assert reply.usage.total == reply.usage.reported_total == said["usage"]["totalTokens"]


def test_every_kind_of_block_finds_its_part() -> None:
    """In order, arguments and sources byte for byte, thinking with its seal and whose it is."""
    citation = {"title": "t", "location": {"web": {"url": "u"}}}
    sealed = base64.b64encode(b"EtkE==").decode()
    reply = reply_of(
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": sealed}},
        {"reasoningContent": {"reasoningText": {"text": "unsigned"}}},
        {"text": ""},
        {"text": "a"},
        {"citationsContent": {"content": [{"text": "b"}, {"text": "c"}], "citations": [citation]}},
        {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"n": 1.0}}},
        {"toolUse": {"toolUseId": "t2", "name": "g"}},
        {"somethingNew": {}},
        stop="tool_use",
    )
    (choice,) = reply.choices
    *known, cited, first, second, new = choice.parts
    assert known == [
        Reasoning(text="hm", signature="s", family="anthropic"),
        Reasoning(redacted="EtkE==", family="anthropic"),
        Reasoning(text="unsigned"),
        Text(text="a"),
    ]
    assert isinstance(cited, Text)
    assert (cited.text, [json.loads(bytes(raw)) for raw in cited.citations]) == ("bc", [citation])
    assert [json.loads(bytes(raw)) for raw in choice.citations] == [citation]
    assert first == ToolCall(id="t1", name="f", arguments='{"n": 1.0}')
    assert second == ToolCall(id="t2", name="g", arguments="")
    assert isinstance(new, Opaque)
    assert choice.finish is Finish.TOOL_CALLS


def test_the_tool_that_stands_for_a_form_is_read_as_text() -> None:
    """The caller asked for JSON, not for a call."""
    reply = reply_of({"toolUse": {"toolUseId": "t", "name": ANSWER_TOOL, "input": {"a": 1}}}, stop="tool_use")
    assert reply.choices[0].parts == (Text(text='{"a": 1}'),)
    assert reply.choices[0].finish is Finish.STOP


def test_the_model_a_prompt_router_chose_is_told() -> None:
    """By its bare id; nobody else is told which model answered."""
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0"
    routed = reply_of({"text": "a"}, trace={"promptRouter": {"invokedModelId": arn}})
    assert routed.model == "us.amazon.nova-lite-v1:0"
    assert reply_of({"text": "a"}, trace={"guardrail": {}}).model == ""


def test_what_matched_and_what_was_cached_are_told() -> None:
    """The stop sequence where the model was asked for it; no usage where nobody counted."""
    reply = reply_of(
        {"text": "a"},
        stop="stop_sequence",
        additionalModelResponseFields={"stop_sequence": "END"},
        usage={"inputTokens": 1, "outputTokens": 2, "totalTokens": 13, "cacheWriteInputTokens": 10},
    )
    assert reply.choices[0].stop_sequence == "END"
    assert reply.usage == Usage(input=1, cache_write=10, output=2, reported_total=13)
    assert reply_of({"text": "a"}).usage is None
    assert reply_of({"text": "a"}, additionalModelResponseFields=[]).choices[0].stop_sequence is None


def test_two_answers_have_two_ids() -> None:
    """The service gives none."""
    assert reply_of({"text": "a"}).id == reply_of({"text": "a"}).id != reply_of({"text": "b"}).id


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", Reason.EMPTY_ANSWER, id="nothing"),
        pytest.param(b"<html>oops</html>", Reason.MALFORMED, id="a page"),
        pytest.param(b"[]", Reason.MALFORMED, id="a list"),
        pytest.param(b"{}", Reason.MALFORMED, id="an empty object"),
        pytest.param(b'{"output":{}}', Reason.MALFORMED, id="no message"),
        pytest.param(b'{"output":{"message":{"content":[1]}}}', Reason.MALFORMED, id="a block that is none"),
        pytest.param(b'{"output":{"message":{"content":[{"text":1}]}}}', Reason.MALFORMED, id="a text that is none"),
        pytest.param(b"[" * 100_000, Reason.MALFORMED, id="nested too deep"),
        pytest.param(b'{"message":"Too many requests"}', Reason.SERVER_ERROR, id="bare words"),
        pytest.param(
            b'{"__type":"com.amazon#ThrottlingException","message":"slow"}', Reason.THROTTLED, id="an exception"
        ),
        pytest.param(
            b'{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}',
            Reason.MODEL_MISSING,
            id="a call AWS does not know",
        ),
        pytest.param(b'{"message":"prompt is too long: 9 > 8"}', Reason.CONTEXT_LENGTH, id="words for too long"),
        pytest.param(
            b'{"output":{"message":{"content":[]}},"stopReason":"malformed_tool_use"}',
            Reason.MALFORMED,
            id="an answer that is said to be broken",
        ),
    ],
)
def test_what_is_no_answer_is_a_fault(body: bytes, reason: Reason) -> None:
    """With a 200 in front of it, too; pages are never quoted."""
    with pytest.raises(WireFault) as caught:
        decode_reply(body)
    assert caught.value.reason is reason
    assert caught.value.status is None
    assert "<" not in caught.value.message
