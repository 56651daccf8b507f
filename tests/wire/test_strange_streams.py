"""Streams as no document has them: strange orders, nulls, repeats and gaps. Nothing is invented, lost or called whole
that is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from router.canon.event import (
    Ended,
    Event,
    Finished,
    OpaqueAdded,
    ReasoningDelta,
    Skipped,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from router.errors import WireFault
from router.wire.anthropic_messages import DIALECT as MESSAGES
from router.wire.bedrock_converse import DIALECT as CONVERSE
from router.wire.dialect import Dialect, Frame
from router.wire.openai_chat import DIALECT as CHAT
from router.wire.openai_responses import DIALECT as RESPONSES

Said = tuple[str, Any]
"""An event of a stream: its name and what it says."""

Strange = Mapping[str, tuple[tuple[Said, ...], str]]
"""What is strange -> the stream, and what is understood of it."""

_WORDS: dict[type, Callable[[Any], str]] = {
    TextDelta: lambda event: event.text,
    ReasoningDelta: lambda event: f"({event.text}{'!' if event.signature else ''})",
    ToolCallStarted: lambda event: f"{event.index}={event.name}",
    ToolCallDelta: lambda event: f"{event.index}:{event.arguments}",
    Finished: lambda event: f"<{event.reason}>",
    OpaqueAdded: lambda event: "opaque",
    Skipped: lambda event: "skipped",
    Ended: lambda event: ".",
}


def understood(dialect: Dialect, stream: tuple[Said, ...]) -> str:
    """What a decoder makes of a stream, in short; calls must have ids of their own."""
    decoder = dialect.decoder()
    events: list[Event] = []
    end = ""
    try:
        for name, said in stream:
            data = said if isinstance(said, bytes) else msgspec.json.encode(said)
            events += decoder.feed(Frame(raw=data, data=data, event=name))
        events += decoder.end()
    except WireFault as fault:
        end = f"!{fault.reason}"
    ids = [event.id for event in events if isinstance(event, ToolCallStarted)]
    assert len(set(ids)) == len(ids) and all(ids)
    words = [_WORDS[type(event)](event) for event in events if type(event) in _WORDS]
    return " ".join([*words, *([end] if end else [])])


# Chat completions.


def chunk(delta: Any = None, finish: str | None = None, **more: Any) -> Said:
    """A chunk of one choice."""
    return "", {"id": "x", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def call(index: int | None, id: str | None = None, name: str | None = None, arguments: Any = None) -> Said:
    """A piece of a tool call."""
    function = {"name": name, "arguments": arguments}
    return chunk({"tool_calls": [{"index": index, "id": id, "type": None, "function": function}]})


A, STOP, CALLS, DONE = chunk({"content": "a"}), chunk({}, "stop"), chunk({}, "tool_calls"), ("", b"[DONE]")
COUNTED = ("", {"id": "x", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})
BROKEN = ("", {"error": {"message": "no", "type": "server_error"}})
NULLS = dict.fromkeys(("role", "content", "refusal", "tool_calls", "function_call", "reasoning", "annotations"))

CHATS: Strange = {
    "usage before the finish": ((A, COUNTED, STOP, DONE), "a <stop> ."),
    "two finishes": ((A, STOP, STOP, COUNTED, DONE), "a <stop> ."),
    "no [DONE]": ((A, STOP), "a <stop> ."),
    "no finish": ((A, DONE), "a"),
    "an empty finish": ((A, chunk({}, ""), DONE), "a"),
    "an error behind the finish": ((A, STOP, BROKEN, DONE), "a <stop> !server_error"),
    "an error behind the end": ((A, STOP, DONE, BROKEN), "a <stop> ."),
    "choices empty and null": (
        (("", {"choices": []}), ("", {"id": "x", "choices": None}), A, STOP, DONE),
        "a <stop> .",
    ),
    "pings and names nobody knows": ((("ping", {}), ("", {"type": "ping"}), A, ("new", {"a": 1}), STOP), "a <stop> ."),
    "nulls everywhere": ((chunk(NULLS), A, chunk(None, "stop", usage=None), DONE), "a <stop> ."),
    "text with the finish": ((chunk({"content": "a"}, "stop"), DONE), "a <stop> ."),
    "arguments before the name": ((call(0, "i", None, "{"), call(0, None, "f", "}"), CALLS), "0=f 0:{} <tool_calls> ."),
    "a name that never comes": ((call(0, "i", None, "{}"), CALLS, DONE), "!malformed"),
    "one id for two calls": (
        (call(0, "i", "f", "{"), call(1, "i", "g", "["), call(0, None, "", "}"), call(1, None, "", "]"), CALLS),
        "0=f 0:{ 1=g 1:[ 0:} 1:] <tool_calls> .",
    ),
    "a call without place and id": (
        (call(None, None, "f"), call(None, None, None, "{}"), CALLS),
        "0=f 0:{} <tool_calls> .",
    ),
    "arguments as an object": ((call(0, "i", "f", {"a": 1}), STOP), '0=f 0:{"a":1} <tool_calls> .'),
    "calls that are none": ((A, CALLS, DONE), "a <stop> ."),
}


# Messages.


def event(kind: str, **said: Any) -> Said:
    """An event of a protocol whose events repeat their names."""
    return kind, {"type": kind, **said}


def begun(index: int | None, kind: str, **block: Any) -> Said:
    """A block begins."""
    return event("content_block_start", index=index, content_block={"type": kind, **block})


def piece(index: int | None, kind: str, **delta: Any) -> Said:
    """More of it."""
    return event("content_block_delta", index=index, delta={"type": kind, **delta})


def ended(index: int | None) -> Said:
    """It ends."""
    return event("content_block_stop", index=index)


START = event("message_start", message={"id": "m", "model": "c", "content": [], "usage": {"input_tokens": 3}})
LAST = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 2})
OVER = event("message_stop")
TEXT, FULL = begun(0, "text", text=""), begun(0, "tool_use", id="t", name="f", input={"a": 1})
SPOKEN = (TEXT, piece(0, "text_delta", text="a"), ended(0))
OVERLOADED = ("error", {"type": "error", "error": {"type": "overloaded_error", "message": "no"}})

MESSAGE_STREAMS: Strange = {
    "a block that does not end": ((START, *SPOKEN[:2], LAST, OVER), "a <stop> ."),
    "neither block nor message end": ((START, *SPOKEN[:2], LAST), "a <stop>"),
    "no message_stop": ((START, *SPOKEN, LAST), "a <stop> ."),
    "no reason": ((START, *SPOKEN, OVER), "a"),
    "two message_deltas": (
        (START, *SPOKEN, event("message_delta", delta={}, usage={}), LAST, LAST, OVER),
        "a <stop> .",
    ),
    "an error behind the reason": ((START, *SPOKEN, LAST, OVERLOADED), "a <stop> !overloaded"),
    "begun twice": ((START, START, *SPOKEN, LAST, OVER), "a <stop> ."),
    "a call said twice": ((START, FULL, FULL, ended(0), LAST, OVER), '0=f 0:{"a":1} <tool_calls> .'),
    "a whole call that does not end": ((START, FULL, LAST, OVER), '0=f <tool_calls> 0:{"a":1} .'),
    "blocks without a place": (
        (
            START,
            begun(None, "text", text=None),
            piece(None, "text_delta", text="a"),
            ended(None),
            begun(None, "tool_use", id=None, name="f", input=None),
            piece(None, "input_json_delta", partial_json=None),
            piece(None, "input_json_delta", partial_json="{}"),
            ended(None),
            LAST,
            OVER,
        ),
        "a 0=f 0:{} <tool_calls> .",
    ),
    "a thought of nulls": (
        (
            START,
            begun(0, "thinking", thinking=None, signature=None),
            piece(0, "thinking_delta", thinking="hm"),
            piece(0, "signature_delta", signature=None),
            ended(0),
            *(LAST, OVER),
        ),
        "(hm) <stop> .",
    ),
    "arguments of no call": ((START, piece(5, "input_json_delta", partial_json="{}"), LAST, OVER), "skipped <stop> ."),
    "pings and types nobody knows": (
        (("ping", {"type": "ping"}), START, event("new"), *SPOKEN[:1], event("ping"), *SPOKEN[1:], LAST, OVER),
        "a <stop> .",
    ),
}


# Responses.


def over(*output: Any, status: str = "completed", **more: Any) -> Said:
    """The last event, with the whole."""
    counts = {"input_tokens": 3, "output_tokens": 2}
    response = {"id": "r", "status": status, "output": output, "usage": counts, **more}
    return event(f"response.{status}", response=response)


def item(place: int, whole: Any, *, done: bool = False) -> Said:
    """An item comes, or is whole."""
    return event(f"response.output_item.{'done' if done else 'added'}", output_index=place, item=whole)


CREATED = event("response.created", response={"id": "r", "model": "m", "status": "in_progress", "output": []})
SAYS = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]}
CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
THOUGHT = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "E"}
NEW_CALL = {**CALL, "arguments": ""}


def words(place: int | None, text: str | None = "a") -> Said:
    """More text."""
    return event("response.output_text.delta", output_index=place, content_index=0, delta=text)


RESPONSE_STREAMS: Strange = {
    "nothing but the end": ((over(THOUGHT, SAYS, CALL),), "(hm) (!) a 0=f 0:{} <tool_calls> ."),
    "a call only in the end": ((CREATED, words(0), over(SAYS, CALL)), "a 0=f 0:{} <tool_calls> ."),
    "text only in the end": ((CREATED, item(0, {**SAYS, "content": []}), over(SAYS)), "a <stop> ."),
    "arguments only in the end": ((CREATED, item(0, NEW_CALL), over(CALL)), "0=f 0:{} <tool_calls> ."),
    "places from 1": ((CREATED, words(1), item(1, SAYS, done=True), over(SAYS)), "a <stop> ."),
    "places null": ((CREATED, words(None), over(SAYS)), "a <stop> ."),
    "an end without its thought": (
        (CREATED, item(0, THOUGHT, done=True), words(1), item(1, SAYS, done=True), over(SAYS)),
        "(hm) (!) a <stop> .",
    ),
    "whole twice": (
        (CREATED, item(0, THOUGHT, done=True), item(0, THOUGHT, done=True), over(THOUGHT)),
        "(hm) (!) <stop> .",
    ),
    "begun twice": ((CREATED, item(0, NEW_CALL), item(0, NEW_CALL), over(CALL)), "0=f 0:{} <tool_calls> ."),
    "two ends": ((CREATED, words(0), over(SAYS), over(SAYS)), "a <stop> ."),
    "an error behind the end": ((CREATED, words(0), over(SAYS), ("error", {"type": "error"})), "a <stop> ."),
    "no end": ((CREATED, words(0), item(0, SAYS, done=True), ("", b"[DONE]")), "a"),
    "incomplete for no reason": (
        (CREATED, words(0), over(status="incomplete", incomplete_details=None)),
        "a <length> .",
    ),
    "complete in name only": (
        (CREATED, words(0), event("response.completed", response={"status": "failed", "error": {"message": "no"}})),
        "a !server_error",
    ),
    "nulls everywhere": (
        (event("response.created", response=None), words(0, None), item(0, None), words(0), over(SAYS)),
        "a <stop> .",
    ),
}


# Converse.


def tool(place: int, id: str | None, name: str) -> Said:
    """A call begins."""
    return "contentBlockStart", {"contentBlockIndex": place, "start": {"toolUse": {"toolUseId": id, "name": name}}}


def more(place: int, **delta: Any) -> Said:
    """More of a block."""
    return "contentBlockDelta", {"contentBlockIndex": place, "delta": delta}


def stopped(reason: str | None = "end_turn") -> Said:
    """Why the model stopped."""
    return "messageStop", {"stopReason": reason, "additionalModelResponseFields": None}


BEGIN, SAID = ("messageStart", {"role": "assistant"}), more(0, text="a")
COUNT = ("metadata", {"usage": {"inputTokens": 3, "outputTokens": 2}, "metrics": None, "trace": None})
THROTTLED = ("exception:throttlingException", {"message": "no"})

CONVERSE_STREAMS: Strange = {
    "the account first": ((BEGIN, SAID, COUNT, stopped()), "a <stop> ."),
    "no account": ((BEGIN, SAID, stopped()), "a <stop> ."),
    "no stop": ((BEGIN, SAID, COUNT), "a"),
    "a stop of null": ((BEGIN, SAID, stopped(None), COUNT), "a skipped"),
    "two stops": ((BEGIN, SAID, stopped(), stopped("max_tokens"), COUNT), "a <stop> ."),
    "an exception behind the stop": ((BEGIN, SAID, stopped(), THROTTLED), "a <stop> !throttled"),
    "a place begun twice": (
        (BEGIN, tool(0, "1", "f"), tool(0, "2", "g"), tool(1, "3", "h"), more(1, toolUse={"input": "{}"}), stopped()),
        "0=f 1=g 2=h 2:{} <tool_calls> .",
    ),
    "input of no call": ((BEGIN, more(3, toolUse={"input": "{}"}), stopped(), COUNT), "skipped <stop> ."),
    "nulls everywhere": (
        (
            *(BEGIN, more(0, text=None, toolUse=None, citation=None), SAID),
            *(tool(1, None, "f"), more(1, toolUse={"input": None}), stopped("tool_use"), COUNT),
        ),
        "a 0=f <tool_calls> .",
    ),
    "calls that are none": ((BEGIN, SAID, stopped("tool_use"), COUNT), "a <stop> ."),
    "an event nobody knows": ((BEGIN, ("new", {}), SAID, stopped(), COUNT), "a <stop> ."),
}

_ALL = ((CHAT, CHATS), (MESSAGES, MESSAGE_STREAMS), (RESPONSES, RESPONSE_STREAMS), (CONVERSE, CONVERSE_STREAMS))


@pytest.mark.parametrize(
    ("dialect", "stream", "meant"),
    [
        pytest.param(dialect, *row, id=f"{dialect.name}: {name}")
        for dialect, streams in _ALL
        for name, row in streams.items()
    ],
)
def test_a_strange_stream_is_understood_as_it_was_meant(dialect: Dialect, stream: tuple[Said, ...], meant: str) -> None:
    """What came is told once and in order; an answer ends only where its provider ended it, and a broken one never."""
    assert understood(dialect, stream) == meant
