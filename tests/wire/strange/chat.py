"""Chat completions."""

from __future__ import annotations

from typing import Any

from tests.wire.strange.said import Said, Strange


def chunk(delta: Any = None, finish: str | None = None, **more: Any) -> Said:
    """A chunk of one choice."""
    return "", {"id": "x", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def call(index: int | None, id: str | None = None, name: str | None = None, arguments: Any = None) -> Said:
    """A piece of a tool call."""
    function = {"name": name, "arguments": arguments}
    return chunk({"tool_calls": [{"index": index, "id": id, "type": None, "function": function}]})


A, STOP, CALLS, DONE = chunk({"content": "a"}), chunk({}, "stop"), chunk({}, "tool_calls"), ("", b"[DONE]")
COUNTED = ("", {"id": "x", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})
BROKEN = ("", {"error": {"message": "no", "type": "server_error"}})
REMARK = (
    "",
    {
        "id": "",
        "model": "",
        "choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {}, "content_filter_results": {}}],
    },
)
"""As Azure's asynchronous filter makes them, at any time."""
NULLS = dict.fromkeys(("role", "content", "refusal", "tool_calls", "function_call", "reasoning", "annotations"))

CHATS: Strange = {
    "usage before the finish": ((A, COUNTED, STOP, DONE), "a <stop> ."),
    "two finishes": ((A, STOP, STOP, COUNTED, DONE), "a <stop> ."),
    "no [DONE]": ((A, STOP), "a <stop> ."),
    "no finish": ((A, DONE), "a"),
    "an empty finish": ((A, chunk({}, ""), DONE), "a"),
    "an error behind the finish": ((A, STOP, BROKEN, DONE), "a <stop> !server_error"),
    "an error behind the end": ((A, STOP, DONE, BROKEN), "a <stop> ."),
    "choices empty and null": (
        (("", {"choices": []}), ("", {"id": "x", "choices": None}), A, STOP, DONE),
        "a <stop> .",
    ),
    "pings and names nobody knows": ((("ping", {}), ("", {"type": "ping"}), A, ("new", {"a": 1}), STOP), "a <stop> ."),
    "nulls everywhere": ((chunk(NULLS), A, chunk(None, "stop", usage=None), DONE), "a <stop> ."),
    "text with the finish": ((chunk({"content": "a"}, "stop"), DONE), "a <stop> ."),
    "arguments before the name": ((call(0, "i", None, "{"), call(0, None, "f", "}"), CALLS), "0=f 0:{} <tool_calls> ."),
    "a name that never comes": ((call(0, "i", None, "{}"), CALLS, DONE), "!malformed"),
    "one id for two calls": (
        (call(0, "i", "f", "{"), call(1, "i", "g", "["), call(0, None, "", "}"), call(1, None, "", "]"), CALLS),
        "0=f 0:{ 1=g 1:[ 0:} 1:] <tool_calls> .",
    ),
    "a call without place and id": (
        (call(None, None, "f"), call(None, None, None, "{}"), CALLS),
        "0=f 0:{} <tool_calls> .",
    ),
    "arguments as an object": ((call(0, "i", "f", {"a": 1}), STOP), '0=f 0:{"a":1} <tool_calls> .'),
    "a call behind the finish": (
        (A, STOP, call(0, "i", "f", "{"), call(0, None, None, "}"), COUNTED, DONE),
        "a <stop> 0=f 0:{ <tool_calls> 0:} .",
    ),
    "a call behind two finishes": ((STOP, STOP, call(0, "i", "f", "{}"), STOP), "<stop> 0=f 0:{} <tool_calls> ."),
    "a call behind a length": ((A, chunk({}, "length"), call(0, "i", "f", "{"), DONE), "a <length> 0=f 0:{ ."),
    "remarks of a filter": (
        (
            ("", {"id": "", "object": "", "created": 0, "model": "", "prompt_filter_results": [{}], "choices": []}),
            *(A, STOP, REMARK, REMARK, DONE),
        ),
        "a <stop> .",
    ),
    "a filter that was late": ((A, REMARK, chunk({}, "content_filter"), REMARK, DONE), "a <content_filter> ."),
    "calls that are none": ((A, CALLS, DONE), "a <stop> ."),
}
