"""OpenRouter. Its own members (`provider`, `models`, `reasoning`, `plugins`) pass through, since it takes every body
as it is; the cost it reports is what it charged. At `https://openrouter.ai/api` it speaks Anthropic's protocol.

Source: https://openrouter.ai/docs/api/reference/overview, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any
from urllib.parse import urlencode

from msgspec.structs import replace

from router.canon.ability import Ability, Traits
from router.canon.allowance import Counted
from router.canon.operation import Operation
from router.providers.anthropic import VERSION, messages_url
from router.providers.kind import Form, Kind, at, bearer
from router.providers.limits import LimitHeader, epoch_ms
from router.providers.survey import (
    Figures,
    FoundModel,
    Inquiry,
    Question,
    Survey,
    Unanswered,
    entries,
    entry_of,
    figures,
    inside,
    listed,
    number,
    text,
    unique,
)
from router.wire.anthropic_messages import DIALECT as ANTHROPIC_MESSAGES
from router.wire.openai_chat import DIALECT
from router.wire.openai_chat.request import encode_request

_PARAMETERS: Mapping[Ability, str] = {
    Ability.TOOLS: "tools",
    Ability.JSON_SCHEMA: "structured_outputs",
    Ability.REASONING: "reasoning",
}
_INPUTS: Mapping[Ability, str] = {Ability.VISION: "image", Ability.AUDIO: "audio"}
"""Documents are read for every model by a plugin, so `file` says nothing of what cannot be sent."""

_FORMATS = frozenset(
    {
        "anthropic-claude-v1",
        "azure-openai-responses-v1",
        "google-gemini-v1",
        "openai-responses-v1",
        "unknown",
        "xai-responses-v1",
    }
)
"""Who sealed thinking, in its words: their models want it back unchanged, or refuse the answer to a tool call.

Source: https://openrouter.ai/docs/guides/best-practices/reasoning-tokens, "Preserving reasoning", read 2026-11.
"""

_MTOK = 1_000_000


def _per_mtok(price: object) -> str | None:
    """Prices are decimal text, USD for one token; a router among the models shows -1."""
    try:
        usd = Decimal(price) if isinstance(price, str) else Decimal(-1)
    except InvalidOperation:
        return None
    return format((usd * _MTOK).normalize(), "f") if usd.is_finite() and usd >= 0 else None


def _entry(entry: Mapping[str, Any]) -> FoundModel | None:
    """A model of the list. Its parameters and inputs are whole lists: what is not in them it cannot."""
    shape, price = inside(entry, "architecture"), inside(entry, "pricing")
    sides = ((listed(entry, "supported_parameters"), _PARAMETERS), (listed(shape, "input_modalities"), _INPUTS))
    can = tuple(a for words, names in sides for a, word in names.items() if words is not None and word in words)
    cannot = tuple(a for words, names in sides for a, word in names.items() if words and word not in words)
    best = inside(entry, "top_provider")
    traits = Traits(
        can=(*can, Ability.DOCUMENTS),
        cannot=cannot,
        context_window=number(best, "context_length") or number(entry, "context_length"),
        max_output=number(best, "max_completion_tokens"),
        input_per_mtok=_per_mtok(price.get("prompt")),
        output_per_mtok=_per_mtok(price.get("completion")),
    )
    return FoundModel(name=text(entry, "id"), traits=traits) if text(entry, "id") else None


def _survey(base_url: str) -> Survey:
    """`GET /models`, which lists models that answer in text, all on one page."""
    body = yield Question(url=f"{base_url}/models")
    return unique(map(_entry, entries(body, "data")))


_KEY = ("label", "limit", "limit_remaining", "limit_reset", "usage", "usage_daily", "usage_monthly", "is_free_tier")
_GENERATION = (
    "id",
    "model",
    "provider_name",
    "total_cost",
    "upstream_inference_cost",
    "cache_discount",
    "is_byok",
    "native_tokens_prompt",
    "native_tokens_completion",
    "native_tokens_reasoning",
    "native_tokens_cached",
    "finish_reason",
    "native_finish_reason",
    "streamed",
    "cancelled",
    "latency",
    "generation_time",
    "created_at",
)


def _versioned(base_url: str) -> str:
    """What tells of money is below the address with a version, whichever protocol is spoken."""
    return f"{base_url.removesuffix('/v1')}/v1"


def _credits(base_url: str) -> Inquiry[Figures]:
    """`GET /key`, which every key may ask, and `GET /credits`, which a management key may."""
    base_url = _versioned(base_url)
    body = yield Question(url=f"{base_url}/key")
    said = figures(inside(entry_of(body), "data"), *_KEY)
    body = yield Question(url=f"{base_url}/credits")
    try:
        said |= figures(inside(entry_of(body), "data"), "total_credits", "total_usage")
    except Unanswered:
        return said
    return said


def _generation(base_url: str, id: str) -> Inquiry[Figures]:
    """`GET /generation`, which knows an answer a second or two after its end; the truest cost of one that was cut."""
    body = yield Question(url=f"{_versioned(base_url)}/generation?{urlencode({'id': id})}")
    return figures(inside(entry_of(body), "data"), *_GENERATION)


KIND = Kind(
    name="openrouter",
    dialect=replace(DIALECT, encode_request=partial(encode_request, formats=_FORMATS)),
    base_url="https://openrouter.ai/api/v1",
    auth=bearer,
    needs_key=True,
    credits=_credits,
    generation=_generation,
    survey=_survey,
    system="openrouter",
    price_id="openrouter",
    key_variable="OPENROUTER_API_KEY",
    limits=(
        LimitHeader(
            counts=Counted.REQUESTS,
            limit="x-ratelimit-limit",
            left="x-ratelimit-remaining",
            reset="x-ratelimit-reset",
            when=epoch_ms,
            steps=True,
        ),
    ),
    others={
        Operation.EMBEDDINGS: at("/embeddings"),
        Operation.RERANK: at("/rerank"),
    },
    forms=(
        Form(
            base_url=r"/api$",
            dialect=ANTHROPIC_MESSAGES,
            url=messages_url,
            headers=VERSION,
            survey=lambda base_url: _survey(_versioned(base_url)),
        ),
    ),
)
