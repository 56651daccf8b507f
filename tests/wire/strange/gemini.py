"""Generated content."""

from __future__ import annotations

from typing import Any

from tests.wire.strange.said import Said, Strange


def gives(*parts: Any, finish: str | None = None, **more: Any) -> Said:
    """A piece of one candidate."""
    return "", {"responseId": "g", "candidates": [{"content": {"parts": parts}, "finishReason": finish}], **more}


def text(words: str | None, **more: Any) -> dict[str, Any]:
    """A part of text."""
    return {"text": words, **more}


def call(name: str | None, **args: Any) -> dict[str, Any]:
    """A part that calls."""
    return {"functionCall": {"name": name, "args": args}}


A, STOP = gives(text("a")), gives(finish="STOP")
COUNTED = ("", {"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2}})
BROKEN = ("", {"error": {"code": 503, "status": "UNAVAILABLE", "message": "no"}})
NULLS = dict.fromkeys(("text", "thought", "thoughtSignature", "functionCall", "inlineData", "fileData"))

GENERATED: Strange = {
    "usage before the finish": ((A, COUNTED, STOP), "a <stop> ."),
    "usage behind the finish": ((A, STOP, COUNTED), "a <stop> ."),
    "two finishes": ((A, STOP, gives(finish="MAX_TOKENS")), "a <stop> ."),
    "no finish": ((A, COUNTED), "a"),
    "an empty finish": ((A, gives(finish="")), "a"),
    "an error behind the finish": ((A, STOP, BROKEN), "a <stop> !overloaded"),
    "an error in a list": ((A, ("", [BROKEN[1]])), "a !overloaded"),
    "text with the finish": ((gives(text("a"), finish="STOP"),), "a <stop> ."),
    "text behind the finish": ((A, STOP, gives(text("b"))), "a <stop> b ."),
    "a call behind the finish": (
        (A, STOP, gives(call("f", a=1), finish="STOP")),
        'a <stop> 0=f 0:{"a":1} <tool_calls> .',
    ),
    "a finish nobody knows": ((A, gives(finish="NEW")), "a <other> ."),
    "a finish nobody knows behind nothing": ((gives(finish="NEW"),), "!empty_answer"),
    "nulls everywhere": (
        (("", {"candidates": None, "usageMetadata": None}), gives(NULLS), A, gives(NULLS, finish="STOP")),
        "a <stop> .",
    ),
    "no content": ((("", {"candidates": [{}]}), A, ("", {"candidates": [{"finishReason": "STOP"}]})), "a <stop> ."),
    "calls that are none": ((gives({"functionCall": {}}), A, STOP), "a <stop> ."),
    "one id for two calls": (
        (gives({"functionCall": {"id": "1", "name": "f"}}, {"functionCall": {"id": "1", "name": "g"}}), STOP),
        "0=f 1=g <tool_calls> .",
    ),
    "one name for two calls": (
        (gives(call("f", a=1), call("f", a=1), finish="STOP"),),
        '0=f 0:{"a":1} 1=f 1:{"a":1} <tool_calls> .',
    ),
    "a call without arguments": ((gives({"functionCall": {"name": "f"}}, finish="STOP"),), "0=f <tool_calls> ."),
    "a thought sealed by nothing": (
        (gives(text("hm", thought=True)), gives(text("", thoughtSignature="E")), A, STOP),
        "(hm) (!) a <stop> .",
    ),
    "a prompt that was blocked": ((("", {"promptFeedback": {"blockReason": "SAFETY"}}), COUNTED), "<content_filter> ."),
    "a block behind an answer": ((A, ("", {"promptFeedback": {"blockReason": "SAFETY"}}), STOP), "a <stop> ."),
    "things nobody knows": ((("", {"new": 1}), ("", {}), A, ("", b"{new}"), STOP), "a skipped <stop> ."),
    "quotes and braces in text": ((gives(text('}{"]\\[\n')), STOP), '}{"]\\[\n <stop> .'),
}
