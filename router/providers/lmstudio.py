"""LM Studio's server.

Source: https://lmstudio.ai/docs/developer/openai-compat, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.canon.ability import Ability, Traits, judged
from router.canon.operation import Operation
from router.errors import Reason
from router.providers.faults import judging
from router.providers.kind import Kind, at, bearer
from router.providers.quirks import Quirks
from router.providers.survey import (
    FoundModel,
    Question,
    Survey,
    Unanswered,
    entries,
    flag,
    inside,
    number,
    objects,
    openai_survey,
    text,
    unique,
)
from router.wire.openai_chat import DIALECT


def _entry(entry: Mapping[str, Any]) -> FoundModel | None:
    """A model of the server's own list; one that is loaded has the window it was loaded with."""
    said = inside(entry, "capabilities")
    can, cannot = judged(
        (
            (Ability.VISION, flag(said, "vision")),
            (Ability.TOOLS, flag(said, "trained_for_tool_use")),
            (Ability.REASONING, bool(said["reasoning"]) if "reasoning" in said else None),
        )
    )
    loaded = [inside(each, "config") for each in objects(entry, "loaded_instances")]
    windows = [window for config in loaded if (window := number(config, "context_length")) is not None]
    traits = Traits(can=can, cannot=cannot, context_window=min(windows, default=number(entry, "max_context_length")))
    name = text(entry, "key")
    return FoundModel(name=name, traits=traits, chats=text(entry, "type") != "embedding") if name else None


def _survey(base_url: str) -> Survey:
    """The server's own list, which tells everything; an older server has only OpenAI's."""
    body = yield Question(url=f"{base_url.removesuffix('/v1')}/api/v1/models")
    try:
        return unique(map(_entry, entries(body, "models")))
    except Unanswered:
        return (yield from openai_survey(base_url))


_ERRORS = (
    (Reason.SERVER_ERROR, r"model has crashed"),
    (Reason.MODEL_MISSING, r"no models? (?:is |are )?loaded|model is not loaded|failed to load model"),
)
"""Its own troubles, each a 400."""


KIND = Kind(
    name="lmstudio",
    dialect=judging(DIALECT, *_ERRORS),
    base_url="http://127.0.0.1:1234/v1",
    auth=bearer,
    needs_key=False,
    survey=_survey,
    system="lm_studio",
    quirks=Quirks(renames=(("max_completion_tokens", "max_tokens"),), roles=(("developer", "system"),)),
    others={
        Operation.EMBEDDINGS: at("/embeddings"),
    },
)
