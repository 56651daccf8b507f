"""Cohere's own API, version 2 of its chat. Its endpoint for OpenAI's clients can do less.

Source: https://docs.cohere.com/reference/chat, read 2026-11.
"""

from __future__ import annotations

from router.canon.operation import Operation
from router.providers.kind import Kind, at, bearer
from router.wire.cohere_v2 import DIALECT

KIND = Kind(
    name="cohere",
    dialect=DIALECT,
    base_url="https://api.cohere.com",
    chat_path="/v2/chat",
    auth=bearer,
    needs_key=True,
    system="cohere",
    price_id="cohere",
    key_variable="COHERE_API_KEY",
    others={
        Operation.EMBEDDINGS: at("/v2/embed"),
        Operation.RERANK: at("/v2/rerank"),
    },
)
