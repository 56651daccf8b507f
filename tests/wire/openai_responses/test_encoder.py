"""Streams as we say them: every event in its place, numbered, and put together by OpenAI's own SDK."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from msgspec import Raw
from msgspec.structs import replace
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

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
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from router.canon.usage import Usage
from router.errors import Reason, UpstreamFailed
from router.wire.dialect import Ask, Kept, Requirements
from router.wire.openai_responses import DIALECT
from router.wire.openai_responses.request import peek
from router.wire.openai_responses.stream import ResponsesEncoder
from router.wire.signatures import unpack_id
from tests.wire.cutting import split

FAMILY = "openai-responses"
STARTED = Started(id="msg_1", model="claude", created_s=17)
USAGE = UsageReported(usage=Usage(input=3, output=2))
STOP = Finished(reason=Finish.STOP, said="end_turn")
SDK_EVENT: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)

RICH: tuple[Event, ...] = (
    STARTED,
    ReasoningDelta(text="h", family="anthropic"),
    ReasoningDelta(text="m", family="anthropic"),
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


def ask() -> Ask:
    """What the caller asked."""
    return peek(b'{"model":"m","input":"hi","stream":true}')


def encoded(*events: Event) -> bytes:
    """A whole stream, each event fed alone."""
    encoder = ResponsesEncoder(ask())
    return b"".join(encoder.feed((event,)) for event in events) + encoder.end()


def events_of(stream: bytes) -> list[dict[str, Any]]:
    """The JSON of every event; each is named by its type, and all are numbered from 0 without gaps."""
    frames = split(DIALECT.splitter(1 << 20), [stream])
    assert b"".join(frame.raw for frame in frames) == stream
    events: list[dict[str, Any]] = [json.loads(frame.data) for frame in frames]
    assert [frame.event for frame in frames] == [event["type"] for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events


def words(events: list[dict[str, Any]]) -> list[str]:
    """The types of the events, shortened, with the place of the item they are about."""
    return [
        event["type"].removeprefix("response.") + (f" {event['output_index']}" if "output_index" in event else "")
        for event in events
    ]


def test_every_event_comes_in_the_order_clients_expect() -> None:
    """Item, part, pieces, part done, item done; calls stay open to the end, since their pieces may interleave."""
    assert words(events_of(encoded(*RICH))) == [
        "created",
        "in_progress",
        "output_item.added 0",
        "reasoning_summary_part.added 0",
        "reasoning_summary_text.delta 0",
        "reasoning_summary_text.delta 0",
        "reasoning_summary_text.done 0",
        "reasoning_summary_part.done 0",
        "output_item.done 0",
        "output_item.added 1",
        "content_part.added 1",
        "output_text.delta 1",
        "output_text.delta 1",
        "output_text.done 1",
        "content_part.done 1",
        "output_item.done 1",
        "output_item.added 2",
        "output_item.added 3",
        "function_call_arguments.delta 3",
        "function_call_arguments.delta 2",
        "function_call_arguments.delta 3",
        "function_call_arguments.done 2",
        "output_item.done 2",
        "function_call_arguments.done 3",
        "output_item.done 3",
        "completed",
    ]


def test_the_last_event_holds_all_that_was_said() -> None:
    """Items as they were done, in their places, and the usage that clients insist on."""
    events = events_of(encoded(*RICH))
    whole = events[-1]["response"]
    done = {event["output_index"]: event["item"] for event in events if event["type"] == "response.output_item.done"}
    assert whole["output"] == [done[place] for place in range(4)]
    assert (whole["id"], whole["model"], whole["created_at"], whole["status"]) == ("msg_1", "claude", 17, "completed")
    assert (whole["usage"]["input_tokens"], whole["usage"]["output_tokens"]) == (3, 2)
    assert [item["type"] for item in whole["output"]] == ["reasoning", "message", "function_call", "function_call"]
    assert whole["output"][2] == {
        "id": whole["output"][2]["id"],
        "type": "function_call",
        "call_id": "call_a",
        "name": "f",
        "arguments": '{"x":1}',
        "status": "completed",
    }
    first = events[0]["response"]
    assert (first["status"], first["output"], first["usage"]) == ("in_progress", [], None)


def put_together(stream: bytes) -> Response:
    """The answer as OpenAI's SDK accumulates it, each event checked against the SDK's own type."""
    state: ResponseStreamState[None] = ResponseStreamState(input_tools=[], text_format=omit)
    for event in events_of(stream):
        parsed = SDK_EVENT.validate_python(event)
        assert parsed.type == event["type"]
        state.handle_event(cast(Any, parsed))
    whole = state._completed_response
    assert whole is not None
    return cast(Response, whole)


def test_openais_sdk_puts_the_stream_together() -> None:
    """It raises on a text without its part, a part without its item, and a first event that is no beginning."""
    whole = put_together(encoded(*RICH))
    assert whole.output_text == "Hello"
    calls = [item for item in whole.output if item.type == "function_call"]
    assert [(call.call_id, call.name, call.arguments, call.status) for call in calls] == [
        ("call_a", "f", '{"x":1}', "completed"),
        ("call_b", "g", '{"y":2}', "completed"),
    ]


def test_text_after_a_call_is_a_message_of_its_own() -> None:
    """The order in which things were said is kept."""
    stream = encoded(
        TextDelta(text="a"),
        ToolCallStarted(index=0, id="c", name="f"),
        TextDelta(text="b"),
        ReasoningDelta(text="t", family="x", block=1),
        TextDelta(text="c"),
        STOP,
    )
    whole = put_together(stream)
    assert [item.type for item in whole.output] == ["message", "function_call", "message", "reasoning", "message"]
    assert whole.output_text == "abc"


def test_a_refusal_is_a_part_of_its_own() -> None:
    """Beside text, in the same message."""
    events = events_of(encoded(TextDelta(text="a"), RefusalDelta(text="n"), RefusalDelta(text="o"), STOP))
    assert words(events)[2:-1] == [
        "output_item.added 0",
        "content_part.added 0",
        "output_text.delta 0",
        "output_text.done 0",
        "content_part.done 0",
        "content_part.added 0",
        "refusal.delta 0",
        "refusal.delta 0",
        "refusal.done 0",
        "content_part.done 0",
        "output_item.done 0",
    ]
    parts = events[-1]["response"]["output"][0]["content"]
    assert parts[1] == {"type": "refusal", "refusal": "no"}
    assert [event["content_index"] for event in events if "content_index" in event] == [0] * 4 + [1] * 5
    put_together(encoded(RefusalDelta(text="no"), STOP))


def test_nothing_is_said_before_content() -> None:
    """An attempt that failed before it leaves no trace; the next one names its own model."""
    encoder = ResponsesEncoder(ask())
    usage = UsageReported(usage=Usage(input=1))
    assert encoder.feed((STARTED, usage, Finished(reason=Finish.STOP, said="x"))) == b""
    said = encoder.feed((Started(id="resp_2", model="gpt"), TextDelta(text="a")))
    assert [event["response"]["model"] for event in events_of(said) if "response" in event] == ["gpt", "gpt"]
    assert encoder.feed((Started(id="resp_3", model="late"),)) == b""
    assert encoder.end().count(b'"resp_2"') == 1


def test_an_answer_without_content_begins_and_ends_all_the_same() -> None:
    """A model may spend all its tokens on thinking that it does not show."""
    events = events_of(encoded(STARTED, USAGE, Finished(reason=Finish.LENGTH, said="max_tokens")))
    assert words(events) == ["created", "in_progress", "incomplete"]
    assert events[-1]["response"]["incomplete_details"] == {"reason": "max_output_tokens"}


def test_usage_nobody_reported_is_still_numbers() -> None:
    """The AI SDK takes a last event without them for an unknown one, and its stream never ends."""
    usage = events_of(encoded(TextDelta(text="a"), STOP))[-1]["response"]["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (0, 0)


def test_a_function_called_without_arguments_gets_an_empty_object() -> None:
    """Clients parse what they collected; a free-form tool may well be given nothing."""
    begun = (ToolCallStarted(index=0, id="a", name="f"), ToolCallStarted(index=1, id="b", name="g", custom=True))
    events = events_of(encoded(*begun, STOP))
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert [(item["type"], item.get("arguments", item.get("input"))) for item in done] == [
        ("function_call", "{}"),
        ("custom_tool_call", ""),
    ]
    assert [event["delta"] for event in events if event["type"].endswith("arguments.delta")] == ["{}"]


def test_a_free_form_call_has_its_own_events() -> None:
    """And keeps its text as it is."""
    begun = ToolCallStarted(index=0, id="a", name="grep", custom=True)
    events = events_of(encoded(begun, ToolCallDelta(index=0, arguments="{x"), STOP))
    assert words(events)[3:6] == [
        "custom_tool_call_input.delta 0",
        "custom_tool_call_input.done 0",
        "output_item.done 0",
    ]
    assert events[-1]["response"]["output"][0]["input"] == "{x"


def test_a_calls_signature_travels_in_its_id() -> None:
    """Clients send back the id and nothing else they do not know."""
    begun = ToolCallStarted(index=0, id="a", name="f", signature="c2ln", family="gemini")
    item = events_of(encoded(begun, STOP))[-1]["response"]["output"][0]
    held = unpack_id(item["call_id"])
    assert (held.id, held.signature, held.family) == ("a", "c2ln", "gemini")


def test_thoughts_of_two_blocks_are_two_items() -> None:
    """Each with the seal that is its own; a seal without words is an item too."""
    events = events_of(
        encoded(
            ReasoningDelta(text="a", family=FAMILY, block=0),
            ReasoningDelta(signature="s0", family=FAMILY, block=0),
            ReasoningDelta(signature="s1", family=FAMILY, block=1),
            STOP,
        )
    )
    output = events[-1]["response"]["output"]
    assert [(item["summary"], item["encrypted_content"]) for item in output] == [
        ([{"type": "summary_text", "text": "a"}], "s0"),
        ([], "s1"),
    ]
    assert len({item["id"] for item in output}) == 2


def test_what_only_this_dialect_has_is_said_as_it_came() -> None:
    """Items, citations and log probabilities; what another protocol's provider said in its own words is not."""
    search = Raw(b'{"type":"web_search_call","id":"ws_1","status":"completed"}')
    citation = Raw(b'{"type":"url_citation","url":"u"}')
    entry = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}
    events = events_of(
        encoded(
            OpaqueAdded(raw=search, family=FAMILY),
            OpaqueAdded(raw=Raw(b'{"type":"server_tool_use"}'), family="anthropic"),
            TextDelta(text="a"),
            LogprobsAdded(logprobs=Raw(json.dumps({"content": [entry], "refusal": None}).encode())),
            CitationAdded(citation=citation, family=FAMILY),
            CitationAdded(citation=Raw(b'{"type":"char_location"}'), family="anthropic"),
            STOP,
        )
    )
    output = events[-1]["response"]["output"]
    assert output[0] == json.loads(bytes(search))
    assert output[1]["content"] == [
        {"type": "output_text", "text": "a", "annotations": [json.loads(bytes(citation))], "logprobs": [entry]}
    ]
    assert [event["annotation_index"] for event in events if "annotation" in event] == [0]


