"""Recordings of what is not chat: each served on a socket and asked for through the front end that fits it.

The reading here is plain JSON and the providers' documentation, nothing of the product.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterable
from pathlib import Path
from struct import pack, unpack
from typing import Any, NamedTuple

from tests.fakes.provider import ScriptedProvider
from tests.fakes.served import Served, served
from tests.replay.recordings import Recording
from tests.replay.replay import number_of, script_of

Json = Any


class Told(NamedTuple):
    """What an answer says: numbers in order, and what is billed (None: nobody counted)."""

    numbers: tuple[Any, ...]
    billed: int | None


class Asked(NamedTuple):
    """How an operation is asked for and read; `kind` is the provider that speaks the recorded protocol for anybody."""

    operation: str
    kind: str
    path: str
    body: dict[str, Json]
    recorded: Callable[[Json], Told]
    heard: Callable[[Json], Told]


def _rounded(vectors: Iterable[Json]) -> tuple[tuple[float, ...], ...]:
    """Numbers as they are in 32 bits, whatever they came in: base64 has no more of them."""
    packed = (b64decode(raw) if isinstance(raw, str) else pack(f"<{len(raw)}f", *raw) for raw in vectors)
    return tuple(unpack(f"<{len(numbers) // 4}f", numbers) for numbers in packed)


def _openai_embeddings(body: Json) -> Told:
    usage = body.get("usage") or {}
    return Told(_rounded(one["embedding"] for one in body["data"]), usage.get("prompt_tokens"))


def _cohere_embed(body: Json) -> Told:
    return Told(_rounded(body["embeddings"]["float"]), body["meta"]["billed_units"]["input_tokens"])


def _ollama_embed(body: Json) -> Told:
    return Told(_rounded(body["embeddings"]), body.get("prompt_eval_count"))


def _gemini_embed(body: Json) -> Told:
    usage = body.get("usageMetadata") or {}
    return Told(_rounded(one["values"] for one in body["embeddings"]), usage.get("promptTokenCount"))


def _ranking(body: Json) -> Told:
    billed = (body.get("meta") or {}).get("billed_units") or {}
    tokens = (body.get("meta") or {}).get("tokens") or body.get("usage") or {}
    places = tuple((one["index"], one["relevance_score"]) for one in body["results"])
    return Told(places, billed.get("search_units") or tokens.get("input_tokens") or tokens.get("total_tokens"))


def _counted(*names: str) -> Callable[[Json], Told]:
    return lambda body: Told(next((body[name],) for name in names if name in body), None)


_TEXTS = {"input": ["Go on."]}
_QUESTION = {"query": "Go on?", "documents": ["a", "b", "c", "d"]}
_PROMPT = {"messages": [{"role": "user", "content": "Go on."}]}
_EMBED = "/v1/embeddings"
_RANK = "/v1/rerank"
_COUNT = "/v1/messages/count_tokens"
_COUNTED = _counted("input_tokens")

OPERATIONS: dict[str, Asked] = {
    "openai.embeddings": Asked(
        "embeddings", "openai-compatible", _EMBED, _TEXTS, _openai_embeddings, _openai_embeddings
    ),
    "mistral.embeddings": Asked("embeddings", "mistral", _EMBED, _TEXTS, _openai_embeddings, _openai_embeddings),
    "cohere.embed.v2": Asked("embeddings", "cohere", _EMBED, _TEXTS, _cohere_embed, _openai_embeddings),
    "ollama.embed": Asked("embeddings", "ollama", _EMBED, _TEXTS, _ollama_embed, _openai_embeddings),
    "gemini.batchEmbedContents": Asked("embeddings", "gemini", _EMBED, _TEXTS, _gemini_embed, _openai_embeddings),
    "cohere.rerank.v2": Asked("rerank", "cohere", _RANK, _QUESTION, _ranking, _ranking),
    "rerank": Asked("rerank", "openai-compatible", _RANK, _QUESTION, _ranking, _ranking),
    "anthropic.count_tokens": Asked("chat", "anthropic", _COUNT, _PROMPT, _COUNTED, _COUNTED),
    "bedrock.count_tokens": Asked("chat", "bedrock", _COUNT, _PROMPT, _counted("inputTokens"), _COUNTED),
    "gemini.countTokens": Asked("chat", "vertex", _COUNT, _PROMPT, _counted("totalTokens"), _COUNTED),
    "openai.responses.input_tokens": Asked("chat", "openai-responses", _COUNT, _PROMPT, _COUNTED, _COUNTED),
}
"""Protocol -> how it is replayed."""

ESTIMATED = frozenset({"bedrock.count_tokens"})
"""Protocols whose recorded error says that this model's tokens are not counted: an estimate answers."""

FAULTS = {400: 400, 401: 502, 404: 502}
"""Status of a recorded error -> what a caller hears: a provider's wrong key or missing model is not the caller's."""


class Outcome(NamedTuple):
    """What came of one recording; `wrong` is empty when it passed."""

    recording: Recording
    form: str
    wrong: str


async def replay_operations(recordings: Iterable[Recording], home: Path) -> list[Outcome]:
    """Ask for each of them, for embeddings in both forms."""
    asking = [one for one in recordings if one.why_not is None and one.api in OPERATIONS]
    if not asking:
        return []
    async with ScriptedProvider(choose=lambda turn: script_of(asking[number_of(turn)], turn)) as provider:
        providers = {f"cell{n}": _provider(one, n, provider.port) for n, one in enumerate(asking)}
        async with served({"providers": providers, "retry": {"max_attempts": 1}}, home) as router:
            return [await _ask(router, one, n, form) for n, one in enumerate(asking) for form in _forms(one)]


def _forms(recording: Recording) -> tuple[str, ...]:
    return ("float", "base64") if OPERATIONS[recording.api].path == _EMBED else ("",)


def _provider(recording: Recording, number: int, port: int) -> dict[str, Json]:
    asked = OPERATIONS[recording.api]
    model = {"name": "m", "upstream": recording.model or "m", "operations": [asked.operation]}
    base_url = f"http://127.0.0.1:{port}/{number}"
    return {"kind": asked.kind, "base_url": base_url, "api_key": "k-1", "models": [model]}


async def _ask(router: Served, recording: Recording, number: int, form: str) -> Outcome:
    asked = OPERATIONS[recording.api]
    body = {"model": f"cell{number}:m", **asked.body, **({"encoding_format": form} if form else {})}
    async with router.http.post(router.url + asked.path, json=body) as response:
        said = await response.json()
        estimated = "x-router-estimated" in response.headers
        return Outcome(recording, form, _wrong(recording, response.status, said, estimated=estimated))


def _wrong(recording: Recording, status: int, said: Json, *, estimated: bool) -> str:
    asked = OPERATIONS[recording.api]
    if recording.is_error:
        if recording.api in ESTIMATED:
            return "" if status == 200 and estimated and said["input_tokens"] > 0 else f"{status} {said}"
        words = said.get("error", said).get("message")
        expected = FAULTS[recording.status]
        return "" if status == expected and words else f"status {status}, not {expected}: {said}"
    if status != 200 or estimated:
        return f"status {status}, estimated {estimated}: {str(said)[:200]}"
    recorded, heard = asked.recorded(json.loads(recording.body)), asked.heard(said)
    if recorded.numbers != heard.numbers:
        return f"{str(heard.numbers)[:80]}, not {str(recorded.numbers)[:80]}"
    return "" if recorded.billed == heard.billed else f"billed {heard.billed}, not {recorded.billed}"
