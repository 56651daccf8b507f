"""Recorded streams through splitter and decoder, against a reader that knows none of our code."""

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
    OpaqueAdded,
    ReasoningDelta,
    Skipped,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from router.errors import Reason, WireFault
from router.wire.gemini import DIALECT, VERTEX
from tests.wire.cutting import cuts, split
from tests.wire.recorded import Recorded, needs_recordings, recordings, response_of

LIMIT_BYTES = 1 << 20
CUT_EVERYWHERE_BYTES = 3_000
"""Bodies up to this size are cut at every place; larger ones at about forty places."""

STREAMS = [line for line in recordings("gemini.streamGenerateContent") if line.stream and line.status == 200]


def events_of(blocks: list[bytes]) -> list[Event]:
    """Everything the decoder says about a stream that came in these blocks."""
    decoder = DIALECT.decoder()
    events = [event for frame in split(DIALECT.splitter(LIMIT_BYTES), blocks) for event in decoder.feed(frame)]
    return events + list(decoder.end())


def sse(*chunks: object) -> bytes:
    """A stream of these chunks as events."""
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks)


def piece(*parts: object, finish: str | None = None, index: int | None = None, **more: object) -> dict[str, Any]:
    """A chunk of one candidate."""
    said: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, **more}
    said |= {} if finish is None else {"finishReason": finish}
    said |= {} if index is None else {"index": index}
    return {"candidates": [said], "modelVersion": "m", "responseId": "r1"}


def call(name: str, signature: str | None = None, **members: object) -> dict[str, object]:
    """A part with a call."""
    return {"functionCall": {"name": name, **members}, **({"thoughtSignature": signature} if signature else {})}


def told(events: list[Event]) -> dict[str, Any]:
    """What a stream said, put together."""
    calls: list[list[Any]] = []
    for event in events:
        if isinstance(event, ToolCallStarted):
            calls.append([event.name, event.signature, ""])
        if isinstance(event, ToolCallDelta):
            calls[event.index][2] += event.arguments
    thoughts = [event for event in events if isinstance(event, ReasoningDelta)]
    return {
        "text": "".join(event.text for event in events if isinstance(event, TextDelta)),
        "reasoning": "".join(thought.text for thought in thoughts),
        "signatures": [thought.signature for thought in thoughts if thought.signature],
        "calls": [[name, signature, json.loads(arguments or "{}")] for name, signature, arguments in calls],
    }


def naive_chunks(body: bytes) -> list[dict[str, Any]]:
    """The answers of a stream, whichever of the two forms it has."""
    text = body.decode()
    if text.startswith("["):
        whole: list[dict[str, Any]] = json.loads(text)
        return whole
    return [json.loads(line[6:]) for line in text.replace("\r\n", "\n").split("\n") if line.startswith("data: {")]


def naive(body: bytes) -> dict[str, Any]:
    """The same as `told` by the plainest means."""
    parts = [
        part
        for chunk in naive_chunks(body)
        for candidate in chunk.get("candidates", [])
        for part in candidate.get("content", {}).get("parts", [])
    ]
    plain = [part for part in parts if "functionCall" not in part]
    return {
        "text": "".join(part["text"] for part in plain if not part.get("thought")),
        "reasoning": "".join(part["text"] for part in plain if part.get("thought")),
        "signatures": [part["thoughtSignature"] for part in plain if "thoughtSignature" in part],
        "calls": [
            [part["functionCall"]["name"], part.get("thoughtSignature"), part["functionCall"].get("args", {})]
            for part in parts
            if "functionCall" in part
        ],
    }


