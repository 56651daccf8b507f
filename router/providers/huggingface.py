"""Hugging Face's router to many providers. A model's name may end in `:provider`, and bodies pass to whoever serves
it, so only what all of them take is sent. At `https://router.huggingface.co` it speaks Anthropic's protocol.

Source: https://huggingface.co/docs/inference-providers/index, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.canon.ability import Ability, Traits
from router.canon.allowance import Counted
from router.errors import Reason
from router.providers.anthropic import VERSION, messages_url
from router.providers.faults import judging
from router.providers.kind import Form, Kind, bearer
from router.providers.knowledge import Known
from router.providers.limits import LimitHeader, seconds
from router.providers.quirks import Quirks
from router.providers.survey import (
    FoundModel,
    Question,
    Survey,
    entries,
    flag,
    inside,
    listed,
    number,
    objects,
    text,
    unique,
)
from router.wire.anthropic_messages import DIALECT as ANTHROPIC_MESSAGES
from router.wire.openai_chat import DIALECT


def _entry(entry: Mapping[str, Any]) -> FoundModel | None:
    """A model of the list. Any of the providers behind it may be the one that answers, so of what they can only what
    all can counts, and of windows the smallest."""
    live = [each for each in objects(entry, "providers") if each.get("status") != "error"]
    names = {Ability.TOOLS: "supports_tools", Ability.JSON_SCHEMA: "supports_structured_output"}
    flags = {ability: [flag(each, name) for each in live] for ability, name in names.items()}
    windows = [window for each in live if (window := number(each, "context_length")) is not None]
    inputs = listed(inside(entry, "architecture"), "input_modalities")
    seeing = (Ability.VISION,) if inputs and "image" in inputs else ()
    blind = (Ability.VISION,) if inputs and "image" not in inputs else ()
    traits = Traits(
        can=(*(ability for ability, said in flags.items() if said and all(said)), *seeing),
        cannot=(*(ability for ability, said in flags.items() if said and not any(said) and None not in said), *blind),
        context_window=min(windows, default=None),
    )
    return FoundModel(name=text(entry, "id"), traits=traits) if text(entry, "id") else None


def _survey(base_url: str) -> Survey:
    """`GET /models`: chat models only."""
    body = yield Question(url=f"{base_url}/models")
    return unique(map(_entry, entries(body, "data")))


_ELSEWHERE = (Reason.MODEL_MISSING, r"not supported by (?:any |the )?provider|is not a chat model")


KIND = Kind(
    name="huggingface",
    dialect=judging(DIALECT, _ELSEWHERE),
    base_url="https://router.huggingface.co/v1",
    auth=bearer,
    needs_key=True,
    survey=_survey,
    known=(Known(traits=Traits(cannot=(Ability.DOCUMENTS, Ability.AUDIO))),),
    system="hugging_face",
    key_variable="HF_TOKEN",
    # A 429 beside which something is left is of whoever is behind it.
    limits=(
        LimitHeader(
            counts=Counted.REQUESTS,
            limit="ratelimit-policy;q",
            left="ratelimit;r",
            reset="ratelimit;t",
            when=seconds,
            steps=True,
        ),
    ),
    quirks=Quirks(
        renames=(("max_completion_tokens", "max_tokens"),),
        refused=("n", "logit_bias", "parallel_tool_calls", "store", "user", "service_tier", "verbosity"),
        roles=(("developer", "system"),),
        bounds=(("top_logprobs", 0, 5),),
        most=(("stop", 4),),
    ),
    forms=(
        Form(
            base_url=r"//router\.huggingface\.co$",
            dialect=judging(ANTHROPIC_MESSAGES, _ELSEWHERE),
            url=messages_url,
            headers=VERSION,
            quirks=None,
            survey=lambda base_url: _survey(f"{base_url}/v1"),
        ),
    ),
)
