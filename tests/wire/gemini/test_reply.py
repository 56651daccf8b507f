"""Whole answers, recorded and made up."""

from __future__ import annotations

import json

import pytest

from router.canon.event import Finish
from router.canon.request import Opaque, Reasoning, Text, ToolCall
from router.errors import Reason, WireFault
from router.wire.gemini import DIALECT, VERTEX
from router.wire.gemini.reply import decode_reply
from tests.wire.recorded import Recorded, needs_recordings, recordings, response_of

ANSWERS = [line for line in recordings("gemini.generateContent") if line.status == 200]


def answer(*parts: object, finish: str | None = "STOP", **more: object) -> bytes:
    """An answer of one candidate."""
    said: dict[str, object] = {"content": {"parts": list(parts), "role": "model"}}
    said |= {} if finish is None else {"finishReason": finish}
    return json.dumps({"candidates": [said], "modelVersion": "m", "responseId": "r", **more}).encode()


@needs_recordings
@pytest.mark.parametrize("line", ANSWERS, ids=lambda line: line.id)
def test_a_recorded_answer_keeps_its_words_calls_and_counts(line: Recorded) -> None:
    """Compared with the JSON itself, read without our code."""
    _, _, body = response_of(line.id)
    wire = json.loads(body)
    reply = decode_reply(body)
    parts = wire["candidates"][0]["content"]["parts"]
    choice = reply.choices[0]
    assert (reply.id, reply.model) == (wire["responseId"], wire["modelVersion"])
    assert "".join(part.text for part in choice.parts if isinstance(part, Text)) == "".join(
        part["text"] for part in parts if "text" in part and not part.get("thought")
    )
    assert "".join(part.text for part in choice.parts if isinstance(part, Reasoning)) == "".join(
        part["text"] for part in parts if part.get("thought")
    )
    assert [
        (part.name, json.loads(part.arguments), part.signature) for part in choice.parts if isinstance(part, ToolCall)
    ] == [
        (part["functionCall"]["name"], part["functionCall"]["args"], part.get("thoughtSignature"))
        for part in parts
        if "functionCall" in part
    ]
    assert [part.signature for part in choice.parts if isinstance(part, Reasoning | ToolCall) and part.signature] == [
        part["thoughtSignature"] for part in parts if "thoughtSignature" in part
    ]
    assert choice.said == wire["candidates"][0]["finishReason"]
    assert choice.finish is (Finish.TOOL_CALLS if any("functionCall" in part for part in parts) else Finish.STOP)
    assert reply.usage is not None
    assert reply.usage.input_total == wire["usageMetadata"]["promptTokenCount"]
    assert reply.usage.total == reply.usage.reported_total == wire["usageMetadata"]["totalTokenCount"]


