"""GitHub Models: models of many makers for a token that may read them. Copilot is something else, and no kind.

An organisation pays at `https://models.github.ai/orgs/ORG/inference`. A model's name has its publisher in it
(`openai/gpt-4.1`). Limits by the day come as a 429 like those by the minute; a wait of hours is told beside them.

Source: https://docs.github.com/rest/models/inference and https://docs.github.com/rest/models/catalog, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from router.canon.ability import Ability, Traits
from router.canon.operation import Operation
from router.errors import Reason
from router.providers.faults import judging
from router.providers.kind import Kind, at, bearer
from router.providers.quirks import Quirks
from router.providers.survey import FoundModel, Question, Survey, entries, inside, listed, number, text, unique
from router.wire.openai_chat import DIALECT

_CAPABILITIES: Mapping[Ability, str] = {Ability.TOOLS: "tool-calling", Ability.REASONING: "reasoning"}
_INPUTS: Mapping[Ability, str] = {Ability.VISION: "image", Ability.AUDIO: "audio"}


def _entry(entry: Mapping[str, Any]) -> FoundModel | None:
    """A model of the catalog. What it takes in is a whole list; what it can do besides is none."""
    inputs, limits = listed(entry, "supported_input_modalities"), inside(entry, "limits")
    words = listed(entry, "capabilities") or ()
    traits = Traits(
        can=(
            *(ability for ability, word in _CAPABILITIES.items() if word in words),
            *(ability for ability, word in _INPUTS.items() if word in (inputs or ())),
        ),
        cannot=tuple(ability for ability, word in _INPUTS.items() if inputs and word not in inputs),
        context_window=number(limits, "max_input_tokens"),
        max_output=number(limits, "max_output_tokens"),
    )
    chats = "text" in (listed(entry, "supported_output_modalities") or ("text",))
    embeds = text(entry, "rate_limit_tier") == "embedding"
    return FoundModel(name=text(entry, "id"), traits=traits, chats=chats and not embeds) if text(entry, "id") else None


def _survey(base_url: str) -> Survey:
    """`GET /catalog/models`, a bare list at the root of the host, whoever pays."""
    root = urlsplit(base_url)
    body = yield Question(url=f"{root.scheme}://{root.netloc}/catalog/models")
    return unique(map(_entry, entries(body, "models")))


KIND = Kind(
    name="github-models",
    dialect=judging(DIALECT, (Reason.QUOTA_EXHAUSTED, r"ByDay|per 86400 ?s")),
    base_url="https://models.github.ai/inference",
    auth=bearer,
    headers=(("x-github-api-version", "2022-11-28"),),
    needs_key=True,
    survey=_survey,
    system="github_models",
    key_variable="GITHUB_TOKEN",
    quirks=Quirks(bounds=(("temperature", 0.0, 1.0), ("top_p", 0.0, 1.0))),
    others={
        Operation.EMBEDDINGS: at("/embeddings"),
    },
)
