"""Recorded streams through splitter and decoder, against a reader that knows none of our code; then the odd ones."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from router.canon.event import (
    CitationAdded,
    Ended,
    Event,
    Finish,
    Finished,
    LogprobsAdded,
    ReasoningDelta,
    Skipped,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from router.canon.usage import Usage
from router.errors import Reason, WireFault
from router.wire.cohere_v2 import DIALECT
from tests.wire.cutting import cuts, split
from tests.wire.recorded import Recorded, needs_recordings, recordings, response_of

LIMIT_BYTES = 1 << 20
CUT_EVERYWHERE_BYTES = 6_000
"""Bodies up to this size are cut at every place; larger ones at about forty places."""

STREAMS = [line for line in recordings("cohere.chat.v2") if line.stream and line.status == 200]
FINISHES = {"COMPLETE": Finish.STOP, "TOOL_CALL": Finish.TOOL_CALLS}


def events_of(blocks: list[bytes]) -> list[Event]:
    """Everything the decoder says about a stream that came in these blocks."""
    decoder = DIALECT.decoder()
    events = [event for frame in split(DIALECT.splitter(LIMIT_BYTES), blocks) for event in decoder.feed(frame)]
    return events + list(decoder.end())


def sse(*events: object) -> bytes:
    """A stream of these events; text goes in as it is."""
    lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
    return b"".join(b"data: " + line.encode() + b"\n\n" for line in lines)


def delta(kind: str, index: int | None = None, **message: object) -> dict[str, object]:
    """An event that adds to the message."""
    return {"type": kind, "index": index, "delta": {"message": message}}


def told(events: list[Event]) -> dict[str, Any]:
    """What a stream said, put together."""
    said: dict[str, Any] = {"text": "", "reasoning": "", "calls": [], "citations": 0}
    for event in events:
        match event:
            case TextDelta():
                said["text"] += event.text
            case ReasoningDelta():
                said["reasoning"] += event.text
            case ToolCallStarted():
                said["calls"].append([event.id, event.name, ""])
            case ToolCallDelta():
                said["calls"][event.index][2] += event.arguments
            case CitationAdded():
                said["citations"] += 1
    return said


def naive_events(body: bytes) -> list[dict[str, Any]]:
    """The JSON objects of a stream, by lines."""
    return [json.loads(line[6:]) for line in body.decode().split("\n") if line.startswith("data: {")]


def naive(body: bytes) -> dict[str, Any]:
    """The same by the plainest means: split lines, parse JSON, add up."""
    said: dict[str, Any] = {"text": "", "reasoning": "", "calls": [], "citations": 0}
    for event in naive_events(body):
        message = event.get("delta", {}).get("message", {})
        match event["type"]:
            case "content-start" | "content-delta":
                said["text"] += message["content"].get("text", "")
                said["reasoning"] += message["content"].get("thinking", "")
            case "tool-plan-delta":
                said["text"] += message["tool_plan"]
            case "tool-call-start":
                call = message["tool_calls"]
                said["calls"].append([call["id"], call["function"]["name"], call["function"]["arguments"]])
            case "tool-call-delta":
                said["calls"][event["index"]][2] += message["tool_calls"]["function"]["arguments"]
            case "citation-start":
                said["citations"] += 1
    return said


def stride_of(body: bytes) -> int:
    """How far apart the cuts of a body lie."""
    return 1 if len(body) <= CUT_EVERYWHERE_BYTES else len(body) // 40


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_a_recorded_stream_says_what_a_naive_reader_finds(line: Recorded) -> None:
    """Text, thinking, plan, tool calls and citations word for word; one start, one finish, and the end at the end."""
    _, _, body = response_of(line.id)
    events = events_of([body])
    last = naive_events(body)[-1]["delta"]
    assert told(events) == naive(body)
    assert events[0] == Started(id=naive_events(body)[0]["id"], model="")
    assert [event for event in events if isinstance(event, Finished)] == [
        Finished(reason=FINISHES[last["finish_reason"]], said=last["finish_reason"])
    ]
    assert [type(event) for event in events].count(Started) == 1
    assert events[-1] == Ended()
    assert not [event for event in events if isinstance(event, Skipped)]


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_a_recorded_streams_usage_is_split_without_loss(line: Recorded) -> None:
    """The buckets add up to the tokens that were read and written; the billed ones stand beside them."""
    _, _, body = response_of(line.id)
    counted = naive_events(body)[-1]["delta"]["usage"]
    usages = [event.usage for event in events_of([body]) if isinstance(event, UsageReported)]
    assert len(usages) == 1
    assert usages[0].input_total == counted["tokens"]["input_tokens"]
    assert usages[0].output_total == counted["tokens"]["output_tokens"]
    assert usages[0].cache_read == counted["cached_tokens"]
    assert usages[0].reasoning == counted["tokens"].get("reasoning_tokens", 0)
    assert usages[0].billed_input == counted["billed_units"]["input_tokens"]
    assert usages[0].billed_output == counted["billed_units"]["output_tokens"]


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_how_a_recorded_stream_was_cut_never_shows(line: Recorded) -> None:
    """The same events from a body whole, in two pieces at many places, and byte by byte."""
    _, _, body = response_of(line.id)
    whole = msgspec.json.encode(events_of([body]))
    for blocks in cuts(body, stride_of(body)):
        assert msgspec.json.encode(events_of(blocks)) == whole


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_a_recorded_stream_cut_before_its_last_event_is_not_complete(line: Recorded) -> None:
    """Wherever the bytes end, only `message-end` whole makes an answer complete."""
    _, _, body = response_of(line.id)
    end = body.index(b'"type":"message-end"')
    for place in range(0, end, max(end // 20, 1)):
        assert Ended() not in events_of([body[:place]])


END = {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(
            sse({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "it broke"}}),
            Reason.SERVER_ERROR,
            id="the end with words",
        ),
        pytest.param(
            sse({"type": "message-end", "delta": {"finish_reason": "ERROR"}}), Reason.SERVER_ERROR, id="the end alone"
        ),
        pytest.param(
            sse({"type": "message-end", "delta": {"finish_reason": "TIMEOUT"}}), Reason.SERVER_ERROR, id="a timeout"
        ),
        pytest.param(
            sse({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "too many tokens: x"}}),
            Reason.CONTEXT_LENGTH,
            id="words that mean something else",
        ),
        pytest.param(sse({"message": "internal server error"}), Reason.SERVER_ERROR, id="an error body as an event"),
        pytest.param(sse({"error": {"message": "model 'x' not found"}}), Reason.MODEL_MISSING, id="a gateway's error"),
        pytest.param(b'data: {"error": "\xff"}\n\n', Reason.SERVER_ERROR, id="words that are no text"),
    ],
)
def test_an_error_in_a_stream_is_seen_in_every_form(body: bytes, reason: Reason) -> None:
    """After good content too, so that a cut answer never looks complete."""
    with pytest.raises(WireFault) as caught:
        events_of([sse(delta("content-delta", 0, content={"text": "a"})), body])
    assert caught.value.reason is reason
    assert caught.value.message


@pytest.mark.parametrize(
    ("body", "complete"),
    [
        pytest.param(sse(END, "[DONE]"), True, id="message-end and DONE"),
        pytest.param(sse(END), True, id="message-end alone"),
        pytest.param(sse(END, END), True, id="message-end twice"),
        pytest.param(sse("[DONE]"), False, id="DONE alone"),
        pytest.param(sse({"type": "content-end", "index": 0}), False, id="a block's end"),
        pytest.param(b"", False, id="nothing"),
    ],
)
def test_an_answer_is_complete_only_by_its_message_end(body: bytes, complete: bool) -> None:
    """With or without `[DONE]`, and once."""
    events = events_of([sse(delta("content-delta", 0, content={"text": "a"})), body])
    assert [type(event) for event in events].count(Ended) == int(complete)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param('{"type": "content-delta", "delta": {', id="cut JSON"),
        pytest.param("<html>", id="no JSON"),
        pytest.param('{"type": "content-delta", "index": "first"}', id="wrong type"),
        pytest.param("[" * 100_000, id="nested without end"),
        pytest.param('{"id": "\\ud800"}', id="half a surrogate pair"),
        pytest.param("[]", id="not an object"),
    ],
)
def test_an_event_that_cannot_be_read_is_skipped_and_the_answer_goes_on(bad: str) -> None:
    """One bad event costs its own content and nothing else; what it held is not quoted."""
    events = events_of(
        [
            sse(
                delta("content-delta", 0, content={"text": "a"}),
                bad,
                delta("content-delta", 0, content={"text": "b"}),
                END,
            )
        ]
    )
    assert told(events)["text"] == "ab"
    assert [type(event) for event in events].count(Skipped) == 1
    assert events[-1] == Ended()


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"usage": {"tokens": "many"}}, id="counts of another type"),
        pytest.param({"usage": {}}, id="no counts"),
        pytest.param({"usage": None}, id="null"),
        pytest.param({}, id="none at all"),
    ],
)
def test_counts_that_cannot_be_read_do_not_cost_the_end(odd: dict[str, object]) -> None:
    """The answer is complete, and nobody is told of a zero that nobody counted."""
    events = events_of([sse({"type": "message-end", "delta": {"finish_reason": "COMPLETE", **odd}})])
    assert events[1:] == [Finished(reason=Finish.STOP, said="COMPLETE"), Ended()]


@pytest.mark.parametrize("kind", ["debug", "ping", "citation-end", "something-new"])
def test_an_event_of_an_unknown_type_adds_nothing(kind: str) -> None:
    """Cohere adds types; nobody is told of them."""
    events = events_of([sse(delta(kind, content={"text": "a"}), END)])
    assert told(events)["text"] == ""
    assert not [event for event in events if isinstance(event, Skipped)]


def calls_of(*pieces: str, ends: bool) -> list[list[str]]:
    """The calls of a stream with one call whose arguments came in these pieces; it may end without an event."""
    started = delta("tool-call-start", 0, tool_calls={"id": "a1", "function": {"name": "f", "arguments": ""}})
    more = [delta("tool-call-delta", 0, tool_calls={"function": {"arguments": piece}}) for piece in pieces]
    end = [{"type": "tool-call-end", "index": 0}] if ends else []
    calls: list[list[str]] = told(events_of([sse(started, *more, *end, END)]))["calls"]
    return calls


@pytest.mark.parametrize(
    ("pieces", "arguments"),
    [
        pytest.param((), "", id="nothing"),
        pytest.param(("null",), "", id="null"),
        pytest.param(("nu", "ll"), "", id="null in pieces"),
        pytest.param((" ", "null", "\n"), "", id="null in white space"),
        pytest.param(("{", "}"), "{}", id="an empty object"),
        pytest.param(("\n", '{"a":', "null}"), '\n{"a":null}', id="null inside an object"),
        pytest.param(("n", "ope"), "nope", id="only the beginning of null"),
        pytest.param(("nul",), "nul", id="null cut off"),
    ],
)
def test_arguments_that_are_null_are_none(pieces: tuple[str, ...], arguments: str) -> None:
    """Clients parse arguments as an object; every other text is passed on as it came."""
    assert calls_of(*pieces, ends=True) == [["a1", "f", arguments]]
    assert calls_of(*pieces, ends=False) == [["a1", "f", arguments]]


def test_tool_calls_are_numbered_from_0_and_keep_their_pieces_apart() -> None:
    """Whatever indexes the server counts with, and whether calls come as objects or lists."""
    body = sse(
        delta("tool-call-start", 3, tool_calls={"id": "a", "function": {"name": "my-tool", "arguments": ""}}),
        delta("tool-call-start", 7, tool_calls=[{"id": "b", "function": {"name": "g", "arguments": "{"}}]),
        delta("tool-call-delta", 3, tool_calls={"function": {"arguments": "{}"}}),
        delta("tool-call-delta", 7, tool_calls={"function": {"arguments": "}"}}),
        delta("tool-call-start", None, tool_calls={"function": {"name": "h"}}),
        delta("tool-call-delta", None, tool_calls={"function": {"arguments": "[]"}}),
        END,
    )
    events = events_of([body])
    calls = told(events)["calls"]
    assert [call[1:] for call in calls] == [["my-tool", "{}"], ["g", "{}"], ["h", "[]"]]
    assert len({call[0] for call in calls}) == 3
    assert calls[2][0] == told(events_of([body]))["calls"][2][0]
    assert isinstance(events[-2], Finished)
    assert events[-2].reason is Finish.TOOL_CALLS


def test_a_piece_of_a_call_that_never_began_joins_no_other() -> None:
    """Its beginning may have been the event that could not be read."""
    body = sse(
        delta("tool-call-start", 0, tool_calls={"id": "a", "function": {"name": "f", "arguments": "{}"}}),
        delta("tool-call-delta", 1, tool_calls={"function": {"arguments": "{}"}}),
        END,
    )
    events = events_of([body])
    assert told(events)["calls"] == [["a", "f", "{}"]]
    assert [type(event) for event in events].count(Skipped) == 1


def test_a_block_of_thinking_ends_where_anything_else_begins() -> None:
    """Text, a call or the block's own end; a client that signs blocks would need it."""
    body = sse(
        delta("content-start", 0, content={"type": "thinking", "thinking": "a"}),
        delta("content-delta", 0, content={"thinking": "b"}),
        {"type": "content-end", "index": 0},
        delta("content-start", 1, content={"type": "thinking", "thinking": "c"}),
        delta("tool-plan-delta", None, tool_plan="p"),
        delta("content-delta", 2, content={"thinking": "d"}),
        END,
    )
    thoughts = [(event.text, event.block) for event in events_of([body]) if isinstance(event, ReasoningDelta)]
    assert thoughts == [("a", 0), ("b", 0), ("c", 1), ("d", 2)]


