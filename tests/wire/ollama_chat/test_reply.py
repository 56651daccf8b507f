"""Whole answers, recorded and odd."""

from __future__ import annotations

import json

import pytest

from router.canon.event import Finish
from router.canon.request import Reasoning, Text, ToolCall
from router.canon.usage import Usage
from router.errors import Reason, WireFault
from router.wire.ollama_chat import DIALECT
from tests.wire.recorded import Recorded, needs_recordings, recordings, response_of

ANSWERS = [line for line in recordings("ollama.chat") if not line.stream and line.status == 200]


@needs_recordings
@pytest.mark.parametrize("line", ANSWERS, ids=lambda line: line.id)
def test_a_recorded_answer_keeps_its_words_calls_and_counts(line: Recorded) -> None:
    """Compared with the JSON itself, read without our code."""
    _, _, body = response_of(line.id)
    wire = json.loads(body)
    message = wire["message"]
    reply = DIALECT.decode_reply(body)
    choice = reply.choices[0]
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    assert reply.model == wire["model"]
    assert "".join(part.text for part in choice.parts if isinstance(part, Text)) == message["content"]
    assert [(part.name, json.loads(part.arguments)) for part in calls] == [
        (call["function"]["name"], call["function"]["arguments"]) for call in message.get("tool_calls", [])
    ]
    assert len({part.id for part in calls}) == len(calls)
    assert choice.said == wire["done_reason"]
    assert choice.finish is (Finish.TOOL_CALLS if calls else Finish.STOP)
    assert reply.usage == Usage(input=wire["prompt_eval_count"], output=wire["eval_count"])
    assert not reply.is_empty
    assert DIALECT.decode_reply(body) == reply


def test_an_answer_keeps_thinking_text_and_the_providers_ids() -> None:
    """In the order in which they are said."""
    call = {"id": "call_7", "function": {"name": "f", "arguments": {"a": 1}}}
    message = {"role": "assistant", "thinking": "hm", "content": "yes", "tool_calls": [call]}
    body = json.dumps({"model": "m", "message": message, "done": True, "done_reason": "length"}).encode()
    choice = DIALECT.decode_reply(body).choices[0]
    assert choice.parts == (
        Reasoning(text="hm", family="ollama-chat"),
        Text(text="yes"),
        ToolCall(id="call_7", name="f", arguments='{"a": 1}'),
    )
    assert choice.finish is Finish.LENGTH
    assert DIALECT.decode_reply(body).usage is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", Reason.EMPTY_ANSWER, id="nothing"),
        pytest.param(b"<html><body>sk-secret</body></html>", Reason.MALFORMED, id="a web page"),
        pytest.param(b"Ollama is running", Reason.MALFORMED, id="plain text"),
        pytest.param(b'{"model":"m","message":{', Reason.MALFORMED, id="cut JSON"),
        pytest.param(b'{"a":' * 100_000, Reason.MALFORMED, id="nested without end"),
        pytest.param(b'{"model":"m","done":true}', Reason.MALFORMED, id="no message"),
        pytest.param(b'{"message":{"content":"a"},"done":false}', Reason.MALFORMED, id="not done"),
        pytest.param(b'{"message":{"content":"a"},"done":false}\n{"done":true}', Reason.MALFORMED, id="a stream"),
        pytest.param(b'{"response":"a","done":true}', Reason.MALFORMED, id="another endpoint's answer"),
        pytest.param(b'{"error":"model \'m\' not found"}', Reason.MODEL_MISSING, id="an error"),
        pytest.param(b'{"message":{},"done":true,"done_reason":"load"}', Reason.EMPTY_ANSWER, id="only loaded"),
    ],
)
def test_a_200_that_is_no_answer_is_a_fault_with_the_right_reason(body: bytes, reason: Reason) -> None:
    """And its words never quote what was not understood."""
    with pytest.raises(WireFault) as caught:
        DIALECT.decode_reply(body)
    assert caught.value.reason is reason
    assert "secret" not in caught.value.message