@needs_recordings
def test_recordings_of_both_forms_and_both_services_are_there() -> None:
    """Or the tests below prove less than they seem to."""
    bodies = [response_of(line.id)[2] for line in STREAMS]
    assert {body[:1] for body in bodies} == {b"[", b"d"}
    assert {line.provider for line in STREAMS} == {"gemini", "vertex"}


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_a_recorded_stream_says_what_a_naive_reader_finds(line: Recorded) -> None:
    """Words, thinking, signatures and calls one for one; one start, one finish, and an end."""
    _, _, body = response_of(line.id)
    events = events_of([body])
    assert told(events) == naive(body)
    kinds = [type(event) for event in events]
    assert (kinds.count(Started), kinds.count(Finished), kinds.count(Ended), kinds.count(Skipped)) == (1, 1, 1, 0)
    assert kinds[0] is Started
    assert kinds[-1] is Ended
    begun = [event for event in events if isinstance(event, ToolCallStarted)]
    assert [event.index for event in begun] == list(range(len(begun)))
    assert len({event.id for event in begun}) == len(begun)


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_a_recorded_streams_finish_and_usage_are_the_providers(line: Recorded) -> None:
    """STOP behind calls is a tool call; the buckets add up to the provider's own last total."""
    _, _, body = response_of(line.id)
    chunks, events = naive_chunks(body), events_of([body])
    finished = next(event for event in events if isinstance(event, Finished))
    said = [candidate.get("finishReason") for chunk in chunks for candidate in chunk.get("candidates", [])]
    assert finished.said == said[-1]
    plain = {"STOP": Finish.STOP, "MAX_TOKENS": Finish.LENGTH}[finished.said]
    assert finished.reason is (Finish.TOOL_CALLS if naive(body)["calls"] else plain)
    usage = [event.usage for event in events if isinstance(event, UsageReported)][-1]
    counted = chunks[-1]["usageMetadata"]
    assert (usage.input_total, usage.total) == (counted["promptTokenCount"], counted["totalTokenCount"])
    assert usage.reasoning == counted.get("thoughtsTokenCount", 0)
    assert usage.output == counted.get("candidatesTokenCount", 0)


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_how_a_recorded_stream_was_cut_never_shows(line: Recorded) -> None:
    """The same events from a body whole, in two pieces at many places, and byte by byte."""
    _, _, body = response_of(line.id)
    whole = msgspec.json.encode(events_of([body]))
    stride = 1 if len(body) <= CUT_EVERYWHERE_BYTES else len(body) // 40
    for blocks in cuts(body, stride):
        assert msgspec.json.encode(events_of(blocks)) == whole


ERROR = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
BARE = json.dumps(ERROR, indent=2).encode()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(sse(piece({"text": "a"}), ERROR), Reason.OVERLOADED, id="as an event"),
        pytest.param(sse(piece({"text": "a"}), [ERROR]), Reason.OVERLOADED, id="as an event with a list"),
        pytest.param(sse(piece({"text": "a"})) + BARE, Reason.OVERLOADED, id="bare, at the end"),
        pytest.param(sse(piece({"text": "a"})) + b"[" + BARE + b"]\n", Reason.OVERLOADED, id="bare, in a list"),
        pytest.param(sse(piece({"text": "a"})) + BARE + b"\n\n", Reason.OVERLOADED, id="bare, closed"),
        pytest.param(
            sse(piece({"text": "a"}))[:-2] + BARE + b"\r\n\r\n", Reason.OVERLOADED, id="bare, behind one line end"
        ),
        pytest.param(sse(piece({"text": "a"})) + BARE[:40], Reason.SERVER_ERROR, id="bare and cut"),
        pytest.param(BARE, Reason.OVERLOADED, id="instead of a stream"),
        pytest.param(b"[" + BARE + b"\n]", Reason.OVERLOADED, id="instead of a list"),
        pytest.param(
            b"[" + json.dumps(piece({"text": "a"})).encode() + b"\n,\n" + BARE + b"]",
            Reason.OVERLOADED,
            id="in a list, behind an answer",
        ),
        pytest.param(
            sse(piece(finish="MALFORMED_FUNCTION_CALL")),
            Reason.MALFORMED,
            id="a call nobody can read, and nothing else",
        ),
        pytest.param(
            sse(piece({"text": "a"}), piece(finish="UNEXPECTED_TOOL_CALL")), Reason.MALFORMED, id="an unexpected call"
        ),
        pytest.param(sse(piece(finish="OTHER")), Reason.EMPTY_ANSWER, id="no content, and no reason known"),
        pytest.param(sse(piece(finish="SOMETHING_NEW")), Reason.EMPTY_ANSWER, id="no content, and a new word"),
    ],
)
def test_an_error_in_a_stream_is_seen_in_every_form(body: bytes, reason: Reason) -> None:
    """Wherever the bytes were cut: a reader of lines would pass over the forms without `data:`."""
    for blocks in cuts(body, 7):
        with pytest.raises(WireFault) as caught:
            events_of(blocks)
        assert caught.value.reason is reason


