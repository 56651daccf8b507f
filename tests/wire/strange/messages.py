"""Messages."""

from __future__ import annotations

from typing import Any

from tests.wire.strange.said import Said, Strange, event


def begun(index: int | None, kind: str, **block: Any) -> Said:
    """A block begins."""
    return event("content_block_start", index=index, content_block={"type": kind, **block})


def piece(index: int | None, kind: str, **delta: Any) -> Said:
    """More of it."""
    return event("content_block_delta", index=index, delta={"type": kind, **delta})


def ended(index: int | None) -> Said:
    """It ends."""
    return event("content_block_stop", index=index)


START = event("message_start", message={"id": "m", "model": "c", "content": [], "usage": {"input_tokens": 3}})
LAST = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 2})
OVER = event("message_stop")
TEXT, FULL = begun(0, "text", text=""), begun(0, "tool_use", id="t", name="f", input={"a": 1})
SPOKEN = (TEXT, piece(0, "text_delta", text="a"), ended(0))
OVERLOADED = ("error", {"type": "error", "error": {"type": "overloaded_error", "message": "no"}})

MESSAGE_STREAMS: Strange = {
    "a block that does not end": ((START, *SPOKEN[:2], LAST, OVER), "a <stop> ."),
    "neither block nor message end": ((START, *SPOKEN[:2], LAST), "a <stop>"),
    "no message_stop": ((START, *SPOKEN, LAST), "a <stop> ."),
    "no reason": ((START, *SPOKEN, OVER), "a"),
    "two message_deltas": (
        (START, *SPOKEN, event("message_delta", delta={}, usage={}), LAST, LAST, OVER),
        "a <stop> .",
    ),
    "an error behind the reason": ((START, *SPOKEN, LAST, OVERLOADED), "a <stop> !overloaded"),
    "begun twice": ((START, START, *SPOKEN, LAST, OVER), "a <stop> ."),
    "one id for two calls": (
        (START, begun(0, "tool_use", id="t", name="f", input={}), ended(0), FULL, ended(0), LAST, OVER),
        '0=f 1=f 1:{"a":1} <tool_calls> .',
    ),
    "a call said twice": ((START, FULL, FULL, ended(0), LAST, OVER), '0=f 0:{"a":1} <tool_calls> .'),
    "a whole call that does not end": ((START, FULL, LAST, OVER), '0=f <tool_calls> 0:{"a":1} .'),
    "a block that is told whole with a beginning of nothing": (
        (
            START,
            begun(0, "compaction", content=None),
            piece(0, "compaction_delta", content="so far", encrypted_content="E"),
            piece(9, "compaction_delta", content="astray"),
            ended(0),
            *(*SPOKEN, LAST, OVER),
        ),
        "skipped opaque a <stop> .",
    ),
    "blocks without a place": (
        (
            START,
            begun(None, "text", text=None),
            piece(None, "text_delta", text="a"),
            ended(None),
            begun(None, "tool_use", id=None, name="f", input=None),
            piece(None, "input_json_delta", partial_json=None),
            piece(None, "input_json_delta", partial_json="{}"),
            ended(None),
            LAST,
            OVER,
        ),
        "a 0=f 0:{} <tool_calls> .",
    ),
    "a thought of nulls": (
        (
            START,
            begun(0, "thinking", thinking=None, signature=None),
            piece(0, "thinking_delta", thinking="hm"),
            piece(0, "signature_delta", signature=None),
            ended(0),
            *(LAST, OVER),
        ),
        "(hm) <stop> .",
    ),
    "arguments of no call": ((START, piece(5, "input_json_delta", partial_json="{}"), LAST, OVER), "skipped <stop> ."),
    "pings and types nobody knows": (
        (("ping", {"type": "ping"}), START, event("new"), *SPOKEN[:1], event("ping"), *SPOKEN[1:], LAST, OVER),
        "a <stop> .",
    ),
}
