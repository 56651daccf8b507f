"""The vocabulary of callers, word by word: what each front hears lands in canon, travels raw and named, or is refused.

The words are in `heard/`. Every scalar of one must be found in what was read of it: one that is nowhere was dropped in
silence, and no target could name it as lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from msgspec import Raw, Struct

from router.canon.embedding import EmbedRequest
from router.canon.image import ImageRequest
from router.canon.moderation import ModerationRequest
from router.canon.operation import Operation
from router.canon.ranking import RankRequest
from router.errors import Refused
from router.wire.anthropic_messages import DIALECT as MESSAGES
from router.wire.anthropic_messages import schema as anthropic_messages
from router.wire.cohere_v2 import DIALECT as COHERE
from router.wire.dialect import Codec
from router.wire.openai_chat import DIALECT as CHAT
from router.wire.openai_chat import schema as openai_chat
from router.wire.openai_responses import DIALECT as RESPONSES
from router.wire.openai_responses import schema as openai_responses
from tests.wire.fields import fields_of, keys_in, members_of, set_in
from tests.wire.heard import chat, messages, operations, responses
from tests.wire.heard.word import HI, Word

FRONTS: Mapping[str, tuple[Codec, dict[str, Any], Mapping[str, Word]]] = {
    "chat": (CHAT, {"model": "m", "messages": [HI]}, chat.WORDS),
    "responses": (RESPONSES, {"model": "m", "input": [HI]}, responses.WORDS),
    "messages": (MESSAGES, {"model": "m", "max_tokens": 5, "messages": [HI]}, messages.WORDS),
    "count": (MESSAGES.codecs[Operation.COUNT_TOKENS], {"model": "m", "messages": [HI]}, messages.COUNTED),
    "embeddings": (CHAT.codecs[Operation.EMBEDDINGS], {"model": "m", "input": "i"}, operations.EMBEDDINGS),
    "moderations": (CHAT.codecs[Operation.MODERATIONS], {"model": "m", "input": "i"}, operations.MODERATIONS),
    "images": (CHAT.codecs[Operation.IMAGES], {"model": "m", "prompt": "p"}, operations.IMAGES),
    "rerank": (
        COHERE.codecs[Operation.RERANK],
        {"model": "m", "query": "q", "documents": ["d"]},
        operations.RERANK,
    ),
}
_KINDS = frozenset({"type", "role", "status", "object"})
"""Members whose words choose how the others are read."""


def told(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every scalar of what was read, with its path; the kinds of its parts as well."""
    if isinstance(value, Raw):
        yield path, bytes(value).decode()
    elif isinstance(value, Struct):
        yield f"{path}.kind", type(value).__name__
        for name in value.__struct_fields__:
            yield from told(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, tuple):
        for place, each in enumerate(value):
            yield from told(each, f"{path}[{place}]")
    else:
        yield path, value


def leaves(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Every scalar of a body, with the name of the member that holds it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, name)
    else:
        yield name, value


def heard(codec: Codec, body: Mapping[str, Any]) -> frozenset[tuple[str, object]]:
    """What the front reads of a body. Raises `Refused`."""
    assert codec.front is not None
    return frozenset(told(codec.front.decode_request(codec.front.peek(json.dumps(body).encode()))))


def is_found(value: object, news: frozenset[tuple[str, object]]) -> bool:
    """Whether a scalar is in what was read; a file's data may stand apart from its kind, a switch be turned round."""
    if value is None or isinstance(value, bool):
        return bool(news)
    texts = {str(found) for _, found in news}
    looked = str(value).rpartition(";base64,")[2] if str(value).startswith("data:") else str(value)
    return any(looked in text or looked.replace('"', '\\"') in text for text in texts)


@pytest.mark.parametrize(
    ("front", "name"), [(front, name) for front, (_, _, words) in FRONTS.items() for name in words]
)
def test_a_word_is_heard_or_refused(front: str, name: str) -> None:
    """Nothing that a caller says is passed over without a name for it."""
    codec, base, words = FRONTS[front]
    word = words[name]
    if word.heard == "refused":
        with pytest.raises(Refused) as refused:
            heard(codec, {**base, **word.body})
        assert refused.value.param and refused.value.param.split("[")[0].split(".")[0] in word.body
        return
    news = heard(codec, {**base, **word.body}) - heard(codec, base)
    if word.heard == "as usual":
        assert not news
        return
    assert all(path.startswith(".extra") for path, _ in news) == (word.heard == "raw")
    lost = [
        (member, value)
        for member, value in leaves(word.body)
        if member not in _KINDS and member not in word.aside and value != "hi" and not is_found(value, news)
    ]
    assert not lost


PARTS: Mapping[str, tuple[Any, ...]] = {
    "chat": (openai_chat.RequestBody, openai_chat.ToolDef),
    "responses": (
        openai_responses.RequestBody,
        openai_responses.ToolDef,
        openai_responses.ItemAside,
        openai_responses.MessageItem,
        openai_responses.FunctionCall,
        openai_responses.CustomCall,
        openai_responses.CallOutput,
        openai_responses.ReasoningItem,
    ),
    "messages": (
        anthropic_messages.RequestBody,
        anthropic_messages.ToolDef,
        anthropic_messages.TextBlock,
        anthropic_messages.ImageBlock,
        anthropic_messages.DocumentBlock,
        anthropic_messages.SearchResultBlock,
        anthropic_messages.ToolUseBlock,
        anthropic_messages.ToolResultBlock,
        anthropic_messages.ThinkingBlock,
        anthropic_messages.RedactedBlock,
    ),
}
"""Whatever of a body a front reads into fields, in the order it reads it."""

CANON = {"embeddings": EmbedRequest, "moderations": ModerationRequest, "images": ImageRequest, "rerank": RankRequest}


@pytest.mark.parametrize("front", PARTS)
def test_every_member_that_is_read_has_a_row(front: str) -> None:
    """A word that the schema learns and nobody tries would be held to nothing."""
    _, base, words = FRONTS[front]
    tried = {key for word in words.values() for key in keys_in(word.body)} | {*keys_in(base)}
    assert members_of(*PARTS[front]) <= tried


@pytest.mark.parametrize("front", CANON)
def test_every_field_of_canon_can_be_heard(front: str) -> None:
    """One that no caller's word sets would be of no use."""
    codec, base, words = FRONTS[front]
    half = codec.front
    assert half is not None
    bodies = (json.dumps({**base, **word.body}).encode() for word in words.values() if word.heard != "refused")
    assert set_in(*(half.decode_request(half.peek(body)) for body in bodies)) == fields_of(CANON[front])
