"""Ollama's native chat: lines of JSON, the last of which counts."""

from __future__ import annotations

from typing import Any

from tests.replay.faults import why
from tests.replay.said import Call, Said, Usage, answer, arguments

Json = Any


def read(pieces: list[Json], *, streamed: bool) -> Said:
    """An answer, or the lines of one: both have the same form."""
    del streamed
    text, thinking, finish = "", "", ""
    calls: list[Call] = []
    usage: Usage | None = None
    fault: str | None = None
    for piece in pieces:
        if "error" in piece:
            fault = why(piece["error"])
            break
        said = piece["message"]
        text += said.get("content") or ""
        thinking += said.get("thinking") or ""
        for call in said.get("tool_calls") or ():
            calls.append(Call(call["function"]["name"], arguments(call["function"]["arguments"]), call.get("id") or ""))
        if piece.get("done"):
            finish = piece.get("done_reason") or "stop"
            usage = Usage(piece.get("prompt_eval_count", 0), piece.get("eval_count", 0))
    return Said((answer(finish, text=text, thinking=thinking, calls=tuple(calls)),), usage, fault)
