"""OpenAI's own API.

Source: https://platform.openai.com/docs/api-reference, read 2026-10.
"""

from __future__ import annotations

from router.canon.operation import Operation
from router.providers.kind import Kind, at, bearer
from router.providers.limits import OPENAI_LIMITS
from router.wire.openai_chat import DIALECT

KIND = Kind(
    name="openai",
    dialect=DIALECT,
    base_url="https://api.openai.com/v1",
    auth=bearer,
    needs_key=True,
    system="openai",
    price_id="openai",
    key_variable="OPENAI_API_KEY",
    limits=OPENAI_LIMITS,
    others={
        Operation.EMBEDDINGS: at("/embeddings"),
        Operation.MODERATIONS: at("/moderations"),
        Operation.IMAGES: at("/images/generations"),
    },
)
