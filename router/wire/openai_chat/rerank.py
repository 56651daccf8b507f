"""Ranking as the servers and resellers say it that speak OpenAI's protocol: Cohere's question, Jina's answer.

Source: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#rerank-api,
https://docs.together.ai/reference/rerank and a recording of OpenRouter, read 2026-11.
"""

from __future__ import annotations

from msgspec import Raw, Struct
from msgspec.json import Decoder

from router.canon.operation import Operation
from router.canon.ranking import Ranked, Ranking, RankRequest
from router.canon.usage import Usage
from router.wire.dialect import Encoded
from router.wire.members import ENCODER, NULL, UNREADABLE
from router.wire.openai_chat.fault import fault_inside
from router.wire.openai_chat.schema import USAGE
from router.wire.tokens import split_tokens
from router.wire.whole import lost_of, read_answer, whole_codec


class Placed(Struct, frozen=True):
    """One text's place; the text itself, which some send back, is left out."""

    index: int
    relevance_score: float


class RankBody(Struct, frozen=True):
    """The whole answer."""

    results: tuple[Placed, ...]
    id: str | None = None
    model: str | None = None
    usage: Raw = NULL


_ANSWER = Decoder(RankBody)


def encode_request(request: RankRequest, model: str) -> Encoded:
    """The request in these words."""
    body: dict[str, object] = {"model": model, "query": request.query, "documents": request.documents}
    if request.top is not None:
        body["top_n"] = request.top
    return Encoded(body=ENCODER.encode(body), lost=lost_of(request.extra, max_tokens_per_doc=request.max_tokens_each))


def decode_reply(body: bytes) -> Ranking:
    """The best first. Raises `WireFault`, also for an error inside a 200."""
    answer = read_answer(_ANSWER, body, "ranking", fault_inside)
    return Ranking(
        id=answer.id or "",
        model=answer.model or "",
        results=tuple(Ranked(index=one.index, score=one.relevance_score) for one in answer.results),
        usage=_usage(answer.usage),
    )


def _usage(raw: Raw) -> Usage | None:
    """What was read. Most tell one total: nothing is written by a ranking, so it is the prompt's."""
    try:
        counts = USAGE.decode(raw)
    except UNREADABLE:
        return None
    if counts is None or (counts.total_tokens is None and counts.prompt_tokens is None):
        return None
    tokens = counts.prompt_tokens or counts.total_tokens or 0
    return Usage(input=max(tokens, 0), reported_usd=split_tokens(counts).reported_usd)


CODEC = whole_codec("openai-rerank", Operation.RERANK, encode_request=encode_request, decode_reply=decode_reply)
"""How ranking is said by who speaks this dialect."""
