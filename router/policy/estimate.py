"""How many tokens a prompt has, where nobody who knows can be asked. Pure, and never less than is likely.

A tokenizer is the model's own, and most are not public; one of another model's is wrong by a fifth and costs more than
the request. So letters are counted. The rates are those of prose in the tokenizers of the large providers, rounded up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import chain

from router.canon.count import TokenCount
from router.canon.operation import Operation
from router.canon.request import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from router.errors import Reason, WireFault

_PER_TOKEN = 3.5
"""Letters of ASCII in a token. Prose has four, code and JSON three."""

_PER_LETTER = 1.2
"""Tokens in a letter outside ASCII. Most scripts of the world have less than one, rare ones two."""

_MESSAGE = 4
"""What a turn costs beside its words: who speaks, and where it ends."""

_TOOL = 12
"""What a tool costs beside its name, its words and its schema."""

_PICTURE = 1600
"""A picture of the largest size that is not scaled down.

Source: https://platform.claude.com/docs/en/build-with-claude/vision, read 2026-11.
"""

_BYTES_PER_TOKEN = 20
"""Bytes of a document or a sound in a token: a page of PDF is some 50 KB and 2,000 tokens."""

_NOT_THERE = frozenset({405, 501})
"""Statuses of a server that has no such call, whatever its words."""

_UNSUPPORTED = "support counting tokens"
"""What a service says of a model whose tokens it does not count.

Source: Bedrock's CountTokens, recorded 2025-11.
"""


def text_tokens(text: str | bytes) -> int:
    """Tokens of a text, rounded up."""
    read = text if isinstance(text, str) else text.decode("utf-8", "replace")
    beyond = 0 if read.isascii() else sum(letter > "\x7f" for letter in read)
    return math.ceil((len(read) - beyond) / _PER_TOKEN + beyond * _PER_LETTER)


def chat_tokens(request: ChatRequest) -> int:
    """Tokens of a prompt: its turns, its tools, and the form its answer is held to."""
    turns = sum(_message(message) for message in request.messages)
    tools = sum(
        _TOOL
        + text_tokens(tool.name)
        + text_tokens(tool.description or "")
        + text_tokens(bytes(tool.parameters or b""))
        for tool in request.tools
    )
    form = text_tokens(bytes(request.output.schema or b"")) if request.output is not None else 0
    return turns + tools + form


def data_tokens(request: ChatRequest) -> int | None:
    """Tokens of a prompt whose size does not tell them: one with a picture, a document or sound. None of any other."""
    return chat_tokens(request) if any(map(_holds_data, request.messages)) else None


def estimate_count(request: ChatRequest) -> TokenCount:
    """The count, and that it is ours."""
    return TokenCount(tokens=chat_tokens(request), estimated=True)


Estimate = Callable[[ChatRequest], TokenCount]

ESTIMATES: Mapping[Operation, Estimate] = {Operation.COUNT_TOKENS: estimate_count}
"""The operations that are answered here where a provider cannot."""


def cannot_count(fault: WireFault) -> bool:
    """Whether a provider's refusal means that it has no counter, rather than that something is wrong with this prompt.

    A 404 that has a code or speaks of a model is an API's own word about the model; any other is a server's about the
    path.
    """
    missing = fault.reason is Reason.MODEL_MISSING and fault.code is None and "model" not in fault.message.lower()
    return missing or fault.status in _NOT_THERE or _UNSUPPORTED in fault.message


_DATA = (Image, Document, Audio)


def _holds_data(message: Message) -> bool:
    inner = (each for part in message.parts if isinstance(part, ToolResult) for each in part.parts)
    return any(isinstance(part, _DATA) for part in chain(message.parts, inner))


def _message(message: Message) -> int:
    return _MESSAGE + sum(_part(part) for part in message.parts)


def _part(part: Part) -> int:
    match part:
        case Text() | Refusal() | Reasoning():
            return text_tokens(part.text)
        case ToolCall():
            return _TOOL + text_tokens(part.name) + text_tokens(part.arguments)
        case ToolResult():
            return _TOOL + sum(_part(inner) for inner in part.parts)
        case Image():
            return _PICTURE
        case Document():
            return _document(part.source)
        case Audio():
            return _encoded(part.data)
        case Opaque():
            return text_tokens(bytes(part.raw))


def _document(source: Source) -> int:
    """By its bytes; one that lies elsewhere is taken for a page."""
    if source.data is None:
        return _PICTURE
    is_text = (source.media_type or "").startswith("text/")
    return text_tokens(source.data) if is_text else _encoded(source.data)


def _encoded(data: str) -> int:
    """Of base64, whose four letters are three bytes."""
    return math.ceil(len(data) * 3 / 4 / _BYTES_PER_TOKEN)