def test_of_several_choices_the_first_is_said() -> None:
    """This protocol has one answer to a request."""
    events = events_of(encoded(TextDelta(text="a"), TextDelta(text="b", choice=1), STOP))
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "a"


@pytest.mark.parametrize("pieces", [(), (TextDelta(text="a"),)], ids=["at the beginning", "after text"])
def test_an_answer_that_breaks_off_says_so_and_nothing_else(pieces: tuple[Event, ...]) -> None:
    """Both forms in one event, numbered behind the last; nothing is done, completed or failed after it."""
    encoder = ResponsesEncoder(ask())
    error = UpstreamFailed("it was cut", target="a:m", reason=Reason.CUT_STREAM)
    stream = encoder.feed(pieces) + encoder.fault(error)
    last = events_of(stream)[-1]
    assert (last["type"], last["code"], last["message"], last["param"]) == (
        "error",
        "provider_cut_stream",
        "it was cut",
        None,
    )
    inner = last["error"]
    assert (inner["type"], inner["code"], inner["message"]) == ("upstream_error", "provider_cut_stream", "it was cut")
    assert b".done" not in stream
    assert b"response.completed" not in stream


@pytest.mark.parametrize(
    ("given", "expected"), [("", "resp_kept"), ("chatcmpl-1", "resp_kept"), ("resp_own", "resp_own")]
)
def test_a_kept_answer_has_an_id_that_nobody_can_guess(given: str, expected: str) -> None:
    """In every event; but an id of this protocol, which a caller may have heard already, stays."""
    ask = Ask(model="m", stream=True, include_usage=None, requirements=Requirements(), fields={})
    encoder = ResponsesEncoder(replace(ask, kept=Kept(id="resp_kept", previous="resp_before")))
    said = encoder.feed((Started(id=given, model="m"), TextDelta(text="a"))) + encoder.end()
    seen = [event["response"] for event in _payloads(said) if "response" in event]
    assert {(one["id"], one["store"], one["previous_response_id"]) for one in seen} == {(expected, True, "resp_before")}
    assert len(seen) == 3


def _payloads(stream: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in stream.split(b"\n") if line.startswith(b"data: ")]
