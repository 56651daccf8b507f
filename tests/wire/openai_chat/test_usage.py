"""Overlapping totals into disjoint buckets, on the numbers providers really sent."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw

from router.canon.usage import Usage
from router.wire.openai_chat.usage import decode_usage, encode_usage


def usage(**members: object) -> Usage | None:
    """Our reading of a `usage` member."""
    return decode_usage(Raw(json.dumps(members).encode()))


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param(
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "total_tokens": 150,
                "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10, "audio_tokens": 5},
                "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 4},
            },
            Usage(
                input=25,
                cache_read=60,
                cache_write=10,
                audio_input=5,
                output=26,
                reasoning=20,
                audio_output=4,
                reported_total=150,
            ),
            id="OpenAI: everything inside its total",
        ),
        pytest.param(
            {
                "prompt_tokens": 466,
                "completion_tokens": 68,
                "total_tokens": 800,
                "prompt_tokens_details": {"cached_tokens": 192},
                "completion_tokens_details": {"reasoning_tokens": 266},
                "cost_in_usd_ticks": 5596400,
            },
            Usage(input=274, cache_read=192, output=68, reasoning=266, reported_usd="0.0005596400", reported_total=800),
            id="xAI: reasoning beside the answer, cost in ticks",
        ),
        pytest.param(
            {
                "prompt_tokens": 61,
                "completion_tokens": 10,
                "total_tokens": 71,
                "cost": 0.0002833,
                "completion_tokens_details": {"reasoning_tokens": 96},
            },
            Usage(input=61, output=10, reasoning=96, reported_usd="0.0002833", reported_total=71),
            id="Vercel: more reasoning than answer",
        ),
        pytest.param(
            {"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109},
            Usage(input=35, output=12, reasoning=62, reported_total=109),
            id="Gemini: thinking shows only in the total",
        ),
        pytest.param(
            {
                "prompt_tokens": 347,
                "completion_tokens": 18,
                "total_tokens": 365,
                "prompt_tokens_details": {"cached_tokens": 403},
                "cost_in_usd_ticks": 0,
            },
            Usage(cache_read=347, output=18, reported_total=365),
            id="Grok on Azure: more cached than there was, no price known",
        ),
        pytest.param(
            {
                "prompt_tokens": 30,
                "completion_tokens": 5,
                "total_tokens": 35,
                "prompt_cache_hit_tokens": 20,
                "prompt_cache_miss_tokens": 10,
            },
            Usage(input=10, cache_read=20, output=5, reported_total=35),
            id="DeepSeek",
        ),
        pytest.param(
            {"prompt_tokens": 8, "completion_tokens": 5, "total_tokens": 13, "cost": {"total_cost": 0.00501}},
            Usage(input=8, output=5, reported_usd="0.00501", reported_total=13),
            id="Perplexity: cost is an object",
        ),
        pytest.param(
            {
                "prompt_tokens": 8,
                "completion_tokens": 5,
                "cost": 0.001,
                "is_byok": True,
                "cost_details": {"upstream_inference_cost": 0.02},
            },
            Usage(input=8, output=5, reported_usd="0.021"),
            id="OpenRouter with the caller's own key: fee and cost",
        ),
        pytest.param(
            {"prompt_tokens": 397, "completion_tokens": None, "total_tokens": None},
            Usage(input=397),
            id="Databricks: a preview",
        ),
    ],
)
def test_counts_as_they_were_recorded_end_in_the_right_buckets(members: dict[str, object], expected: Usage) -> None:
    """The price of a bucket differs, so a token in the wrong one is money."""
    assert usage(**members) == expected


@pytest.mark.parametrize("raw", [b"null", b"{}", b"[]", b'{"prompt_tokens":"many"}', b'{"total_tokens":3}'])
def test_no_counts_are_no_usage_and_never_zero(raw: bytes) -> None:
    """A zero would be a price."""
    assert decode_usage(Raw(raw)) is None


@given(*[st.integers(0, 10**6)] * 5)
def test_counts_survive_the_way_out_and_in(plain: int, cached: int, written: int, output: int, reasoning: int) -> None:
    """Canon -> OpenAI -> canon, for the buckets OpenAI has."""
    said = Usage(input=plain, cache_read=cached, cache_write=written, output=output, reasoning=reasoning)
    back = decode_usage(Raw(json.dumps(encode_usage(said)).encode()))
    assert back is not None
    assert (back.input, back.cache_read, back.cache_write) == (plain, cached, written)
    assert (back.output, back.reasoning, back.reported_total) == (output, reasoning, said.total)


counts = st.one_of(st.none(), st.integers(-5, 1000))


@example(prompt=0, completion=0, total=0, cached=0, written=0, reasoning=-1)
@given(prompt=counts, completion=counts, total=counts, cached=counts, written=counts, reasoning=counts)
def test_no_bucket_is_ever_negative(**drawn: int | None) -> None:
    """Whatever nonsense a provider sends."""
    read = usage(
        prompt_tokens=drawn["prompt"],
        completion_tokens=drawn["completion"],
        total_tokens=drawn["total"],
        prompt_tokens_details={"cached_tokens": drawn["cached"], "cache_write_tokens": drawn["written"]},
        completion_tokens_details={"reasoning_tokens": drawn["reasoning"]},
    )
    if read is not None:
        buckets = (read.input, read.cache_read, read.cache_write, read.output, read.reasoning)
        assert min(buckets) >= 0
        assert read.input_total == max(drawn["prompt"] or 0, 0)