def test_log_probabilities_come_in_openais_form() -> None:
    """A piece of two tokens is as probable as both in a row; a shape that is not understood costs no text."""
    body = sse(
        delta("content-delta", 0, content={"text": "hé"})
        | {"logprobs": {"text": "hé", "token_ids": [1, 2], "logprobs": [-0.5, -0.25]}},
        delta("content-delta", 0, content={"text": "b"}) | {"logprobs": 7},
        END,
    )
    events = events_of([body])
    assert told(events)["text"] == "héb"
    added = [json.loads(bytes(event.logprobs)) for event in events if isinstance(event, LogprobsAdded)]
    token = {"token": "hé", "logprob": -0.75, "bytes": [104, 195, 169], "top_logprobs": []}
    assert added == [{"content": [token], "refusal": None}]


@pytest.mark.parametrize(
    ("said", "usage"),
    [
        pytest.param(
            {"tokens": {"input_tokens": 913.0, "output_tokens": 9.0}, "billed_units": {"input_tokens": 37.0}},
            Usage(input=913, output=9, billed_input=37, billed_output=0),
            id="floats",
        ),
        pytest.param(
            {"billed_units": {"input_tokens": 37, "output_tokens": 5}},
            Usage(input=37, output=5, billed_input=37, billed_output=5),
            id="only billed",
        ),
        pytest.param(
            {"tokens": {"input_tokens": 10, "output_tokens": 2, "reasoning_tokens": 9}, "cached_tokens": 99},
            Usage(input=0, cache_read=10, output=0, reasoning=2),
            id="details larger than their totals",
        ),
        pytest.param(
            {"tokens": {"input_tokens": -3, "output_tokens": 2}}, Usage(input=0, output=2), id="a negative count"
        ),
    ],
)
def test_each_token_is_in_one_bucket(said: dict[str, object], usage: Usage) -> None:
    """And no detail takes more than its total holds."""
    events = events_of([sse({"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": said}})])
    assert [event.usage for event in events if isinstance(event, UsageReported)] == [usage]
