"""Whole answers, recorded and odd."""

from __future__ import annotations

import json

import pytest

from router.canon.event import Finish
from router.canon.request import Reasoning, Text, ToolCall
from router.errors import Reason, WireFault
from router.wire.cohere_v2 import DIALECT
from tests.wire.recorded import Recorded, needs_recordings, recordings, response_of

ANSWERS = [line for line in recordings("cohere.chat.v2") if not line.stream and line.status == 200]


@needs_recordings
@pytest.mark.parametrize("line", ANSWERS, ids=lambda line: line.id)
def test_a_recorded_answer_keeps_its_words_calls_and_counts(line: Recorded) -> None:
    """Compared with the JSON itself, read without our code."""
    _, _, body = response_of(line.id)
    wire = json.loads(body)
    message = wire["message"]
    reply = DIALECT.decode_reply(body)
    choice = reply.choices[0]
    texts = [block["text"] for block in message.get("content", []) if block["type"] == "text"]
    thoughts = [block["thinking"] for block in message.get("content", []) if block["type"] == "thinking"]
    plan = [message["tool_plan"]] if "tool_plan" in message else []
    assert reply.id == wire["id"]
    assert [part.text for part in choice.parts if isinstance(part, Reasoning)] == thoughts
    assert [part.text for part in choice.parts if isinstance(part, Text)] == texts + plan
    assert [(part.id, part.name, part.arguments) for part in choice.parts if isinstance(part, ToolCall)] == [
        (call["id"], call["function"]["name"], call["function"]["arguments"]) for call in message.get("tool_calls", [])
    ]
    assert choice.said == wire["finish_reason"]
    assert choice.finish is not Finish.OTHER
    assert reply.usage is not None
    assert reply.usage.input_total == wire["usage"]["tokens"]["input_tokens"]
    assert reply.usage.output_total == wire["usage"]["tokens"]["output_tokens"]
    assert reply.usage.cache_read == wire["usage"]["cached_tokens"]
    assert reply.usage.billed_input == wire["usage"]["billed_units"]["input_tokens"]
    assert not reply.is_empty


@needs_recordings
@pytest.mark.parametrize("line", recordings("cohere.chat.v1"), ids=lambda line: line.id)
def test_an_answer_of_version_1_is_not_taken_for_one(line: Recorded) -> None:
    """Another shape under the same name: it has words, but none where version 2 has them."""
    with pytest.raises(WireFault) as caught:
        DIALECT.decode_reply(response_of(line.id)[2])
    assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", Reason.EMPTY_ANSWER, id="nothing"),
        pytest.param(b"<html><body>sk-secret</body></html>", Reason.MALFORMED, id="a web page"),
        pytest.param(b"upstream error", Reason.MALFORMED, id="plain text"),
        pytest.param(b'{"id":"x","message":{', Reason.MALFORMED, id="cut JSON"),
        pytest.param(b'{"a":' * 100_000, Reason.MALFORMED, id="nested without end"),
        pytest.param(b'{"id":"x"}', Reason.MALFORMED, id="no message"),
        pytest.param(b'{"message":{"content":7}}', Reason.MALFORMED, id="a message of another shape"),
        pytest.param(b'{"message":"too many tokens: 9"}', Reason.CONTEXT_LENGTH, id="an error's body"),
        pytest.param(b'{"error":{"message":"it broke"}}', Reason.SERVER_ERROR, id="a gateway's error"),
        pytest.param(b'{"message":{},"finish_reason":"ERROR"}', Reason.SERVER_ERROR, id="finish ERROR"),
        pytest.param(b'{"message":{},"finish_reason":"TIMEOUT"}', Reason.SERVER_ERROR, id="finish TIMEOUT"),
    ],
)
def test_a_200_that_is_no_answer_is_a_fault_with_the_right_reason(body: bytes, reason: Reason) -> None:
    """And its words never quote what was not understood."""
    with pytest.raises(WireFault) as caught:
        DIALECT.decode_reply(body)
    assert caught.value.reason is reason
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("said", "finish"),
    [
        ("COMPLETE", Finish.STOP),
        ("STOP_SEQUENCE", Finish.STOP),
        ("MAX_TOKENS", Finish.LENGTH),
        ("TOOL_CALL", Finish.STOP),
        ("ERROR_LIMIT", Finish.CONTEXT_FULL),
        ("ERROR_TOXIC", Finish.CONTENT_FILTER),
        ("SOMETHING_NEW", Finish.OTHER),
    ],
)
def test_every_finish_reason_has_its_word(said: str, finish: Finish) -> None:
    """The set is open: what is new is `OTHER`, and its own word is kept. A word for calls needs a call."""
    body = {"id": "x", "message": {"content": [{"type": "text", "text": "a"}]}, "finish_reason": said}
    choice = DIALECT.decode_reply(json.dumps(body).encode()).choices[0]
    assert (choice.finish, choice.said) == (finish, said)


def test_citations_and_log_probabilities_are_kept() -> None:
    """Citations as Cohere's own JSON, log probabilities in OpenAI's form."""
    body = (
        b'{"id":"x","message":{"content":[{"type":"text","text":"a"}],"citations":[{"start":0},{"start":1}]},'
        b'"finish_reason":"COMPLETE","logprobs":[{"text":"a","token_ids":[1],"logprobs":[-1.5]}]}'
    )
    choice = DIALECT.decode_reply(body).choices[0]
    assert [bytes(raw) for raw in choice.citations] == [b'{"start":0}', b'{"start":1}']
    assert choice.logprobs is not None
    assert json.loads(bytes(choice.logprobs))["content"][0]["logprob"] == -1.5


def test_arguments_that_are_null_are_an_empty_object_and_names_are_the_callers() -> None:
    """A call without an id gets one, the same on every reading, and no two the same."""
    call = {"type": "function", "function": {"name": "mcp-f", "arguments": "null"}}
    body = json.dumps({"id": "x", "message": {"tool_calls": [call, call]}, "finish_reason": "TOOL_CALL"}).encode()
    parts = [part for part in DIALECT.decode_reply(body).choices[0].parts if isinstance(part, ToolCall)]
    assert [(part.name, part.arguments) for part in parts] == [("mcp-f", "{}")] * 2
    assert len({part.id for part in parts}) == 2
    assert DIALECT.decode_reply(body).choices[0].parts == tuple(parts)
