"""Cohere's rerank, version 2: what callers ask in, and Cohere itself answers in.

Source: https://docs.cohere.com/reference/rerank, read 2026-11.
"""

from __future__ import annotations

from msgspec import Raw, Struct
from msgspec.json import Decoder

from router.canon.operation import Operation
from router.canon.ranking import Ranked, Ranking, RankRequest
from router.canon.usage import Usage
from router.errors import Refused
from router.wire.cohere_v2.fault import encode_fault, fault_inside
from router.wire.dialect import Ask, Encoded
from router.wire.ids import made_up_id
from router.wire.members import ENCODER, TEXT, read_member, read_optional, required
from router.wire.whole import extra_of, lost_of, peek_whole, read_answer, whole_codec, whole_front

_KNOWN = ("model", "query", "documents", "top_n", "max_tokens_per_doc")


class Placed(Struct, frozen=True):
    """One text's place."""

    index: int
    relevance_score: float


class Billed(Struct, frozen=True):
    """What is billed: one unit is one question about up to a hundred texts."""

    search_units: float | None = None


class Meta(Struct, frozen=True):
    """What the answer says of itself."""

    billed_units: Billed | None = None


class RankBody(Struct, frozen=True):
    """The whole answer."""

    results: tuple[Placed, ...]
    id: str | None = None
    meta: Meta | None = None


_ANSWER = Decoder(RankBody)
_DOCUMENTS = Decoder(tuple[str | dict[str, Raw], ...])
_NUMBER = Decoder(int | None)


def peek(body: bytes) -> Ask:
    """Read what routing needs. Raises `Refused`."""
    return peek_whole(body, "query", "documents")


def decode_request(ask: Ask) -> RankRequest:
    """The whole request in canon. Raises `Refused`, naming the field."""
    fields = ask.fields
    documents, beside = _documents(required(fields, "documents"))
    return RankRequest(
        model=ask.model,
        query=read_member(TEXT, required(fields, "query"), "query"),
        documents=documents,
        top=read_optional(_NUMBER, fields, "top_n"),
        max_tokens_each=read_optional(_NUMBER, fields, "max_tokens_per_doc"),
        extra=(*extra_of(ask, *_KNOWN), *beside),
    )


def encode_request(request: RankRequest, model: str) -> Encoded:
    """The request in Cohere's words."""
    body = {
        "model": model,
        "query": request.query,
        "documents": request.documents,
        "top_n": request.top,
        "max_tokens_per_doc": request.max_tokens_each,
    }
    said = {name: value for name, value in body.items() if value is not None}
    return Encoded(body=ENCODER.encode(said), lost=lost_of(request.extra))


def decode_reply(body: bytes) -> Ranking:
    """The best first. Raises `WireFault`, also for an error inside a 200."""
    answer = read_answer(_ANSWER, body, "ranking", fault_inside)
    billed = answer.meta.billed_units if answer.meta is not None else None
    units = billed.search_units if billed is not None else None
    return Ranking(
        id=answer.id or "",
        model="",
        results=tuple(Ranked(index=one.index, score=one.relevance_score) for one in answer.results),
        usage=None if units is None else Usage(search_units=max(int(units), 0)),
    )


def encode_reply(reply: Ranking) -> bytes:
    """The answer a caller reads. What is billed is only told where it was counted in searches."""
    meta: dict[str, object] = {"api_version": {"version": "2"}}
    usage = reply.usage
    if usage is not None and usage.search_units:
        meta["billed_units"] = {"search_units": usage.search_units}
    if usage is not None and usage.input_total:
        meta["tokens"] = {"input_tokens": usage.input_total}
    results = [{"index": one.index, "relevance_score": one.score} for one in reply.results]
    answer_id = reply.id or made_up_id("rerank-", f"{reply.model}/{results}")
    return ENCODER.encode({"id": answer_id, "results": results, "meta": meta})


def _documents(raw: Raw) -> tuple[tuple[str, ...], list[tuple[str, Raw]]]:
    """The texts; and by path what else stands in one that has the form of the version before this one."""
    read = read_member(_DOCUMENTS, raw, "documents")
    if not read:
        raise Refused("`documents` must not be empty", param="documents")
    texts: list[str] = []
    beside: list[tuple[str, Raw]] = []
    for place, one in enumerate(read):
        path = f"documents[{place}]"
        if isinstance(one, str):
            texts.append(one)
            continue
        if "text" not in one:
            raise Refused(f"`{path}.text` is missing", param=f"{path}.text")
        texts.append(read_member(TEXT, one["text"], f"{path}.text"))
        beside += [(f"{path}.{name}", value) for name, value in one.items() if name != "text"]
    return tuple(texts), beside


CODEC = whole_codec(
    "cohere-rerank",
    Operation.RERANK,
    encode_request=encode_request,
    decode_reply=decode_reply,
    front=whole_front(peek, decode_request, encode_reply, encode_fault),
)
"""How ranking is said in this dialect."""