@needs_recordings
def test_an_answer_of_vertex_says_when_it_was_made() -> None:
    """And its signatures are its own."""
    reply = VERTEX.decode_reply(response_of("vertex-gemini-generatecontent-json-parallel-tool-calls-7e8728b1")[2])
    assert reply.created_s == 1_773_338_761
    first = reply.choices[0].parts[0]
    assert isinstance(first, ToolCall)
    assert first.family == "vertex"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", Reason.EMPTY_ANSWER, id="nothing"),
        pytest.param(b"<html>AIzaSySecretSecret</html>", Reason.MALFORMED, id="a web page"),
        pytest.param(b"upstream error", Reason.MALFORMED, id="plain text"),
        pytest.param(b'{"candidates":[', Reason.MALFORMED, id="cut JSON"),
        pytest.param(b'{"candidates":3}', Reason.MALFORMED, id="another shape"),
        pytest.param(b"[]", Reason.MALFORMED, id="an empty list"),
        pytest.param(b"{}", Reason.EMPTY_ANSWER, id="an empty object"),
        pytest.param(
            b'{"candidates":[],"usageMetadata":{"promptTokenCount":1}}', Reason.EMPTY_ANSWER, id="no candidates"
        ),
        pytest.param(b'{"candidates":[{}]}', Reason.EMPTY_ANSWER, id="a candidate that says nothing"),
        pytest.param(b'{"candidates":[{"content":{},"finishReason":"OTHER"}]}', Reason.EMPTY_ANSWER, id="OTHER, empty"),
        pytest.param(answer(finish="MALFORMED_FUNCTION_CALL"), Reason.MALFORMED, id="a call nobody can read"),
        pytest.param(
            b'{"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED"}}', Reason.THROTTLED, id="an error"
        ),
        pytest.param(
            b'[{"error":{"code":503,"message":"x","status":"UNAVAILABLE"}}]', Reason.OVERLOADED, id="in a list"
        ),
        pytest.param(b'{"error":"odd"}', Reason.SERVER_ERROR, id="an error of another shape"),
    ],
)
def test_a_200_that_is_no_answer_is_a_fault_with_the_right_reason(body: bytes, reason: Reason) -> None:
    """And its words never quote what was not understood."""
    with pytest.raises(WireFault) as caught:
        decode_reply(body)
    assert caught.value.reason is reason
    assert "Secret" not in caught.value.message


def test_a_blocked_prompt_is_an_empty_answer_that_the_filter_ended() -> None:
    """A refusal is an answer: it fails over only where that is asked for."""
    body = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 7, "totalTokenCount": 7}}
    reply = decode_reply(json.dumps(body).encode())
    assert [(choice.finish, choice.said, choice.parts) for choice in reply.choices] == [
        (Finish.CONTENT_FILTER, "SAFETY", ())
    ]
    assert reply.usage is not None
    assert reply.usage.input == 7


def test_a_budget_spent_on_thinking_leaves_an_empty_answer_that_ended_for_length() -> None:
    """The finish says why it is empty."""
    body = {
        "candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS"}],
        "usageMetadata": {"promptTokenCount": 5, "thoughtsTokenCount": 100, "totalTokenCount": 105},
    }
    reply = decode_reply(json.dumps(body).encode())
    assert reply.choices[0].finish is Finish.LENGTH
    assert not reply.is_empty


def test_parts_keep_their_order_and_texts_that_follow_each_other_are_one() -> None:
    """A text's signature stands behind it, where a stream has it too; a picture is kept whole."""
    picture = {"inlineData": {"mimeType": "image/png", "data": "iVBO"}}
    reply = decode_reply(
        answer(
            {"text": "hm", "thought": True, "thoughtSignature": "s1"},
            {"text": "a"},
            {"text": "b", "thoughtSignature": "s2"},
            {"functionCall": {"id": "c1", "name": "f", "args": {"x": 1.0}}, "thoughtSignature": "s3"},
            {**picture, "thoughtSignature": "s4"},
            {"somethingNew": {}},
        )
    )
    *parts, opaque = reply.choices[0].parts
    assert parts == [
        Reasoning(text="hm", signature="s1", family="gemini"),
        Text(text="ab"),
        Reasoning(signature="s2", family="gemini"),
        ToolCall(id="c1", name="f", arguments='{"x":1.0}', signature="s3", family="gemini"),
    ]
    assert isinstance(opaque, Opaque)
    assert (json.loads(bytes(opaque.raw)), opaque.family) == ({**picture, "thoughtSignature": "s4"}, "gemini")


def test_arguments_keep_their_digits() -> None:
    """White space of the envelope goes, numbers stay as the model wrote them."""
    part = b'{"functionCall":{"name":"f","args":{\n "n": 12345678901234567890.10}}}'
    body = b'{"candidates":[{"content":{"parts":[%b]}}]}' % part
    call = DIALECT.decode_reply(body).choices[0].parts[0]
    assert isinstance(call, ToolCall)
    assert call.arguments == '{"n":12345678901234567890.10}'
