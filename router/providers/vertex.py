"""Google's Vertex AI: Gemini, Claude, and open models, each in the protocol of its maker.

With a key it is express mode: Gemini alone, without project and location. With Google's credentials, which
`router/upstream/google.py` turns into tokens, the base URL names both, and a host of the same location; it is made of
`google: {project: ..., location: ...}` or written as `https://HOST/v1/projects/PROJECT/locations/LOCATION`.

A model with a publisher in its name (`meta/llama-4-maverick-17b-128e-instruct-maas`) is an open one.

Source: https://cloud.google.com/vertex-ai/generative-ai/docs/start/express-mode/overview,
https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude and
https://cloud.google.com/vertex-ai/generative-ai/docs/migrate/openai/overview, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from msgspec import Raw
from msgspec.structs import replace

from router.canon.operation import Operation
from router.canon.request import ChatRequest
from router.providers.anthropic import KNOWN as CLAUDE
from router.providers.gemini import KNOWN as GEMINI_KNOWN
from router.providers.kind import Endpoint, Form, Kind, bearer, below, key_header
from router.wire.anthropic_messages import DIALECT as ANTHROPIC_MESSAGES
from router.wire.dialect import Ask, Encoded
from router.wire.gemini import VERTEX, call_path, count_path, vertex_path
from router.wire.members import MEMBERS, joined
from router.wire.openai_chat import DIALECT as OPENAI_CHAT

_VERSION = Raw(b'"vertex-2023-10-16"')
_MULTI_REGIONS = frozenset({"us", "eu"})
_DATE = re.compile(r"-(\d{8})$")


def _url(base_url: str, model: str, stream: bool) -> str:
    return base_url + call_path(model, stream=stream, collection="publishers/google/models")


def _claude_url(base_url: str, model: str, stream: bool) -> str:
    """Anthropic's own dated names have `@` before the date here."""
    name = quote(_DATE.sub(r"@\1", model), safe="@")
    return f"{base_url}/publishers/anthropic/models/{name}:{'streamRawPredict' if stream else 'rawPredict'}"


def _located(google: Mapping[str, str]) -> str | None:
    """Where a project's models are: the location in the path has to be that of the host."""
    project, location = google.get("project"), google.get("location", "global")
    if not project:
        return None
    host = "aiplatform.googleapis.com"
    if location in _MULTI_REGIONS:
        host = f"aiplatform.{location}.rep.googleapis.com"
    elif location != "global":
        host = f"{location}-{host}"
    return f"https://{host}/v1/projects/{quote(project, safe='')}/locations/{quote(location, safe='')}"


def _rawly(body: bytes) -> bytes:
    """A Messages body as it goes here: its model is in the URL, and its version a member."""
    members = MEMBERS.decode(body)
    members.pop("model", None)
    members["anthropic_version"] = _VERSION
    return joined(members)


def _patch(ask: Ask, model: str) -> bytes:
    return _rawly(ANTHROPIC_MESSAGES.patch_request(ask, model))


def _encode(request: ChatRequest, model: str) -> Encoded:
    encoded = ANTHROPIC_MESSAGES.encode_request(request, model)
    return replace(encoded, body=_rawly(encoded.body))


def _embed_url(base_url: str, model: str, _stream: bool) -> str:
    return base_url + vertex_path(model)


def _count_url(base_url: str, model: str, _stream: bool) -> str:
    return base_url + count_path(model, collection="publishers/google/models")


KIND = Kind(
    name="vertex",
    dialect=VERTEX,
    base_url="https://aiplatform.googleapis.com/v1",
    url=_url,
    auth=key_header("x-goog-api-key"),
    needs_key=True,
    known=(*CLAUDE, *GEMINI_KNOWN),
    system="gcp.vertex_ai",
    price_id="google",
    grant="google",
    locate=_located,
    located_by="project",
    forms=(
        Form(
            base_url="/projects/",
            models="claude-",
            dialect=replace(ANTHROPIC_MESSAGES, patch_request=_patch, encode_request=_encode),
            url=_claude_url,
            withheld=frozenset({"anthropic-version"}),
        ),
        Form(
            base_url="/projects/",
            models=r"(?!publishers/|endpoints/|projects/)[^/]+/",
            dialect=OPENAI_CHAT,
            url=below("/endpoints/openapi/chat/completions"),
            auth=bearer,
        ),
    ),
    others={
        Operation.EMBEDDINGS: Endpoint(url=_embed_url),
        Operation.COUNT_TOKENS: Endpoint(url=_count_url),
    },
)
