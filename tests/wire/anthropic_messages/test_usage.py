"""Token counts, whose buckets Anthropic keeps apart already."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from router.canon.usage import Usage
from router.wire.anthropic_messages.usage import decode_usage, encode_usage


def usage(**counts: object) -> Usage | None:
    """The counts of an answer."""
    return decode_usage(Raw(json.dumps(counts).encode()))


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        pytest.param({"input_tokens": 1, "output_tokens": 2}, Usage(input=1, output=2), id="plain"),
        pytest.param({"input_tokens": 0, "output_tokens": 0}, Usage(), id="zeros that were counted"),
        pytest.param(
            {"input_tokens": 1, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 3, "output_tokens": 4},
            Usage(input=1, cache_read=2, cache_write=3, output=4),
            id="cached, of no duration",
        ),
        pytest.param(
            {
                "input_tokens": 1,
                "cache_creation_input_tokens": 3,
                "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 2},
            },
            Usage(input=1, cache_write=1, cache_write_1h=2),
            id="cached, by duration",
        ),
        pytest.param(
            {"input_tokens": 1, "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 2}},
            Usage(input=1, cache_write=4, cache_write_1h=2),
            id="cached, without a total",
        ),
        pytest.param(
            {"input_tokens": 1, "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 4}},
            Usage(input=1, output=5, reasoning=4),
            id="thinking is inside the output",
        ),
        pytest.param(
            {"input_tokens": 1, "output_tokens": 3, "output_tokens_details": {"thinking_tokens": 4}},
            Usage(input=1, reasoning=3),
            id="more thinking than output",
        ),
        pytest.param(
            {
                "input_tokens": 10,
                "output_tokens": 1,
                "iterations": [
                    {"type": "compaction", "input_tokens": 100, "output_tokens": 20},
                    {"type": "message", "input_tokens": 10, "output_tokens": 1},
                    {"type": "advisor_message", "input_tokens": 1000, "output_tokens": 1000},
                ],
            },
            Usage(input=110, output=21),
            id="a compaction, which the totals leave out",
        ),
        pytest.param(
            {
                "input_tokens": 10,
                "output_tokens": 1,
                "iterations": [{"type": "compaction", "input_tokens": 100}, {"type": "fallback_message"}],
            },
            Usage(input=10, output=1),
            id="a fallback, whose totals are whole",
        ),
    ],
)
def test_every_token_is_in_one_bucket(counts: dict[str, object], expected: Usage) -> None:
    """`input_tokens` is what no cache held."""
    assert usage(**counts) == expected


@pytest.mark.parametrize(
    "raw", [b"null", b"{}", b'{"input_tokens":"many"}', b"[]", b'{"service_tier":"standard"}'], ids=lambda raw: str(raw)
)
def test_counts_that_are_none_are_not_zero(raw: bytes) -> None:
    """A zero would be a price."""
    assert decode_usage(Raw(raw)) is None


counts = st.none() | st.integers(-5, 50)


@given(st.lists(counts, min_size=6, max_size=6))
def test_no_bucket_is_ever_negative(drawn: list[int | None]) -> None:
    """Whatever nonsense a provider sends."""
    read = usage(
        input_tokens=drawn[0],
        output_tokens=drawn[1],
        cache_read_input_tokens=drawn[2],
        cache_creation_input_tokens=drawn[3],
        cache_creation={"ephemeral_1h_input_tokens": drawn[4]},
        output_tokens_details={"thinking_tokens": drawn[5]},
    )
    if read is not None:
        counted = (read.input, read.cache_read, read.cache_write, read.cache_write_1h, read.output, read.reasoning)
        assert min(counted) >= 0


buckets = ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning")


@given(st.builds(Usage, **{name: st.integers(0, 9) for name in buckets}))
def test_counts_come_back_as_they_were(counted: Usage) -> None:
    """All that Anthropic has a word for."""
    assert decode_usage(Raw(msgspec.json.encode(encode_usage(counted)))) == counted
