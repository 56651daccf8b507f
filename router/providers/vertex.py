"""Google's Vertex AI in express mode: Gemini models by an API key, without project and location.

Requests that name a project need OAuth tokens that live an hour; this version does not fetch them.

Source: https://cloud.google.com/vertex-ai/generative-ai/docs/start/express-mode/overview, read 2026-11.
"""

from __future__ import annotations

from router.providers.kind import Kind, key_header
from router.wire.gemini import VERTEX, call_path


def _url(base_url: str, model: str, stream: bool) -> str:
    return base_url + call_path(model, stream=stream, collection="publishers/google/models")


KIND = Kind(
    name="vertex",
    dialect=VERTEX,
    base_url="https://aiplatform.googleapis.com/v1",
    url=_url,
    auth=key_header("x-goog-api-key"),
    needs_key=True,
    system="gcp.vertex_ai",
    price_id="google",
)
