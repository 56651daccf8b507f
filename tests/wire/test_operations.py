"""What is asked beside chat, word by word: told to every target or named as lost, and its answers told to every caller.

The words that callers say are in `heard/operations.py`; how they fare with a target is here, for each field of what was
heard. A count of tokens is asked with a whole chat request, whose words are in `test_vocabulary.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec import Raw, Struct
from msgspec.structs import replace

from router.canon.count import TokenCount
from router.canon.embedding import Embeddings, EmbedRequest
from router.canon.image import Image, ImageRequest, Images
from router.canon.moderation import Judgement, ModerationRequest, Moderations
from router.canon.operation import Operation
from router.canon.ranking import Ranked, Ranking, RankRequest
from router.canon.usage import Usage
from router.errors import Refused
from router.policy.loss import meant
from router.wire.anthropic_messages import DIALECT as ANTHROPIC
from router.wire.bedrock_converse import DIALECT as BEDROCK
from router.wire.cohere_v2 import DIALECT as COHERE
from router.wire.dialect import Codec, Dialect
from router.wire.gemini import DIALECT as GEMINI
from router.wire.gemini import VERTEX
from router.wire.ollama_chat import DIALECT as OLLAMA
from router.wire.openai_chat import DIALECT as CHAT
from router.wire.openai_responses import DIALECT as RESPONSES
from router.wire.vectors import is_packed
from tests.wire.fields import fields_of, set_in
from tests.wire.test_vocabulary import WORDS as CHAT_WORDS

MARK = "xyzzy"
UNKNOWN = (("plugh", Raw(b'"xyzzy"')),)


def targets(operation: Operation, *columns: tuple[Dialect, str]) -> tuple[tuple[Codec, str], ...]:
    """How these dialects say it, each with a model."""
    return tuple((dialect.codecs[operation], model) for dialect, model in columns)


TARGETS = {
    "embed": targets(
        Operation.EMBEDDINGS,
        (CHAT, "text-embedding-3-small"),
        (COHERE, "embed-v4.0"),
        (OLLAMA, "nomic-embed-text"),
        (BEDROCK, "amazon.titan-embed-text-v2:0"),
        (BEDROCK, "amazon.titan-embed-text-v1"),
        (BEDROCK, "cohere.embed-v4:0"),
        (GEMINI, "gemini-embedding-001"),
        (VERTEX, "text-embedding-005"),
        (VERTEX, "gemini-embedding-2-preview"),
    ),
    "moderate": targets(Operation.MODERATIONS, (CHAT, "omni-moderation-latest")),
    "draw": targets(Operation.IMAGES, (CHAT, "gpt-image-1")),
    "rank": targets(Operation.RERANK, (COHERE, "rerank-v3.5"), (CHAT, "bge-reranker")),
}
EMBED = EmbedRequest(model="m", inputs=("i",))
MODERATE = ModerationRequest(model="m", inputs=("i",))
DRAW = ImageRequest(model="m", prompt="p")
RANK = RankRequest(model="m", query="q", documents=("d",))

WORDS: Mapping[str, tuple[Struct, str, bytes]] = {
    "embed: a text": (replace(EMBED, inputs=(MARK,)), "", b"xyzzy"),
    "embed: token ids": (replace(EMBED, inputs=((4321,),)), "", b"4321"),
    "embed: dimensions": (replace(EMBED, dimensions=4321), "dimensions", b"4321"),
    "embed: base64": (replace(EMBED, packed=True), "", b"base64"),
    "embed: end user": (replace(EMBED, user=MARK), "user", b"xyzzy"),
    "embed: purpose": (replace(EMBED, extra=(("input_type", Raw(b'"clustering"')),)), "input_type", b"lustering"),
    "embed: cutting": (replace(EMBED, extra=(("truncate", Raw(b'"xyzzy"')),)), "truncate", b"xyzzy"),
    "embed: unknown": (replace(EMBED, extra=UNKNOWN), "plugh", b"xyzzy"),
    "moderate: a text": (replace(MODERATE, inputs=(MARK,)), "", b"xyzzy"),
    "moderate: parts": (replace(MODERATE, inputs=(), raw=Raw(b'[{"type":"text","text":"xyzzy"}]')), "", b"xyzzy"),
    "moderate: unknown": (replace(MODERATE, extra=UNKNOWN), "plugh", b"xyzzy"),
    "draw: words": (replace(DRAW, prompt=MARK), "", b"xyzzy"),
    "draw: several": (replace(DRAW, count=4321), "", b"4321"),
    "draw: unknown": (replace(DRAW, extra=UNKNOWN), "plugh", b"xyzzy"),
    "rank: question": (replace(RANK, query=MARK), "", b"xyzzy"),
    "rank: texts": (replace(RANK, documents=("d", MARK)), "", b"xyzzy"),
    "rank: the best": (replace(RANK, top=4321), "top_n", b"4321"),
    "rank: length of each": (replace(RANK, max_tokens_each=4321), "max_tokens_per_doc", b"4321"),
    "rank: unknown": (replace(RANK, extra=UNKNOWN), "plugh", b"xyzzy"),
}
"""Word -> (what says it, the name it is lost by, what stands in a body that says it)."""

GRID = """
embed: a text          said    said    said    said    said    said    said    said    said
embed: token ids       said    refused refused refused refused refused refused refused refused
embed: dimensions      said    said    said    said    refused said    said    said    said
embed: base64          said    said    here    here    here    here    here    here    here
embed: end user        said    lost    lost    lost    lost    lost    lost    lost    lost
embed: purpose         lost    said    lost    lost    lost    said    said    said    lost
embed: cutting         lost    said    said    lost    lost    lost    lost    lost    lost
embed: unknown         lost    lost    lost    lost    lost    lost    lost    lost    lost
moderate: a text       said
moderate: parts        said
moderate: unknown      lost
draw: words            said
draw: several          said
draw: unknown          lost
rank: question         said    said
rank: texts            said    said
rank: the best         said    said
rank: length of each   said    lost
rank: unknown          lost    lost
"""
"""Each word, and how it fares with the targets in their order: `said`; `lost` and named; `refused`; or `here`: its
caller has it, whatever the provider knows of it."""

EXPECTED = {line[:23].strip(): line[23:].split() for line in GRID.strip().splitlines()}


def outcome(word: str, codec: Codec, model: str) -> str:
    """How a word fares; `SILENT` is the fault."""
    asked, name, trace = WORDS[word]
    try:
        encoded = codec.encode_request(asked, model)
    except Refused as refused:
        assert refused.param
        return "refused"
    if name and name in encoded.lost:
        return "refused" if meant((name,), None) else "lost"
    if trace.lower() in encoded.body.lower():
        return "said"
    return "here" if isinstance(asked, EmbedRequest) and asked.packed and is_brought_into_form() else "SILENT"


def is_brought_into_form() -> bool:
    """Whether a caller who wants base64 has it of a provider who answers with numbers."""
    half = CHAT.codecs[Operation.EMBEDDINGS].front
    assert half is not None
    ask = half.peek(b'{"model":"m","input":"i","encoding_format":"base64"}')
    return all(
        is_packed(vector) for vector in half.shaped(ask, Embeddings(model="m", vectors=(Raw(b"[0.5]"),))).vectors
    )


@pytest.mark.parametrize("word", WORDS)
def test_each_word_is_said_or_named_as_lost(word: str) -> None:
    """By every provider's dialect that has the operation."""
    assert [outcome(word, *target) for target in TARGETS[word.partition(":")[0]]] == EXPECTED[word]


