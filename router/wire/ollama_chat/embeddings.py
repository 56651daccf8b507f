"""Ollama's own embed.

Source: https://docs.ollama.com/api/embed, read 2026-11.
"""

from __future__ import annotations

from msgspec import Raw, Struct
from msgspec.json import Decoder

from router.canon.embedding import Embeddings, EmbedRequest
from router.canon.operation import Operation
from router.canon.usage import Usage
from router.errors import WireFault
from router.wire.dialect import Encoded
from router.wire.members import ENCODER, NULL
from router.wire.ollama_chat.fault import fault_inside
from router.wire.texts import in_portions, texts_of
from router.wire.whole import lost_of, read_answer, whole_codec

_PASSED = frozenset({"truncate", "options", "keep_alive"})
"""Ollama's own members, for callers who know whom they ask."""


class EmbedBody(Struct, frozen=True):
    """The whole answer; durations are left out."""

    embeddings: tuple[Raw, ...]
    model: str | None = None
    prompt_eval_count: int | None = None


_ANSWER = Decoder(EmbedBody)


def encode_request(request: EmbedRequest, model: str) -> Encoded:
    """The request in Ollama's words. Raises `Refused` for token ids."""
    passed = {name: raw for name, raw in request.extra if name in _PASSED and raw != NULL}
    body: dict[str, object] = {"model": model, "input": texts_of(request), **passed}
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    extra = tuple((name, raw) for name, raw in request.extra if name not in _PASSED)
    return Encoded(body=ENCODER.encode(body), lost=lost_of(extra, user=request.user))


def decode_reply(body: bytes) -> Embeddings:
    """All vectors. Without a count nobody counted. Raises `WireFault`, also for an error inside a 200."""
    answer = read_answer(_ANSWER, body, "list of embeddings", _fault)
    usage = Usage(input=max(answer.prompt_eval_count, 0)) if answer.prompt_eval_count else None
    return Embeddings(model=answer.model or "", vectors=answer.embeddings, usage=usage)


def _fault(body: bytes) -> WireFault:
    return fault_inside(Raw(body))


CODEC = whole_codec(
    "ollama-embed",
    Operation.EMBEDDINGS,
    encode_request=encode_request,
    decode_reply=decode_reply,
    portions=in_portions(),
)
"""How embeddings are said in this dialect."""
