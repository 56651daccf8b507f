"""Cohere's own API, version 2 of its chat. Its endpoint for OpenAI's clients can do less.

Source: https://docs.cohere.com/reference/chat, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from router.canon.ability import Ability, Traits
from router.canon.operation import Operation
from router.providers.kind import Kind, at, bearer
from router.providers.knowledge import Known
from router.providers.survey import (
    MOST_PAGES,
    FoundModel,
    Question,
    Survey,
    entries,
    listed,
    number,
    read,
    text,
    unique,
)
from router.wire.cohere_v2 import DIALECT

_FEATURES: Mapping[str, Ability] = {
    "tools": Ability.TOOLS,
    "tool_use": Ability.TOOLS,
    "vision": Ability.VISION,
    "json_schema": Ability.JSON_SCHEMA,
    "reasoning": Ability.REASONING,
}
"""Words of `features`. A list without one says nothing: the words are not documented."""


def _entry(entry: Mapping[str, Any]) -> FoundModel | None:
    """A model of the list."""
    words = listed(entry, "features") or ()
    can = tuple(ability for word, ability in _FEATURES.items() if word in words)
    traits = Traits(can=can, context_window=number(entry, "context_length"))
    chats = "chat" in (listed(entry, "endpoints") or ("chat",))
    return FoundModel(name=text(entry, "name"), traits=traits, chats=chats) if text(entry, "name") else None


def _survey(base_url: str) -> Survey:
    """`GET /v1/models`, page after page."""
    found: list[FoundModel | None] = []
    page = ""
    for _page in range(MOST_PAGES):
        more = f"&page_token={quote(page, safe='')}" if page else ""
        body = yield Question(url=f"{base_url}/v1/models?page_size=1000{more}")
        found += map(_entry, entries(body, "models"))
        page = text(read(body), "next_page_token")
        if not page:
            break
    return unique(found)


_KNOWN = (
    Known(models="command-a-plus|command-a-vision|(?:c4ai-)?aya-vision", traits=Traits(can=(Ability.VISION,))),
    Known(models="command-a-plus|command-a-reasoning", traits=Traits(can=(Ability.REASONING,))),
    Known(
        traits=Traits(can=(Ability.JSON_SCHEMA,), cannot=(Ability.VISION, Ability.DOCUMENTS, Ability.AUDIO)),
    ),
)
"""Source: https://docs.cohere.com/docs/models, read 2026-11."""


KIND = Kind(
    name="cohere",
    dialect=DIALECT,
    base_url="https://api.cohere.com",
    chat_path="/v2/chat",
    auth=bearer,
    needs_key=True,
    survey=_survey,
    known=_KNOWN,
    system="cohere",
    price_id="cohere",
    key_variable="COHERE_API_KEY",
    others={
        Operation.EMBEDDINGS: at("/v2/embed"),
        Operation.RERANK: at("/v2/rerank"),
    },
)
