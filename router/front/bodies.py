"""What callers send, as the API's document shows it: what the router itself reads. The rest of a body goes through to
the provider as it came, and the vendor's own reference says what may be in it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from router.wire.dialect import Requirements

Turn = dict[str, Any]


class ChatBody(Struct, frozen=True, kw_only=True):
    """A request of OpenAI's chat completions."""

    model: str
    messages: tuple[Turn, ...]
    stream: bool | None = None
    max_tokens: int | None = None
    router: Requirements | None = None


class ResponsesBody(Struct, frozen=True, kw_only=True):
    """A request of OpenAI's Responses API."""

    model: str
    input: str | tuple[Turn, ...]
    stream: bool | None = None
    previous_response_id: str | None = None
    store: bool | None = None
    router: Requirements | None = None


class MessagesBody(Struct, frozen=True, kw_only=True):
    """A request of Anthropic's Messages API."""

    model: str
    max_tokens: int
    messages: tuple[Turn, ...]
    system: str | tuple[Turn, ...] | None = None
    stream: bool | None = None
    router: Requirements | None = None


class CountBody(Struct, frozen=True, kw_only=True):
    """A prompt in the form of Anthropic's Messages API."""

    model: str
    messages: tuple[Turn, ...]
    system: str | tuple[Turn, ...] | None = None
    router: Requirements | None = None


class EmbeddingsBody(Struct, frozen=True, kw_only=True):
    """A request of OpenAI's embeddings."""

    model: str
    input: str | tuple[Any, ...]
    router: Requirements | None = None


class ImagesBody(Struct, frozen=True, kw_only=True):
    """A request of OpenAI's image generation."""

    model: str
    prompt: str
    router: Requirements | None = None


class ModerationsBody(Struct, frozen=True, kw_only=True):
    """A request of OpenAI's moderations."""

    model: str
    input: str | tuple[Any, ...]
    router: Requirements | None = None


class RerankBody(Struct, frozen=True, kw_only=True):
    """A request of Cohere's rerank."""

    model: str
    query: str
    documents: tuple[Any, ...]
    router: Requirements | None = None


class Said(Struct, frozen=True, kw_only=True):
    """What went wrong. `param` names what of the request."""

    message: str
    type: str
    param: str | None = None
    code: str | int | None = None


class Fault(Struct, frozen=True, kw_only=True):
    """An error, in OpenAI's form."""

    error: Said


class Entry(Struct, frozen=True, kw_only=True):
    """An entry of the configuration to add; its other keys are those of docs/configuration.md."""

    name: str
