"""Cohere's chat, version 2."""

from __future__ import annotations

from typing import Any

from tests.simulation.answers.speech import Meaning, Said, Tongue, ToolUse, event


def stream(meaning: Meaning) -> Said:
    """A message of contents and calls, with the count in its last event."""
    head = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    said = [_event("message-start", id=meaning.id, delta={"message": head})]
    index = 0
    for kind, pieces in (("thinking", meaning.thoughts), ("text", meaning.words)):
        if pieces:
            said += _content(index, kind, pieces)
            index += 1
    for number, call in enumerate(meaning.calls):
        said += _call(number, call)
    said.append(
        _event("message-end", id=meaning.id, delta={"finish_reason": _finish(meaning), "usage": _usage(meaning)})
    )
    return tuple(said), len(said) - 1


def whole(meaning: Meaning) -> dict[str, Any]:
    """One message."""
    content = [{"type": "thinking", "thinking": meaning.thought}] if meaning.thoughts else []
    content += [{"type": "text", "text": meaning.text}] if meaning.words else []
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if meaning.calls:
        message["tool_calls"] = [_function(call, call.arguments) for call in meaning.calls]
    return {"id": meaning.id, "finish_reason": _finish(meaning), "message": message, "usage": _usage(meaning)}


def _event(kind: str, **fields: Any) -> bytes:
    return event({"type": kind, **fields}, kind)


def _content(index: int, kind: str, pieces: tuple[str, ...]) -> list[bytes]:
    opening = {"message": {"content": {"type": kind, kind: ""}}}
    deltas = [_event("content-delta", index=index, delta={"message": {"content": {kind: piece}}}) for piece in pieces]
    return [_event("content-start", index=index, delta=opening), *deltas, _event("content-end", index=index)]


def _call(number: int, call: ToolUse) -> list[bytes]:
    opening = {"message": {"tool_calls": _function(call, "")}}
    deltas = [
        _event("tool-call-delta", index=number, delta={"message": {"tool_calls": {"function": {"arguments": piece}}}})
        for piece in call.pieces
    ]
    return [_event("tool-call-start", index=number, delta=opening), *deltas, _event("tool-call-end", index=number)]


def _function(call: ToolUse, arguments: str) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _finish(meaning: Meaning) -> str:
    return "TOOL_CALL" if meaning.calls else "COMPLETE"


def _usage(meaning: Meaning) -> dict[str, Any]:
    counted = {"input_tokens": meaning.usage[0], "output_tokens": meaning.usage[1]}
    return {"billed_units": counted, "tokens": counted}


TONGUE = Tongue(kind="cohere", stream=stream, whole=whole)