@pytest.mark.parametrize(
    ("body", "complete"),
    [
        pytest.param(sse(piece({"text": "a"}), piece({"text": ""}, finish="STOP")), True, id="a finish reason"),
        pytest.param(sse(piece({"text": "a"}, finish="STOP"))[:-4], True, id="without the last line end"),
        pytest.param(sse(piece({"text": "a"})), False, id="no finish reason"),
        pytest.param(sse({"usageMetadata": {"promptTokenCount": 3}}), False, id="only counts"),
        pytest.param(b"", False, id="nothing"),
        pytest.param(b" \n", False, id="blanks"),
        pytest.param(
            sse(piece({"text": "a"}, finish="STOP", index=0), piece({"text": "b"}, index=1)),
            False,
            id="one of two candidates unfinished",
        ),
        pytest.param(
            b"[" + json.dumps(piece({"text": "a"}, finish="STOP")).encode(), True, id="a list that is not closed"
        ),
        pytest.param(
            b"[" + json.dumps(piece({"text": "a"}, finish="STOP")).encode()[:-9], False, id="a list that is cut"
        ),
    ],
)
def test_an_answer_is_complete_only_by_a_finish_reason_for_every_candidate(body: bytes, complete: bool) -> None:
    """The end of the bytes alone is a cut answer."""
    assert [type(event) for event in events_of([body])].count(Ended) == int(complete)


def test_a_blocked_prompt_is_an_answer_that_the_filter_ended() -> None:
    """Not a failure: another try would be blocked as well."""
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 4}}
    events = events_of([sse({**blocked, "modelVersion": "m"})])
    assert Finished(reason=Finish.CONTENT_FILTER, said="PROHIBITED_CONTENT") in events
    assert isinstance(events[-1], Ended)


@pytest.mark.parametrize(
    ("word", "finish"),
    [
        ("SAFETY", Finish.CONTENT_FILTER),
        ("RECITATION", Finish.CONTENT_FILTER),
        ("CONTINUATION", Finish.LENGTH),
        ("LANGUAGE", Finish.OTHER),
        ("SOMETHING_NEW", Finish.OTHER),
    ],
)
def test_each_word_for_an_end_keeps_its_meaning_behind_content(word: str, finish: Finish) -> None:
    """A word nobody knows yet is kept beside what is known of it."""
    events = events_of([sse(piece({"text": "a"}, finish=word))])
    assert Finished(reason=finish, said=word) in events


def test_a_filter_may_end_an_answer_before_its_first_word() -> None:
    """That is the filter's answer, and no failure."""
    events = events_of([sse(piece(finish="SAFETY"))])
    assert Finished(reason=Finish.CONTENT_FILTER, said="SAFETY") in events


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b'data: {"candidates": [\r\n\r\n', id="cut JSON"),
        pytest.param(b"data: <html>\r\n\r\n", id="no JSON"),
        pytest.param(b'data: {"candidates": 3}\r\n\r\n', id="a wrong type"),
        pytest.param(b"data: []\r\n\r\n", id="not an object"),
        pytest.param(b'data: {"responseId": "\\ud800"}\r\n\r\n', id="half a surrogate pair"),
    ],
)
def test_an_event_that_cannot_be_read_is_skipped_and_the_answer_goes_on(bad: bytes) -> None:
    """One bad event costs its own content and nothing else."""
    events = events_of([sse(piece({"text": "a"})) + bad + sse(piece({"text": "b"}, finish="STOP"))])
    assert told(events)["text"] == "ab"
    assert [type(event) for event in events].count(Skipped) == 1
    assert isinstance(events[-1], Ended)


def test_calls_are_numbered_through_the_stream_however_they_are_spread() -> None:
    """Several in one event, more in the next, and STOP behind them without one."""
    body = sse(
        piece(call("f", "sig", args={"x": 1}), call("g")), piece(call("f", args={})), piece({"text": ""}, finish="STOP")
    )
    events = events_of([body])
    assert told(events)["calls"] == [["f", "sig", {"x": 1}], ["g", None, {}], ["f", None, {}]]
    assert [event.index for event in events if isinstance(event, ToolCallStarted)] == [0, 1, 2]
    assert Finished(reason=Finish.TOOL_CALLS, said="STOP") in events


