"""Ollama, on this machine or its cloud, in its own protocol: its endpoint for OpenAI's clients ignores half of what it
is sent. A base URL may end in the `/v1` of that endpoint.

Source: https://docs.ollama.com/api/chat, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.json import encode

from router.canon.ability import Ability, Traits
from router.canon.operation import Operation
from router.providers.kind import Endpoint, Kind, bearer
from router.providers.survey import (
    FoundModel,
    Question,
    Survey,
    Unanswered,
    entries,
    inside,
    listed,
    number,
    read,
    text,
    unique,
)
from router.wire.ollama_chat import DIALECT


def _url(base_url: str, model: str, stream: bool) -> str:
    del model, stream
    return f"{base_url.removesuffix('/v1')}/api/chat"


def _embed_url(base_url: str, model: str, stream: bool) -> str:
    del model, stream
    return f"{base_url.removesuffix('/v1')}/api/embed"


_MOST_SHOWN = 200
"""Of so many models each is asked about by itself."""

_CAPABILITIES: Mapping[str, Ability] = {
    "vision": Ability.VISION,
    "tools": Ability.TOOLS,
    "thinking": Ability.REASONING,
    "audio": Ability.AUDIO,
}


def _traits(shown: Mapping[str, Any], words: tuple[str, ...] | None) -> Traits:
    """What `/api/show` tells. The list of capabilities is whole, so what is not in it the model cannot."""
    info = inside(shown, "model_info")
    return Traits(
        can=tuple(ability for word, ability in _CAPABILITIES.items() if word in (words or ())),
        cannot=tuple(ability for word, ability in _CAPABILITIES.items() if words is not None and word not in words),
        context_window=number(info, f"{text(info, 'general.architecture')}.context_length"),
    )


def _survey(base_url: str) -> Survey:
    """`/api/tags`, then `/api/show` for each; older servers list no capabilities, newer ones in both places."""
    place = f"{base_url.removesuffix('/v1')}/api"
    body = yield Question(url=f"{place}/tags")
    found: list[FoundModel] = []
    for rank, entry in enumerate(entries(body, "models")):
        name = text(entry, "name", "model")
        shown = (yield Question(url=f"{place}/show", body=encode({"model": name}))) if rank < _MOST_SHOWN else None
        try:
            told = read(shown)
        except Unanswered:
            told = {}
        told = told if isinstance(told, dict) else {}
        words = listed(told, "capabilities") or listed(entry, "capabilities")
        chats = words is None or "completion" in words
        found.append(FoundModel(name=name, traits=_traits(told, words), chats=chats))
    return unique(model for model in found if model.name)


KIND = Kind(
    name="ollama",
    dialect=DIALECT,
    base_url="http://127.0.0.1:11434",
    url=_url,
    auth=bearer,
    needs_key=False,
    survey=_survey,
    system="ollama",
    key_variable="OLLAMA_API_KEY",
    others={
        Operation.EMBEDDINGS: Endpoint(url=_embed_url),
    },
)
