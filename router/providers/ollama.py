"""Ollama, on this machine or its cloud, in its own protocol: its endpoint for OpenAI's clients ignores half of what it
is sent. A base URL may end in the `/v1` of that endpoint.

Source: https://docs.ollama.com/api/chat, read 2026-11.
"""

from __future__ import annotations

from router.canon.operation import Operation
from router.providers.kind import Endpoint, Kind, bearer
from router.wire.ollama_chat import DIALECT


def _url(base_url: str, model: str, stream: bool) -> str:
    del model, stream
    return f"{base_url.removesuffix('/v1')}/api/chat"


def _embed_url(base_url: str, model: str, stream: bool) -> str:
    del model, stream
    return f"{base_url.removesuffix('/v1')}/api/embed"


KIND = Kind(
    name="ollama",
    dialect=DIALECT,
    base_url="http://127.0.0.1:11434",
    url=_url,
    auth=bearer,
    needs_key=False,
    system="ollama",
    key_variable="OLLAMA_API_KEY",
    others={
        Operation.EMBEDDINGS: Endpoint(url=_embed_url),
    },
)
