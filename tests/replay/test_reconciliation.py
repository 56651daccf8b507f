"""The account against what providers really sent: counts add up to their totals, and costs to what their lists say.

The expected costs are worked out by hand, from each recording's own numbers and the provider's published rates.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from router.canon.event import UsageReported
from router.canon.usage import Usage
from router.errors import WireFault
from router.policy.price import choose_cost
from router.policy.pricelist import PriceList
from router.providers import find_installed
from router.wire.dialect import Dialect
from tests.replay.recordings import ABSENT, KINDS, Recording, recordings

AT = 1_760_000_000.0
"""A day in October 2025, by whose prices the costs below are worked out."""

LEFT_OUT = {"vercel-gateway-openai-chat-json-parallel-tool-calls-9b5a07f1": 96}
"""Recording -> tokens that its provider's own total leaves out: this one counts reasoning beside the answer's tokens,
and not into the total. The buckets are what it bills by (its own cost says so)."""

COSTS: dict[str, str] = {
    "anthropic-messages-json-document-b51423c0": "2*2 + 3599*0.2 + 51*2.5 + 24*10",
    "azure-anthropic-messages-json-tool-call-e6b9966a": "725*5 + 113*25",
    "bedrock-converse-json-content-filter-c1cd4a01": "28*0.2 + 26*0.6",
    "cerebras-openai-chat-json-tool-call-0c663f1b": "145*0.35 + 56*0.75",
    "cohere-chat-v2-json-tool-call-068a6f25": "241*2.5 + 21*10",
    "deepseek-openai-chat-json-parallel-tool-calls-994cb4b7": "875*0.55 + 53*2.19 + 26*2.19",
    "gemini-generatecontent-json-reasoning-c5c97fe4": "13*2 + 30*12 + 309*12",
    "groq-openai-chat-json-parallel-tool-calls-c8f79ea9": "205*1 + 53*3",
    "mistral-chat-json-cache-read-5d4d8c66": "10*0.25 + 10*0.25 + 18*0.25",
    "openai-chat-json-audio-2df94068": "27*2.5 + 1*2.5 + 17*10",
    "openrouter-openai-chat-json-parallel-tool-calls-a04942d3": "279*1.2 + 47*4 + 25*4",
    "together-openai-chat-json-plain-f21f4957": "18*0.9 + 35*0.9",
    "vertex-anthropic-messages-json-tool-call-6ea4a7f7": "696*1 + 50*5",
    "xai-openai-chat-json-parallel-tool-calls-b303bc1b": "284*0.2 + 152*0.05 + 68*0.5 + 148*0.5",
    "zai-openai-chat-json-tool-result-000da008": "76*0.6 + 4*0.11 + 8*1.8",
}
"""Recording -> tokens times US dollars per million of them. Cohere bills other tokens than it counts, and says which;
OpenRouter and xAI say what they charged, which must come to the same."""

CHATS = tuple(
    recording
    for recording in recordings()
    if not recording.is_error and recording.api in KINDS and not recording.api.startswith("bedrock.invoke")
)


def usage_of(recording: Recording) -> Usage | None:
    """The last count of a recorded answer, as the product reads it; None where it has none or is an error."""
    dialect = find_installed().kinds[KINDS[recording.api]].dialect
    try:
        return _streamed(dialect, recording.body) if recording.streamed else dialect.decode_reply(recording.body).usage
    except WireFault:
        return None


def _streamed(dialect: Dialect, body: bytes) -> Usage | None:
    splitter, decoder = dialect.splitter(1 << 24), dialect.decoder()
    frames = (*splitter.feed(body), *splitter.end())
    events = [event for frame in frames for event in decoder.feed(frame)]
    counted = [event.usage for event in events if isinstance(event, UsageReported)]
    return counted[-1] if counted else None


@pytest.mark.skipif(not CHATS, reason=ABSENT)
@pytest.mark.parametrize("recording", CHATS, ids=lambda recording: recording.id)
def test_counts_add_up_to_the_providers_own_total(recording: Recording) -> None:
    """No token is in two buckets, and none in no bucket."""
    usage = usage_of(recording)
    if usage is not None and usage.reported_total is not None:
        assert usage.total - usage.reported_total == LEFT_OUT.get(recording.id, 0)


@pytest.mark.skipif(not CHATS, reason=ABSENT)
@pytest.mark.parametrize("name", COSTS)
def test_a_recorded_answer_costs_what_its_list_says(name: str) -> None:
    """To the last digit, cached and thought tokens at their own rates."""
    recording = next(recording for recording in CHATS if recording.id == name)
    usage = usage_of(recording)
    price_id = find_installed().kinds[recording.provider].price_id
    row = PriceList().find(price_id, None, recording.model, AT)
    terms = (term.split("*") for term in COSTS[name].split(" + "))
    expected = sum((Decimal(tokens) * Decimal(rate) for tokens, rate in terms), Decimal(0)) / 1_000_000
    assert choose_cost(usage, row).usd == expected


@pytest.mark.skipif(not CHATS, reason=ABSENT)
def test_every_provider_with_a_price_has_a_cost_worked_out() -> None:
    """A provider whose answers are recorded and priced is in the table; perplexity's cost is by searches, told by
    itself."""
    kinds, listed = find_installed().kinds, PriceList()
    priced = {
        recording.provider
        for recording in CHATS
        if recording.provider in kinds
        and kinds[recording.provider].price_id is not None
        and usage_of(recording) is not None
        and listed.find(kinds[recording.provider].price_id, None, recording.model, AT) is not None
    }
    worked = {next(recording.provider for recording in CHATS if recording.id == name) for name in COSTS}
    assert priced - worked <= {"perplexity"}
