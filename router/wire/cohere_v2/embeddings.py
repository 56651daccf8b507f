"""Cohere's embed, version 2. A text is taken for one to be searched unless the caller says what it is for.

Source: https://docs.cohere.com/reference/embed, read 2026-11.
"""

from __future__ import annotations

from msgspec import Raw, Struct
from msgspec.json import Decoder

from router.canon.embedding import Embeddings, EmbedRequest
from router.canon.operation import Operation
from router.canon.usage import Usage
from router.wire.cohere_v2.fault import fault_inside
from router.wire.dialect import Encoded
from router.wire.members import ENCODER, NULL
from router.wire.texts import in_portions, texts_of
from router.wire.whole import lost_of, read_answer, whole_codec

_PURPOSE = "search_document"

MOST_TEXTS = 96
"""In one request."""

_PASSED = frozenset({"input_type", "truncate"})
"""Members that callers of other protocols may send because this one needs them."""


class Vectors(Struct, frozen=True):
    """By the kind of number; only the one that was asked for is there."""

    float: tuple[Raw, ...] | None = None
    base64: tuple[Raw, ...] | None = None


class Billed(Struct, frozen=True):
    """What is billed."""

    input_tokens: int | None = None


class Meta(Struct, frozen=True):
    """What the answer says of itself."""

    billed_units: Billed | None = None


class EmbedBody(Struct, frozen=True):
    """The whole answer."""

    embeddings: Vectors
    meta: Meta | None = None


_ANSWER = Decoder(EmbedBody)


def encode_request(request: EmbedRequest, model: str) -> Encoded:
    """The request in Cohere's words. Raises `Refused` for token ids."""
    passed = {name: raw for name, raw in request.extra if name in _PASSED and raw != NULL}
    body: dict[str, object] = {
        "model": model,
        "input_type": _PURPOSE,
        **passed,
        "embedding_types": ["base64" if request.packed else "float"],
        "texts": texts_of(request),
    }
    if request.dimensions is not None:
        body["output_dimension"] = request.dimensions
    extra = tuple((name, raw) for name, raw in request.extra if name not in _PASSED)
    return Encoded(body=ENCODER.encode(body), lost=lost_of(extra, user=request.user))


def decode_reply(body: bytes) -> Embeddings:
    """All vectors. Raises `WireFault`, also for an error inside a 200."""
    answer = read_answer(_ANSWER, body, "list of embeddings", fault_inside)
    billed = answer.meta.billed_units if answer.meta is not None else None
    tokens = billed.input_tokens if billed is not None else None
    vectors = answer.embeddings.float or answer.embeddings.base64 or ()
    usage = None if tokens is None else Usage(input=max(tokens, 0))
    return Embeddings(model="", vectors=vectors, usage=usage)


CODEC = whole_codec(
    "cohere-embed",
    Operation.EMBEDDINGS,
    encode_request=encode_request,
    decode_reply=decode_reply,
    portions=in_portions(lambda _model: MOST_TEXTS),
)
"""How embeddings are said in this dialect."""
