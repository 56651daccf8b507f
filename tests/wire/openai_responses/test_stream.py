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
    LogprobsAdded,
    OpaqueAdded,
    ReasoningDelta,
    RefusalDelta,
    Skipped,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from router.errors import Reason, WireFault
from router.wire.openai_responses import DIALECT
from tests.wire.cutting import cuts, split
from tests.wire.recorded import Recorded, needs_recordings, recordings, response_of

LIMIT_BYTES = 1 << 20
CUT_EVERYWHERE_BYTES = 3_500
"""Bodies up to this size are cut at every place; larger ones at about forty places."""

BROKEN = {"openai-responses-stream-error-in-stream-ce62faea": Reason.QUOTA_EXHAUSTED}
"""The recorded streams that hold an error, and what it means."""

STREAMS = [line for line in recordings("openai.responses") if line.stream and line.status == 200]
WHOLE = [line for line in STREAMS if line.id not in BROKEN]


def events_of(blocks: list[bytes]) -> list[Event]:
    """Everything the decoder says about a stream that came in these blocks."""
    decoder = DIALECT.decoder()
    events = [event for frame in split(DIALECT.splitter(LIMIT_BYTES), blocks) for event in decoder.feed(frame)]
    return events + list(decoder.end())


def sse(*events: dict[str, Any]) -> bytes:
    """A stream of these events, each named by its type unless it has none."""
    return b"".join(
        (f"event: {event['type']}\n" if "type" in event else "").encode()
        + b"data: "
        + json.dumps(event).encode()
        + b"\n\n"
        for event in events
    )


def response(status: str = "completed", **members: object) -> dict[str, Any]:
    """The event that begins or ends a response."""
    word = "created" if status == "in_progress" else status
    return {"type": f"response.{word}", "response": {"id": "resp_1", "model": "m", "status": status, **members}}


CREATED = response("in_progress", created_at=17, output=[])
DONE = response(output=[])


def item(word: str, place: int = 0, /, **members: Any) -> dict[str, Any]:
    """An item added or done."""
    return {"type": f"response.output_item.{word}", "output_index": place, "item": members}


def delta(kind: str, text: str, place: int = 0, **members: object) -> dict[str, Any]:
    """A piece of something."""
    return {"type": f"response.{kind}.delta", "output_index": place, "delta": text, **members}


def told(events: list[Event]) -> dict[str, Any]:
    """What a stream said, put together."""
    said: dict[str, Any] = {"text": "", "refusal": "", "thoughts": {}, "seals": [], "calls": [], "others": []}
    for event in events:
        match event:
            case TextDelta():
                said["text"] += event.text
            case RefusalDelta():
                said["refusal"] += event.text
            case ReasoningDelta():
                said["thoughts"][event.block] = said["thoughts"].get(event.block, "") + event.text
                said["seals"] += [event.signature] if event.signature else []
            case ToolCallStarted():
                said["calls"].append([event.id, event.name, ""])
            case ToolCallDelta():
                said["calls"][event.index][2] += event.arguments
            case OpaqueAdded():
                said["others"].append(json.loads(bytes(event.raw))["type"])
    return {**said, "thoughts": [text for text in said["thoughts"].values() if text]}


def naive(body: bytes) -> dict[str, Any]:
    """The same out of the whole response in the stream's last event, which the decoder does not look into.

    Seals are those of the items as they were closed: OpenAI writes the last event's anew.
    """
    events = naive_events(body)
    last = events[-1]["response"]
    offered = {tool.get("name") for tool in last.get("tools") or [] if tool["type"] == "custom"}
    said: dict[str, Any] = {"text": "", "refusal": "", "thoughts": [], "seals": [], "calls": [], "others": []}
    closed = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    said["seals"] = [one["encrypted_content"] for one in closed if one.get("encrypted_content")]
    for one in last["output"]:
        if one["type"] == "message":
            said["text"] += "".join(part.get("text", "") for part in one["content"])
            said["refusal"] += "".join(part.get("refusal", "") for part in one["content"])
        elif one["type"] == "reasoning":
            parts = [part["text"] for part in [*one["summary"], *(one.get("content") or [])]]
            said["thoughts"] += ["\n\n".join(parts)] if parts else []
        elif one["type"] == "function_call" or one.get("name") in offered:
            said["calls"].append([one["call_id"], one["name"], one["arguments"]])
        else:
            said["others"].append(one["type"])
    return said


