"""Runs of text that are told by their form, beside the same streams read event by event."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.wire.anthropic_messages import DIALECT as MESSAGES
from router.wire.anthropic_messages.stream import MessageDecoder
from router.wire.dialect import Dialect
from router.wire.openai_responses import DIALECT as RESPONSES
from router.wire.openai_responses.stream import ResponsesDecoder
from tests.wire.glancing import read

TEXTS = (" word", "é", "日本", "\n", '"', "\\", "\\u", "a\tb", "\x7f", "\ud83d", "\ude00", "", '","', "x")
HOLES = (b"\xff", b"\xe2", b"\x82\xac", b"a\x01", b"\\q", b"\\u12", b"\\", b'"', b"\\ud83d")
"""What stands in a text's place and is no text, or only half of one."""


def message_event(text: str, escaped: bool, **other: Any) -> bytes:
    """Anthropic's, with its blanks before the end; `other` changes members."""
    delta = {"type": "text_delta", "text": text}
    return event({"type": "content_block_delta", "index": 0, "delta": delta} | other, escaped).replace(b"}}", b"}  }")


def response_event(text: str, escaped: bool, **other: Any) -> bytes:
    """OpenAI's; `other` adds members behind or changes those in front."""
    place = {"sequence_number": 7, "item_id": "msg_1", "output_index": 0, "content_index": 0}
    said = {"type": "response.output_text.delta", **place, "delta": text, "logprobs": [], "obfuscation": "kPB4x0i"}
    return event(said | other, escaped)


def event(said: dict[str, Any], escaped: bool) -> bytes:
    """With its name."""
    text = json.dumps(said, separators=(",", ":"), ensure_ascii=escaped)
    return f"event: {said['type']}\ndata: {text}\n\n".encode("utf-8", "replace")


MESSAGE_ODDITIES = (
    event({"type": "message_start", "message": {"id": "a", "model": "m", "usage": {"input_tokens": 1}}}, True),
    event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}, True),
    event({"type": "content_block_stop", "index": 0}, True),
    event({"type": "ping"}, True),
    event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}, True),
    event({"type": "message_stop"}, True),
    event({"type": "error", "error": {"type": "overloaded_error", "message": "no"}}, True),
    message_event("", True, delta={"type": "thinking_delta", "thinking": "hm"}),
    message_event("x", True, index=1),
    message_event("x", True, index=10**12),
    message_event("x", True).replace(b'"index":0', b'"index":00'),
    message_event("x", True).replace(b"event: content_block_delta\n", b""),
    message_event("x", True).replace(b"\n\n", b"\r\n\r\n"),
)
RESPONSE_ODDITIES = (
    event({"type": "response.created", "response": {"id": "resp_a", "model": "m", "output": []}}, True),
    event({"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "id": "m"}}, True),
    event({"type": "response.output_text.done", "output_index": 0, "text": "all of it"}, True),
    event({"type": "response.output_item.done", "output_index": 1, "item": {"type": "message", "id": "n"}}, True),
    event({"type": "response.refusal.delta", "output_index": 2, "delta": "no"}, True),
    event({"type": "response.completed", "response": {"id": "resp_a", "status": "completed", "output": []}}, True),
    event({"type": "error", "message": "no"}, True),
    response_event("x", True, output_index=1),
    response_event("x", True, sequence_number=10**12),
    response_event("x", True, obfuscation='"'),
    response_event("x", True, logprobs=[{"token": "x", "logprob": -1}]),
    response_event("x", True).replace(b"kPB4x0i", b"\xff"),
    response_event("x", True).replace(b'"output_index":0', b'"output_index":00'),
    response_event("x", True).replace(b'"output_index":0,', b""),
    response_event("x", True).replace(b"\n\n", b"\r\n\r\n"),
)
CASES = {
    "messages": (MESSAGES, message_event, MESSAGE_ODDITIES),
    "responses": (RESPONSES, response_event, RESPONSE_ODDITIES),
}


@st.composite
def streams(draw: st.DrawFn) -> tuple[Dialect, bytes]:
    """Mostly text, in either spelling; with what is no text, and what is another event."""
    dialect, said, oddities = CASES[draw(st.sampled_from(sorted(CASES)))]
    escaped = draw(st.booleans())
    hole = st.sampled_from(HOLES).map(lambda piece: said("HOLE", escaped).replace(b"HOLE", piece))
    text = st.sampled_from(TEXTS).map(lambda text: said(text, escaped))
    more = st.integers(min_value=1, max_value=5).map(lambda times: said("more", escaped) * times)
    return dialect, b"".join(draw(st.lists(st.one_of(text, more, st.sampled_from(oddities), hole), max_size=10)))


@given(stream=streams(), cuts=st.lists(st.integers(min_value=0, max_value=4000), max_size=4), passes=st.booleans())
def test_a_glance_tells_what_the_parser_tells(stream: tuple[Dialect, bytes], cuts: list[int], passes: bool) -> None:
    """To the byte for the caller, event by event in a translation, however the stream was cut on the way."""
    dialect, body = stream
    expected = read(dialect, body, [], skims=False, passes=passes)
    assert read(dialect, body, cuts, skims=True, passes=passes) == expected
    assert read(dialect, body, [], skims=True, passes=passes) == expected


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_run_beside_every_oddity_is_told_as_the_parser_tells_it(name: str) -> None:
    """Whatever stands between two runs, and whatever tells the end of what they began."""
    dialect, said, oddities = CASES[name]
    holes = [said("HOLE", True).replace(b"HOLE", piece) for piece in HOLES]
    run = said("more", True) * 3
    for odd in (*oddities, *holes):
        for ending in oddities:
            body = oddities[0] + run + odd + run + ending + run
            for passes in (True, False):
                expected = read(dialect, body, [], skims=False, passes=passes)
                assert read(dialect, body, [], skims=True, passes=passes) == expected


@pytest.mark.parametrize(("decoder", "said"), [(MessageDecoder(), message_event), (ResponsesDecoder(), response_event)])
def test_text_as_its_provider_writes_it_is_seen_at_a_glance(decoder: Any, said: Any) -> None:
    """Letters of any kind, line ends and quotes; the run ends before what is cut, empty or no text."""
    texts = ("so", "é\n", '"')
    body = b"".join(said(text, escaped) for text in texts for escaped in (True, False))
    for rest in (b"", said("", True), said("x", True)[:-1], said("x", True, index=1, output_index=1)):
        run = decoder.skim(body + rest, None)
        assert run is not None
        assert run.size_bytes == len(body)
        assert [event.text for event in run.said] == [text for text in texts for _ in range(2)]
