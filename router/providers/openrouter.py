"""OpenRouter. Its own members (`provider`, `models`, `reasoning`, `plugins`) pass through, since it takes every body
as it is; the cost it reports is what it charged.

Source: https://openrouter.ai/docs/api/reference/overview, read 2026-11.
"""

from __future__ import annotations

from router.canon.allowance import Counted
from router.canon.operation import Operation
from router.providers.kind import Kind, at, bearer
from router.providers.limits import LimitHeader, epoch_ms
from router.wire.openai_chat import DIALECT

KIND = Kind(
    name="openrouter",
    dialect=DIALECT,
    base_url="https://openrouter.ai/api/v1",
    auth=bearer,
    needs_key=True,
    system="openrouter",
    price_id="openrouter",
    key_variable="OPENROUTER_API_KEY",
    limits=(
        LimitHeader(
            counts=Counted.REQUESTS,
            limit="x-ratelimit-limit",
            left="x-ratelimit-remaining",
            reset="x-ratelimit-reset",
            when=epoch_ms,
            steps=True,
        ),
    ),
    others={
        Operation.EMBEDDINGS: at("/embeddings"),
        Operation.RERANK: at("/rerank"),
    },
)
