"""Google's embeddings: several texts at once at the Gemini API, and otherwise at Vertex AI.

Vertex has two calls: its newest models take one text, in the Gemini API's words; all others are asked to "predict".

Source: https://ai.google.dev/api/embeddings and https://cloud.google.com/vertex-ai/generative-ai/docs/embeddings, read
2026-11.
"""

from __future__ import annotations

from urllib.parse import quote

from msgspec import Raw, Struct
from msgspec.json import Decoder

from router.canon.embedding import Embeddings, EmbedRequest
from router.canon.operation import Operation
from router.canon.usage import Usage
from router.errors import Reason, WireFault
from router.wire.dialect import Ask, Codec, Encoded
from router.wire.gemini.fault import error_in, fault_inside
from router.wire.gemini.schema import ENCODER, NULL
from router.wire.gemini.usage import decode_usage
from router.wire.members import TEXT, UNREADABLE
from router.wire.texts import in_portions, texts_of
from router.wire.whole import lost_of, read_answer, whole_codec

_TASKS = {
    "search_document": "RETRIEVAL_DOCUMENT",
    "search_query": "RETRIEVAL_QUERY",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
}
"""What a text is for, in the word that callers of other protocols have for it -> Google's."""

_MOST_TEXTS = 100
"""In one request to the Gemini API, which answers more with a 400."""

_MOST_AT_VERTEX = 250
"""In one request, but one for a model of `_ONE_BY_ONE`.

Source: https://cloud.google.com/vertex-ai/generative-ai/docs/embeddings/get-text-embeddings, read 2026-11.
"""

_ONE_BY_ONE = "gemini-embedding-"

_ONE_TEXT = "gemini-embedding-2"
"""How the names of models begin that Vertex is asked for in the Gemini API's words."""


class Values(Struct, frozen=True):
    """One vector."""

    values: Raw


class BatchBody(Struct, frozen=True, rename="camel"):
    """The whole answer of the Gemini API, and of Vertex for one text."""

    embeddings: tuple[Values, ...] = ()
    embedding: Values | None = None
    usage_metadata: Raw = NULL


class Statistics(Struct, frozen=True):
    """What Vertex counted of one text."""

    token_count: float | None = None


class Predicted(Struct, frozen=True):
    """One vector at Vertex."""

    values: Raw
    statistics: Statistics | None = None


class Prediction(Struct, frozen=True):
    """Of one text."""

    embeddings: Predicted


class PredictBody(Struct, frozen=True):
    """The whole answer of Vertex; or, of a model that takes one text, the Gemini API's."""

    predictions: tuple[Prediction, ...]


_BATCH = Decoder(BatchBody)
_PREDICT = Decoder(PredictBody)


def embed_path(model: str, *, collection: str = "models") -> str:
    """What follows the base URL."""
    return f"/{_named(model, collection)}:batchEmbedContents"


def vertex_path(model: str) -> str:
    """What follows the base URL at Vertex."""
    verb = "embedContent" if _takes_one(model) else "predict"
    return f"/{_named(model, 'publishers/google/models')}:{verb}"


def patch_request(ask: Ask, model: str) -> bytes:
    """No caller speaks this: what stands in the URL is left out."""
    del model
    return ENCODER.encode({name: value for name, value in ask.fields.items() if name != "model"})


def encode_batch(request: EmbedRequest, model: str) -> Encoded:
    """The request to the Gemini API. Raises `Refused` for token ids."""
    name = model if "/" in model else f"models/{model}"
    each: dict[str, object] = {"model": name}
    task, extra = _task(request)
    if task is not None:
        each["taskType"] = task
    if request.dimensions is not None:
        each["outputDimensionality"] = request.dimensions
    requests = [{**each, "content": {"parts": [{"text": text}]}} for text in texts_of(request)]
    return Encoded(body=ENCODER.encode({"requests": requests}), lost=lost_of(extra, user=request.user))


def encode_vertex(request: EmbedRequest, model: str) -> Encoded:
    """The request to Vertex. Raises `Refused` for token ids."""
    task, extra = _task(request)
    lost = lost_of(extra, user=request.user)
    if _takes_one(model):
        one: dict[str, object] = {"content": {"parts": [{"text": texts_of(request)[0]}]}}
        if request.dimensions is not None:
            one["embedContentConfig"] = {"outputDimensionality": request.dimensions}
        return Encoded(body=ENCODER.encode(one), lost=lost if task is None else (*lost, "input_type"))
    about = {} if task is None else {"task_type": task}
    body: dict[str, object] = {"instances": [{"content": text, **about} for text in texts_of(request)]}
    if request.dimensions is not None:
        body["parameters"] = {"outputDimensionality": request.dimensions}
    return Encoded(body=ENCODER.encode(body), lost=lost)


def decode_batch(body: bytes) -> Embeddings:
    """All vectors. Raises `WireFault`, also for an error inside a 200."""
    answer = read_answer(_BATCH, body, "list of embeddings", _fault)
    found = (*answer.embeddings, answer.embedding) if answer.embedding is not None else answer.embeddings
    if not found and error_in(body) is not None:
        raise _fault(body)
    return Embeddings(model="", vectors=tuple(one.values for one in found), usage=decode_usage(answer.usage_metadata))


def decode_vertex(body: bytes) -> Embeddings:
    """All vectors, whichever call was made. Raises `WireFault`, also for an error inside a 200."""
    try:
        found = _PREDICT.decode(body).predictions
    except UNREADABLE:
        return decode_batch(body)
    counts = [one.embeddings.statistics.token_count for one in found if one.embeddings.statistics is not None]
    known = [int(count) for count in counts if count is not None and count >= 0]
    usage = Usage(input=sum(known)) if known and len(known) == len(found) else None
    return Embeddings(model="", vectors=tuple(one.embeddings.values for one in found), usage=usage)


def _task(request: EmbedRequest) -> tuple[str | None, tuple[tuple[str, Raw], ...]]:
    """What the texts are for, and the members that say nothing of it."""
    extra = dict(request.extra)
    said = extra.pop("input_type", None)
    try:
        word = None if said is None else TEXT.decode(said)
    except UNREADABLE:
        word = None
    if word is not None and (task := _TASKS.get(word)) is None:
        return None, request.extra
    return (None if word is None else task), tuple(extra.items())


def _named(model: str, collection: str) -> str:
    return quote(model if "/" in model else f"{collection}/{model}")


def _takes_one(model: str) -> bool:
    return model.rpartition("/")[2].startswith(_ONE_TEXT)


def _most_at_vertex(model: str) -> int:
    return 1 if model.rpartition("/")[2].startswith(_ONE_BY_ONE) else _MOST_AT_VERTEX


def _fault(body: bytes) -> WireFault:
    error = error_in(body)
    return WireFault(Reason.MALFORMED, "the provider answered with no vector") if error is None else fault_inside(error)


BATCH: Codec = whole_codec(
    "gemini-embeddings",
    Operation.EMBEDDINGS,
    encode_request=encode_batch,
    decode_reply=decode_batch,
    patch_request=patch_request,
    portions=in_portions(lambda _model: _MOST_TEXTS),
)
"""How embeddings are said at the Gemini API."""

VERTEX: Codec = whole_codec(
    "vertex-embeddings",
    Operation.EMBEDDINGS,
    encode_request=encode_vertex,
    decode_reply=decode_vertex,
    patch_request=patch_request,
    portions=in_portions(_most_at_vertex),
)
"""How they are said at Vertex."""
