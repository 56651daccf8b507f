"""Streams of every recorded provider through splitter and decoder, against a reader that knows none of our code."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import msgspec
import pytest

from router.canon.event import (
    Ended,
    Event,
    Finish,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Skipped,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from router.canon.usage import Usage
from router.errors import Reason, WireFault
from router.wire.dialect import Frame
from router.wire.openai_chat import DIALECT
from tests.wire.cutting import cuts, split
from tests.wire.recorded import Recorded, needs_recordings, recordings, response_of

LIMIT_BYTES = 1 << 20
CUT_EVERYWHERE_BYTES = 6_000
"""Bodies up to this size are cut at every place; larger ones at about forty places."""

BROKEN = {
    "groq-openai-chat-stream-error-in-stream-44af79c7": Reason.MALFORMED,
    "groq-openai-chat-stream-error-in-stream-6e8fe00d": Reason.MALFORMED,
    "groq-openai-chat-stream-error-in-stream-952e74de": Reason.MALFORMED,
    "openrouter-openai-chat-stream-error-in-stream-7a5494a4": Reason.SERVER_ERROR,
}
"""The recorded streams that hold an error, and what it means."""

STREAMS = [line for line in recordings("openai.chat", "mistral.chat") if line.stream and line.status == 200]
WHOLE = [line for line in STREAMS if line.id not in BROKEN]


def events_of(blocks: list[bytes]) -> list[Event]:
    """Everything the decoder says about a stream that came in these blocks."""
    decoder = DIALECT.decoder()
    events = [event for frame in split(DIALECT.splitter(LIMIT_BYTES), blocks) for event in decoder.feed(frame)]
    return events + list(decoder.end())


def sse(*chunks: object) -> bytes:
    """A stream of these chunks; text goes in as it is."""
    lines = [chunk if isinstance(chunk, str) else json.dumps(chunk) for chunk in chunks]
    return b"".join(b"data: " + line.encode() + b"\n\n" for line in lines)


def delta(finish: str | None = None, **said: object) -> dict[str, object]:
    """A chunk of one choice."""
    return {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": said, "finish_reason": finish}]}


def told(events: list[Event]) -> dict[str, Any]:
    """What a stream said, put together per choice."""
    text: dict[int, str] = defaultdict(str)
    reasoning: dict[int, str] = defaultdict(str)
    calls: dict[tuple[int, int], list[str]] = {}
    for event in events:
        match event:
            case TextDelta():
                text[event.choice] += event.text
            case ReasoningDelta():
                reasoning[event.choice] += event.text
            case ToolCallStarted():
                calls[event.choice, event.index] = [event.name, ""]
            case ToolCallDelta():
                calls[event.choice, event.index][1] += event.arguments
    return {"text": without_empty(text), "reasoning": without_empty(reasoning), "calls": list(calls.values())}


def naive(body: bytes) -> dict[str, Any]:
    """The same by the plainest means: split lines, parse JSON, add up. Knows nothing of indexes that lie."""
    text: dict[int, str] = defaultdict(str)
    reasoning: dict[int, str] = defaultdict(str)
    calls: list[list[str]] = []
    for choice in (choice for chunk in naive_chunks(body) for choice in chunk.get("choices", [])):
        said = choice.get("delta") or {}
        content = said.get("content") or ""
        parts: list[dict[str, Any]] = content if isinstance(content, list) else [{"text": content}]
        inner = [piece["text"] for part in parts for piece in part.get("thinking") or []]
        text[choice["index"]] += "".join(part.get("text") or "" for part in parts)
        reasoning[choice["index"]] += said.get("reasoning_content") or said.get("reasoning") or "".join(inner)
        for function in (call["function"] for call in said.get("tool_calls") or []):
            if function.get("name"):
                calls.append([function["name"], ""])
            calls[-1][1] += function.get("arguments") or ""
    return {"text": without_empty(text), "reasoning": without_empty(reasoning), "calls": calls}


def naive_chunks(body: bytes) -> list[dict[str, Any]]:
    """The JSON objects of a stream, by lines."""
    lines = body.decode().replace("\r\n", "\n").split("\n")
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def without_empty(said: dict[int, str]) -> dict[int, str]:
    """Choices that said nothing count like choices that were never there."""
    return {choice: words for choice, words in said.items() if words}


def last_usage(body: bytes) -> tuple[int, int] | None:
    """The last prompt and total tokens that stand anywhere in a stream."""
    found = None
    for chunk in naive_chunks(body):
        usage = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage")
        found = (usage["prompt_tokens"], usage["total_tokens"]) if usage else found
    return found


def stride_of(body: bytes) -> int:
    """How far apart the cuts of a body lie."""
    return 1 if len(body) <= CUT_EVERYWHERE_BYTES else len(body) // 40


@needs_recordings
@pytest.mark.parametrize("line", WHOLE, ids=lambda line: line.id)
def test_a_recorded_stream_says_what_a_naive_reader_finds(line: Recorded) -> None:
    """Text, thinking and tool calls word for word; one start, one finish per choice, and an end."""
    _, _, body = response_of(line.id)
    events = events_of([body])
    assert told(events) == naive(body)
    assert [type(event) for event in events].count(Started) == 1
    assert [type(event) for event in events].count(Finished) == 1
    assert isinstance(events[-1], Ended)
    assert not [event for event in events if isinstance(event, Skipped)]
    assert [event.index for event in events if isinstance(event, ToolCallStarted)] == list(
        range(len(naive(body)["calls"]))
    )


@needs_recordings
@pytest.mark.parametrize("line", WHOLE, ids=lambda line: line.id)
def test_a_recorded_streams_usage_is_split_without_loss(line: Recorded) -> None:
    """The buckets add up to the provider's own prompt and total tokens."""
    _, _, body = response_of(line.id)
    usages = [event.usage for event in events_of([body]) if isinstance(event, UsageReported)]
    found = last_usage(body)
    assert found is not None
    assert (usages[-1].input_total, usages[-1].total) == found


