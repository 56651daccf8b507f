"""Ollama's chat: lines of JSON, the last of which is done."""

from __future__ import annotations

import json
from typing import Any

from tests.simulation.answers.speech import Meaning, Said, Tongue, compact


def stream(meaning: Meaning) -> Said:
    """A line for each piece; a call comes whole."""
    messages = [{"content": "", "thinking": piece} for piece in meaning.thoughts]
    messages += [{"content": word} for word in meaning.words]
    lines = [_line(meaning, message) for message in messages]
    lines += [_line(meaning, {"content": "", "tool_calls": [call]}) for call in _calls(meaning)]
    return (*lines, compact(_reply(meaning, {"content": ""})) + b"\n"), len(lines)


def whole(meaning: Meaning) -> dict[str, Any]:
    """One reply."""
    message: dict[str, Any] = {"content": meaning.text}
    if meaning.thoughts:
        message["thinking"] = meaning.thought
    if meaning.calls:
        message["tool_calls"] = _calls(meaning)
    return _reply(meaning, message)


def _line(meaning: Meaning, message: dict[str, Any]) -> bytes:
    return compact({**_head(meaning), "message": {"role": "assistant", **message}, "done": False}) + b"\n"


def _reply(meaning: Meaning, message: dict[str, Any]) -> dict[str, Any]:
    counts = {"prompt_eval_count": meaning.usage[0], "eval_count": meaning.usage[1]}
    said = {"message": {"role": "assistant", **message}, "done": True, "done_reason": "stop"}
    return {**_head(meaning), **said, **counts}


def _head(meaning: Meaning) -> dict[str, Any]:
    return {"model": meaning.model, "created_at": "2023-11-14T22:13:20Z"}


def _calls(meaning: Meaning) -> list[dict[str, Any]]:
    return [
        {"id": call.id, "function": {"index": number, "name": call.name, "arguments": json.loads(call.arguments)}}
        for number, call in enumerate(meaning.calls)
    ]


TONGUE = Tongue(kind="ollama", stream=stream, whole=whole, stream_type="application/x-ndjson")
