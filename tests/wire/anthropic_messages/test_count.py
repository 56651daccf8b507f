"""Counting a prompt: what is asked of a server, and what is answered to a caller."""

from __future__ import annotations

import json

import pytest

from router.canon.count import TokenCount
from router.canon.request import ChatRequest, Message, Role, Sampling, Text, Tool
from router.errors import Reason, Refused, WireFault
from router.wire.anthropic_messages.count import decode_reply, encode_reply, encode_request, peek
from router.wire.anthropic_messages.request import decode_request, patch_request

BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[]}'


def test_a_count_needs_no_bound_and_passes_untouched() -> None:
    """Only its model is the target's; in canon it is a request like any other."""
    ask = peek(BODY)
    assert (ask.model, ask.stream) == ("m", False)
    assert patch_request(ask, "up") == BODY.replace(b'"m"', b'"up"', 1)
    assert decode_request(ask).sampling.max_tokens is None


def test_a_count_is_checked_like_a_request() -> None:
    """Nothing is counted that could not be answered."""
    with pytest.raises(Refused) as caught:
        peek(b'{"model":"m","messages":[]}')
    assert caught.value.param == "messages"


def test_a_foreign_request_is_counted_without_what_a_count_refuses() -> None:
    """No bound, no stream, no sampling; what was lost is still named."""
    request = ChatRequest(
        model="public",
        messages=(Message(role=Role.USER, parts=(Text(text="hi"),)),),
        tools=(Tool(name="f"),),
        sampling=Sampling(max_tokens=9, temperature=0.5, stop=("END",), seed=1),
        stream=True,
        user="u",
    )
    encoded = encode_request(request, "claude-haiku-4-5")
    assert json.loads(encoded.body) == {
        "model": "claude-haiku-4-5",
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"name": "f", "input_schema": {"type": "object", "properties": {}}}],
    }
    assert encoded.lost == ("sampling.seed",)


def test_a_count_comes_back_as_it_was() -> None:
    """One number, in both directions."""
    count = TokenCount(tokens=42)
    assert encode_reply(count) == b'{"input_tokens":42}'
    assert decode_reply(encode_reply(count)) == count


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", Reason.EMPTY_ANSWER, id="nothing"),
        pytest.param(b"<html>", Reason.MALFORMED, id="a web page"),
        pytest.param(b'{"input_tokens":-1}', Reason.MALFORMED, id="less than nothing"),
        pytest.param(
            b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}', Reason.OVERLOADED, id="an error"
        ),
    ],
)
def test_what_is_no_count_is_a_fault(body: bytes, reason: Reason) -> None:
    """Never a zero that nobody counted."""
    with pytest.raises(WireFault) as caught:
        decode_reply(body)
    assert caught.value.reason is reason
