"""Streams to a caller, read by a client as strict as the official ones."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from router.canon.event import (
    CitationAdded,
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
from router.canon.request import Reasoning
from router.canon.usage import Usage
from router.errors import Reason, Unavailable, UpstreamFailed
from router.wire.anthropic_messages.encoder import KEEPALIVE, MessageEncoder
from router.wire.anthropic_messages.message import thought_of
from router.wire.anthropic_messages.request import peek
from router.wire.signatures import unpack_id
from tests.wire.anthropic_messages.client import blocks_in, events_in, message_in
from tests.wire.anthropic_messages.test_stream import STREAMS, events_of, told
from tests.wire.recorded import Recorded, needs_recordings, response_of

ASK = peek(b'{"model":"public","max_tokens":9,"messages":[{}],"stream":true}')
STARTED = Started(id="chatcmpl-1", model="m")


def said(*events: Event, finish: Finish = Finish.STOP, **more: str) -> bytes:
    """A whole stream of these events, one at a time."""
    encoder = MessageEncoder(ASK)
    stream = b"".join(encoder.feed((event,)) for event in (STARTED, *events))
    return stream + encoder.feed((Finished(reason=finish, said="x", **more),)) + encoder.end()  # type: ignore[arg-type]


def begun(index: int, call_id: str = "call_a", name: str = "f", **more: object) -> ToolCallStarted:
    """A call begins."""
    return ToolCallStarted(index=index, id=call_id, name=name, **more)  # type: ignore[arg-type]


def more(index: int, arguments: str) -> ToolCallDelta:
    """More of its arguments."""
    return ToolCallDelta(index=index, arguments=arguments)


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_a_recorded_stream_said_anew_is_the_same_answer(line: Recorded) -> None:
    """Decoded, encoded and decoded: nothing is lost or invented on the way."""
    events = events_of([response_of(line.id)[2]])
    encoder = MessageEncoder(ASK)
    stream = encoder.feed(tuple(events)) + encoder.end()
    again = events_of([stream])
    expected, found = told(events), told(again)
    # A call without arguments is said with the empty object that clients parse.
    assert found["calls"] == [[call_id, name, given or "{}"] for call_id, name, given in expected.pop("calls")]
    del found["calls"]
    assert found == expected
    assert [event for event in again if isinstance(event, Finished | Started | UsageReported)] == [
        event for event in events if isinstance(event, Finished | Started | UsageReported)
    ]
    assert message_in(stream)


def test_nothing_is_said_before_content() -> None:
    """An attempt that fails before it must leave no trace; a later attempt's own beginning counts."""
    encoder = MessageEncoder(ASK)
    assert encoder.feed((STARTED, UsageReported(usage=Usage(input=3)))) == b""
    assert encoder.feed((Started(id="msg_2", model="n"), UsageReported(usage=Usage(input=4)))) == b""
    message = events_in(encoder.feed((TextDelta(text="a"),)))[0]["message"]
    assert (message["id"], message["model"], message["usage"]["input_tokens"]) == ("msg_2", "n", 4)
    assert encoder.feed((Started(id="msg_3", model="o"),)) == b""


def test_the_events_of_a_text_are_those_of_the_documentation() -> None:
    """Names, order and every member; an id of another form is made into one of this form."""
    events = events_in(said(TextDelta(text="Hé"), TextDelta(text=""), UsageReported(usage=Usage(input=2, output=1))))
    assert [event["type"] for event in events] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    message = events[0]["message"]
    assert message.pop("id").startswith("msg_")
    usage = {
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "service_tier": None,
    }
    assert message == {
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0, **usage},
    }
    assert events[1:] == [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hé"}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"input_tokens": 2, "output_tokens": 1, **usage},
        },
        {"type": "message_stop"},
    ]


def test_an_answer_of_nothing_is_a_message_of_no_blocks() -> None:
    """Legal, and what clients expect of a full context."""
    assert message_in(said(finish=Finish.CONTEXT_FULL))["content"] == []


