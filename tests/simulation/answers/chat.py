"""OpenAI's chat completions."""

from __future__ import annotations

from typing import Any

from tests.simulation.answers.speech import Meaning, Said, Tongue, ToolUse, event

DONE = b"data: [DONE]\n\n"


def stream(meaning: Meaning) -> Said:
    """Chunks, the finish reason, the count, and `[DONE]`."""
    head = {"id": meaning.id, "object": "chat.completion.chunk", "created": 1, "model": meaning.model}

    def delta(fields: dict[str, Any], finish: str | None = None) -> bytes:
        return event({**head, "choices": [{"index": 0, "delta": fields, "finish_reason": finish}]})

    said = [delta({"role": "assistant", "content": ""})]
    said += [delta({"reasoning_content": piece}) for piece in meaning.thoughts]
    said += [delta({"content": word}) for word in meaning.words]
    for index, call in enumerate(meaning.calls):
        function: dict[str, str] = {"name": call.name, "arguments": ""}
        said.append(delta({"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]}))
        said += [delta({"tool_calls": [{"index": index, "function": {"arguments": p}}]}) for p in call.pieces]
    count = event({**head, "choices": [], "usage": _usage(meaning)})
    return (*said, delta({}, _finish(meaning)), count, DONE), len(said)


def whole(meaning: Meaning) -> dict[str, Any]:
    """One completion."""
    message: dict[str, Any] = {"role": "assistant", "content": meaning.text or None}
    if meaning.thoughts:
        message["reasoning_content"] = meaning.thought
    if meaning.calls:
        message["tool_calls"] = [_call(call) for call in meaning.calls]
    choice = {"index": 0, "message": message, "finish_reason": _finish(meaning)}
    head = {"id": meaning.id, "object": "chat.completion", "created": 1, "model": meaning.model}
    return {**head, "choices": [choice], "usage": _usage(meaning)}


def _call(call: ToolUse) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _finish(meaning: Meaning) -> str:
    return "tool_calls" if meaning.calls else "stop"


def _usage(meaning: Meaning) -> dict[str, int]:
    tokens_in, tokens_out = meaning.usage
    return {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}


TONGUE = Tongue(kind="openai-compatible", stream=stream, whole=whole)
