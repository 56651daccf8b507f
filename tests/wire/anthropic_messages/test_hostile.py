"""Bytes nobody should send: each is refused, judged or left out, and none is a bug of ours."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.errors import Refused, WireFault
from router.wire.anthropic_messages import DIALECT
from router.wire.anthropic_messages.count import decode_reply as decode_count
from router.wire.anthropic_messages.request import decode_request, encode_request, patch_request, peek
from router.wire.dialect import Frame
from router.wire.openai_chat.request import encode_request as encode_openai
from tests.fuzz.spoiling import NASTY, places, spoiled
from tests.wire.anthropic_messages.test_request import READ, SERVER, TURNS
from tests.wire.anthropic_messages.test_stream import START, STOP, TEXT, begin, done, finish, more

BODY: dict[str, Any] = {
    "model": "m",
    "max_tokens": 9,
    "messages": TURNS,
    "system": [{"type": "text", "text": "a"}],
    "tools": [{"name": "f", "input_schema": {"type": "object", "properties": {}}, "strict": True}, SERVER],
    "tool_choice": {"type": "tool", "name": "f"},
    "thinking": {"type": "enabled", "budget_tokens": 2000},
    "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object"}}},
    "metadata": {"user_id": "u"},
    "stop_sequences": ["a"],
}
STREAM = [
    START,
    *TEXT,
    begin(1, "thinking", thinking="", signature=""),
    more(1, "signature_delta", signature="s"),
    done(1),
    begin(2, "tool_use", id="t", name="f", input={}),
    more(2, "input_json_delta", partial_json="{}"),
    done(2),
    begin(3, "server_tool_use", id="x", name="w", input={}),
    more(3, "input_json_delta", partial_json="{"),
    done(3),
    finish("tool_use", {"output_tokens": 3, "iterations": [{"type": "compaction"}]}),
    STOP,
]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(places(BODY)), st.sampled_from(NASTY), st.sampled_from(["claude-opus-5", "claude-sonnet-4-5"]))
def test_a_request_spoiled_at_any_place_is_refused_or_said(path: tuple[object, ...], nasty: bytes, model: str) -> None:
    """To a server of this protocol, to another, or as it came."""
    with contextlib.suppress(Refused):
        ask = peek(spoiled(BODY, path, nasty))
        patch_request(ask, "up")
        request = decode_request(ask)
        encode_request(request, model)
        encode_openai(request, "m")


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(STREAM) - 1), st.data(), st.sampled_from(NASTY))
def test_a_stream_spoiled_at_any_place_is_skipped_or_judged(place: int, data: st.DataObject, nasty: bytes) -> None:
    """And what it did say can be passed on and said anew."""
    assert DIALECT.front is not None
    ask = peek(b'{"model":"m","max_tokens":1,"messages":[{}]}')
    decoder, relay, encoder = DIALECT.decoder(), DIALECT.front.relay(ask), DIALECT.front.encoder(ask)
    path = data.draw(st.sampled_from(places(STREAM[place])))
    with contextlib.suppress(WireFault):
        for number, event in enumerate(STREAM):
            said = spoiled(event, path, nasty) if number == place else json.dumps(event).encode()
            frame = Frame(raw=b"data: %b\n\n" % said, data=said)
            events = decoder.feed(frame)
            relay.feed(frame, events)
            encoder.feed(events)
        decoder.end()
    encoder.end()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40) | st.sampled_from(NASTY))
def test_any_bytes_for_an_answer_are_a_fault(body: bytes) -> None:
    """Whole, counted or failed."""
    for read in (DIALECT.decode_reply, decode_count, lambda raw: DIALECT.decode_fault(400, {}, raw, 0.0)):
        with contextlib.suppress(WireFault):
            read(body)


def test_the_turns_used_here_are_sound() -> None:
    """Or nothing above would get past the first check."""
    request = decode_request(peek(json.dumps({**BODY, "system": None}).encode()))
    assert request.messages == READ[1:]
