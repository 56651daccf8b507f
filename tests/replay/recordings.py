"""The recorded exchanges as they lie beside the repository: one file each, found by looking, not by an index.

What is dropped into the folder is replayed from then on. Which protocol is what, and who speaks it, stands in
three tables; a protocol that stands in none is a failure of the replay and not silence.
"""

from __future__ import annotations

import json
from base64 import b64decode
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.wire.recorded import FOLDER

ABSENT = "the recorded exchanges are not beside this repository"

KINDS: dict[str, str] = {
    "openai.chat": "openai-compatible",
    "mistral.chat": "openai-compatible",
    "openai.responses": "openai-responses",
    "anthropic.messages": "anthropic-compatible",
    "gemini.generateContent": "gemini",
    "gemini.streamGenerateContent": "gemini",
    "bedrock.converse": "bedrock",
    "bedrock.converse_stream": "bedrock",
    "bedrock.invoke": "bedrock-invoke",
    "bedrock.invoke_stream": "bedrock-invoke",
    "cohere.chat.v2": "cohere",
    "ollama.chat": "ollama",
}
"""Protocol -> the kind of provider that speaks it, where the recorded provider has no kind of its own that does."""

BESIDE_CHAT = frozenset(
    {
        "openai.embeddings",
        "mistral.embeddings",
        "cohere.embed.v2",
        "ollama.embed",
        "gemini.batchEmbedContents",
        "cohere.rerank.v2",
        "rerank",
        "anthropic.count_tokens",
        "bedrock.count_tokens",
        "gemini.countTokens",
        "openai.responses.input_tokens",
    }
)
"""Protocols of other operations than chat; `operations.py` says how each is asked for."""

_LISTS = "lists models: nobody is asked anything"
_OLD = "a protocol its own vendor replaced; no kind of provider speaks it"

NOT_REPLAYED: dict[str, str] = {
    "openai.models": _LISTS,
    "anthropic.models": _LISTS,
    "gemini.models": _LISTS,
    "openai.moderations": "no moderation, but a page of what an organisation's moderations used",
    "openai.completions": _OLD,
    "anthropic.complete": _OLD,
    "cohere.chat.v1": _OLD,
    "cohere.embed.v1": _OLD,
    "cohere.rerank.v1": _OLD,
    "ollama.generate": _OLD,
    "ollama.embeddings": _OLD,
}
"""Protocol -> why it cannot be asked for here."""

_INT8 = "vectors of bytes in base64, which clients would read as other numbers; no kind offers them"

_INVOKED_OTHERS = "Bedrock's InvokeModel of a model that does not speak Anthropic's protocol; no dialect reads it"


class Recording(NamedTuple):
    """One exchange, as far as a provider needs it to say the same again; `tags` are what its collector saw in it."""

    id: str
    provider: str
    api: str
    model: str
    streamed: bool
    status: int
    headers: dict[str, str]
    body: bytes
    tags: tuple[str, ...]

    @property
    def is_error(self) -> bool:
        """Whether its status says so; an error inside a 200 must be found by reading."""
        return self.status >= 400

    @property
    def why_not(self) -> str | None:
        """Why it cannot be replayed; None when it can."""
        if self.api.startswith("bedrock.invoke") and not self.is_error and not self._speaks_messages:
            return _INVOKED_OTHERS
        if self.api == "openai.embeddings" and "pplx" in self.model:
            return _INT8
        return NOT_REPLAYED.get(self.api)

    @property
    def _speaks_messages(self) -> bool:
        return "anthropic.claude" in self.model and "instant" not in self.model


@cache
def recordings(folder: Path = FOLDER) -> tuple[Recording, ...]:
    """Every exchange in the folder, by name; none where it is absent."""
    files = sorted(folder.glob("*.json")) if folder.exists() else []
    return tuple(found for file in files if (found := _read(file)) is not None)


def _read(file: Path) -> Recording | None:
    """One file; None for one that holds no exchange, such as the index."""
    held: Any = json.loads(file.read_bytes())
    if not isinstance(held, dict) or "response" not in held:
        return None
    said = held["response"]
    body = said["body"].encode() if said.get("body") is not None else b64decode(said.get("body_b64") or "")
    return Recording(
        id=held["id"],
        provider=held["provider"],
        api=held["api"],
        model=held.get("model") or "",
        streamed=held["stream"],
        status=said["status"],
        headers=said["headers"],
        body=body,
        tags=tuple(held["kind"]),
    )
