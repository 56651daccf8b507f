"""Google's Gemini API, in its own protocol. The key goes in a header: in the URL it would land in logs.

Source: https://ai.google.dev/api/generate-content, read 2026-11.
"""

from __future__ import annotations

from router.canon.operation import Operation
from router.providers.kind import Endpoint, Kind, key_header
from router.wire.gemini import DIALECT, call_path, count_path, embed_path


def _url(base_url: str, model: str, stream: bool) -> str:
    return base_url + call_path(model, stream=stream)


def _embed_url(base_url: str, model: str, _stream: bool) -> str:
    return base_url + embed_path(model)


def _count_url(base_url: str, model: str, _stream: bool) -> str:
    return base_url + count_path(model)


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
    others={
        Operation.EMBEDDINGS: Endpoint(url=_embed_url),
        Operation.COUNT_TOKENS: Endpoint(url=_count_url),
    },
)
