"""Streams of every recorded provider through splitter and decoder, against a reader that knows none of our code."""

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
    OpaqueAdded,
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
from router.wire.anthropic_messages import DIALECT
from tests.wire.cutting import cuts, split
from tests.wire.recorded import Recorded, needs_recordings, recordings, response_of

LIMIT_BYTES = 1 << 20
CUT_EVERYWHERE_BYTES = 3_000
"""Bodies up to this size are cut at every place; larger ones at about forty places."""

STREAMS = [line for line in recordings("anthropic.messages") if line.stream and line.status == 200]


def events_of(blocks: list[bytes]) -> list[Event]:
    """Everything the decoder says about a stream that came in these blocks."""
    decoder = DIALECT.decoder()
    events = [event for frame in split(DIALECT.splitter(LIMIT_BYTES), blocks) for event in decoder.feed(frame)]
    return events + list(decoder.end())


def sse(*events: dict[str, Any]) -> bytes:
    """A stream of these events, each under its own name."""
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


START = {
    "type": "message_start",
    "message": {"id": "msg_1", "model": "m", "content": [], "usage": {"input_tokens": 5, "output_tokens": 1}},
}
STOP = {"type": "message_stop"}


def begin(index: int, kind: str, **members: object) -> dict[str, Any]:
    """The beginning of a block."""
    return {"type": "content_block_start", "index": index, "content_block": {"type": kind, **members}}


def more(index: int, kind: str, **members: object) -> dict[str, Any]:
    """A piece of a block."""
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **members}}


def done(index: int) -> dict[str, Any]:
    """The end of a block."""
    return {"type": "content_block_stop", "index": index}


def finish(reason: str | None = "end_turn", usage: object = None, **members: object) -> dict[str, Any]:
    """Why the answer ends."""
    return {"type": "message_delta", "delta": {"stop_reason": reason, **members}, "usage": usage}


TEXT = (begin(0, "text", text=""), more(0, "text_delta", text="a"), done(0))


def told(events: list[Event]) -> dict[str, Any]:
    """What a stream said, put together."""
    calls: list[list[str]] = []
    thoughts: dict[int, list[str]] = {}
    for event in events:
        match event:
            case ToolCallStarted():
                assert event.index == len(calls)
                calls.append([event.id, event.name, ""])
            case ToolCallDelta():
                calls[event.index][2] += event.arguments
            case ReasoningDelta():
                thought = thoughts.setdefault(event.block, ["", "", ""])
                thought[0] += event.text
                thought[1] += event.signature or ""
                thought[2] += event.redacted or ""
    return {
        "text": "".join(event.text for event in events if isinstance(event, TextDelta)),
        "calls": calls,
        "thoughts": [thoughts[block] for block in sorted(thoughts)],
        "sources": [json.loads(bytes(event.citation)) for event in events if isinstance(event, CitationAdded)],
        "opaque": [json.loads(bytes(event.raw)) for event in events if isinstance(event, OpaqueAdded)],
    }


def naive(body: bytes) -> dict[str, Any]:
    """The same by the plainest means: split lines, parse JSON, put blocks together by their index."""
    blocks: dict[int, dict[str, Any]] = {}
    for event in naive_events(body):
        if event["type"] == "content_block_start":
            blocks[event["index"]] = {**event["content_block"], "pieces": "", "sources": []}
        elif event["type"] == "content_block_delta":
            block, delta = blocks[event["index"]], event["delta"]
            block["sources"] += [delta["citation"]] if "citation" in delta else []
            block["pieces"] += delta.get("partial_json", "")
            for name in ("text", "thinking", "signature"):
                block[name] = block.get(name, "") + delta.get(name, "")
    said = list(blocks.values())
    servers = [block for block in said if block["type"] not in ("text", "thinking", "tool_use")]
    inputs = [{"input": json.loads(block["pieces"])} if block["pieces"] else {} for block in servers]
    invented = ("pieces", "sources", "text", "thinking", "signature")
    return {
        "text": "".join(block["text"] for block in said if block["type"] == "text"),
        "calls": [[block["id"], block["name"], block["pieces"]] for block in said if block["type"] == "tool_use"],
        "thoughts": [[block["thinking"], block["signature"], ""] for block in said if block["type"] == "thinking"],
        "sources": [source for block in said for source in block["sources"]],
        "opaque": [
            {name: value for name, value in {**block, **given}.items() if name not in invented}
            for block, given in zip(servers, inputs, strict=True)
        ],
    }


