"""Anthropic's own API.

The version is the one that takes sampling parameters; a caller who speaks this dialect sends its own.

Source: https://platform.claude.com/docs/en/api/overview, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from router.canon.ability import Ability, Traits, judged
from router.canon.allowance import Counted
from router.canon.operation import Operation
from router.providers.kind import Endpoint, Kind, key_header
from router.providers.knowledge import Known
from router.providers.limits import LimitHeader, moment
from router.providers.prefix import Prefix
from router.providers.survey import (
    MOST_PAGES,
    FoundModel,
    Question,
    Survey,
    entries,
    flag,
    inside,
    number,
    read,
    text,
    unique,
)
from router.wire.anthropic_messages import DIALECT
from router.wire.anthropic_messages.models import traits_of

CLAUDES = Prefix(accepts=lambda model: traits_of(model).prefill, trims=True)
"""The older ones go on with a beginning, wherever they are served."""

VERSION = (("anthropic-version", "2023-06-01"),)


def _limit(counts: Counted, stem: str) -> LimitHeader:
    stem = f"anthropic-ratelimit-{stem}"
    return LimitHeader(
        counts=counts, limit=f"{stem}-limit", left=f"{stem}-remaining", reset=f"{stem}-reset", when=moment
    )


LIMITS = (
    _limit(Counted.REQUESTS, "requests"),
    _limit(Counted.INPUT, "input-tokens"),
    _limit(Counted.OUTPUT, "output-tokens"),
)
"""Its `tokens` headers repeat whichever of the two token limits is the tighter one.

Source: https://platform.claude.com/docs/en/api/rate-limits#response-headers, read 2026-11.
"""


def messages_url(base_url: str, model: str, stream: bool) -> str:
    """Messages below a base URL with or without its version: Anthropic's own tools leave it out."""
    del model, stream
    return f"{base_url.removesuffix('/v1')}/v1/messages"


def count_url(base_url: str, model: str, stream: bool) -> str:
    """Where a prompt is only counted."""
    return f"{messages_url(base_url, model, stream)}/count_tokens"


_CAPABILITIES: Mapping[Ability, str] = {
    Ability.VISION: "image_input",
    Ability.DOCUMENTS: "pdf_input",
    Ability.JSON_SCHEMA: "structured_outputs",
    Ability.REASONING: "thinking",
}


def _entry(entry: Mapping[str, Any]) -> FoundModel | None:
    """A model of the list; newer ones say what they can do, each as `{supported: true}`."""
    said = inside(entry, "capabilities")
    can, cannot = judged((ability, flag(inside(said, name), "supported")) for ability, name in _CAPABILITIES.items())
    traits = Traits(
        can=can,
        cannot=cannot,
        context_window=number(entry, "max_input_tokens"),
        max_output=number(entry, "max_tokens"),
    )
    return FoundModel(name=text(entry, "id"), traits=traits) if text(entry, "id") else None


def anthropic_survey(base_url: str) -> Survey:
    """`GET /v1/models`, page after page."""
    found: list[FoundModel | None] = []
    url = f"{base_url.removesuffix('/v1')}/v1/models?limit=1000"
    after = ""
    for _page in range(MOST_PAGES):
        body = yield Question(url=url + (f"&after_id={quote(after, safe='')}" if after else ""))
        found += map(_entry, entries(body, "data"))
        said = read(body)
        after = text(said, "last_id") if said.get("has_more") is True else ""
        if not after:
            break
    return unique(found)


_OLDER = r"claude-(?:opus|sonnet|haiku)-4-5"

KNOWN = (
    Known(models=_OLDER, traits=Traits(can=(Ability.PREFILL,), context_window=200_000, max_output=64_000)),
    Known(
        models=r"claude-(?:(?:opus|sonnet)-4-[6-9]|(?:opus|sonnet|haiku|fable|mythos)-[5-9])",
        traits=Traits(cannot=(Ability.PREFILL,), context_window=1_000_000, max_output=128_000),
    ),
    Known(
        models=r"claude-(?:opus|sonnet|haiku|fable|mythos)-(?:4-[5-9]|[5-9])",
        traits=Traits(can=(Ability.JSON_SCHEMA, Ability.REASONING)),
    ),
    Known(
        models="claude-",
        traits=Traits(can=(Ability.VISION, Ability.TOOLS, Ability.DOCUMENTS), cannot=(Ability.AUDIO,)),
    ),
)
"""By generations: not every list of models tells, and no other platform does.

Source: https://platform.claude.com/docs/en/about-claude/models/overview, read 2026-11.
"""


KIND = Kind(
    name="anthropic",
    dialect=DIALECT,
    base_url="https://api.anthropic.com",
    url=messages_url,
    auth=key_header("x-api-key"),
    headers=VERSION,
    needs_key=True,
    survey=anthropic_survey,
    known=KNOWN,
    system="anthropic",
    price_id="anthropic",
    key_variable="ANTHROPIC_API_KEY",
    limits=LIMITS,
    others={
        Operation.COUNT_TOKENS: Endpoint(url=count_url),
    },
    prefix=CLAUDES,
)