def naive_events(body: bytes) -> list[dict[str, Any]]:
    """The JSON objects of a stream, by lines."""
    lines = body.decode().replace("\r\n", "\n").split("\n")
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def stride_of(body: bytes) -> int:
    """How far apart the cuts of a body lie."""
    return 1 if len(body) <= CUT_EVERYWHERE_BYTES else len(body) // 40


@needs_recordings
@pytest.mark.parametrize("line", WHOLE, ids=lambda line: line.id)
def test_a_recorded_stream_says_what_its_last_event_holds(line: Recorded) -> None:
    """Text, refusal, thinking, calls and the items nobody asked for; one start, one finish, one end, in this order."""
    _, _, body = response_of(line.id)
    events = events_of([body])
    assert told(events) == naive(body)
    assert isinstance(events[0], Started)
    assert [type(event) for event in events[-3:]] == [UsageReported, Finished, Ended]
    assert [type(event) for event in events].count(Started) == 1
    assert not [event for event in events if isinstance(event, Skipped)]


@needs_recordings
@pytest.mark.parametrize("line", WHOLE, ids=lambda line: line.id)
def test_a_recorded_stream_ends_as_its_last_event_says(line: Recorded) -> None:
    """Calls are told apart from a plain end, and what cut an answer short is kept in the provider's word."""
    _, _, body = response_of(line.id)
    last = naive_events(body)[-1]["response"]
    reason = (last["incomplete_details"] or {}).get("reason")
    said = naive(body)
    expected = (
        Finish.LENGTH
        if reason == "max_output_tokens"
        else Finish.TOOL_CALLS
        if said["calls"]
        else Finish.REFUSAL
        if said["refusal"]
        else Finish.STOP
    )
    finished = [event for event in events_of([body]) if isinstance(event, Finished)]
    assert [(event.reason, event.said) for event in finished] == [(expected, reason or "completed")]


@needs_recordings
@pytest.mark.parametrize("line", WHOLE, ids=lambda line: line.id)
def test_a_recorded_streams_usage_is_split_without_loss(line: Recorded) -> None:
    """The buckets add up to the provider's own input, output and total tokens."""
    _, _, body = response_of(line.id)
    usage = next(event.usage for event in events_of([body]) if isinstance(event, UsageReported))
    found = naive_events(body)[-1]["response"]["usage"]
    assert (usage.input_total, usage.output_total) == (found["input_tokens"], found["output_tokens"])
    assert usage.reasoning == (found.get("output_tokens_details") or {}).get("reasoning_tokens", 0)
    assert usage.cache_read == (found.get("input_tokens_details") or {}).get("cached_tokens", 0)
    assert usage.reported_total == found["total_tokens"] == usage.total


@needs_recordings
@pytest.mark.parametrize("line", WHOLE, ids=lambda line: line.id)
def test_how_a_recorded_stream_was_cut_never_shows(line: Recorded) -> None:
    """The same events from a body whole, in two pieces at many places, and byte by byte."""
    _, _, body = response_of(line.id)
    whole = msgspec.json.encode(events_of([body]))
    for blocks in cuts(body, stride_of(body)):
        assert msgspec.json.encode(events_of(blocks)) == whole


@needs_recordings
@pytest.mark.parametrize("line", WHOLE, ids=lambda line: line.id)
def test_a_recorded_stream_that_lost_its_last_event_is_not_complete(line: Recorded) -> None:
    """Nothing but the provider's own last event ends an answer, and neither does `[DONE]`."""
    _, _, body = response_of(line.id)
    frames = split(DIALECT.splitter(LIMIT_BYTES), [body])
    last = max(place for place, frame in enumerate(frames) if frame.data.startswith(b"{"))
    decoder = DIALECT.decoder()
    events = [event for place, frame in enumerate(frames) if place != last for event in decoder.feed(frame)]
    assert not [event for event in [*events, *decoder.end()] if isinstance(event, Ended | Finished)]


