"""Cohere's chat."""

from __future__ import annotations

from typing import Any

from tests.wire.strange.said import Said, Strange, event


def adds(kind: str, index: int | None = 0, **message: Any) -> Said:
    """An event that adds to the message."""
    return event(kind, index=index, delta={"message": message})


def words(text: str | None) -> Said:
    """More text."""
    return adds("content-delta", content={"text": text})


def called(kind: str, index: int | None, arguments: str | None, **more: Any) -> Said:
    """A tool call, or more of it."""
    return adds(kind, index, tool_calls={**more, "function": {"name": more.get("name"), "arguments": arguments}})


def over(reason: str | None = "COMPLETE", **more: Any) -> Said:
    """The last event."""
    return event("message-end", delta={"finish_reason": reason, "usage": {"tokens": {"input_tokens": 3}}, **more})


START = event("message-start", id="c", delta={"message": {"role": "assistant"}})
A, DONE = words("a"), ("", b"[DONE]")
BEGUN = called("tool-call-start", 0, "", id="1", name="f")

COHERES: Strange = {
    "no start": ((A, over(), DONE), "a <stop> ."),
    "begun twice": ((START, START, A, over()), "a <stop> ."),
    "no end": ((START, A, DONE), "a"),
    "two ends": ((START, A, over(), over("MAX_TOKENS")), "a <stop> ."),
    "an end for no reason": ((START, A, over(None)), "a <other> ."),
    "an end in an error": ((START, A, over("ERROR")), "a !server_error"),
    "an error in the end": ((START, A, over(error="no")), "a !server_error"),
    "words in place of an event": ((START, A, ("", {"message": "no"})), "a !server_error"),
    "an error behind the end": ((START, A, over(), ("", {"message": "no"})), "a <stop> ."),
    "a call that does not end": (
        (START, BEGUN, called("tool-call-delta", 0, "{}"), over("TOOL_CALL")),
        "0=f 0:{} <tool_calls> .",
    ),
    "arguments of null in pieces": (
        (START, BEGUN, called("tool-call-delta", 0, "nu"), called("tool-call-delta", 0, "ll"), over("TOOL_CALL")),
        "0=f <tool_calls> .",
    ),
    "arguments that only begin like null": (
        (START, BEGUN, called("tool-call-delta", 0, "nu"), called("tool-call-end", 0, None), over("TOOL_CALL")),
        "0=f 0:nu <tool_calls> .",
    ),
    "arguments of no call": ((START, called("tool-call-delta", 3, "{}"), A, over()), "skipped a <stop> ."),
    "calls without a place": (
        (
            *(START, called("tool-call-start", None, "", id="1", name="f"), called("tool-call-delta", None, "{}")),
            *(called("tool-call-start", None, "", id="2", name="g"), called("tool-call-delta", None, "[]")),
            over("TOOL_CALL"),
        ),
        "0=f 0:{} 1=g 1:[] <tool_calls> .",
    ),
    "one id for two calls": (
        (START, BEGUN, called("tool-call-start", 1, "{}", id="1", name="g"), over("TOOL_CALL")),
        "0=f 1=g 1:{} <tool_calls> .",
    ),
    "a call and an end that says stop": ((START, BEGUN, over()), "0=f <tool_calls> ."),
    "a plan for no calls": ((START, adds("tool-plan-delta", tool_plan="a"), over()), "a <stop> ."),
    "calls that are none": ((START, A, over("TOOL_CALL")), "a <stop> ."),
    "a thought that does not end": (
        (START, adds("content-delta", content={"thinking": "hm"}), A, over()),
        "(hm) a <stop> .",
    ),
    "blocks in a list": (
        (START, adds("content-delta", content=[{"text": "a"}, {"text": "b"}]), over()),
        "a b <stop> .",
    ),
    "nulls everywhere": (
        (
            *(START, event("content-start", index=None, delta=None), words(None)),
            *(adds("content-delta", content=None, tool_calls=None), A, event("content-end", index=None)),
            over(usage=None, error=None),
        ),
        "a <stop> .",
    ),
    "events nobody knows": ((START, ("new", {"type": "new"}), ("", 7), A, over()), "skipped a <stop> ."),
}
