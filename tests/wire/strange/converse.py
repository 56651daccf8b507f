"""Converse."""

from __future__ import annotations

from typing import Any

from tests.wire.strange.said import Said, Strange


def tool(place: int, id: str | None, name: str) -> Said:
    """A call begins."""
    return "contentBlockStart", {"contentBlockIndex": place, "start": {"toolUse": {"toolUseId": id, "name": name}}}


def more(place: int, **delta: Any) -> Said:
    """More of a block."""
    return "contentBlockDelta", {"contentBlockIndex": place, "delta": delta}


def stopped(reason: str | None = "end_turn") -> Said:
    """Why the model stopped."""
    return "messageStop", {"stopReason": reason, "additionalModelResponseFields": None}


BEGIN, SAID = ("messageStart", {"role": "assistant"}), more(0, text="a")
COUNT = ("metadata", {"usage": {"inputTokens": 3, "outputTokens": 2}, "metrics": None, "trace": None})
THROTTLED = ("exception:throttlingException", {"message": "no"})

CONVERSE_STREAMS: Strange = {
    "the account first": ((BEGIN, SAID, COUNT, stopped()), "a <stop> ."),
    "no account": ((BEGIN, SAID, stopped()), "a <stop> ."),
    "no stop": ((BEGIN, SAID, COUNT), "a"),
    "a stop of null": ((BEGIN, SAID, stopped(None), COUNT), "a skipped"),
    "two stops": ((BEGIN, SAID, stopped(), stopped("max_tokens"), COUNT), "a <stop> ."),
    "an exception behind the stop": ((BEGIN, SAID, stopped(), THROTTLED), "a <stop> !throttled"),
    "a place begun twice": (
        (BEGIN, tool(0, "1", "f"), tool(0, "2", "g"), tool(1, "3", "h"), more(1, toolUse={"input": "{}"}), stopped()),
        "0=f 1=g 2=h 2:{} <tool_calls> .",
    ),
    "one id for two calls": (
        (BEGIN, tool(0, "1", "f"), tool(1, "1", "g"), stopped("tool_use"), COUNT),
        "0=f 1=g <tool_calls> .",
    ),
    "input of no call": ((BEGIN, more(3, toolUse={"input": "{}"}), stopped(), COUNT), "skipped <stop> ."),
    "nulls everywhere": (
        (
            *(BEGIN, more(0, text=None, toolUse=None, citation=None), SAID),
            *(tool(1, None, "f"), more(1, toolUse={"input": None}), stopped("tool_use"), COUNT),
        ),
        "a 0=f <tool_calls> .",
    ),
    "calls that are none": ((BEGIN, SAID, stopped("tool_use"), COUNT), "a <stop> ."),
    "an event nobody knows": ((BEGIN, ("new", {}), SAID, stopped(), COUNT), "a <stop> ."),
}