@needs_recordings
@pytest.mark.parametrize("recording_id", BROKEN)
def test_a_recorded_error_inside_a_stream_is_a_fault_once(recording_id: str) -> None:
    """OpenAI says it twice, as an error and as a failed response, wherever the bytes were cut."""
    _, _, body = response_of(recording_id)
    for blocks in cuts(body, max(stride_of(body), len(body) // 10)):
        frames = split(DIALECT.splitter(LIMIT_BYTES), blocks)
        decoder = DIALECT.decoder()
        caught = []
        for frame in frames:
            try:
                decoder.feed(frame)
            except WireFault as fault:
                caught.append(fault)
        assert [fault.reason for fault in caught] == [BROKEN[recording_id]]
        assert caught[0].code == "insufficient_quota"
        assert decoder.end() == ()


@needs_recordings
def test_every_recorded_broken_stream_has_a_row() -> None:
    """A recording that is added must be read by somebody."""
    broken = {line.id for line in STREAMS if b'"type":"error"' in response_of(line.id)[2].replace(b": ", b":")}
    assert broken == set(BROKEN)


ERROR = {"code": "rate_limit_exceeded", "message": "slow down", "param": None}


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({"type": "error", "sequence_number": 2, **ERROR}, id="flat"),
        pytest.param({"type": "error", "error": {"type": "requests", **ERROR}}, id="nested"),
        pytest.param({"error": ERROR}, id="without a type"),
        pytest.param(response("failed", error=ERROR), id="response.failed"),
        pytest.param(response("cancelled", error=ERROR), id="response.cancelled"),
        pytest.param(response("completed", error=ERROR), id="an error in the last event"),
    ],
)
def test_every_form_of_error_is_a_fault_and_ends_the_stream(event: dict[str, Any]) -> None:
    """What follows it says nothing any more."""
    decoder = DIALECT.decoder()
    frames = split(DIALECT.splitter(LIMIT_BYTES), [sse(CREATED, event, DONE)])
    decoder.feed(frames[0])
    with pytest.raises(WireFault, match="slow down") as caught:
        decoder.feed(frames[1])
    assert (caught.value.reason, caught.value.code) == (Reason.THROTTLED, "rate_limit_exceeded")
    assert decoder.feed(frames[2]) == ()


def test_an_error_that_only_its_event_name_tells_is_a_fault() -> None:
    """Facades put any body behind `event: error`."""
    with pytest.raises(WireFault, match="no luck"):
        events_of([b'event: error\ndata: {"message":"no luck"}\n\n'])


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_failed_response_without_a_reason_is_a_fault_all_the_same(status: str) -> None:
    """Its words are ours then."""
    with pytest.raises(WireFault) as caught:
        events_of([sse(CREATED, response(status))])
    assert caught.value.reason is Reason.SERVER_ERROR


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param("server_error", Reason.SERVER_ERROR, id="server_error"),
        pytest.param("rate_limit_exceeded", Reason.THROTTLED, id="rate_limit_exceeded"),
        pytest.param("invalid_prompt", Reason.REJECTED, id="invalid_prompt"),
        pytest.param("bio_policy", Reason.CONTENT_POLICY, id="bio_policy"),
        pytest.param("image_content_policy_violation", Reason.CONTENT_POLICY, id="image policy"),
        pytest.param("vector_store_timeout", Reason.SERVER_ERROR, id="vector_store_timeout"),
        pytest.param("invalid_image_url", Reason.REJECTED, id="invalid_image_url"),
        pytest.param("invalid_encrypted_content", Reason.REJECTED, id="invalid_encrypted_content"),
        pytest.param("context_length_exceeded", Reason.CONTEXT_LENGTH, id="context_length_exceeded"),
    ],
)
def test_the_codes_of_failed_responses_mean_what_they_say(code: str, reason: Reason) -> None:
    """No status stands beside them: the code alone tells whose fault it is."""
    with pytest.raises(WireFault) as caught:
        events_of([sse(CREATED, response("failed", error={"code": code, "message": "x"}))])
    assert caught.value.reason is reason


def test_items_are_told_apart_by_place_whatever_their_ids_say() -> None:
    """Copilot names an item anew in every event; two calls interleave."""
    call = {"type": "function_call", "arguments": ""}
    events = events_of(
        [
            sse(
                CREATED,
                item("added", 0, id="a", call_id="call_a", name="f", **call),
                item("added", 1, id="b", call_id="call_b", name="g", **call),
                delta("function_call_arguments", '{"x"', 0, item_id="c"),
                delta("function_call_arguments", "{}", 1, item_id="d"),
                delta("function_call_arguments", ":1}", 0, item_id="e"),
                item("done", 0, id="f", call_id="call_a", name="f", type="function_call", arguments='{"x":1}'),
                DONE,
            )
        ]
    )
    assert told(events)["calls"] == [["call_a", "f", '{"x":1}'], ["call_b", "g", "{}"]]


