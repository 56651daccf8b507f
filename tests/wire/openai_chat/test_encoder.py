"""Streams as we say them: the order and the rules that clients crash on, checked with OpenAI's own SDK too."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from router.canon.event import (
    CitationAdded,
    Ended,
    Event,
    Finish,
    Finished,
    LogprobsAdded,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from router.canon.usage import Usage
from router.errors import Reason, UpstreamFailed
from router.wire.openai_chat.request import peek
from router.wire.openai_chat.stream import ChatEncoder

STARTED = Started(id="msg_1", model="claude", created_s=17)
USAGE = UsageReported(usage=Usage(input=3, output=2))
STOP = Finished(reason=Finish.STOP, said="end_turn")


def encoded(*events: Event, include_usage: bool | None = None) -> bytes:
    """A whole stream, each event fed alone."""
    options = {} if include_usage is None else {"stream_options": {"include_usage": include_usage}}
    body = json.dumps({"model": "m", "messages": [{}], "stream": True, **options})
    encoder = ChatEncoder(peek(body.encode()))
    return b"".join(encoder.feed((event,)) for event in events) + encoder.end()


def chunks_of(stream: bytes) -> list[dict[str, Any]]:
    """The JSON of every event before `[DONE]`, which must be last."""
    events = stream.decode().split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    assert all(event.startswith("data: {") and "\n" not in event for event in events[:-2])
    return [json.loads(event[6:]) for event in events[:-2]]


def choices_of(stream: bytes) -> list[dict[str, Any]]:
    """The one choice of every chunk."""
    return [chunk["choices"][0] for chunk in chunks_of(stream)]


RICH: tuple[Event, ...] = (
    STARTED,
    ReasoningDelta(text="hm", family="anthropic"),
    ReasoningDelta(signature="seal", family="anthropic"),
    TextDelta(text="He"),
    TextDelta(text="llo"),
    ToolCallStarted(index=0, id="call_a", name="f"),
    ToolCallStarted(index=1, id="call_b", name="g"),
    ToolCallDelta(index=1, arguments='{"y"'),
    ToolCallDelta(index=0, arguments='{"x":1}'),
    ToolCallDelta(index=1, arguments=":2}"),
    USAGE,
    Finished(reason=Finish.TOOL_CALLS, said="tool_use"),
    Ended(),
)


def test_the_order_is_the_one_clients_expect() -> None:
    """Role once, thinking, text, calls begun with id and name, one finish, `[DONE]`."""
    chunks = chunks_of(encoded(*RICH))
    assert {(c["id"], c["object"], c["created"], c["model"]) for c in chunks} == {
        ("msg_1", "chat.completion.chunk", 17, "claude")
    }
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    sealed = {"type": "reasoning.text", "text": "hm", "signature": "seal", "format": "anthropic", "index": 0}
    assert deltas == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "hm"},
        {"reasoning_details": [sealed]},
        {"content": "He"},
        {"content": "llo"},
        {"tool_calls": [{"index": 0, "id": "call_a", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 1, "id": "call_b", "type": "function", "function": {"name": "g", "arguments": ""}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": '{"y"'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"x":1}'}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": ":2}"}}]},
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * 10 + ["tool_calls"]
    assert not any("usage" in chunk for chunk in chunks)


def test_openais_sdk_puts_the_stream_together() -> None:
    """Its accumulator concatenates what is repeated and raises on what is missing."""
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for chunk in chunks_of(encoded(*RICH, include_usage=True)):
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk, strict=True))
    whole = state.get_final_completion()
    message = whole.choices[0].message
    assert (message.role, message.content, whole.choices[0].finish_reason) == ("assistant", "Hello", "tool_calls")
    calls = [call for call in message.tool_calls or [] if call.type == "function"]
    assert [(call.id, call.function.name, call.function.arguments) for call in calls] == [
        ("call_a", "f", '{"x":1}'),
        ("call_b", "g", '{"y":2}'),
    ]
    assert whole.usage is not None
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens, whole.usage.total_tokens) == (3, 2, 5)


@pytest.mark.parametrize("include_usage", [None, False], ids=["not said", "false"])
def test_a_caller_who_did_not_ask_gets_no_usage_and_no_empty_chunk(include_usage: bool | None) -> None:
    """Clients that index the first choice crash on a chunk without one."""
    chunks = chunks_of(encoded(STARTED, TextDelta(text="a"), USAGE, STOP, include_usage=include_usage))
    assert all("usage" not in chunk and chunk["choices"] for chunk in chunks)


def test_a_caller_who_asked_gets_usage_once_and_null_before() -> None:
    """The last report counts; it comes behind the finish, without choices."""
    preview = UsageReported(usage=Usage(input=3))
    chunks = chunks_of(encoded(STARTED, preview, TextDelta(text="a"), STOP, USAGE, include_usage=True))
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * 3
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == 5


def test_usage_that_nobody_counted_is_null_and_not_zero() -> None:
    """The chunk is promised; numbers are not ours to invent."""
    assert chunks_of(encoded(STARTED, TextDelta(text="a"), STOP, include_usage=True))[-1]["usage"] is None


def test_nothing_is_said_before_content() -> None:
    """An attempt that fails before it leaves no trace, and the next one's name stands on every chunk."""
    encoder = ChatEncoder(peek(b'{"model":"m","messages":[{}]}'))
    assert encoder.feed((STARTED,)) == b""
    assert encoder.feed((Started(id="other", model="gpt", created_s=18), USAGE)) == b""
    said = encoder.feed((TextDelta(text="a"), Started(id="late", model="x"), TextDelta(text="b"))) + encoder.end()
    assert {(chunk["id"], chunk["model"]) for chunk in chunks_of(said)} == {("other", "gpt")}