@needs_recordings
@pytest.mark.parametrize("line", WHOLE, ids=lambda line: line.id)
def test_how_a_recorded_stream_was_cut_never_shows(line: Recorded) -> None:
    """The same events from a body whole, in two pieces at many places, and byte by byte."""
    _, _, body = response_of(line.id)
    whole = msgspec.json.encode(events_of([body]))
    for blocks in cuts(body, stride_of(body)):
        assert msgspec.json.encode(events_of(blocks)) == whole


@needs_recordings
@pytest.mark.parametrize("recording_id", BROKEN)
def test_a_recorded_error_inside_a_stream_is_a_fault(recording_id: str) -> None:
    """Groq's `event: error` and OpenRouter's error beside a finish reason, wherever the bytes were cut."""
    _, _, body = response_of(recording_id)
    for blocks in cuts(body, max(stride_of(body), len(body) // 10)):
        with pytest.raises(WireFault) as caught:
            events_of(blocks)
        assert caught.value.reason is BROKEN[recording_id]


OPEN_ERROR = {"message": "boom", "type": "server_error", "code": None}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(sse({"error": OPEN_ERROR}), Reason.SERVER_ERROR, id="OpenAI"),
        pytest.param(sse({"error": "overloaded"}), Reason.SERVER_ERROR, id="a bare string"),
        pytest.param(sse({"error": {"message": "x", "code": 429}}), Reason.THROTTLED, id="OpenRouter's code"),
        pytest.param(
            sse({"choices": [{"index": 0, "error": {"code": 503, "message": "x"}}]}),
            Reason.OVERLOADED,
            id="inside a choice",
        ),
        pytest.param(sse(delta("error", content="")), Reason.SERVER_ERROR, id="a finish reason"),
        pytest.param(sse(delta("insufficient_system_resource")), Reason.OVERLOADED, id="DeepSeek"),
        pytest.param(sse(delta("network_error")), Reason.SERVER_ERROR, id="Z.ai"),
        pytest.param(b'event: error\ndata: {"error":{"message":"x"}}\n\n', Reason.SERVER_ERROR, id="a named event"),
        pytest.param(b"event: error\ndata: it broke\n\n", Reason.SERVER_ERROR, id="a named event in plain words"),
        pytest.param(sse({"x_groq": {"error": "over capacity"}, "choices": []}), Reason.SERVER_ERROR, id="Groq"),
        pytest.param(
            sse({"object": "error", "message": "maximum context length is 4096", "code": 400}),
            Reason.CONTEXT_LENGTH,
            id="flat, old vLLM",
        ),
        pytest.param(b'error: {"code":500,"message":"x"}\n\n', Reason.SERVER_ERROR, id="old llama.cpp"),
    ],
)
def test_an_error_in_a_stream_is_seen_in_every_form(body: bytes, reason: Reason) -> None:
    """After good content too, so that a cut answer never looks complete."""
    with pytest.raises(WireFault) as caught:
        events_of([sse(delta(content="a")), body])
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    ("body", "complete"),
    [
        pytest.param(sse(delta(content="a"), delta("stop"), "[DONE]"), True, id="finish and DONE"),
        pytest.param(sse(delta(content="a"), delta("stop")), True, id="finish without DONE"),
        pytest.param(sse(delta(content="a"), "[DONE]"), False, id="DONE without finish"),
        pytest.param(sse(delta(content="a")), False, id="neither"),
        pytest.param(sse("[DONE]"), False, id="DONE alone"),
        pytest.param(b"", False, id="nothing"),
        pytest.param(
            sse(delta("stop"), {"choices": [{"index": 1, "delta": {"content": "b"}}]}, "[DONE]"),
            False,
            id="one of two choices unfinished",
        ),
        pytest.param(sse(delta("stop"), "[DONE]", "[DONE]"), True, id="DONE twice"),
    ],
)
def test_an_answer_is_complete_only_by_a_finish_reason_for_every_choice(body: bytes, complete: bool) -> None:
    """`[DONE]` without one is a cut answer; one without `[DONE]` is whole."""
    events = events_of([body])
    assert [type(event) for event in events].count(Ended) == int(complete)
    assert isinstance(events[-1], Ended) if complete else True


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param('{"choices": [', id="cut JSON"),
        pytest.param("<html>", id="no JSON"),
        pytest.param('{"choices": 3}', id="wrong type"),
        pytest.param('{"id": "\\ud800"}', id="half a surrogate pair"),
        pytest.param("[]", id="not an object"),
    ],
)
def test_an_event_that_cannot_be_read_is_skipped_and_the_answer_goes_on(bad: str) -> None:
    """One bad event costs its own content and nothing else; what it held is not quoted."""
    events = events_of([sse(delta(content="a"), bad, delta("stop", content="b"))])
    assert told(events)["text"] == {0: "ab"}
    skipped = [event for event in events if isinstance(event, Skipped)]
    assert len(skipped) == 1
    assert bad not in skipped[0].why
    assert isinstance(events[-1], Ended)