def test_a_call_whose_name_comes_late_is_begun_then_with_all_its_arguments() -> None:
    """And with them once."""
    call: dict[str, Any] = {"type": "function_call", "call_id": "call_a"}
    events = events_of(
        [
            sse(
                CREATED,
                item("added", 0, **call),
                delta("function_call_arguments", '{"x"'),
                delta("function_call_arguments", ":1}"),
                {"type": "response.function_call_arguments.done", "output_index": 0, "arguments": '{"x":1}'},
                item("done", 0, name="f", arguments='{"x":1}', **call),
                DONE,
            )
        ]
    )
    assert told(events)["calls"] == [["call_a", "f", '{"x":1}']]


def test_arguments_of_an_item_that_is_no_call_say_nothing() -> None:
    """A server that mixes up its places must not make a call out of a thought."""
    events = events_of(
        [sse(CREATED, delta("reasoning_text", "hm"), delta("function_call_arguments", "{}"), item("added", 1), DONE)]
    )
    assert (told(events)["thoughts"], told(events)["calls"]) == (["hm"], [])


def test_a_call_without_any_name_is_left_out_and_reported() -> None:
    """Nobody could run it."""
    call: dict[str, Any] = {"type": "function_call", "call_id": "call_a", "arguments": "{}"}
    events = events_of([sse(CREATED, item("added", **call), item("done", **call), DONE)])
    assert told(events)["calls"] == []
    assert [type(event) for event in events].count(Skipped) == 1


def test_calls_without_ids_get_different_ones_and_always_the_same() -> None:
    """Clients send the id back with the result, so two calls must differ and a second reading must not."""
    call = {"type": "function_call", "name": "f", "arguments": "{}"}
    body = sse(CREATED, item("done", 0, **call), item("done", 1, **call), DONE)
    ids = [event.id for event in events_of([body]) if isinstance(event, ToolCallStarted)]
    assert len(set(ids)) == 2
    assert ids == [event.id for event in events_of([body]) if isinstance(event, ToolCallStarted)]


def test_arguments_that_come_as_an_object_become_json_text() -> None:
    """As the server wrote them."""
    call: dict[str, Any] = {"type": "function_call", "call_id": "a", "name": "f", "arguments": {"x": 1}}
    assert told(events_of([sse(CREATED, item("done", **call), DONE)]))["calls"] == [["a", "f", '{"x": 1}']]


def test_free_form_tools_count_as_calls_only_if_the_caller_offered_them() -> None:
    """xAI's own searches come as calls of free-form tools; they are the provider's, like any other item of its own."""
    call: dict[str, Any] = {"type": "custom_tool_call", "call_id": "a", "name": "grep", "input": "x"}
    stream = (item("added", **{**call, "input": ""}), delta("custom_tool_call_input", "x"), item("done", **call), DONE)
    offered = response("in_progress", tools=[{"type": "custom", "name": "grep"}])
    events = events_of([sse(offered, *stream)])
    assert told(events)["calls"] == [["a", "grep", "x"]]
    assert [event.custom for event in events if isinstance(event, ToolCallStarted)] == [True]
    events = events_of([sse(response("in_progress", tools=[{"type": "x_search"}]), *stream)])
    assert (told(events)["calls"], told(events)["others"]) == ([], ["custom_tool_call"])
    assert Finish.STOP in [event.reason for event in events if isinstance(event, Finished)]


def test_what_came_whole_only_is_said_then() -> None:
    """Some servers send no pieces, or nothing but the last event."""
    content = [{"type": "output_text", "text": "Hello", "annotations": [{"type": "url_citation"}]}]
    message = {"type": "message", "content": content}
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "s"}
    items = (item("done", 0, **thought), item("done", 1, **message))
    for body in (sse(CREATED, *items, DONE), sse(response(output=[thought, message]))):
        events = events_of([body])
        assert (told(events)["text"], told(events)["thoughts"], told(events)["seals"]) == ("Hello", ["hm"], ["s"])
        assert [bytes(event.citation) for event in events if isinstance(event, CitationAdded)] == [
            b'{"type": "url_citation"}'
        ]


def test_what_came_in_pieces_is_not_said_again() -> None:
    """Each kind is told whole up to three times after its pieces."""
    events = events_of(
        [
            sse(
                CREATED,
                item("added", type="message"),
                delta("output_text", "a"),
                delta("output_text", "b"),
                {"type": "response.output_text.done", "output_index": 0, "text": "ab"},
                item("done", type="message", content=[{"type": "output_text", "text": "ab"}]),
                item("added", 1, type="reasoning"),
                delta("reasoning_summary_text", "c", 1),
                {"type": "response.reasoning_summary_text.done", "output_index": 1, "text": "c"},
                item("done", 1, type="reasoning", summary=[{"text": "c"}]),
                response(output=[{"type": "message", "content": [{"type": "output_text", "text": "ab"}]}]),
            )
        ]
    )
    assert (told(events)["text"], told(events)["thoughts"]) == ("ab", ["c"])