def test_a_finish_is_said_last_even_when_content_follows_it() -> None:
    """And it names its role first when nothing else was said."""
    assert [choice["finish_reason"] for choice in choices_of(encoded(STARTED, STOP, TextDelta(text="a")))] == [
        None,
        None,
        "stop",
    ]
    assert [choice["delta"] for choice in choices_of(encoded(STARTED, STOP))] == [
        {"role": "assistant", "content": ""},
        {},
    ]


def test_each_choice_has_its_role_and_its_finish() -> None:
    """Two answers interleave."""
    events = (
        STARTED,
        TextDelta(text="a"),
        TextDelta(text="b", choice=1),
        Finished(reason=Finish.LENGTH, said="length", choice=1),
        STOP,
    )
    choices = choices_of(encoded(*events))
    roles = [choice["index"] for choice in choices if "role" in choice["delta"]]
    finishes = {choice["index"]: choice["finish_reason"] for choice in choices if choice["finish_reason"]}
    assert roles == [0, 1]
    assert finishes == {0: "stop", 1: "length"}


def test_a_function_called_without_arguments_gets_an_empty_object() -> None:
    """Clients parse what they collected, and nothing is not JSON; free-form input may be nothing."""
    events = (
        STARTED,
        ToolCallStarted(index=0, id="a", name="f"),
        ToolCallStarted(index=1, id="b", name="sh", custom=True),
        ToolCallDelta(index=1, arguments="ls"),
        Finished(reason=Finish.TOOL_CALLS, said="tool_use"),
    )
    calls = [
        choice["delta"]["tool_calls"][0] for choice in choices_of(encoded(*events)) if "tool_calls" in choice["delta"]
    ]
    assert calls == [
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 1, "id": "b", "type": "custom", "custom": {"name": "sh", "input": ""}},
        {"index": 1, "custom": {"input": "ls"}},
        {"index": 0, "function": {"arguments": "{}"}},
    ]


def test_refusals_logprobs_and_own_citations_have_their_places() -> None:
    """Citations of other dialects have no form here and stay away."""
    events = (
        STARTED,
        RefusalDelta(text="no"),
        LogprobsAdded(logprobs=Raw(b'{"content":[],"refusal":null}')),
        CitationAdded(citation=Raw(b'{"type":"url_citation"}'), family="openai-chat"),
        CitationAdded(citation=Raw(b'{"type":"char_location"}'), family="anthropic"),
        Finished(reason=Finish.REFUSAL, said="refusal"),
    )
    choices = choices_of(encoded(*events))
    assert [choice["delta"] for choice in choices] == [
        {"role": "assistant", "content": ""},
        {"refusal": "no"},
        {},
        {"annotations": [{"index": 0, "type": "url_citation"}]},
        {},
    ]
    assert choices[2]["logprobs"] == {"content": [], "refusal": None}
    assert choices[-1]["finish_reason"] == "stop"


def test_an_answer_that_breaks_off_says_so_and_never_finishes() -> None:
    """One event with the error; the held finish and `[DONE]` are not said."""
    encoder = ChatEncoder(peek(b'{"model":"m","messages":[{}]}'))
    said = encoder.feed((STARTED, TextDelta(text="a"), STOP))
    said += encoder.fault(UpstreamFailed("it was cut", target="p:m", reason=Reason.CUT_STREAM))
    events = said.decode().split("\n\n")
    assert json.loads(events[-2][6:])["error"]["code"] == "provider_cut_stream"
    assert '"finish_reason":"stop"' not in said.decode()
    assert "[DONE]" not in said.decode()
