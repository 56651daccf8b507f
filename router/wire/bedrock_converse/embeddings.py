"""Embeddings behind Bedrock's InvokeModel: each family has a body of its own, told by the model's id.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html and
model-parameters-embed.html, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from router.canon.embedding import Embeddings, EmbedRequest
from router.canon.operation import Operation
from router.canon.usage import Usage
from router.errors import WireFault
from router.wire.bedrock_converse.fault import fault_inside
from router.wire.bedrock_converse.request import patch_request
from router.wire.bedrock_converse.schema import ENCODER
from router.wire.cohere_v2.embeddings import MOST_TEXTS
from router.wire.dialect import Encoded
from router.wire.members import NULL, UNREADABLE
from router.wire.texts import in_portions, texts_of
from router.wire.whole import lost_of, read_answer, whole_codec

_COHERE = re.compile(r"(?:^|[./])cohere\.")
_TITAN_1 = re.compile(r"titan-embed-text-v1|titan-embed-g1")

_PURPOSE = "search_document"


class ByType(Struct, frozen=True):
    """Vectors by the kind of number."""

    float: tuple[Raw, ...] = ()


class EmbedBody(Struct, frozen=True):
    """Any family's whole answer: Titan has one vector, Cohere a list or, since its version 4, lists by type."""

    embedding: Raw = NULL
    inputTextTokenCount: int | None = None
    embeddings: Raw = NULL


_ANSWER = Decoder(EmbedBody)
_LIST = Decoder(tuple[Raw, ...])
_BY_TYPE = Decoder(ByType)


def encode_request(request: EmbedRequest, model: str) -> Encoded:
    """The request as the model's family takes it: Titan gets one text. Raises `Refused` for token ids."""
    encode = _cohere if _COHERE.search(model) else _titan
    return encode(request, model)


def decode_reply(body: bytes) -> Embeddings:
    """All vectors. Raises `WireFault`, also for an error inside a 200."""
    answer = read_answer(_ANSWER, body, "list of embeddings", _fault)
    tokens = answer.inputTextTokenCount
    vectors = (answer.embedding,) if answer.embedding != NULL else _listed(answer.embeddings)
    return Embeddings(model="", vectors=vectors, usage=None if tokens is None else Usage(input=max(tokens, 0)))


def _titan(request: EmbedRequest, model: str) -> Encoded:
    lost = list(lost_of(request.extra, user=request.user))
    body: dict[str, object] = {"inputText": texts_of(request)[0]}
    if request.dimensions is not None and _TITAN_1.search(model):
        lost.append("dimensions")
    elif request.dimensions is not None:
        body["dimensions"] = request.dimensions
    return Encoded(body=ENCODER.encode(body), lost=tuple(lost))


def _cohere(request: EmbedRequest, model: str) -> Encoded:
    extra = dict(request.extra)
    body: dict[str, object] = {
        "texts": texts_of(request),
        "input_type": extra.pop("input_type", None) or _PURPOSE,
        "embedding_types": ["float"],
    }
    if request.dimensions is not None:
        body["output_dimension"] = request.dimensions
    del model
    return Encoded(body=ENCODER.encode(body), lost=lost_of(tuple(extra.items()), user=request.user))


def _most(model: str) -> int:
    return MOST_TEXTS if _COHERE.search(model) else 1


def _listed(raw: Raw) -> tuple[Raw, ...]:
    try:
        return _LIST.decode(raw) if bytes(raw).startswith(b"[") else _BY_TYPE.decode(raw).float
    except UNREADABLE:
        return ()


def _fault(body: bytes) -> WireFault:
    return fault_inside("", body)


def _counted(answer: Embeddings, headers: Mapping[str, str]) -> Embeddings:
    """The answer with Cohere's tokens, which no body here has."""
    tokens = headers.get("x-amzn-bedrock-input-token-count", "")
    return replace(answer, usage=Usage(input=int(tokens))) if answer.usage is None and tokens.isdecimal() else answer


CODEC = whole_codec(
    "bedrock-embeddings",
    Operation.EMBEDDINGS,
    encode_request=encode_request,
    decode_reply=decode_reply,
    patch_request=patch_request,
    portions=in_portions(_most),
    counted=_counted,
)
"""How embeddings are said behind this service."""
