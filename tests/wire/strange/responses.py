"""Responses."""

from __future__ import annotations

from typing import Any

from tests.wire.strange.said import Said, Strange, event


def over(*output: Any, status: str = "completed", **more: Any) -> Said:
    """The last event, with the whole."""
    counts = {"input_tokens": 3, "output_tokens": 2}
    response = {"id": "r", "status": status, "output": output, "usage": counts, **more}
    return event(f"response.{status}", response=response)


def item(place: int, whole: Any, *, done: bool = False) -> Said:
    """An item comes, or is whole."""
    return event(f"response.output_item.{'done' if done else 'added'}", output_index=place, item=whole)


CREATED = event("response.created", response={"id": "r", "model": "m", "status": "in_progress", "output": []})
SAYS = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]}
CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
THOUGHT = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "E"}
NEW_CALL = {**CALL, "arguments": ""}


def words(place: int | None, text: str | None = "a") -> Said:
    """More text."""
    return event("response.output_text.delta", output_index=place, content_index=0, delta=text)


RESPONSE_STREAMS: Strange = {
    "nothing but the end": ((over(THOUGHT, SAYS, CALL),), "(hm) (!) a 0=f 0:{} <tool_calls> ."),
    "a call only in the end": ((CREATED, words(0), over(SAYS, CALL)), "a 0=f 0:{} <tool_calls> ."),
    "text only in the end": ((CREATED, item(0, {**SAYS, "content": []}), over(SAYS)), "a <stop> ."),
    "arguments only in the end": ((CREATED, item(0, NEW_CALL), over(CALL)), "0=f 0:{} <tool_calls> ."),
    "places from 1": ((CREATED, words(1), item(1, SAYS, done=True), over(SAYS)), "a <stop> ."),
    "places null": ((CREATED, words(None), over(SAYS)), "a <stop> ."),
    "an end without its thought": (
        (CREATED, item(0, THOUGHT, done=True), words(1), item(1, SAYS, done=True), over(SAYS)),
        "(hm) (!) a <stop> .",
    ),
    "whole twice": (
        (CREATED, item(0, THOUGHT, done=True), item(0, THOUGHT, done=True), over(THOUGHT)),
        "(hm) (!) <stop> .",
    ),
    "begun twice": ((CREATED, item(0, NEW_CALL), item(0, NEW_CALL), over(CALL)), "0=f 0:{} <tool_calls> ."),
    "two ends": ((CREATED, words(0), over(SAYS), over(SAYS)), "a <stop> ."),
    "an error behind the end": ((CREATED, words(0), over(SAYS), ("error", {"type": "error"})), "a <stop> ."),
    "no end": ((CREATED, words(0), item(0, SAYS, done=True), ("", b"[DONE]")), "a"),
    "incomplete for no reason": (
        (CREATED, words(0), over(status="incomplete", incomplete_details=None)),
        "a <length> .",
    ),
    "complete in name only": (
        (CREATED, words(0), event("response.completed", response={"status": "failed", "error": {"message": "no"}})),
        "a !server_error",
    ),
    "nulls everywhere": (
        (event("response.created", response=None), words(0, None), item(0, None), words(0), over(SAYS)),
        "a <stop> .",
    ),
}
