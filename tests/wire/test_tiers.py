"""In which tier an answer was served, in every provider's words."""

from __future__ import annotations

import pytest

from router.canon.event import UsageReported
from router.wire.tiers import UNKNOWN, tier_of
from tests.simulation.answers import TONGUES
from tests.simulation.answers.speech import compact
from tests.wire import awsframes
from tests.wire.test_endings import BY_NAME, TEXT, events_of

SAID = [
    pytest.param("openai-chat", '"usage":', '"service_tier":"flex",', "flex", id="OpenAI"),
    pytest.param("openai-chat", '"usage":', '"service_tier":"on_demand",', "default", id="Groq"),
    pytest.param("openai-chat", '"usage":', '"service_tier":7,', None, id="what is no word"),
    pytest.param("openai-responses", '"status":"completed","o', '"service_tier":"priority",', "priority", id="new"),
    pytest.param("openai-responses", '"status":"completed","o', '"service_tier":"auto",', None, id="as asked"),
    pytest.param("anthropic-messages", '"input_tokens":', '"service_tier":"standard",', "default", id="Anthropic"),
    pytest.param("anthropic-messages", '"input_tokens":', '"service_tier":"batch",', "batch", id="a batch"),
    pytest.param("gemini", '"promptTokenCount":', '"serviceTier":"flex",', "flex", id="Gemini"),
    pytest.param("gemini", '"promptTokenCount":', '"trafficType":"PROVISIONED_THROUGHPUT",', "scale", id="Vertex"),
    pytest.param("bedrock-converse", '"usage":', '"serviceTier":{"type":"reserved"},', "scale", id="Bedrock"),
]


@pytest.mark.parametrize(("dialect", "before", "said", "tier"), SAID)
def test_the_tier_is_read_whole_and_streamed(dialect: str, before: str, said: str, tier: str | None) -> None:
    """Wherever a dialect tells it, and one that is no word spoils nothing."""
    spoken, tongue = BY_NAME[dialect], TONGUES[dialect]
    whole = compact(tongue.whole(TEXT)).replace(before.encode(), (said + before).encode(), 1)
    reply = spoken.decode_reply(whole)
    assert reply.usage is not None and reply.usage.tier == tier
    blocks = [block.replace(before.encode(), (said + before).encode()) for block in tongue.stream(TEXT)[0]]
    if dialect == "bedrock-converse":
        counts = {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8}
        blocks[-1] = awsframes.event("metadata", {"usage": counts, "serviceTier": {"type": "reserved"}})
    stream = b"".join(blocks)
    counted = [event.usage for event in events_of(spoken, stream) if isinstance(event, UsageReported)]
    assert counted and counted[-1].tier == tier


def test_what_says_nothing_is_no_tier() -> None:
    """Nor is the wish that the provider may choose."""
    silent: tuple[object, ...] = ("", "auto", None, {})
    assert [tier_of(said) for said in silent] == [None] * len(silent)
    assert tier_of("something-new") == "something-new"
    assert tier_of("something\0new") == tier_of("n" * 33) == UNKNOWN  # no database and no caller takes just anything