def call(index: int | None = None, name: str | None = None, arguments: str | None = None, **more: object) -> object:
    """A piece of a tool call, with only the members that are given."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    return {"function": function, **({} if index is None else {"index": index}), **more}


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(
            [
                call(0, "f", "", id="a"),
                call(0, arguments='{"x"'),
                call(1, "g", "", id="b"),
                call(0, arguments=":1}"),
                call(1, arguments="{}"),
            ],
            id="interleaved, as OpenAI",
        ),
        pytest.param([call(1, "f", '{"x":1}', id="a"), call(2, "g", "{}", id="b")], id="counted from 1"),
        pytest.param([call(None, "f", '{"x":1}', id="a"), call(None, "g", "{}", id="b")], id="no index, whole"),
        pytest.param(
            [
                call(None, "f", '{"x"', id="a"),
                call(None, arguments=":1}"),
                call(None, "g", "", id="b"),
                call(None, arguments="{}"),
            ],
            id="no index, in pieces",
        ),
        pytest.param([call(0, "f", '{"x":1}', id="a"), call(0, "g", "{}", id="b")], id="index 0 for all"),
        pytest.param(
            [call(0, "f", '{"x"', id="a"), call(0, "f", ":1}", id="a"), call(1, "g", "{}", id="b")],
            id="id and name repeated",
        ),
        pytest.param(
            [call(0, "f", '{"x"', id="a"), call(0, "", ":1}", id=""), call(1, "g", "{}", id="b")],
            id="later id and name empty",
        ),
        pytest.param(
            [call(0, arguments='{"x"', id="a"), call(0, "f", ":1}"), call(1, "g", "{}", id="b")],
            id="name after arguments",
        ),
        pytest.param([call(0, "f", id="a"), call(0, arguments='{"x":1}'), call(1, "g", "{}", id="b")], id="null first"),
    ],
)
def test_tool_calls_are_put_together_whatever_their_indexes_say(pieces: list[object]) -> None:
    """Two calls, numbered 0 and 1, each begun once with its id and name."""
    events = events_of([sse(*(delta(tool_calls=[piece]) for piece in pieces), delta("tool_calls"))])
    begun = [event for event in events if isinstance(event, ToolCallStarted)]
    assert [(event.index, event.id, event.name) for event in begun] == [(0, "a", "f"), (1, "b", "g")]
    assert told(events)["calls"] == [["f", '{"x":1}'], ["g", "{}"]]


def test_calls_without_ids_get_different_ones_and_always_the_same() -> None:
    """Clients send the id back with the result, so two calls must differ and a second reading must not."""
    body = sse(delta("stop", tool_calls=[call(None, "f", "{}", id=""), call(None, "f", '{"x":1}', id="null")]))
    ids = [event.id for event in events_of([body]) if isinstance(event, ToolCallStarted)]
    assert len(set(ids)) == 2
    assert ids == [event.id for event in events_of([body]) if isinstance(event, ToolCallStarted)]
    assert all(len(made_up) <= 40 and made_up.startswith("call_") for made_up in ids)


def test_arguments_that_come_as_an_object_become_json_text() -> None:
    """Mistral's schema allows both."""
    body = sse(delta("stop", tool_calls=[{"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}]))
    assert told(events_of([body]))["calls"] == [["f", '{"x":1}']]


@pytest.mark.parametrize(
    ("said", "finish", "expected"),
    [
        pytest.param({"content": "a"}, "stop", Finish.STOP, id="stop"),
        pytest.param({"content": "a"}, "eos", Finish.STOP, id="Together's stop"),
        pytest.param({"content": "a"}, "length", Finish.LENGTH, id="length"),
        pytest.param({"content": "a"}, "model_length", Finish.CONTEXT_FULL, id="Mistral's full window"),
        pytest.param({"content": "a"}, "model_context_window_exceeded", Finish.CONTEXT_FULL, id="Z.ai's full window"),
        pytest.param({"content": "a"}, "sensitive", Finish.CONTENT_FILTER, id="Z.ai's filter"),
        pytest.param({"content": "a"}, "eos_token", Finish.STOP, id="TGI's end"),
        pytest.param({"content": "a"}, "content_filter", Finish.CONTENT_FILTER, id="filter"),
        pytest.param({"tool_calls": [call(0, "f", "{}", id="a")]}, "stop", Finish.TOOL_CALLS, id="forced tool"),
        pytest.param({"refusal": "no"}, "stop", Finish.REFUSAL, id="refusal"),
        pytest.param({"content": "a"}, "moonphase", Finish.OTHER, id="unheard of"),
    ],
)
def test_a_finish_reason_is_understood_and_its_own_word_kept(said: Any, finish: str, expected: Finish) -> None:
    """What was said in the answer tells better than "stop"."""
    finished = [event for event in events_of([sse(delta(**said), delta(finish))]) if isinstance(event, Finished)]
    assert [(event.reason, event.said) for event in finished] == [(expected, finish)]


def test_a_second_finish_is_ignored_and_content_after_the_first_is_not() -> None:
    """OpenRouter repeats the finish with its usage; some say a last word after it."""
    events = events_of([sse(delta("stop", content="a"), delta("stop", content="b"), "[DONE]")])
    assert [type(event) for event in events].count(Finished) == 1
    assert told(events)["text"] == {0: "ab"}


def test_a_chunk_that_only_names_the_role_starts_and_says_nothing() -> None:
    """It must not commit the answer; an Azure chunk without id before it starts nothing either."""
    blank = {"id": "", "object": "", "model": "", "created": 0, "choices": []}
    role = {**delta(role="assistant", content=""), "created": 7}
    assert events_of([sse(blank, role)]) == [Started(id="c1", model="m", created_s=7)]


def test_usage_previews_are_reported_and_the_last_one_is_the_true_one() -> None:
    """A chunk with usage and no choices may come first."""
    preview = {"id": "c1", "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 5}}
    final = {**preview, "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}}
    events = events_of([sse(preview, delta("stop", content="ab"), final, "[DONE]")])
    assert [event.usage for event in events if isinstance(event, UsageReported)] == [
        Usage(input=5, reported_total=5),
        Usage(input=5, output=2, reported_total=7),
    ]


def test_groqs_usage_counts_until_the_standard_one_comes() -> None:
    """`x_groq.usage` is there even when nobody asked."""
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    events = events_of([sse({**delta("stop"), "x_groq": {"id": "r", "usage": usage}})])
    assert [event.usage.total for event in events if isinstance(event, UsageReported)] == [3]


def test_thinking_blocks_are_counted_and_sealed_by_their_signature() -> None:
    """OpenRouter's signature comes late and alone; thinking after text is a new block."""
    sealed = {"type": "reasoning.text", "signature": "s", "format": "anthropic-claude-v1", "index": 0}
    events = events_of(
        [sse(delta(reasoning="a"), delta(reasoning_details=[sealed]), delta(content="b"), delta("stop", reasoning="c"))]
    )
    thoughts = [event for event in events if isinstance(event, ReasoningDelta)]
    assert [(event.text, event.signature, event.block) for event in thoughts] == [
        ("a", None, 0),
        ("", "s", 0),
        ("c", None, 1),
    ]
    assert thoughts[1].family == "anthropic-claude-v1"


def test_a_refusal_is_said_in_its_own_event() -> None:
    """It is content: the model answered."""
    events = events_of([sse(delta(refusal="I ca"), delta("stop", refusal="n't"))])
    assert [event.text for event in events if isinstance(event, RefusalDelta)] == ["I ca", "n't"]


def test_a_chunk_nested_beyond_reading_is_skipped() -> None:
    """Depth that would overflow the reader's stack is one bad event, not the end of the answer."""
    deep = b'{"id":"x","choices":[],"zz":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    frame = Frame(raw=b"data: " + deep + b"\n\n", data=deep)
    assert [type(event).__name__ for event in DIALECT.decoder().feed(frame)] == ["Skipped"]
