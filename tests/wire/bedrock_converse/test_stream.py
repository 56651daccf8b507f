"""Recorded streams of Bedrock through splitter and decoder, against a reader that knows none of our code."""

from __future__ import annotations

import base64
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
from router.wire.bedrock_converse import DIALECT
from router.wire.bedrock_converse.request import ANSWER_TOOL
from tests.wire.awsframes import event, exception, frame
from tests.wire.cutting import cuts, split
from tests.wire.recorded import Recorded, needs_recordings, recordings, response_of

LIMIT_BYTES = 1 << 20
CUT_EVERYWHERE_BYTES = 2_000
STREAMS = [line for line in recordings("bedrock.converse_stream") if line.status == 200]

FINISHES = {
    "end_turn": Finish.STOP,
    "tool_use": Finish.TOOL_CALLS,
    "max_tokens": Finish.LENGTH,
    "guardrail_intervened": Finish.CONTENT_FILTER,
}

START = event("messageStart", {"role": "assistant"})
STOP = event("messageStop", {"stopReason": "end_turn"})
USED = event("metadata", {"usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}})


def events_of(*blocks: bytes) -> list[Event]:
    """Everything the decoder says about a stream that came in these blocks."""
    decoder = DIALECT.decoder()
    events = [event for frame in split(DIALECT.splitter(LIMIT_BYTES), blocks) for event in decoder.feed(frame)]
    return events + list(decoder.end())


def delta(place: int, **said: object) -> bytes:
    """More of a block."""
    return event("contentBlockDelta", {"contentBlockIndex": place, "delta": said})


def begin(place: int, **start: object) -> bytes:
    """A block begins."""
    return event("contentBlockStart", {"contentBlockIndex": place, "start": start})


def stop(place: int) -> bytes:
    """A block ends."""
    return event("contentBlockStop", {"contentBlockIndex": place})


def told(events: list[Event]) -> dict[str, Any]:
    """What a stream said, put together."""
    said: dict[str, Any] = {"text": "", "reasoning": "", "redacted": [], "calls": [], "cited": [], "finish": None}
    for one in events:
        match one:
            case TextDelta():
                said["text"] += one.text
            case ReasoningDelta():
                said["reasoning"] += one.text
                said["redacted"] += [one.redacted] if one.redacted else []
            case ToolCallStarted():
                said["calls"].append([one.id, one.name, ""])
            case ToolCallDelta():
                said["calls"][one.index][2] += one.arguments
            case CitationAdded():
                said["cited"].append(json.loads(bytes(one.citation)))
            case Finished():
                said["finish"] = one.reason
    return said


def naive(body: bytes) -> dict[str, Any]:
    """The same by the plainest means: count bytes, parse JSON, add up."""
    said: dict[str, Any] = {"text": "", "reasoning": "", "redacted": [], "calls": [], "cited": [], "finish": None}
    for payload in naive_payloads(body):
        for start in [payload["start"]["toolUse"]] if "start" in payload else []:
            said["calls"].append([start["toolUseId"], start["name"], ""])
        piece = payload.get("delta", {})
        thought = piece.get("reasoningContent", {})
        said["text"] += piece.get("text", "")
        said["reasoning"] += thought.get("text", "")
        if "redactedContent" in thought:
            said["redacted"].append(base64.b64decode(thought["redactedContent"]).decode())
        if "toolUse" in piece:
            said["calls"][-1][2] += piece["toolUse"]["input"]
        if "citation" in piece:
            said["cited"].append(piece["citation"])
        if "stopReason" in payload:
            said["finish"] = FINISHES[payload["stopReason"]]
    return said


def naive_payloads(body: bytes) -> list[dict[str, Any]]:
    """The JSON of every frame, by its lengths alone."""
    found = []
    while body:
        total, headers = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big")
        found.append(json.loads(body[12 + headers : total - 4]))
        body = body[total:]
    return found


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_a_recorded_stream_says_what_a_naive_reader_finds(line: Recorded) -> None:
    """Text, thinking, calls, sources and finish word for word; one start before all of it, one end behind it."""
    _, _, body = response_of(line.id)
    events = events_of(body)
    assert told(events) == naive(body)
    kinds = [type(one) for one in events]
    assert (kinds[0], kinds[-1]) == (Started, Ended)
    assert kinds.count(Started) == kinds.count(Finished) == kinds.count(Ended) == 1
    assert Skipped not in kinds
    assert [one.index for one in events if isinstance(one, ToolCallStarted)] == list(range(len(naive(body)["calls"])))


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_a_recorded_streams_usage_is_told_after_its_finish(line: Recorded) -> None:
    """Who stopped reading at the finish would never know what the answer cost."""
    _, _, body = response_of(line.id)
    counted = naive_payloads(body)[-1]["usage"]
    *_, finished, reported, _ = events_of(body)
    assert isinstance(finished, Finished)
    assert isinstance(reported, UsageReported)
    assert (reported.usage.input, reported.usage.output) == (counted["inputTokens"], counted["outputTokens"])
    assert reported.usage.total == reported.usage.reported_total == counted["totalTokens"]


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_how_a_recorded_stream_was_cut_never_shows(line: Recorded) -> None:
    """The same events from a body whole, in two pieces at many places, and byte by byte."""
    _, _, body = response_of(line.id)
    whole = msgspec.json.encode(events_of(body))
    for blocks in cuts(body, 1 if len(body) <= CUT_EVERYWHERE_BYTES else len(body) // 60):
        assert msgspec.json.encode(events_of(*blocks)) == whole


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_a_recorded_stream_that_is_cut_short_of_its_finish_never_ends(line: Recorded) -> None:
    """The end of the bytes is no end of the answer, wherever they end."""
    _, _, body = response_of(line.id)
    before_finish = body.index(b"messageStop") - 40
    for length in range(0, before_finish, max(1, before_finish // 40)):
        assert not [one for one in events_of(body[:length]) if isinstance(one, Ended | Finished)]


@pytest.mark.parametrize(
    ("name", "said", "reason", "words"),
    [
        pytest.param("throttlingException", {"message": "slow down"}, Reason.THROTTLED, "slow down", id="throttled"),
        pytest.param("serviceUnavailableException", {"message": "busy"}, Reason.OVERLOADED, "busy", id="overloaded"),
        pytest.param("internalServerException", {"message": "oh"}, Reason.SERVER_ERROR, "oh", id="internal"),
        pytest.param("modelTimeoutException", {"message": "late"}, Reason.SERVER_ERROR, "late", id="late"),
        pytest.param("validationException", {"message": "bad"}, Reason.REJECTED, "bad", id="rejected"),
        pytest.param(
            "validationException",
            {"message": "Input is too long for requested model."},
            Reason.CONTEXT_LENGTH,
            "too long",
            id="too long",
        ),
        pytest.param(
            "modelStreamErrorException",
            {"message": "m", "originalStatusCode": 529, "originalMessage": "overloaded"},
            Reason.OVERLOADED,
            "overloaded",
            id="the model's own server, with its status",
        ),
        pytest.param("modelStreamErrorException", {"message": "m"}, Reason.SERVER_ERROR, "m", id="the model's server"),
        pytest.param("somethingNew", {}, Reason.SERVER_ERROR, "somethingNew", id="unheard of"),
    ],
)
def test_an_exception_inside_a_stream_is_a_fault(name: str, said: object, reason: Reason, words: str) -> None:
    """At its beginning and in its midst; what came before it is said first."""
    for before, count in (([], 0), ([START, delta(0, text="a")], 2)):
        decoder = DIALECT.decoder()
        frames = split(DIALECT.splitter(LIMIT_BYTES), [*before, exception(name, said)])
        assert len([one for cut in frames[:-1] for one in decoder.feed(cut)]) == count
        with pytest.raises(WireFault, match=words) as caught:
            decoder.feed(frames[-1])
        assert (caught.value.reason, caught.value.code, caught.value.status) == (reason, name, None)


def test_an_unmodelled_error_is_a_fault_too() -> None:
    """It has no payload: its code and words stand in headers."""
    with pytest.raises(WireFault, match="try again") as caught:
        events_of(frame(b"", message_type="error", error_code="InternalFailure", error_message="try again"))
    assert caught.value.reason is Reason.SERVER_ERROR


@pytest.mark.parametrize("word", ["malformed_model_output", "malformed_tool_use"])
def test_a_stop_reason_that_says_the_answer_is_broken_is_a_fault(word: str) -> None:
    """It must not look like an answer that ended."""
    with pytest.raises(WireFault, match=word) as caught:
        events_of(START, delta(0, text="a"), event("messageStop", {"stopReason": word}))
    assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize(
    ("word", "called", "finish"),
    [
        pytest.param("end_turn", False, Finish.STOP, id="stop"),
        pytest.param("stop_sequence", False, Finish.STOP, id="stop sequence"),
        pytest.param("tool_use", True, Finish.TOOL_CALLS, id="tool call"),
        pytest.param("tool_use", False, Finish.STOP, id="a tool the service ran itself"),
        pytest.param("end_turn", True, Finish.TOOL_CALLS, id="a call, whatever is said"),
        pytest.param("max_tokens", True, Finish.LENGTH, id="cut in a call"),
        pytest.param("model_context_window_exceeded", False, Finish.CONTEXT_FULL, id="full"),
        pytest.param("content_filtered", False, Finish.CONTENT_FILTER, id="filtered"),
        pytest.param("guardrail_intervened", False, Finish.CONTENT_FILTER, id="guardrail"),
        pytest.param("something_new", False, Finish.OTHER, id="unheard of"),
    ],
)
def test_each_stop_reason_has_its_finish(word: str, called: bool, finish: Finish) -> None:
    """The service's own word is kept beside it."""
    call = begin(0, toolUse={"toolUseId": "t1", "name": "f"}) if called else delta(0, text="a")
    fields = {"stop_sequence": "END"} if word == "stop_sequence" else None
    ended = event("messageStop", {"stopReason": word, "additionalModelResponseFields": fields})
    (finished,) = [one for one in events_of(START, call, ended, USED) if isinstance(one, Finished)]
    assert finished == Finished(reason=finish, said=word, stop_sequence="END" if fields else None)


def test_parallel_calls_are_counted_without_gaps() -> None:
    """Blocks are numbered all together, calls apart; one without arguments has none, and pieces may interleave."""
    events = events_of(
        START,
        delta(0, text="I look"),
        begin(3, toolUse={"toolUseId": "t1", "name": "f"}),
        begin(5, toolUse={"toolUseId": "t2", "name": "g"}),
        delta(5, toolUse={"input": '{"a"'}),
        begin(6, toolUse={"toolUseId": "t3", "name": "h"}),
        delta(3, toolUse={"input": "{}"}),
        delta(5, toolUse={"input": ":1}"}),
        event("messageStop", {"stopReason": "tool_use"}),
        USED,
    )
    assert told(events)["calls"] == [["t1", "f", "{}"], ["t2", "g", '{"a":1}'], ["t3", "h", ""]]


def test_thinking_is_claudes_once_it_is_sealed() -> None:
    """Text, then signature; each block has its number, and what is redacted loses the service's own wrapping."""
    sealed = base64.b64encode(b"EtkECkgI==").decode()
    strange = base64.b64encode(b"\xff\x00").decode()
    events = events_of(
        START,
        delta(0, reasoningContent={"text": "hm"}),
        delta(0, reasoningContent={"signature": "s1"}),
        stop(0),
        delta(1, reasoningContent={"redactedContent": sealed}),
        delta(4, reasoningContent={"redactedContent": strange}),
        STOP,
        USED,
    )
    assert [one for one in events if isinstance(one, ReasoningDelta)] == [
        ReasoningDelta(text="hm", block=0),
        ReasoningDelta(signature="s1", family="anthropic", block=0),
        ReasoningDelta(redacted="EtkECkgI==", family="anthropic", block=1),
        ReasoningDelta(redacted=strange, family="bedrock-converse", block=2),
    ]


def test_what_the_service_ran_itself_is_told_whole_and_is_no_call() -> None:
    """As a whole answer would hold it, so that it can be sent back."""
    events = events_of(
        START,
        begin(0, toolUse={"toolUseId": "s1", "name": "web", "type": "server_tool_use"}),
        delta(0, toolUse={"input": '{"q":'}),
        delta(0, toolUse={"input": "1}"}),
        stop(0),
        begin(1, toolResult={"toolUseId": "s1", "status": "success"}),
        delta(1, toolResult=[{"text": "a"}]),
        delta(1, toolResult=[{"json": {"b": 2}}]),
        stop(1),
        begin(2, image={"format": "png"}),
        delta(2, image={"source": {"bytes": "aGk="}}),
        stop(2),
        STOP,
        USED,
    )
    opaque = [one for one in events if isinstance(one, OpaqueAdded)]
    assert {one.family for one in opaque} == {"bedrock-converse"}
    assert [json.loads(bytes(one.raw)) for one in opaque] == [
        {"toolUse": {"toolUseId": "s1", "name": "web", "type": "server_tool_use", "input": {"q": 1}}},
        {"toolResult": {"toolUseId": "s1", "status": "success", "content": [{"text": "a"}, {"json": {"b": 2}}]}},
        {"image": {"format": "png", "source": {"bytes": "aGk="}}},
    ]
    assert told(events)["calls"] == []
    assert told(events)["finish"] is Finish.STOP


def test_the_tool_that_stands_for_a_form_is_told_as_text() -> None:
    """The caller asked for JSON, not for a call: its pieces are the answer and its finish is a stop."""
    events = events_of(
        START,
        begin(0, toolUse={"toolUseId": "t1", "name": ANSWER_TOOL}),
        delta(0, toolUse={"input": '{"a":'}),
        delta(0, toolUse={"input": "1}"}),
        event("messageStop", {"stopReason": "tool_use"}),
        USED,
    )
    said = told(events)
    assert (said["text"], said["calls"], said["finish"]) == ('{"a":1}', [], Finish.STOP)


def test_a_stream_without_its_account_is_complete_with_its_finish() -> None:
    """The model had stopped; only what it cost is unknown."""
    assert [type(one) for one in events_of(START, delta(0, text="a"), STOP)[-2:]] == [Finished, Ended]


def test_the_account_ends_the_stream_before_the_bytes_do() -> None:
    """Who waited for the connection to close would keep the caller waiting, too."""
    decoder = DIALECT.decoder()
    frames = split(DIALECT.splitter(LIMIT_BYTES), [START, delta(0, text="a"), STOP, USED])
    assert isinstance([one for cut in frames for one in decoder.feed(cut)][-1], Ended)
    assert decoder.end() == ()


def test_an_account_without_a_finish_ends_nothing() -> None:
    """Counts are no proof that the model had stopped; and nothing is said after the end."""
    assert not [one for one in events_of(START, delta(0, text="a"), USED) if isinstance(one, Ended)]
    assert isinstance(events_of(START, STOP, USED, delta(0, text="late"))[-1], Ended)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(event("contentBlockDelta", "text"), id="no object"),
        pytest.param(event("contentBlockDelta", {"contentBlockIndex": 0}), id="no delta"),
        pytest.param(frame(b"{", message_type="event", event_type="contentBlockDelta"), id="no JSON"),
        pytest.param(frame(b"[" * 99_999, message_type="event", event_type="contentBlockDelta"), id="too deep"),
        pytest.param(delta(7, toolUse={"input": "{}"}), id="input of no call"),
        pytest.param(
            begin(7, toolUse={"type": "server_tool_use"}) + delta(7, toolUse={"input": "{"}) + stop(7),
            id="a server's call that is no JSON",
        ),
    ],
)
def test_one_event_that_cannot_be_read_is_skipped_and_told(broken: bytes) -> None:
    """The answer goes on around it."""
    events = events_of(START, broken, delta(0, text="a"), STOP, USED)
    kinds = [type(one) for one in events]
    assert kinds == [Started, Skipped, TextDelta, Finished, UsageReported, Ended]


def test_events_nobody_knows_and_empty_pieces_are_nothing() -> None:
    """Neither commits an answer."""
    events = events_of(START, event("ping", {}), delta(0, text=""), delta(0, somethingNew={}), begin(1))
    assert [type(one) for one in events] == [Started]


def test_every_answer_has_an_id_of_its_own_and_the_same_one_again() -> None:
    """The service gives none: clients that tell answers apart by it must not take two for one."""
    ids = {
        one.id
        for text in ("a", "b")
        for _ in range(2)
        for one in events_of(START, delta(0, text=text))
        if isinstance(one, Started)
    }
    assert len(ids) == 2


def test_cached_tokens_are_counted_apart() -> None:
    """By duration where it is told; the total is the provider's own."""
    usage = {
        "inputTokens": 5,
        "outputTokens": 7,
        "totalTokens": 142,
        "cacheReadInputTokens": 100,
        "cacheWriteInputTokens": 30,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 20}, {"ttl": "5m", "inputTokens": 10}],
    }
    (reported,) = [
        one for one in events_of(START, STOP, event("metadata", {"usage": usage})) if isinstance(one, UsageReported)
    ]
    assert reported.usage == Usage(
        input=5, cache_read=100, cache_write=10, cache_write_1h=20, output=7, reported_total=142
    )
    assert reported.usage.total == 142
