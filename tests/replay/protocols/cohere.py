"""Cohere's second chat protocol. A plan for the calls is said to the user, and so it is text."""

from __future__ import annotations

from typing import Any

from tests.replay.faults import why
from tests.replay.said import Call, Said, Usage, answer, arguments

Json = Any


def read(pieces: list[Json], *, streamed: bool) -> Said:
    """An answer, or the events of one."""
    return _streamed(pieces) if streamed else _whole(pieces[0])


def _whole(said: Json) -> Said:
    message = said["message"]
    if isinstance(message, str):
        return Said((), None, why(message))
    content = message.get("content") or []
    calls = [
        Call(call["function"]["name"], arguments(call["function"]["arguments"]), call["id"])
        for call in message.get("tool_calls") or ()
    ]
    made = answer(
        said["finish_reason"],
        text="".join(part.get("text") or "" for part in content) + (message.get("tool_plan") or ""),
        thinking="".join(part.get("thinking") or "" for part in content),
        calls=tuple(calls),
    )
    return Said((made,), _usage(said.get("usage")))


def _streamed(pieces: list[Json]) -> Said:
    text, thinking, finish = "", "", ""
    calls: list[list[str]] = []
    usage: Usage | None = None
    for piece in pieces:
        delta = piece.get("delta") or {}
        message = delta.get("message") or {}
        match piece["type"]:
            case "content-start" | "content-delta":
                text += message["content"].get("text") or ""
                thinking += message["content"].get("thinking") or ""
            case "tool-plan-delta":
                text += message["tool_plan"]
            case "tool-call-start":
                call = message["tool_calls"]
                calls.append([call["id"], call["function"]["name"], call["function"].get("arguments") or ""])
            case "tool-call-delta":
                calls[-1][2] += message["tool_calls"]["function"]["arguments"]
            case "message-end":
                finish, usage = delta["finish_reason"], _usage(delta.get("usage"))
    made = tuple(Call(name, arguments(said), id) for id, name, said in calls)
    failed = "server_error" if finish in ("ERROR", "TIMEOUT") else None
    return Said((answer(finish, text=text, thinking=thinking, calls=made),), usage, failed)


def _usage(counted: Json) -> Usage | None:
    tokens = (counted or {}).get("tokens")
    if not tokens:
        return None
    cached, thought = int(counted.get("cached_tokens") or 0), int(tokens.get("reasoning_tokens") or 0)
    return Usage(int(tokens["input_tokens"]), int(tokens["output_tokens"]), cached, thought)