def naive_events(body: bytes) -> list[dict[str, Any]]:
    """The JSON objects of a stream, by lines."""
    lines = body.decode().replace("\r\n", "\n").split("\n")
    return [json.loads(line[5:]) for line in lines if line.startswith("data:")]


def naive_usage(body: bytes) -> tuple[int, int, int, int]:
    """Uncached, read, written and answered tokens: the last number that stands under each name."""
    last: dict[str, int] = {}
    for event in naive_events(body):
        usage = event.get("usage") or event.get("message", {}).get("usage") or {}
        last |= {name: count for name, count in usage.items() if isinstance(count, int)}
    read, written = last["cache_read_input_tokens"], last["cache_creation_input_tokens"]
    return last["input_tokens"], read, written, last["output_tokens"]


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_a_recorded_stream_says_what_a_naive_reader_finds(line: Recorded) -> None:
    """Text, thinking with its seal, calls, sources and server tools; one start, one finish, and an end."""
    _, _, body = response_of(line.id)
    events = events_of([body])
    assert told(events) == naive(body)
    assert [type(event) for event in events].count(Started) == 1
    said = [event["delta"]["stop_reason"] for event in naive_events(body) if event["type"] == "message_delta"]
    assert [event.said for event in events if isinstance(event, Finished)] == said
    assert isinstance(events[-1], Ended)
    assert not [event for event in events if isinstance(event, Skipped)]


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_a_recorded_streams_usage_is_its_last_word_under_each_name(line: Recorded) -> None:
    """What the end leaves out stands as the start said it; what it says anew replaces that."""
    _, _, body = response_of(line.id)
    usage = [event.usage for event in events_of([body]) if isinstance(event, UsageReported)][-1]
    written = usage.cache_write + usage.cache_write_1h
    assert (usage.input, usage.cache_read, written, usage.output_total) == naive_usage(body)


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_how_a_recorded_stream_was_cut_never_shows(line: Recorded) -> None:
    """The same events from a body whole, in two pieces at many places, and byte by byte."""
    _, _, body = response_of(line.id)
    whole = msgspec.json.encode(events_of([body]))
    stride = 1 if len(body) <= CUT_EVERYWHERE_BYTES else len(body) // 40
    for blocks in cuts(body, stride):
        assert msgspec.json.encode(events_of(blocks)) == whole


def error(kind: str, message: str = "x") -> dict[str, Any]:
    """An error event."""
    return {"type": "error", "error": {"type": kind, "message": message}}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(sse(error("overloaded_error")), Reason.OVERLOADED, id="overloaded"),
        pytest.param(sse(error("api_error")), Reason.SERVER_ERROR, id="api error"),
        pytest.param(sse(error("rate_limit_error")), Reason.THROTTLED, id="rate limit"),
        pytest.param(
            sse(error("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum")),
            Reason.CONTEXT_LENGTH,
            id="too long",
        ),
        pytest.param(b'data: {"type":"error","error":{"type":"api_error"}}\n\n', Reason.SERVER_ERROR, id="no name"),
        pytest.param(b"event: error\ndata: it broke\n\n", Reason.SERVER_ERROR, id="plain words"),
        pytest.param(
            b'data: {"error":{"code":"context_length_exceeded","message":"x"}}\n\n',
            Reason.CONTEXT_LENGTH,
            id="OpenAI's",
        ),
    ],
)
def test_an_error_in_a_stream_is_seen_in_every_form(body: bytes, reason: Reason) -> None:
    """As the first event of a 200, and after good content too, so that a cut answer never looks complete."""
    for before in (b"", sse(START, *TEXT)):
        with pytest.raises(WireFault) as caught:
            events_of([before, body])
        assert caught.value.reason is reason


