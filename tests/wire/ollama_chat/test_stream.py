"""Recorded streams through splitter and decoder, against a reader that knows none of our code; then the odd ones."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from router.canon.event import (
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
from router.wire.ollama_chat import DIALECT
from tests.wire.cutting import cuts, split
from tests.wire.recorded import Recorded, needs_recordings, recordings, response_of

LIMIT_BYTES = 1 << 20
STREAMS = [line for line in recordings("ollama.chat") if line.stream and line.status == 200]
FINISHES = {"stop": Finish.STOP, "length": Finish.LENGTH}


def events_of(blocks: list[bytes]) -> list[Event]:
    """Everything the decoder says about a stream that came in these blocks."""
    decoder = DIALECT.decoder()
    events = [event for frame in split(DIALECT.splitter(LIMIT_BYTES), blocks) for event in decoder.feed(frame)]
    return events + list(decoder.end())


def lines(*said: object) -> bytes:
    """A stream of these lines; text goes in as it is."""
    return b"".join((line if isinstance(line, str) else json.dumps(line)).encode() + b"\n" for line in said)


def piece(done: bool = False, **message: object) -> dict[str, object]:
    """A line of an answer."""
    return {
        "model": "m",
        "created_at": "2025-08-20T13:48:26.5Z",
        "message": {"role": "assistant", **message},
        "done": done,
    }


END = piece(done=True, content="") | {"done_reason": "stop"}


def told(events: list[Event]) -> dict[str, Any]:
    """What a stream said, put together."""
    said: dict[str, Any] = {"text": "", "reasoning": "", "calls": []}
    for event in events:
        match event:
            case TextDelta():
                said["text"] += event.text
            case ReasoningDelta():
                said["reasoning"] += event.text
            case ToolCallStarted():
                said["calls"].append([event.name, ""])
            case ToolCallDelta():
                said["calls"][event.index][1] += event.arguments
    return said


def naive(body: bytes) -> dict[str, Any]:
    """The same by the plainest means: split lines, parse JSON, add up."""
    messages = [json.loads(line)["message"] for line in body.splitlines() if line]
    return {
        "text": "".join(message.get("content", "") for message in messages),
        "reasoning": "".join(message.get("thinking", "") for message in messages),
        "calls": [
            [call["function"]["name"], json.dumps(call["function"]["arguments"])]
            for message in messages
            for call in message.get("tool_calls", [])
        ],
    }


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_a_recorded_stream_says_what_a_naive_reader_finds(line: Recorded) -> None:
    """Text, thinking and tool calls word for word; one start, one finish, and the end at the end."""
    _, _, body = response_of(line.id)
    events = events_of([body])
    last = json.loads(body.splitlines()[-1])
    assert told(events) == naive(body)
    assert isinstance(events[0], Started)
    assert events[0].model == last["model"]
    assert [event for event in events if isinstance(event, Finished)] == [
        Finished(reason=FINISHES[last["done_reason"]], said=last["done_reason"])
    ]
    assert [type(event) for event in events].count(Started) == 1
    assert events[-1] == Ended()
    assert not [event for event in events if isinstance(event, Skipped)]


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_a_recorded_streams_counts_are_those_of_its_last_line(line: Recorded) -> None:
    """Ollama breaks them down no further."""
    _, _, body = response_of(line.id)
    last = json.loads(body.splitlines()[-1])
    usages = [event.usage for event in events_of([body]) if isinstance(event, UsageReported)]
    assert usages == [Usage(input=last["prompt_eval_count"], output=last["eval_count"])]


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_how_a_recorded_stream_was_cut_never_shows(line: Recorded) -> None:
    """The same events from a body whole, in two pieces at many places, and byte by byte."""
    _, _, body = response_of(line.id)
    whole = msgspec.json.encode(events_of([body]))
    for blocks in cuts(body, len(body) // 100):
        assert msgspec.json.encode(events_of(blocks)) == whole


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_a_recorded_stream_cut_before_its_last_line_is_not_complete(line: Recorded) -> None:
    """Wherever the bytes end, only the line that is done makes an answer complete; its line feed may lack."""
    _, _, body = response_of(line.id)
    whole = body.rstrip()
    for place in range(0, len(whole), len(whole) // 30):
        assert Ended() not in events_of([whole[:place]])
    assert Ended() in events_of([whole])


def test_how_a_stream_of_calls_was_cut_never_shows_in_their_ids() -> None:
    """Ids are made of what is known: the same on every reading, and for a whole answer too."""
    call = {"function": {"name": "f", "arguments": {"a": "é"}}}
    body = lines(piece(content="", tool_calls=[call, call]), END)
    whole = events_of([body])
    for blocks in cuts(body):
        assert events_of(blocks) == whole
    ids = [event.id for event in whole if isinstance(event, ToolCallStarted)]
    assert len(set(ids)) == 2
    reply = DIALECT.decode_reply(
        json.dumps(END | {"message": piece(content="", tool_calls=[call, call])["message"]}).encode()
    )
    assert [getattr(part, "id", None) for part in reply.choices[0].parts] == ids


def test_calls_over_several_lines_are_numbered_from_0_and_end_as_calls() -> None:
    """Ollama says "stop" after them; ids that it gives are kept."""
    body = lines(
        piece(thinking="hm"),
        piece(
            content="",
            tool_calls=[{"id": "call_x", "function": {"index": 4, "name": "f", "arguments": {"b": 1, "a": 2.50}}}],
        ),
        piece(content="", tool_calls=[{"function": {"name": "g", "arguments": {}}}, {"function": {"name": "h"}}]),
        END,
    )
    events = events_of([body])
    begun = [event for event in events if isinstance(event, ToolCallStarted)]
    assert [event.index for event in begun] == [0, 1, 2]
    assert begun[0].id == "call_x"
    assert told(events)["calls"] == [["f", '{"b": 1, "a": 2.5}'], ["g", "{}"], ["h", ""]]
    assert events[-2] == Finished(reason=Finish.TOOL_CALLS, said="stop")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param('{"n":12345678901234567890,"f":1.10}', '{"n":12345678901234567890,"f":1.10}', id="digits"),
        pytest.param('"{\\"a\\":1}"', '{"a":1}', id="JSON text, as OpenAI sends it"),
        pytest.param("null", "", id="null"),
        pytest.param('"null"', "", id="null as text"),
    ],
)
def test_arguments_are_passed_on_as_the_model_wrote_them(arguments: str, text: str) -> None:
    """Digit for digit: they are never read as numbers."""
    body = b'{"message":{"tool_calls":[{"function":{"name":"f","arguments":%b}}]}}\n' % arguments.encode()
    assert told(events_of([body]))["calls"] == [["f", text]]


def test_a_block_of_thinking_ends_where_text_or_a_call_begins() -> None:
    """A model that thinks again begins another."""
    body = lines(piece(thinking="a"), piece(thinking="b", content="x"), piece(thinking="c"), END)
    thoughts = [(event.text, event.block) for event in events_of([body]) if isinstance(event, ReasoningDelta)]
    assert thoughts == [("a", 0), ("b", 0), ("c", 1)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param({"error": "an error was encountered while running the model"}, Reason.SERVER_ERROR, id="Ollama's"),
        pytest.param({"error": "model runner has unexpectedly stopped"}, Reason.SERVER_ERROR, id="a runner that died"),
        pytest.param({"error": "model requires more system memory (9 GiB)"}, Reason.OVERLOADED, id="no memory"),
        pytest.param({"error": "error parsing tool call: raw='{'"}, Reason.MALFORMED, id="what the model wrote"),
        pytest.param(
            {"error": "request (302 tokens) exceeds the available context size (256 tokens)"},
            Reason.CONTEXT_LENGTH,
            id="too long",
        ),
        pytest.param({"error": {"message": "x"}}, Reason.SERVER_ERROR, id="OpenAI's envelope"),
        pytest.param(END | {"done_reason": "load"}, Reason.EMPTY_ANSWER, id="only loaded"),
        pytest.param(END | {"done_reason": "unload"}, Reason.EMPTY_ANSWER, id="only unloaded"),
    ],
)
def test_an_error_in_a_stream_is_a_fault(line: dict[str, object], reason: Reason) -> None:
    """After good content too, so that a cut answer never looks complete."""
    with pytest.raises(WireFault) as caught:
        events_of([lines(piece(content="a"), line)])
    assert caught.value.reason is reason
    assert caught.value.message


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param('{"message": {', id="cut JSON"),
        pytest.param("<html>", id="no JSON"),
        pytest.param('{"message": 3}', id="wrong type"),
        pytest.param("[" * 100_000, id="nested without end"),
        pytest.param('{"message": {"content": "\\ud800"}}', id="half a surrogate pair"),
        pytest.param("[]", id="not an object"),
    ],
)
def test_a_line_that_cannot_be_read_is_skipped_and_the_answer_goes_on(bad: str) -> None:
    """One bad line costs its own content and nothing else; what it held is not quoted."""
    events = events_of([lines(piece(content="a"), bad, piece(content="b"), END)])
    assert told(events)["text"] == "ab"
    skipped = [event for event in events if isinstance(event, Skipped)]
    assert len(skipped) == 1
    assert bad not in skipped[0].why
    assert events[-1] == Ended()


def test_lines_that_are_no_part_of_an_answer_add_nothing() -> None:
    """Progress of a download, blank lines, and whatever follows the end."""
    events = events_of([lines({"status": "pulling manifest"}, "", piece(content="a"), END, piece(content="b"), END)])
    assert told(events)["text"] == "a"
    assert [type(event) for event in events].count(Ended) == 1
    assert not [event for event in events if isinstance(event, Skipped)]


def test_an_end_without_a_reason_or_counts_makes_up_neither() -> None:
    """Old servers say nothing, and zero counts are left out."""
    events = events_of([lines(piece(content="a"), piece(done=True))])
    assert events[2:] == [Finished(reason=Finish.OTHER, said=""), Ended()]


@pytest.mark.parametrize(
    ("created_at", "created_s"),
    [
        ("2025-05-07T01:16:23.653756921Z", 1746580583),
        ("2025-08-20T15:48:26.5+02:00", 1755697706),
        ("0001-01-01T00:00:00Z", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_when_an_answer_began_is_read_from_any_date(created_at: str | None, created_s: int | None) -> None:
    """Go writes nanoseconds, and the year 1 for no date."""
    started = events_of([lines(piece(content="a") | {"created_at": created_at})])[0]
    assert isinstance(started, Started)
    assert started.created_s == created_s


def test_log_probabilities_come_in_openais_form() -> None:
    """What Ollama leaves out is filled in; what cannot be read costs no text."""
    token = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": [{"token": "b", "logprob": -1.5}]}
    events = events_of([lines(piece(content="a") | {"logprobs": [token]}, piece(content="b") | {"logprobs": "x"}, END)])
    assert told(events)["text"] == "ab"
    added = [json.loads(bytes(event.logprobs)) for event in events if isinstance(event, LogprobsAdded)]
    likely = {"token": "b", "logprob": -1.5, "bytes": None}
    assert added == [{"content": [token | {"top_logprobs": [likely]}], "refusal": None}]
