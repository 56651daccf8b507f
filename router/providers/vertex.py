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
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from msgspec import Raw
from msgspec.structs import replace

from router.canon.operation import Operation
from router.providers.anthropic import CLAUDES
from router.providers.anthropic import KNOWN as CLAUDE
from router.providers.gemini import KNOWN as GEMINI_KNOWN
from router.providers.kind import Endpoint, Form, Kind, at, bearer, below, key_header
from router.wire.anthropic_messages import DIALECT as ANTHROPIC_MESSAGES
from router.wire.anthropic_messages.vertex import vertex_body
from router.wire.dialect import Ask, Codec, Encoded
from router.wire.gemini import VERTEX, call_path, count_path, vertex_path
from router.wire.members import ENCODER, MEMBERS, joined
from router.wire.openai_chat import DIALECT as OPENAI_CHAT

C = TypeVar("C", bound=Codec)

_MULTI_REGIONS = frozenset({"us", "eu"})
_DATE = re.compile(r"-(\d{8})$")


def _url(base_url: str, model: str, stream: bool) -> str:
    return base_url + call_path(model, stream=stream, collection="publishers/google/models")


def _claude_url(base_url: str, model: str, stream: bool) -> str:
    verb = "streamRawPredict" if stream else "rawPredict"
    return f"{base_url}/publishers/anthropic/models/{quote(_dated(model), safe='@')}:{verb}"


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


def _dated(model: str) -> str:
    """Anthropic's own dated names have `@` before the date here."""
    return _DATE.sub(r"@\1", model)


def _enclosed(codec: C, body_of: Callable[[bytes, str], bytes]) -> C:
    """Anthropic's words with their bodies as they go here."""

    def patch_request(ask: Ask, model: str) -> bytes:
        """The caller's own body, enclosed."""
        return body_of(codec.patch_request(ask, model), model)

    def encode_request(request: Any, model: str) -> Encoded:
        """The translation, enclosed."""
        encoded = codec.encode_request(request, model)
        return replace(encoded, body=body_of(encoded.body, model))

    return replace(codec, patch_request=patch_request, encode_request=encode_request)


def _count_body(body: bytes, model: str) -> bytes:
    """A count is asked of one place for all models, so that it names the one that is meant."""
    return joined({"model": Raw(ENCODER.encode(_dated(model))), **MEMBERS.decode(vertex_body(body))})


_CLAUDE = _enclosed(ANTHROPIC_MESSAGES, lambda body, _model: vertex_body(body))
_CLAUDE = replace(_CLAUDE, others=tuple(_enclosed(codec, _count_body) for codec in _CLAUDE.others))


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
            dialect=_CLAUDE,
            url=_claude_url,
            others={Operation.COUNT_TOKENS: at("/publishers/anthropic/models/count-tokens:rawPredict")},
            withheld=frozenset({"anthropic-version"}),
            prefix=CLAUDES,
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
