"""Which recordings are of which kind: its provider's, in the protocol that the kind speaks."""

from __future__ import annotations

from router.providers.kind import Kind
from tests.wire.recorded import Recorded, recordings, response_of

APIS: dict[str, tuple[str, ...]] = {
    "openai-chat": ("openai.chat", "mistral.chat"),
    "openai-responses": ("openai.responses",),
    "anthropic-messages": ("anthropic.messages",),
    "gemini": ("gemini.generateContent", "gemini.streamGenerateContent"),
    "bedrock-converse": ("bedrock.converse", "bedrock.converse_stream"),
    "cohere-v2": ("cohere.chat.v2",),
    "ollama-chat": ("ollama.chat",),
}
"""Dialect -> the protocols of the recordings' index."""

_NAMES = {"openai-responses": "openai", "llamacpp-server": "llama.cpp"}
"""Kind -> what the index calls its provider, where that is another word."""


def provider_of(kind: Kind) -> str:
    """What the index calls its provider."""
    return _NAMES.get(kind.name, kind.name)


def answers_of(kind: Kind) -> list[Recorded]:
    """The whole answers among them: a status of 200, and no error inside."""
    provider = provider_of(kind)
    return [
        line
        for line in recordings(*APIS[kind.dialect.name])
        if line.provider == provider and line.status == 200 and not _failed(line)
    ]


def _failed(line: Recorded) -> bool:
    _, headers, _ = response_of(line.id)
    # One provider also streams as a JSON array, to those who do not ask for events; the router does.
    array = line.stream and headers.get("content-type", "").startswith("application/json")
    return array or any(kind.startswith("error") for kind in line.kinds)
