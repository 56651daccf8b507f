"""Google's generateContent."""

from __future__ import annotations

import json
from typing import Any

from tests.simulation.answers.speech import Meaning, Said, Tongue, event


def stream(meaning: Meaning) -> Said:
    """Each event a response of its own; a call comes whole, and the last one has the finish reason and the count."""
    parts = [*_thoughts(meaning.thoughts), *({"text": word} for word in meaning.words), *_calls(meaning)]
    said = [event(_response(meaning, [part])) for part in parts]
    return (*said, event(_response(meaning, [{"text": ""}], last=True))), len(said)


def whole(meaning: Meaning) -> dict[str, Any]:
    """One response."""
    texts = [{"text": meaning.text}] if meaning.words else []
    thoughts = _thoughts((meaning.thought,)) if meaning.thoughts else []
    return _response(meaning, [*thoughts, *texts, *_calls(meaning)], last=True)


def _thoughts(pieces: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{"text": piece, "thought": True} for piece in pieces]


def _calls(meaning: Meaning) -> list[dict[str, Any]]:
    return [
        {"functionCall": {"id": call.id, "name": call.name, "args": json.loads(call.arguments)}}
        for call in meaning.calls
    ]


def _response(meaning: Meaning, parts: list[dict[str, Any]], *, last: bool = False) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    said: dict[str, Any] = {"modelVersion": meaning.model, "responseId": meaning.id, "candidates": [candidate]}
    tokens_in, tokens_out = meaning.usage
    counted = tokens_out if last else 1
    said["usageMetadata"] = {
        "promptTokenCount": tokens_in,
        "candidatesTokenCount": counted,
        "totalTokenCount": tokens_in + counted,
    }
    if last:
        candidate["finishReason"] = "STOP"
    return said


TONGUE = Tongue(kind="gemini", stream=stream, whole=whole)
