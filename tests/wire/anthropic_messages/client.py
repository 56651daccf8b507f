"""A client of the protocol as strict as the official ones: what they would crash on or lose fails here."""

from __future__ import annotations

import json
from typing import Any

_EMPTY: dict[str, dict[str, Any]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
}
"""How a block of each type must begin: clients add to these, and ignore anything else there."""

_ADDS = {"text_delta": ("text", "text"), "thinking_delta": ("thinking", "thinking")}


def events_in(stream: bytes) -> list[dict[str, Any]]:
    """The events of a stream: each one named, each name the type of its data."""
    assert stream == b"" or stream.endswith(b"\n\n")
    events = []
    for block in stream.decode().split("\n\n")[:-1]:
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        events.append(event)
    return events


def message_in(stream: bytes) -> dict[str, Any]:
    """The whole message of a complete stream."""
    events = [event for event in events_in(stream) if event["type"] != "ping"]
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]
    assert [event["type"] for event in events].count("message_delta") == 1
    message: dict[str, Any] = events[0]["message"]
    assert events[0]["type"] == "message_start"
    assert (message["content"], message["stop_reason"], message["stop_sequence"]) == ([], None, None)
    assert isinstance(message["usage"]["input_tokens"], int)
    assert isinstance(events[-2]["usage"]["output_tokens"], int)
    message["content"] = blocks_in(events[1:-2])
    return {**message, **events[-2]["delta"], "usage": events[-2]["usage"]}


def blocks_in(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The blocks, one after the other and counted without gaps."""
    blocks: list[dict[str, Any]] = []
    is_open = False
    for event in events:
        if event["type"] == "content_block_start":
            assert not is_open
            assert event["index"] == len(blocks)
            block = event["content_block"]
            assert block.items() >= _EMPTY.get(block["type"], {}).items()
            blocks.append({**block, "_pieces": "", "_seals": 0})
            is_open = True
            continue
        assert is_open
        assert event["index"] == len(blocks) - 1
        if event["type"] == "content_block_stop":
            is_open = False
        else:
            _add(blocks[-1], event["delta"])
    assert not is_open
    return [_closed(block) for block in blocks]


def _add(block: dict[str, Any], delta: dict[str, Any]) -> None:
    kind = delta["type"]
    if kind in _ADDS:
        name, of = _ADDS[kind]
        assert block["type"] == of
        block[name] += delta[name]
    elif kind == "input_json_delta":
        assert block["type"] == "tool_use"
        block["_pieces"] += delta["partial_json"]
    elif kind == "signature_delta":
        block["signature"] = delta["signature"]
        block["_seals"] += 1
    else:
        assert kind == "citations_delta"
        block.setdefault("citations", []).append(delta["citation"])


def _closed(block: dict[str, Any]) -> dict[str, Any]:
    pieces, seals = block.pop("_pieces"), block.pop("_seals")
    if block["type"] == "thinking":
        assert seals == 1
    return {**block, "input": json.loads(pieces)} if block["type"] == "tool_use" else block
