"""OpenAI's embeddings: what every client asks in, and most providers answer in.

Clients ask for base64 unless told otherwise, and some of them decode whatever comes: an answer is brought into the form
that was asked for, whichever its provider prefers.

Source: https://platform.openai.com/docs/api-reference/embeddings, read 2026-10.
"""

from __future__ import annotations

from msgspec import Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from router.canon.embedding import Embeddings, EmbedRequest
from router.canon.operation import Operation
from router.errors import Refused
from router.wire.dialect import Ask, Encoded
from router.wire.members import ENCODER, NULL, read_member, read_optional, required
from router.wire.openai_chat.fault import encode_fault, fault_inside
from router.wire.openai_chat.usage import decode_usage
from router.wire.vectors import in_form
from router.wire.whole import extra_of, lost_of, peek_whole, read_answer, whole_codec, whole_front

_PACKED = Raw(b'"base64"')
_FORMS = (_PACKED, Raw(b'"float"'), NULL)

_KNOWN = ("model", "input", "dimensions", "encoding_format", "user")

_INPUTS = Decoder(str | tuple[str | int | tuple[int, ...], ...])
_NUMBER = Decoder(int | None)
_WORD = Decoder(str | None)


class Vector(Struct, frozen=True):
    """One vector and its place."""

    embedding: Raw
    index: int | None = None


class EmbeddingsBody(Struct, frozen=True):
    """The whole answer."""

    data: tuple[Vector, ...]
    model: str | None = None
    usage: Raw = NULL


_ANSWER = Decoder(EmbeddingsBody)


def peek(body: bytes) -> Ask:
    """Read what routing needs. Raises `Refused`."""
    return peek_whole(body, "input")


def decode_request(ask: Ask) -> EmbedRequest:
    """The whole request in canon. Raises `Refused`, naming the field."""
    fields = ask.fields
    if fields.get("encoding_format", NULL) not in _FORMS:
        raise Refused("`encoding_format` must be float or base64", param="encoding_format")
    return EmbedRequest(
        model=ask.model,
        inputs=_inputs(required(fields, "input")),
        dimensions=read_optional(_NUMBER, fields, "dimensions"),
        packed=wants_packed(ask),
        user=read_optional(_WORD, fields, "user"),
        extra=extra_of(ask, *_KNOWN),
    )


def encode_request(request: EmbedRequest, model: str) -> Encoded:
    """The request in these words; one text alone is not made a list."""
    inputs: object = request.inputs
    if len(request.inputs) == 1:
        inputs = request.inputs[0]
    body = {
        "model": model,
        "input": inputs,
        "dimensions": request.dimensions,
        "encoding_format": "base64" if request.packed else "float",
        "user": request.user,
    }
    said = {name: value for name, value in body.items() if value is not None}
    return Encoded(body=ENCODER.encode(said), lost=lost_of(request.extra))


def decode_reply(body: bytes) -> Embeddings:
    """All vectors in the order of the inputs. Raises `WireFault`, also for an error inside a 200."""
    answer = read_answer(_ANSWER, body, "list of embeddings", fault_inside)
    places = [place if vector.index is None else vector.index for place, vector in enumerate(answer.data)]
    ordered = sorted(zip(places, answer.data, strict=True), key=lambda pair: pair[0])
    return Embeddings(
        model=answer.model or "",
        vectors=tuple(vector.embedding for _, vector in ordered),
        usage=decode_usage(answer.usage),
    )


def encode_reply(reply: Embeddings) -> bytes:
    """The answer a caller reads. Its clients need counts, so what nobody counted reads as 0."""
    tokens = reply.usage.input_total if reply.usage is not None else 0
    return ENCODER.encode(
        {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": vector}
                for index, vector in enumerate(reply.vectors)
            ],
            "model": reply.model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def wants_packed(ask: Ask) -> bool:
    """Whether the caller wants base64; numbers are the default of the protocol, though not of its clients."""
    return ask.fields.get("encoding_format", NULL) == _PACKED


def shaped(ask: Ask, reply: Embeddings) -> Embeddings:
    """The vectors in the form that was asked for. Raises `WireFault` for what is no vector."""
    vectors = in_form(reply.vectors, packed=wants_packed(ask))
    return reply if vectors is reply.vectors else replace(reply, vectors=vectors)


def _inputs(raw: Raw) -> tuple[str | tuple[int, ...], ...]:
    """Texts, or token ids: a list of numbers is one input."""
    read = read_member(_INPUTS, raw, "input")
    if isinstance(read, str):
        return (read,)
    if not read:
        raise Refused("`input` must not be empty", param="input")
    ids = tuple(item for item in read if isinstance(item, int))
    if ids and len(ids) < len(read):
        raise Refused("`input` must be texts, or one list of token ids, or lists of them", param="input")
    return (ids,) if ids else tuple(item for item in read if not isinstance(item, int))


CODEC = whole_codec(
    "openai-embeddings",
    Operation.EMBEDDINGS,
    encode_request=encode_request,
    decode_reply=decode_reply,
    front=whole_front(peek, decode_request, encode_reply, encode_fault, shaped=shaped),
)
"""How embeddings are said in this dialect."""
