"""The words of an OpenAI chat answer, streamed or whole, and of its errors. Pure."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from router.upstream.llama.tools import CallDelta, Delta

JSON_HEADERS = (("content-type", "application/json"),)
SSE_HEADERS = (("content-type", "text/event-stream"), ("cache-control", "no-cache"))

DONE = b"data: [DONE]\n\n"

_ENCODER = msgspec.json.Encoder()


class Finish(Struct, frozen=True, kw_only=True):
    """How an answer ended. `completion_tokens` leaves out the token that ends the turn, as the binding does."""

    reason: str
    prompt_tokens: int
    completion_tokens: int

    def usage(self) -> dict[str, int]:
        """As it stands in an answer."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }


class Title(Struct, frozen=True, kw_only=True):
    """What every chunk of one answer repeats. `model` is the name that was asked for."""

    answer_id: str
    created: int
    model: str


def error_body(message: str, *, kind: str, code: str, param: str | None = None) -> bytes:
    """OpenAI's error envelope."""
    return _ENCODER.encode({"error": {"message": message, "type": kind, "param": param, "code": code}})


def error_event(message: str) -> bytes:
    """An error inside a stream; no `[DONE]` follows it."""
    return b"data: " + error_body(message, kind="server_error", code="generation_failed") + b"\n\n"


def opening_event(title: Title) -> bytes:
    """The role chunk."""
    return _chunk(title, delta={"role": "assistant", "content": ""})


def delta_event(title: Title, delta: Delta) -> bytes:
    """A chunk of text or of a tool call."""
    if isinstance(delta, str):
        return _chunk(title, delta={"content": delta})
    return _chunk(title, delta={"tool_calls": [{"index": delta.index, **_call(title, delta)}]})


def closing_events(title: Title, finish: Finish, *, wants_usage: bool) -> bytes:
    """The finish chunk, the usage chunk where it was asked for, and the end."""
    usage = _event(title, "chat.completion.chunk", {"choices": [], "usage": finish.usage()}) if wants_usage else b""
    return _chunk(title, delta={}, finish_reason=finish.reason) + usage + DONE


def whole_body(title: Title, deltas: list[Delta], finish: Finish) -> bytes:
    """The same answer in one piece."""
    text = "".join(delta for delta in deltas if isinstance(delta, str))
    calls: dict[int, dict[str, Any]] = {}
    for delta in deltas:
        if isinstance(delta, CallDelta) and delta.index in calls:
            calls[delta.index]["function"]["arguments"] += delta.arguments
        elif isinstance(delta, CallDelta):
            calls[delta.index] = _call(title, delta)
    message: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else "")}
    if calls:
        message["tool_calls"] = list(calls.values())
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish.reason}
    return _ENCODER.encode(_said(title, "chat.completion", {"choices": [choice], "usage": finish.usage()}))


def _call(title: Title, delta: CallDelta) -> dict[str, Any]:
    if delta.name is None:
        return {"function": {"arguments": delta.arguments}}
    function = {"name": delta.name, "arguments": delta.arguments}
    return {"id": f"call_{title.answer_id}_{delta.index}", "type": "function", "function": function}


def _chunk(title: Title, *, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return _event(title, "chat.completion.chunk", {"choices": [choice]})


def _event(title: Title, kind: str, rest: dict[str, Any]) -> bytes:
    return b"data: " + _ENCODER.encode(_said(title, kind, rest)) + b"\n\n"


def _said(title: Title, kind: str, rest: dict[str, Any]) -> dict[str, Any]:
    return {"id": title.answer_id, "object": kind, "created": title.created, "model": title.model, **rest}
