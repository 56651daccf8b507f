"""Fireworks' API.

Source: https://docs.fireworks.ai/tools-sdks/openai-compatibility, read 2026-11.
"""

from __future__ import annotations

from router.providers.kind import Kind, bearer
from router.wire.openai_chat import DIALECT

KIND = Kind(
    name="fireworks",
    dialect=DIALECT,
    base_url="https://api.fireworks.ai/inference/v1",
    auth=bearer,
    needs_key=True,
    system="fireworks_ai",
    price_id="fireworks",
    key_variable="FIREWORKS_API_KEY",
)