@pytest.mark.parametrize(
    ("body", "complete"),
    [
        pytest.param(sse(START, *TEXT, finish(), STOP), True, id="as it should be"),
        pytest.param(sse(START, *TEXT, finish()), True, id="only the stop is missing"),
        pytest.param(sse(START, *TEXT, finish()) + b"data: [DONE]\n\n", True, id="a facade's DONE"),
        pytest.param(sse(START, *TEXT, STOP), False, id="no reason"),
        pytest.param(sse(START, *TEXT, finish(None), STOP), False, id="a reason of null"),
        pytest.param(sse(START, *TEXT), False, id="neither"),
        pytest.param(sse(START, *TEXT) + b"data: [DONE]\n\n", False, id="DONE alone"),
        pytest.param(sse(START, *TEXT[:2], finish()), False, id="a block is open"),
        pytest.param(sse(START, finish(), STOP), True, id="nothing said"),
        pytest.param(sse(START, *TEXT, finish(), STOP, STOP), True, id="stopped twice"),
        pytest.param(b"", False, id="nothing"),
    ],
)
def test_an_answer_is_complete_only_by_a_stop_reason(body: bytes, complete: bool) -> None:
    """`message_stop` without one ends nothing."""
    events = events_of([body])
    assert [type(event) for event in events].count(Ended) == int(complete)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b'{"type":"content_block_delta","index":0,"delta":{', id="cut JSON"),
        pytest.param(b"<html>", id="no JSON"),
        pytest.param(b'{"type":"content_block_delta","index":0,"delta":3}', id="wrong type"),
        pytest.param(b'{"type":"content_block_delta","index":0}', id="no delta"),
        pytest.param(b'{"type":"content_block_start","index":4,"content_block":{}}', id="a block of no type"),
        pytest.param(
            b'{"type":"content_block_delta","index":9,"delta":{"type":"input_json_delta","partial_json":"x"}}',
            id="a piece of nothing",
        ),
        pytest.param(b'{"type":"message_delta","delta":"\\ud800"}', id="half a surrogate pair"),
        pytest.param(b'{"type":"content_block_start","content_block":' + b"[" * 9999 + b"]" * 9999 + b"}", id="deep"),
        pytest.param(b"[]", id="not an object"),
        pytest.param(b"{}", id="no type"),
    ],
)
def test_an_event_that_cannot_be_read_is_skipped_and_the_answer_goes_on(bad: bytes) -> None:
    """One bad event costs its own content and nothing else; what it held is not quoted."""
    events = events_of([sse(START, *TEXT), b"data: " + bad + b"\n\n", sse(*TEXT, finish(), STOP)])
    assert told(events)["text"] == "aa"
    skipped = [event for event in events if isinstance(event, Skipped)]
    assert len(skipped) == 1
    assert bad.decode() not in skipped[0].why
    assert isinstance(events[-1], Ended)


@pytest.mark.parametrize(
    "unknown",
    [
        pytest.param({"type": "ping"}, id="ping"),
        pytest.param({"type": "message_preview", "preview": {}}, id="an event to come"),
        pytest.param(more(0, "colour_delta", colour="red"), id="a delta to come"),
        pytest.param(done(7), id="the end of nothing"),
        pytest.param(START, id="a second start"),
    ],
)
def test_what_it_does_not_know_says_nothing(unknown: dict[str, Any]) -> None:
    """The protocol promises to grow."""
    assert events_of([sse(START, *TEXT, unknown, finish(), STOP)]) == events_of([sse(START, *TEXT, finish(), STOP)])


def test_a_block_to_come_is_told_whole_when_it_ends() -> None:
    """With the input that came in pieces, so that it can be sent back."""
    body = sse(
        START,
        begin(0, "moon_tool_use", id="x", input={}),
        more(0, "input_json_delta", partial_json='{"a":'),
        more(0, "input_json_delta", partial_json="1}"),
        done(0),
        finish("pause_turn"),
        STOP,
    )
    assert told(events_of([body]))["opaque"] == [{"type": "moon_tool_use", "id": "x", "input": {"a": 1}}]


