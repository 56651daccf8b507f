"""Anthropic's own API.

The version is the one that takes sampling parameters; a caller who speaks this dialect sends its own.

Source: https://platform.claude.com/docs/en/api/overview, read 2026-11.
"""

from __future__ import annotations

from router.providers.kind import Kind, key_header
from router.wire.anthropic_messages import DIALECT

VERSION = (("anthropic-version", "2023-06-01"),)


def messages_url(base_url: str, model: str, stream: bool) -> str:
    """Messages below a base URL with or without its version: Anthropic's own tools leave it out."""
    del model, stream
    return f"{base_url.removesuffix('/v1')}/v1/messages"


KIND = Kind(
    name="anthropic",
    dialect=DIALECT,
    base_url="https://api.anthropic.com",
    url=messages_url,
    auth=key_header("x-api-key"),
    headers=VERSION,
    needs_key=True,
    system="anthropic",
    price_id="anthropic",
    key_variable="ANTHROPIC_API_KEY",
)
