"""Anthropic's Messages."""

from __future__ import annotations

from typing import Any

from tests.replay.faults import why
from tests.replay.said import Answer, Call, Said, Usage, answer, arguments

Json = Any

_DELTAS = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "input_json_delta": ("json", "partial_json"),
}
"""Type of delta -> (member of the block, member of the delta)."""


def read(pieces: list[Json], *, streamed: bool) -> Said:
    """A message, or the events of one."""
    if streamed:
        return _streamed(pieces)
    message = pieces[0]
    if message["type"] == "error":
        return Said((), None, why(message["error"]))
    return Said((_answer(message["content"], message["stop_reason"]),), _usage(message["usage"]))


def _streamed(pieces: list[Json]) -> Said:
    """What the last event says of the ending and the counts is the truth; what it leaves out stays."""
    blocks: dict[int, Json] = {}
    counted: Json = {}
    finish = ""
    for piece in pieces:
        match piece:
            case {"type": "message_start", "message": message}:
                counted = {**message["usage"]}
            case {"type": "content_block_start", "index": place, "content_block": block}:
                blocks[place] = {**block, "json": ""}
            case {"type": "content_block_delta", "index": place, "delta": delta}:
                _add(blocks[place], delta)
            case {"type": "message_delta", "delta": delta}:
                finish = delta.get("stop_reason") or finish
                counted |= {name: count for name, count in piece["usage"].items() if count is not None}
    said = _answer([{**block, "input": arguments(block["json"])} for block in blocks.values()], finish)
    error = next((piece for piece in pieces if piece.get("type") in ("error", None)), None)
    return Said((said,), _usage(counted) if counted else None, why(error.get("error", error)) if error else None)


def _add(block: Json, delta: Json) -> None:
    if delta["type"] in _DELTAS:
        member, said = _DELTAS[delta["type"]]
        block[member] = block.get(member, "") + delta[said]


def _answer(blocks: list[Json], finish: str) -> Answer:
    texts, thoughts = [], []
    calls: list[Call] = []
    own: list[str] = []
    for block in blocks:
        match block["type"]:
            case "text":
                texts.append(block["text"])
            case "thinking":
                thoughts.append(block["thinking"])
            case "tool_use":
                calls.append(Call(block["name"], block["input"], block["id"]))
            case "redacted_thinking":
                pass
            case kind:
                own.append(kind)
    return answer(finish, text="".join(texts), thinking="\n\n".join(thoughts), calls=tuple(calls), own=tuple(own))


def _usage(counted: Json) -> Usage:
    cached, kept = counted.get("cache_read_input_tokens") or 0, counted.get("cache_creation_input_tokens") or 0
    thought = (counted.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    return Usage((counted.get("input_tokens") or 0) + cached + kept, counted.get("output_tokens") or 0, cached, thought)