def test_each_kind_of_content_is_a_block_of_its_own() -> None:
    """Thinking, text, refusal and calls in the order they came; what nobody here can say is left out."""
    message = message_in(
        said(
            ReasoningDelta(text="h", family="anthropic"),
            ReasoningDelta(text="m", family="anthropic"),
            ReasoningDelta(signature="seal", family="anthropic"),
            ReasoningDelta(redacted="blob", family="anthropic", block=1),
            TextDelta(text="a"),
            LogprobsAdded(logprobs=Raw(b"{}")),
            CitationAdded(citation=Raw(b'{"type":"url_citation"}'), family="openai-chat"),
            RefusalDelta(text="b"),
            TextDelta(text="second choice", choice=1),
            begun(0),
            more(0, '{"x":'),
            more(0, "1}"),
            OpaqueAdded(raw=Raw(b'{"type":"file_search_call"}'), family="openai-responses"),
            OpaqueAdded(raw=Raw(b'{"type":"web_search_tool_result"}'), family="anthropic"),
            finish=Finish.TOOL_CALLS,
        )
    )
    assert message["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "seal"},
        {"type": "redacted_thinking", "data": "blob"},
        {"type": "text", "text": "ab"},
        {"type": "tool_use", "id": "call_a", "name": "f", "input": {"x": 1}},
        {"type": "web_search_tool_result"},
    ]
    assert message["stop_reason"] == "tool_use"


def test_sources_follow_into_the_text_they_belong_to() -> None:
    """Anthropic's own come before the text they stand for."""
    source = Raw(b'{"type":"page_location"}')
    message = message_in(said(CitationAdded(citation=source, family="anthropic"), TextDelta(text="a")))
    assert message["content"] == [{"type": "text", "text": "a", "citations": [{"type": "page_location"}]}]


PIECES: dict[str, list[Event]] = {
    "a": [begun(0, "a"), more(0, '{"x"'), more(0, ":[1,"), more(0, "2]}")],
    "b": [begun(1, "b"), more(1, '{"y":"}'), more(1, '"}')],
    "c": [begun(2, "c")],
}


def interleavings(*runs: list[Event]) -> list[list[Event]]:
    """Every way to shuffle runs of events together, each in its own order."""
    if sum(bool(run) for run in runs) <= 1:
        return [[event for run in runs for event in run]]
    return [
        [run[0], *rest]
        for place, run in enumerate(runs)
        if run
        for rest in interleavings(*runs[:place], run[1:], *runs[place + 1 :])
    ]


def test_parallel_calls_come_out_one_after_the_other_however_they_were_interleaved() -> None:
    """105 ways: no block interrupts another, and each call keeps its own arguments."""
    ways = interleavings(*PIECES.values())
    assert len(ways) > 100
    for events in ways:
        content = message_in(said(*events, finish=Finish.TOOL_CALLS))["content"]
        assert sorted((block["id"], json.dumps(block["input"])) for block in content) == [
            ("a", '{"x": [1, 2]}'),
            ("b", '{"y": "}"}'),
            ("c", "{}"),
        ]


def test_text_between_the_pieces_of_a_call_waits_until_the_call_is_whole() -> None:
    """And is not lost: it comes right behind it."""
    content = message_in(said(begun(0), more(0, '{"x":'), TextDelta(text="meanwhile"), more(0, "1}")))["content"]
    assert [block["type"] for block in content] == ["tool_use", "text"]
    assert content[1]["text"] == "meanwhile"


def test_what_waits_for_a_call_that_is_never_whole_is_said_at_the_end() -> None:
    """An answer may end inside arguments; its reason says so."""
    events = events_in(said(begun(0), more(0, '{"x":'), TextDelta(text="a"), finish=Finish.LENGTH))
    assert [event["delta"].get("text") for event in events if event["type"] == "content_block_delta"] == [None, "a"]
    assert events[-2]["delta"]["stop_reason"] == "max_tokens"


def test_arguments_stream_as_they_come() -> None:
    """A call that nothing interrupts is not held back."""
    encoder = MessageEncoder(ASK)
    encoder.feed((STARTED, begun(0)))
    assert b"partial_json" in encoder.feed((more(0, '{"x":'),))


def test_a_free_form_call_becomes_an_object_with_its_text() -> None:
    """`input` must be one; text that looks like the end of an object is still text."""
    events = (begun(0, custom=True), more(0, "{}"), TextDelta(text="meanwhile"), more(0, "}\n"))
    assert message_in(said(*events))["content"][0]["input"] == {"input": "{}}\n"}


def test_a_signed_call_carries_its_signature_in_its_id() -> None:
    """The only place that every client keeps; an id nobody would take is made clean first."""
    content = message_in(said(begun(0, "functions.f:0", signature="c2ln", family="gemini")))["content"]
    signed = unpack_id(content[0]["id"])
    assert (signed.signature, signed.family) == ("c2ln", "gemini")
    assert signed.id.startswith("functions_f_0_")


