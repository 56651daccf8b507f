"""Google's Gemini API, in its own protocol. The key goes in a header: in the URL it would land in logs.

Source: https://ai.google.dev/api/generate-content, read 2026-11.
"""

from __future__ import annotations

from router.providers.kind import Kind, key_header
from router.wire.gemini import DIALECT, call_path


def _url(base_url: str, model: str, stream: bool) -> str:
    return base_url + call_path(model, stream=stream)


KIND = Kind(
    name="gemini",
    dialect=DIALECT,
    base_url="https://generativelanguage.googleapis.com/v1beta",
    url=_url,
    auth=key_header("x-goog-api-key"),
    needs_key=True,
    system="gcp.gemini",
    price_id="google",
    key_variable="GEMINI_API_KEY",
)