def test_a_call_whose_input_came_with_its_beginning_has_it_once() -> None:
    """Pieces win over it; the empty object that begins every call says nothing."""
    whole = (begin(0, "tool_use", id="a", name="f", input={"x": 1}), done(0))
    pieces = (
        begin(1, "tool_use", id="b", name="g", input={"x": 1}),
        more(1, "input_json_delta", partial_json=""),
        more(1, "input_json_delta", partial_json='{"x":2}'),
        done(1),
    )
    bare = (begin(2, "tool_use", id="c", name="h", input={}), done(2))
    calls = told(events_of([sse(START, *whole, *pieces, *bare, finish("tool_use"), STOP)]))["calls"]
    assert calls == [["a", "f", '{"x": 1}'], ["b", "g", '{"x":2}'], ["c", "h", ""]]


def test_calls_without_ids_get_different_ones_and_always_the_same() -> None:
    """Facades leave them out; clients send them back with the result."""
    body = sse(START, begin(0, "tool_use", name="f"), done(0), begin(1, "tool_use", name="f"), done(1), finish(), STOP)
    ids = [event.id for event in events_of([body]) if isinstance(event, ToolCallStarted)]
    assert len(set(ids)) == 2
    assert ids == [event.id for event in events_of([body]) if isinstance(event, ToolCallStarted)]


def test_thinking_is_numbered_by_blocks_and_sealed_by_anthropic() -> None:
    """Text that begins inside its block, a seal without text, and thinking nobody may read."""
    body = sse(
        START,
        begin(0, "thinking", thinking="h", signature=""),
        more(0, "thinking_delta", thinking="m"),
        more(0, "signature_delta", signature="s1"),
        done(0),
        begin(1, "redacted_thinking", data="blob"),
        done(1),
        begin(2, "thinking", thinking="", signature=""),
        more(2, "signature_delta", signature="s2"),
        done(2),
        finish(),
        STOP,
    )
    events = events_of([body])
    assert told(events)["thoughts"] == [["hm", "s1", ""], ["", "", "blob"], ["", "s2", ""]]
    assert {event.family for event in events if isinstance(event, ReasoningDelta)} == {"anthropic"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("end_turn", Finish.STOP),
        ("stop_sequence", Finish.STOP),
        ("max_tokens", Finish.LENGTH),
        ("model_context_window_exceeded", Finish.CONTEXT_FULL),
        ("tool_use", Finish.STOP),
        ("refusal", Finish.REFUSAL),
        ("pause_turn", Finish.PAUSED),
        ("moonphase", Finish.OTHER),
    ],
    ids=lambda value: str(value),
)
def test_a_stop_reason_is_understood_and_its_own_word_kept(said: str, expected: Finish) -> None:
    """With the sequence that matched, where one did."""
    events = events_of([sse(START, *TEXT, finish(said, stop_sequence="END"), STOP)])
    finished = [event for event in events if isinstance(event, Finished)]
    assert finished == [Finished(reason=expected, said=said, stop_sequence="END")]


def test_the_start_counts_in_advance_and_the_end_counts_the_truth() -> None:
    """One hour of the cache stays known when only the total is said anew."""
    start = {"input_tokens": 5, "output_tokens": 1, "cache_creation": {"ephemeral_1h_input_tokens": 7}}
    end = {"cache_creation_input_tokens": 10, "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 4}}
    begun = {"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": start}}
    events = events_of([sse(begun, *TEXT, finish("end_turn", end), STOP)])
    assert [event.usage for event in events if isinstance(event, UsageReported)] == [
        Usage(input=5, cache_write_1h=7, output=1),
        Usage(input=5, cache_write=3, cache_write_1h=7, output=5, reasoning=4),
    ]


def test_what_a_conversation_was_made_into_is_whole_with_its_seal() -> None:
    """It comes in one piece behind a block that began without it, and must come back as it was."""
    block = (begin(0, "compaction", content=None), more(0, "compaction_delta", content="so", encrypted_content="E"))
    events = events_of([sse(START, *block, done(0), *TEXT, finish(), {"type": "message_stop"})])
    assert told(events)["opaque"] == [{"type": "compaction", "content": "so", "encrypted_content": "E"}]
