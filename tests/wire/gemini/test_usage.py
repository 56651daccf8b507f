"""Google's counts in buckets that do not overlap."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from router.canon.usage import Usage
from router.wire.gemini.usage import decode_usage


def counted(**members: object) -> Usage | None:
    """The usage of these members."""
    return decode_usage(Raw(json.dumps(members).encode()))


def modality(name: str, count: int) -> list[dict[str, object]]:
    """A detail, beside text."""
    return [{"modality": "TEXT", "tokenCount": 1}, {"modality": name, "tokenCount": count}]


@pytest.mark.parametrize(
    ("members", "usage"),
    [
        pytest.param(
            {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15},
            Usage(input=10, output=5, reported_total=15),
            id="plain",
        ),
        pytest.param(
            {
                "promptTokenCount": 1000,
                "cachedContentTokenCount": 900,
                "candidatesTokenCount": 50,
                "thoughtsTokenCount": 30,
                "totalTokenCount": 1080,
            },
            Usage(input=100, cache_read=900, output=50, reasoning=30, reported_total=1080),
            id="cached inside the prompt, thinking beside the answer",
        ),
        pytest.param(
            {"promptTokenCount": 10, "candidatesTokenCount": 50, "thoughtsTokenCount": 30, "totalTokenCount": 60},
            Usage(input=10, output=20, reasoning=30, reported_total=60),
            id="thinking inside the answer, as the total tells",
        ),
        pytest.param(
            {
                "promptTokenCount": 10,
                "toolUsePromptTokenCount": 90,
                "candidatesTokenCount": 5,
                "totalTokenCount": 105,
            },
            Usage(input=100, output=5, reported_total=105),
            id="what the provider's tools put into the prompt",
        ),
        pytest.param(
            {
                "promptTokenCount": 100,
                "cachedContentTokenCount": 40,
                "promptTokensDetails": modality("AUDIO", 60),
                "cacheTokensDetails": modality("AUDIO", 25),
                "candidatesTokenCount": 20,
                "candidatesTokensDetails": modality("AUDIO", 12),
            },
            Usage(input=25, cache_read=40, audio_input=35, output=8, audio_output=12),
            id="sound, of which some was cached",
        ),
        pytest.param(
            {"promptTokenCount": 10, "totalTokenCount": 10}, Usage(input=10, reported_total=10), id="no answer"
        ),
        pytest.param({"trafficType": "ON_DEMAND"}, None, id="nothing counted yet"),
        pytest.param({"promptTokenCount": "ten"}, None, id="no number"),
        pytest.param({"promptTokenCount": -5, "candidatesTokenCount": -1}, Usage(), id="negative"),
    ],
)
def test_every_token_is_in_exactly_one_bucket(members: dict[str, object], usage: Usage | None) -> None:
    """As the provider counts it, which is not as OpenAI does."""
    assert counted(**members) == usage


NAMES = ("promptTokenCount", "cachedContentTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount")
counts = st.integers(-5, 200)


@given(st.fixed_dictionaries({name: counts for name in NAMES}), counts, counts)
def test_no_bucket_is_negative_whatever_the_provider_says(totals: dict[str, int], heard: int, said: int) -> None:
    """Details larger than their total take no more than is there."""
    sounds = {"promptTokensDetails": modality("AUDIO", heard), "candidatesTokensDetails": modality("AUDIO", said)}
    usage = counted(**totals, **sounds)
    assert usage is not None
    assert usage.input_total == max(totals["promptTokenCount"], 0)
    assert min(usage.input, usage.cache_read, usage.audio_input, usage.output, usage.reasoning, usage.audio_output) >= 0


def test_no_usage_is_none() -> None:
    """Never a zero that nobody counted."""
    assert decode_usage(Raw(b"null")) is None