def test_every_field_that_can_be_asked_has_a_row() -> None:
    """The grid and the words are the same, and the words set every field there is."""
    assert list(EXPECTED) == list(WORDS)
    asked = [request for request, _, _ in WORDS.values()]
    assert set_in(*asked) == fields_of(EmbedRequest, ModerationRequest, ImageRequest, RankRequest)


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES, ANTHROPIC, GEMINI, VERTEX, BEDROCK], ids=lambda one: one.name)
def test_what_an_answer_would_lose_is_lost_to_its_count(dialect: Dialect) -> None:
    """A count of another question than the one that would be asked is named as such."""
    count = dialect.codecs.get(Operation.COUNT_TOKENS)
    if count is None:
        assert dialect is CHAT
        return
    for request, _, _ in CHAT_WORDS.values():
        assert (
            count.encode_request(request, "claude-sonnet-4-6").lost
            == dialect.encode_request(request, "claude-sonnet-4-6").lost
        )


USAGE = Usage(input=4321, search_units=8765)
VECTOR, PICTURE = Raw(b"[0.5,4321]"), Image(base64=Raw(b'"xyzzy"'), url="https://e.test/plugh", prompt="made")
OBJECT = Raw(b'{"xyzzy":true}')

ANSWERS: Mapping[str, tuple[Codec, Any, tuple[bytes, ...], frozenset[str]]] = {
    "embeddings": (
        CHAT.codecs[Operation.EMBEDDINGS],
        Embeddings(model="m9", vectors=(VECTOR, VECTOR), usage=USAGE),
        (b'"m9"', b'"index":1', b"[0.5,4321]", b'"prompt_tokens":4321', b'"total_tokens":4321'),
        frozenset(),
    ),
    "moderations": (
        CHAT.codecs[Operation.MODERATIONS],
        Moderations(
            id="id9",
            model="m9",
            results=(Judgement(flagged=True, categories=OBJECT, scores=Raw(b'{"s":9}'), applied=Raw(b'{"a":9}')),),
            usage=USAGE,
        ),
        (b'"id9"', b'"m9"', b'"flagged":true', b'{"xyzzy":true}', b'{"s":9}', b'{"a":9}'),
        frozenset({"usage"}),
    ),
    "images": (
        CHAT.codecs[Operation.IMAGES],
        Images(model="m9", images=(PICTURE,), usage=USAGE, created_s=87, extra=(("size", Raw(b'"1x1"')),)),
        (b'"xyzzy"', b"plugh", b'"made"', b'"created":87', b'"input_tokens":4321', b'"size":"1x1"'),
        frozenset({"model"}),
    ),
    "rerank": (
        COHERE.codecs[Operation.RERANK],
        Ranking(id="id9", model="m9", results=(Ranked(index=7, score=0.875),), usage=USAGE),
        (b'"id9"', b'"index":7', b"0.875", b'"search_units":8765', b'"input_tokens":4321'),
        frozenset({"model"}),
    ),
    "count": (
        ANTHROPIC.codecs[Operation.COUNT_TOKENS],
        TokenCount(tokens=4321, model="m9", estimated=True, usage=USAGE),
        (b'"input_tokens":4321',),
        frozenset({"model", "estimated", "usage"}),
    ),
}
"""Front -> (codec, a whole answer, what of it must be told, the fields for which the protocol has no place)."""


@pytest.mark.parametrize("front", ANSWERS)
def test_an_answer_is_told(front: str) -> None:
    """Every field of it that the caller's protocol has a place for; what has none is ours, or is told in a header."""
    codec, answer, traces, mute = ANSWERS[front]
    assert codec.front is not None
    body = codec.front.encode_reply(answer)
    assert [trace for trace in traces if trace not in body] == []
    assert set_in(answer) >= fields_of(type(answer)) - fields_of(Usage)
    for name in type(answer).__struct_fields__:
        bare = codec.front.encode_reply(replace(answer, **{name: NOTHING[name]}))
        assert (bare == body) == (name in mute), name
    assert json.loads(body)


NOTHING: Mapping[str, Any] = {
    "id": "",
    "model": "",
    "vectors": (),
    "results": (),
    "images": (),
    "extra": (),
    "usage": None,
    "created_s": None,
    "tokens": 0,
    "estimated": False,
}
"""A field that says nothing: an answer without it reads otherwise, or its caller is never told of it."""