def test_the_parts_of_a_summary_are_separated_as_in_a_whole_answer() -> None:
    """By a blank line, and not before the first; the seal belongs to all of it."""
    part = {"type": "response.reasoning_summary_part.added", "output_index": 0}
    parts = [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]
    events = events_of(
        [
            sse(
                CREATED,
                item("added", type="reasoning", encrypted_content="early"),
                {**part, "summary_index": 0},
                delta("reasoning_summary_text", "a"),
                {**part, "summary_index": 1},
                delta("reasoning_summary_text", "b"),
                item("done", type="reasoning", summary=parts, encrypted_content="late"),
                item("added", 1, type="reasoning"),
                delta("reasoning_text", "c", 1),
                DONE,
            )
        ]
    )
    assert (told(events)["thoughts"], told(events)["seals"]) == (["a\n\nb", "c"], ["late"])
    assert {event.family for event in events if isinstance(event, ReasoningDelta)} == {"openai-responses"}


def test_log_probabilities_come_with_the_words_and_empty_lists_do_not() -> None:
    """In canon's one form, entries untouched."""
    events = events_of(
        [
            sse(
                CREATED,
                delta("output_text", "a", logprobs=[{"token": "a", "logprob": -0.1}]),
                delta("output_text", "b", logprobs=[]),
                DONE,
            )
        ]
    )
    logprobs = [json.loads(bytes(event.logprobs)) for event in events if isinstance(event, LogprobsAdded)]
    assert logprobs == [{"content": [{"token": "a", "logprob": -0.1}], "refusal": None}]


@pytest.mark.parametrize(
    ("ending", "expected", "word"),
    [
        pytest.param(response(), Finish.STOP, "completed", id="completed"),
        pytest.param(
            response("incomplete", incomplete_details={"reason": "max_output_tokens"}),
            Finish.LENGTH,
            "max_output_tokens",
            id="length",
        ),
        pytest.param(
            response("incomplete", incomplete_details={"reason": "content_filter"}),
            Finish.CONTENT_FILTER,
            "content_filter",
            id="filter",
        ),
        pytest.param(response("incomplete"), Finish.LENGTH, "incomplete", id="no reason"),
        pytest.param(
            response("incomplete", incomplete_details={"reason": "moonphase"}),
            Finish.LENGTH,
            "moonphase",
            id="unheard of",
        ),
    ],
)
def test_an_ending_is_understood_and_its_own_word_kept(ending: dict[str, Any], expected: Finish, word: str) -> None:
    """An answer that is not whole never reads as one that is."""
    finished = [event for event in events_of([sse(CREATED, ending)]) if isinstance(event, Finished)]
    assert [(event.reason, event.said) for event in finished] == [(expected, word)]


def test_a_refusal_is_said_in_its_own_event_and_ends_as_one() -> None:
    """It is content: the model answered."""
    events = events_of([sse(CREATED, delta("refusal", "I ca"), delta("refusal", "n't"), DONE)])
    assert [event.text for event in events if isinstance(event, RefusalDelta)] == ["I ca", "n't"]
    assert [event.reason for event in events if isinstance(event, Finished)] == [Finish.REFUSAL]


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(b"data: {\n\n", id="cut JSON"),
        pytest.param(b"data: 7\n\n", id="no object"),
        pytest.param(b'data: {"type":"response.output_text.delta","delta":7}\n\n', id="text that is a number"),
        pytest.param(b'data: {"type":"\xff"}\n\n', id="not UTF-8"),
    ],
)
def test_an_event_that_cannot_be_read_is_left_out_and_the_answer_goes_on(event: bytes) -> None:
    """And is reported, without its content."""
    events = events_of([sse(CREATED, delta("output_text", "a")) + event + sse(delta("output_text", "b"), DONE)])
    assert [type(event) for event in events].count(Skipped) == 1
    assert told(events)["text"] == "ab"
    assert isinstance(events[-1], Ended)


def test_events_nobody_knows_and_comments_say_nothing() -> None:
    """New types come without notice; no type but the known ones may spoil an answer."""
    body = b": ping\n\n" + sse({"type": "response.moon.risen", "delta": "x"}, {"object": "moon"})
    assert events_of([body, b"data: [DONE]\n\n"]) == []
