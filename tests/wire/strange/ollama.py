"""Ollama's chat."""

from __future__ import annotations

from typing import Any

from tests.wire.strange.said import Said, Strange


def says(content: str | None = "", *, done: bool | None = False, why: str | None = None, **message: Any) -> Said:
    """A line of an answer."""
    said = {"role": "assistant", "content": content, **message}
    return "", {"model": "m", "created_at": "2026-11-01T00:00:00Z", "message": said, "done": done, "done_reason": why}


def call(name: str | None, arguments: Any = None, **more: Any) -> dict[str, Any]:
    """A tool call."""
    return {"function": {"name": name, "arguments": arguments}, **more}


A, STOP = says("a"), says(done=True, why="stop")
BROKEN = ("", {"error": "no"})

OLLAMAS: Strange = {
    "no end": ((A,), "a"),
    "an end for no reason": ((A, says(done=True)), "a <other> ."),
    "two ends": ((A, STOP, says("b", done=True, why="length")), "a <stop> ."),
    "text with the end": ((says("a", done=True, why="stop"),), "a <stop> ."),
    "an end without a message": ((A, ("", {"done": True, "done_reason": "stop"})), "a <stop> ."),
    "an error in the middle": ((A, BROKEN), "a !server_error"),
    "an error behind the end": ((A, STOP, BROKEN), "a <stop> ."),
    "only loaded": ((says(done=True, why="load"),), "!empty_answer"),
    "calls in two lines": (
        (says(tool_calls=[call("f", {"a": 1})]), says(tool_calls=[call("f", {"a": 1})]), STOP),
        '0=f 0:{"a":1} 1=f 1:{"a":1} <tool_calls> .',
    ),
    "one id for two calls": (
        (says(tool_calls=[call("f", {}, id="1"), call("g", {}, id="1")]), STOP),
        "0=f 0:{} 1=g 1:{} <tool_calls> .",
    ),
    "arguments as text": ((says(tool_calls=[call("f", '{"a":1}')]), STOP), '0=f 0:{"a":1} <tool_calls> .'),
    "arguments of null": ((says(tool_calls=[call("f")]), STOP), "0=f <tool_calls> ."),
    "a call and an end for no reason": (
        (says(tool_calls=[call("f", {})]), says(done=True)),
        "0=f 0:{} <tool_calls> .",
    ),
    "a call with the end": ((says(done=True, why="stop", tool_calls=[call("f", {})]),), "0=f 0:{} <tool_calls> ."),
    "calls that are none": ((A, says(tool_calls=[]), STOP), "a <stop> ."),
    "thought and text in one line": ((says("a", thinking="hm"), STOP), "(hm) a <stop> ."),
    "nulls everywhere": ((says(None, done=None, thinking=None, tool_calls=None), A, STOP), "a <stop> ."),
    "blank lines and lines nobody knows": (
        (("", b""), ("", {"status": "pulling"}), ("", b"7"), A, ("", b" "), STOP),
        "skipped a <stop> .",
    ),
    "line ends and quotes in text": ((says('\n"}\r\n'), STOP), '\n"}\r\n <stop> .'),
}
