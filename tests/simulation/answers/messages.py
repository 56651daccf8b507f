"""Anthropic's messages."""

from __future__ import annotations

import json
from typing import Any

from tests.simulation.answers.speech import Meaning, Said, Tongue, event


def stream(meaning: Meaning) -> Said:
    """Blocks one after the other. The first event counts before anything was said: a preview that must not end in the
    account of a whole answer."""
    said = [_event("message_start", message=_message(meaning, content=[], stop=None, tokens_out=1))]
    index = 0
    if meaning.thoughts:
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in meaning.thoughts]
        opening = {"type": "thinking", "thinking": "", "signature": ""}
        said += _block(index, opening, [*deltas, {"type": "signature_delta", "signature": "c2ln"}])
        index += 1
    if meaning.words:
        texts = [{"type": "text_delta", "text": word} for word in meaning.words]
        said += _block(index, {"type": "text", "text": ""}, texts)
        index += 1
    for place, call in enumerate(meaning.calls, index):
        pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in call.pieces]
        said += _block(place, {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}, pieces)
    ending = {"stop_reason": _stop(meaning), "stop_sequence": None}
    last = _event("message_delta", delta=ending, usage={"output_tokens": meaning.usage[1]})
    return (*said, last, _event("message_stop")), len(said)


def whole(meaning: Meaning) -> dict[str, Any]:
    """One message."""
    content: list[dict[str, Any]] = []
    if meaning.thoughts:
        content.append({"type": "thinking", "thinking": meaning.thought, "signature": "c2ln"})
    if meaning.words:
        content.append({"type": "text", "text": meaning.text})
    content += [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": json.loads(call.arguments)}
        for call in meaning.calls
    ]
    return _message(meaning, content=content, stop=_stop(meaning), tokens_out=meaning.usage[1])


def _event(kind: str, **fields: Any) -> bytes:
    return event({"type": kind, **fields}, kind)


def _block(index: int, opening: dict[str, Any], deltas: list[dict[str, Any]]) -> list[bytes]:
    return [
        _event("content_block_start", index=index, content_block=opening),
        *(_event("content_block_delta", index=index, delta=delta) for delta in deltas),
        _event("content_block_stop", index=index),
    ]


def _message(meaning: Meaning, *, content: list[dict[str, Any]], stop: str | None, tokens_out: int) -> dict[str, Any]:
    return {
        "id": f"msg_{meaning.id}",
        "type": "message",
        "role": "assistant",
        "model": meaning.model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": meaning.usage[0], "output_tokens": tokens_out},
    }


def _stop(meaning: Meaning) -> str:
    return "tool_use" if meaning.calls else "end_turn"


TONGUE = Tongue(kind="anthropic-compatible", stream=stream, whole=whole)