def test_calls_without_ids_get_different_ones_and_always_the_same() -> None:
    """The caller sends them back with the results, so two calls must differ and a second reading must not."""
    body = sse(piece(call("f"), call("f"), call("g", id="given"), finish="STOP"))
    first, second = ([event.id for event in events_of([body]) if isinstance(event, ToolCallStarted)] for _ in range(2))
    assert first == second
    assert len(set(first)) == 3
    assert first[2] == "given"
    assert all(len(made_up) <= 40 for made_up in first)


def test_a_call_without_arguments_begins_and_says_no_more() -> None:
    """Also the empty call that ends streamed arguments is nothing."""
    events = events_of([sse(piece(call("f"), {"functionCall": {}}, finish="STOP"))])
    assert [event for event in events if isinstance(event, ToolCallDelta)] == []
    assert [event.name for event in events if isinstance(event, ToolCallStarted)] == ["f"]


def test_signatures_of_thinking_and_of_text_each_close_a_block() -> None:
    """What follows a signature is not under it."""
    body = sse(
        piece({"text": "hm", "thought": True}),
        piece({"text": "so", "thought": True, "thoughtSignature": "s1"}),
        piece({"text": "a"}),
        piece({"text": "", "thoughtSignature": "s2"}, finish="STOP"),
    )
    thoughts = [event for event in events_of([body]) if isinstance(event, ReasoningDelta)]
    assert [(thought.text, thought.signature, thought.block) for thought in thoughts] == [
        ("hm", None, 0),
        ("so", "s1", 0),
        ("", "s2", 1),
    ]
    assert {thought.family for thought in thoughts} == {"gemini"}


def test_the_other_services_signatures_are_its_own() -> None:
    """One refuses the other's, so an answer of Vertex must not be taken for one of the Gemini API."""
    decoder = VERTEX.decoder()
    frames = split(VERTEX.splitter(LIMIT_BYTES), [sse(piece(call("f", "sig"), finish="STOP"))])
    events = [event for frame in frames for event in decoder.feed(frame)]
    assert [event.family for event in events if isinstance(event, ToolCallStarted)] == ["vertex"]


def test_sources_probabilities_and_own_parts_are_kept() -> None:
    """In Google's own JSON, but for probabilities, which have one form."""
    top = {"candidates": [{"token": "é", "logProbability": -0.5}, {"token": "b", "logProbability": -1.0}]}
    chosen = [{"token": "é", "tokenId": 7, "logProbability": -0.5}]
    code = {"executableCode": {"code": "1", "language": "PYTHON"}}
    body = sse(
        piece({"text": "é"}, code, logprobsResult={"chosenCandidates": chosen, "topCandidates": [top]}),
        piece(finish="STOP", groundingMetadata={"webSearchQueries": ["q"]}, citationMetadata={}),
    )
    events = events_of([body])
    opaque = [event for event in events if isinstance(event, OpaqueAdded)]
    assert [(json.loads(bytes(event.raw)), event.family) for event in opaque] == [(code, "gemini")]
    cited = [json.loads(bytes(event.citation)) for event in events if isinstance(event, CitationAdded)]
    assert cited == [{"groundingMetadata": {"webSearchQueries": ["q"]}}]
    told_probabilities = [json.loads(bytes(event.logprobs)) for event in events if isinstance(event, LogprobsAdded)]
    assert told_probabilities == [
        {
            "content": [
                {
                    "token": "é",
                    "logprob": -0.5,
                    "bytes": [195, 169],
                    "top_logprobs": [
                        {"token": "é", "logprob": -0.5, "bytes": [195, 169]},
                        {"token": "b", "logprob": -1.0, "bytes": [98]},
                    ],
                }
            ],
            "refusal": None,
        }
    ]


def test_several_candidates_are_told_apart() -> None:
    """By their index, or by their place where it is left out."""
    body = sse(
        {"candidates": [{"content": {"parts": [{"text": "a"}]}}, {"content": {"parts": [{"text": "b"}]}, "index": 1}]},
        piece(finish="STOP", index=0),
        piece(finish="MAX_TOKENS", index=1),
    )
    events = events_of([body])
    assert [(event.text, event.choice) for event in events if isinstance(event, TextDelta)] == [("a", 0), ("b", 1)]
    assert [event.reason for event in events if isinstance(event, Finished)] == [Finish.STOP, Finish.LENGTH]
