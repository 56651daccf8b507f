"""What a scripted provider can do: OpenAI chat answers, and every way to fail at giving one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.turn import Gate, Script, Turn

USAGE: dict[str, Any] = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
"""What the answers say they cost, unless told otherwise."""
_JSON = {"Content-Type": "application/json"}
_EVENTS = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}
DONE = b"data: [DONE]\n\n"


def event(payload: object) -> bytes:
    """A server-sent event with `payload` as JSON."""
    return b"data: " + json.dumps(payload, ensure_ascii=False).encode() + b"\n\n"


def delta(turn: Turn, fields: Mapping[str, object], finish: str | None = None, **more: object) -> bytes:
    """A chunk event of an OpenAI chat stream, with the model that was asked for."""
    choice = {"index": 0, "delta": fields, "finish_reason": finish}
    return event(_frame(turn, "chat.completion.chunk", choices=[choice], **more))


def _frame(turn: Turn, kind: str, **more: object) -> dict[str, object]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": turn.asked().get("model", "m"), **more}


def answer(
    text: str = "well", *, usage: object = USAGE, finish: str = "stop", headers: Mapping[str, str] | None = None
) -> Script:
    """A whole answer, as JSON; `usage` None leaves the field out."""

    async def script(turn: Turn) -> None:
        message = {"role": "assistant", "content": text}
        more = {} if usage is None else {"usage": usage}
        choice = {"index": 0, "message": message, "finish_reason": finish}
        await _whole(turn, 200, {**_JSON, **(headers or {})}, _frame(turn, "chat.completion", choices=[choice], **more))

    return script


def stream(
    pieces: Sequence[str] = ("we", "ll"),
    *,
    usage: object = USAGE,
    finish: str | None = "stop",
    done: bool = True,
    gate: Gate | None = None,
    headers: Mapping[str, str] | None = None,
) -> Script:
    """A streamed answer that ends in order on the wire.

    Args:
        pieces: one content event each, after a role event.
        usage: sent in an event without choices after the finish, where not None.
        finish: None leaves the finish reason out: the body ends well, the answer does not.
        done: whether `[DONE]` follows.
        gate: waited for before each content event.
    """

    async def script(turn: Turn) -> None:
        await _begin(turn, pieces, gate, headers)
        if finish is not None:
            await turn.chunk(delta(turn, {}, finish))
        if usage is not None:
            await turn.chunk(event(_frame(turn, "chat.completion.chunk", choices=[], usage=usage)))
        if done:
            await turn.chunk(DONE)
        await turn.chunk(b"")

    return script


def paused_stream(pieces: Sequence[str], gate: Gate) -> Script:
    """A streamed answer whose first piece comes at once, and each other one when the gate lets it; whole in the end."""

    async def script(turn: Turn) -> None:
        await _begin(turn, pieces[:1])
        await _say(turn, pieces[1:], gate)
        for block in (
            delta(turn, {}, "stop"),
            event(_frame(turn, "chat.completion.chunk", choices=[], usage=USAGE)),
            DONE,
            b"",
        ):
            await turn.chunk(block)

    return script


def speak(text: str = "well") -> Script:
    """Answers as it was asked to: streamed, a word an event, or whole."""

    async def script(turn: Turn) -> None:
        words = [word if n == 0 else " " + word for n, word in enumerate(text.split(" "))]
        await (stream(words) if turn.asked().get("stream") else answer(text))(turn)

    return script


def calling(name: str) -> Script:
    """Calls the tool that the request calls so, whole or streamed."""

    async def script(turn: Turn) -> None:
        call = {"id": "call_9", "type": "function", "function": {"name": name, "arguments": "{}"}}
        if not turn.asked().get("stream"):
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
            choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
            await _whole(turn, 200, _JSON, _frame(turn, "chat.completion", choices=[choice], usage=USAGE))
            return
        await _begin(turn, ())
        for block in (
            delta(turn, {"tool_calls": [{"index": 0, **call}]}),
            delta(turn, {}, "tool_calls"),
            event(_frame(turn, "chat.completion.chunk", choices=[], usage=USAGE)),
            DONE,
            b"",
        ):
            await turn.chunk(block)

    return script


def status(code: int, headers: Mapping[str, str] | None = None, body: object = None) -> Script:
    """An error answer; without `body`, the OpenAI error object with a message that names the status."""

    async def script(turn: Turn) -> None:
        said = {"error": {"message": f"scripted {code}", "type": "scripted", "code": None}} if body is None else body
        await _whole(turn, code, {**_JSON, **(headers or {})}, said)

    return script


def silence() -> Script:
    """Reads the request and never sends a byte."""
    return Turn.gone


def head_then_silence() -> Script:
    """200, and then nothing for ever."""

    async def script(turn: Turn) -> None:
        await turn.head(200, _EVENTS)
        await turn.gone()

    return script


def stall_after(pieces: Sequence[str]) -> Script:
    """A stream that stops after `pieces` and stays open."""

    async def script(turn: Turn) -> None:
        await _begin(turn, pieces)
        await turn.gone()

    return script


def cut_after(pieces: Sequence[str] = (), *, gate: Gate | None = None) -> Script:
    """A stream whose connection is closed in order (FIN) after `pieces`, inside the body."""

    async def script(turn: Turn) -> None:
        await _begin(turn, pieces, gate)
        turn.cut()

    return script


def reset_after(pieces: Sequence[str] = (), *, gate: Gate) -> Script:
    """A stream that is reset (RST) after `pieces`, once the gate lets it: a reset throws away bytes on the way."""

    async def script(turn: Turn) -> None:
        await _begin(turn, pieces)
        await gate.wait()
        turn.reset()

    return script


def hang_up() -> Script:
    """Closes in order (FIN) without a byte."""

    async def script(turn: Turn) -> None:
        turn.cut()

    return script


def reset() -> Script:
    """Resets (RST) without a byte."""

    async def script(turn: Turn) -> None:
        turn.reset()

    return script


def error_event(message: str, *, after: Sequence[str] = (), code: object = None, kind: str = "server_error") -> Script:
    """A 200 whose stream says an error after `after`, then ends in order."""

    async def script(turn: Turn) -> None:
        await _begin(turn, after)
        await turn.chunk(event({"error": {"message": message, "type": kind, "code": code}}))
        await turn.chunk(b"")

    return script


def raw(*parts: bytes, gate: Gate | None = None, then: str = "cut") -> Script:
    """Exactly these bytes, head and all.

    Args:
        parts: one write each.
        gate: waited for before each part after the first.
        then: "cut", "reset", "keep" (the bytes were a whole answer), or "silence".
    """

    async def script(turn: Turn) -> None:
        for n, part in enumerate(parts):
            if gate is not None and n:
                await gate.wait()
            await turn.send(part)
        await _ENDINGS[then](turn)

    return script


def gated(gate: Gate, script: Script) -> Script:
    """`script`, once the gate lets it."""

    async def waiting(turn: Turn) -> None:
        await gate.wait()
        await script(turn)

    return waiting


def drip(gate: Gate, filler: bytes = b": still here\n\n") -> Script:
    """200, then the same filler each time the gate lets it, for ever: life signs without content."""

    async def script(turn: Turn) -> None:
        await turn.head(200, _EVENTS)
        while True:
            await gate.wait()
            await turn.chunk(filler)

    return script


async def _keep(turn: Turn) -> None:
    pass


async def _cut(turn: Turn) -> None:
    turn.cut()


async def _reset(turn: Turn) -> None:
    turn.reset()


_ENDINGS: dict[str, Script] = {"cut": _cut, "reset": _reset, "keep": _keep, "silence": Turn.gone}


async def _begin(
    turn: Turn, pieces: Sequence[str], gate: Gate | None = None, headers: Mapping[str, str] | None = None
) -> None:
    await turn.head(200, {**_EVENTS, **(headers or {})})
    await turn.chunk(delta(turn, {"role": "assistant", "content": ""}))
    await _say(turn, pieces, gate)


async def _say(turn: Turn, pieces: Sequence[str], gate: Gate | None) -> None:
    for piece in pieces:
        if gate is not None:
            await gate.wait()
        await turn.chunk(delta(turn, {"content": piece}))


async def _whole(turn: Turn, code: int, headers: Mapping[str, str], said: object) -> None:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    await turn.head(code, {**headers, "Content-Length": str(len(body))})
    await turn.send(body)