@pytest.mark.parametrize(
    "thought",
    [
        pytest.param(Reasoning(text="hm", family="openai-chat"), id="unsealed"),
        pytest.param(Reasoning(text="hm", signature="s", family="gemini"), id="sealed by Gemini"),
        pytest.param(Reasoning(text="", redacted="blob", family="openai-responses"), id="encrypted by OpenAI"),
    ],
)
def test_thinking_of_others_is_sealed_by_us_and_comes_back_as_it_was(thought: Reasoning) -> None:
    """Never with a signature that could be taken for Anthropic's."""
    delta = ReasoningDelta(
        text=thought.text, signature=thought.signature, redacted=thought.redacted, family=thought.family
    )
    block = message_in(said(delta, TextDelta(text="a")))["content"][0]
    token = block.get("signature") or block["data"]
    assert token.startswith("pointsman.seal.")
    back = thought_of(block.get("thinking", ""), token)
    assert (back.text, back.signature, back.family) == (thought.text, thought.signature, thought.family)


@pytest.mark.parametrize("finish", Finish)
def test_every_finish_is_said_in_a_word_clients_know(finish: Finish) -> None:
    """And a stop behind a call is a call to run it."""
    known = {"end_turn", "max_tokens", "tool_use", "refusal", "pause_turn", "model_context_window_exceeded"}
    assert message_in(said(TextDelta(text="a"), finish=finish))["stop_reason"] in known
    called = message_in(said(begun(0), finish=finish))["stop_reason"]
    assert called == "tool_use" if finish in (Finish.STOP, Finish.OTHER, Finish.TOOL_CALLS) else called != "tool_use"


def test_the_sequence_that_matched_is_named() -> None:
    """Where the provider tells."""
    message = message_in(said(TextDelta(text="a"), stop_sequence="END"))
    assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", "END")


def test_a_fault_is_one_error_event_and_nothing_closes_what_was_open() -> None:
    """A call that was cut must not look whole, and the answer not complete."""
    encoder = MessageEncoder(ASK)
    stream = encoder.feed((STARTED, begun(0), more(0, '{"x":')))
    error = UpstreamFailed("it was cut", target="a:m", reason=Reason.CUT_STREAM)
    events = events_in(stream + encoder.fault(error))
    assert [event["type"] for event in events[-2:]] == ["content_block_delta", "error"]
    assert events[-1]["error"]["type"] == "api_error"
    with pytest.raises(AssertionError):
        blocks_in(events[1:-1])


def test_a_fault_before_anything_was_said_is_an_error_event_alone() -> None:
    """After pings only: the status is spent."""
    events = events_in(KEEPALIVE + MessageEncoder(ASK).fault(Unavailable("stopping")))
    assert [event["type"] for event in events] == ["ping", "error"]


events = st.one_of(
    st.builds(TextDelta, text=st.text(max_size=3)),
    st.builds(RefusalDelta, text=st.text(max_size=3)),
    st.builds(
        ReasoningDelta,
        text=st.text(max_size=3),
        signature=st.none() | st.just("s"),
        redacted=st.none() | st.just("r"),
        family=st.sampled_from([None, "anthropic", "gemini"]),
        block=st.integers(0, 2),
    ),
    st.builds(ToolCallDelta, index=st.integers(0, 3), arguments=st.sampled_from(["{", "}", "{}", '{"a":1}', "x"])),
    st.builds(ToolCallStarted, index=st.integers(0, 3), id=st.just("i"), name=st.just("f"), custom=st.booleans()),
    st.builds(CitationAdded, citation=st.just(Raw(b"{}")), family=st.just("anthropic")),
    st.builds(OpaqueAdded, raw=st.just(Raw(b'{"type":"x"}')), family=st.just("anthropic")),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(events, max_size=12))
def test_whatever_a_provider_says_the_stream_keeps_its_form(soup: list[Event]) -> None:
    """Blocks never interleave, are counted without gaps and all end, even for nonsense."""
    stream = said(*soup)
    inside = [event for event in events_in(stream)[1:-2]]
    opened = [event for event in inside if event["type"] == "content_block_start"]
    assert [event["index"] for event in opened] == list(range(len(opened)))
    depth = itertools.accumulate(
        {"content_block_start": 1, "content_block_stop": -1}.get(event["type"], 0) for event in inside
    )
    assert set(depth) <= {0, 1}
    assert len(inside) == 0 or inside[-1]["type"] == "content_block_stop"
    assert b"[DONE]" not in stream
