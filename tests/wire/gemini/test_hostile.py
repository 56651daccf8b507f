"""Whatever a provider sends, however broken: a fault, a skipped event or an answer, and no other exception."""

from __future__ import annotations

import json
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.canon.event import Event
from router.errors import WireFault
from router.wire.gemini import DIALECT
from tests.wire.cutting import split

LIMIT_BYTES = 1 << 16

words = (
    st.sampled_from(
        ["candidates", "content", "parts", "text", "thought", "thoughtSignature", "functionCall", "name", "args", "id"]
    )
    | st.sampled_from(
        ["finishReason", "index", "usageMetadata", "promptTokenCount", "promptFeedback", "blockReason", "inlineData"]
    )
    | st.sampled_from(["error", "code", "message", "status", "details", "retryDelay", "violations", "logprobsResult"])
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["STOP", "OTHER"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=15,
)
pieces = (
    st.fixed_dictionaries({"candidates": st.lists(st.dictionaries(words, values, max_size=4), max_size=2)}) | values
)
bodies = st.binary(max_size=60) | pieces.map(lambda value: json.dumps(value).encode())

NASTY = [
    pytest.param(b'{"candidates":[{"content":{"parts":[{"text":"\\ud800"}]}}]}', id="half a surrogate pair"),
    pytest.param(b'{"candidates":[{"content":{"parts":[{"text":"\xff"}]}}]}', id="no UTF-8"),
    pytest.param(
        b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":"\xff\\ud800"}}}]}}]}',
        id="no UTF-8 in arguments",
    ),
    pytest.param(b'{"candidates":[{"index":' + b"9" * 400 + b"}]}", id="a huge number"),
    pytest.param(b'{"usageMetadata":{"promptTokenCount":1e400},"candidates":[]}', id="an infinite count"),
    pytest.param(b'{"a":' * 5_000, id="deep objects"),
    pytest.param(b'{"error":' + b"[" * 5_000, id="a deep error"),
    pytest.param(b'{"error":{"details":[' + b'{"a":' * 3_000, id="deep details"),
    pytest.param(b'{"error":{"message":"\\ud800"}}', id="half a surrogate pair in an error"),
    pytest.param(b'{"error":{"details":[{"retryDelay":"' + b"9" * 400 + b's"}]}}', id="a wait without end"),
    pytest.param(b'{"createTime":"99999-01-01T00:00:00Z","candidates":[{}]}', id="no year"),
    pytest.param(b'{"createTime":"0001-01-01T00:00:00","candidates":[{}]}', id="a year before any clock"),
    pytest.param(b"\x00\x00", id="NUL"),
]


def survives(body: bytes) -> None:
    """Read the body as everything a provider may send."""
    with suppress(WireFault):
        DIALECT.decode_reply(body)
    for stream in (body, b"[" + body + b"]", b"data: " + body + b"\n\n" + body):
        with suppress(WireFault):
            _read(stream)
    for status in (400, 429, 500):
        fault = DIALECT.decode_fault(status, {}, body, 1.7e9)
        assert fault.retry_after_s is None or 0 <= fault.retry_after_s < math.inf


def _read(stream: bytes) -> list[Event]:
    decoder = DIALECT.decoder()
    events = [event for frame in split(DIALECT.splitter(LIMIT_BYTES), [stream]) for event in decoder.feed(frame)]
    return events + list(decoder.end())


@given(bodies)
def test_no_body_ends_in_another_exception_than_a_fault(body: bytes) -> None:
    """As an answer, as a stream in each form, as an error."""
    survives(body)


@pytest.mark.parametrize("body", NASTY)
def test_no_nasty_body_does_either(body: bytes) -> None:
    """Those that broke other gateways."""
    survives(body)
