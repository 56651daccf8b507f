"""Google's Gemini API, in its own protocol. The key goes in a header: in the URL it would land in logs.

Source: https://ai.google.dev/api/generate-content, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from router.canon.ability import Ability, Traits, judged
from router.canon.operation import Operation
from router.providers.kind import Endpoint, Kind, key_header
from router.providers.knowledge import Known
from router.providers.survey import (
    MOST_PAGES,
    FoundModel,
    Question,
    Survey,
    entries,
    flag,
    listed,
    number,
    read,
    text,
    unique,
)
from router.wire.gemini import DIALECT, call_path, count_path, embed_path


def _url(base_url: str, model: str, stream: bool) -> str:
    return base_url + call_path(model, stream=stream)


def _embed_url(base_url: str, model: str, _stream: bool) -> str:
    return base_url + embed_path(model)


def _count_url(base_url: str, model: str, _stream: bool) -> str:
    return base_url + count_path(model)


def _entry(entry: Mapping[str, Any]) -> FoundModel | None:
    """A model of the list. Its window is what a prompt may have: an answer has a limit of its own beside it."""
    name = text(entry, "name").removeprefix("models/")
    can, cannot = judged(((Ability.REASONING, flag(entry, "thinking")),))
    traits = Traits(
        can=can,
        cannot=cannot,
        context_window=number(entry, "inputTokenLimit"),
        max_output=number(entry, "outputTokenLimit"),
    )
    chats = "generateContent" in (listed(entry, "supportedGenerationMethods") or ("generateContent",))
    return FoundModel(name=name, traits=traits, chats=chats) if name else None


def _survey(base_url: str) -> Survey:
    """`GET /models`, page after page."""
    found: list[FoundModel | None] = []
    page = ""
    for _page in range(MOST_PAGES):
        more = f"&pageToken={quote(page, safe='')}" if page else ""
        body = yield Question(url=f"{base_url}/models?pageSize=1000{more}")
        found += map(_entry, entries(body, "models"))
        page = text(read(body), "nextPageToken")
        if not page:
            break
    return unique(found)


KNOWN = (
    Known(models="gemini-[3-9]", traits=Traits(can=(Ability.REASONING,))),
    Known(
        models="gemini-",
        traits=Traits(
            can=(Ability.VISION, Ability.TOOLS, Ability.JSON_SCHEMA, Ability.DOCUMENTS, Ability.AUDIO),
        ),
    ),
)
"""Source: https://ai.google.dev/gemini-api/docs/models, read 2026-11."""


KIND = Kind(
    name="gemini",
    dialect=DIALECT,
    base_url="https://generativelanguage.googleapis.com/v1beta",
    url=_url,
    auth=key_header("x-goog-api-key"),
    needs_key=True,
    survey=_survey,
    known=KNOWN,
    system="gcp.gemini",
    price_id="google",
    key_variable="GEMINI_API_KEY",
    others={
        Operation.EMBEDDINGS: Endpoint(url=_embed_url),
        Operation.COUNT_TOKENS: Endpoint(url=_count_url),
    },
)
