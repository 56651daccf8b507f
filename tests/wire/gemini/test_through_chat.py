"""A Gemini answer through an OpenAI client and back, whole and streamed: what must come back does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.wire.dialect import Dialect
from router.wire.gemini import DIALECT as GEMINI
from router.wire.gemini import VERTEX
from router.wire.openai_chat import DIALECT as CHAT
from tests.wire.cutting import split
from tests.wire.recorded import Recorded, needs_recordings, recordings, response_of

CALLS = [
    line
    for line in recordings("gemini.generateContent", "gemini.streamGenerateContent")
    if line.status == 200 and "tool-call" in line.id
]


def wire_calls(body: bytes) -> list[tuple[str, object, str | None]]:
    """(name, arguments, signature) of the recorded calls, read without our code."""
    text = body.decode().replace("\r\n", "\n")
    lines = [json.loads(line[6:]) for line in text.split("\n") if line.startswith("data: {")]
    answers = lines or json.loads(text)
    answers = answers if isinstance(answers, list) else [answers]
    parts = [part for answer in answers for part in answer["candidates"][0]["content"]["parts"]]
    return [
        (part["functionCall"]["name"], part["functionCall"].get("args", {}), part.get("thoughtSignature"))
        for part in parts
        if "functionCall" in part
    ]


def as_a_client_keeps_it(dialect: Dialect, line: Recorded, body: bytes) -> dict[str, Any]:
    """The assistant's message that an OpenAI client holds after this answer."""
    assert CHAT.front is not None
    if not line.stream:
        message: dict[str, Any] = json.loads(CHAT.front.encode_reply(dialect.decode_reply(body)))["choices"][0][
            "message"
        ]
        return message
    encoder, decoder = CHAT.front.encoder(CHAT.front.peek(request({}))), dialect.decoder()
    said = b"".join(encoder.feed(decoder.feed(frame)) for frame in split(dialect.splitter(1 << 20), [body]))
    said += encoder.feed(decoder.end()) + encoder.end()
    calls: dict[int, dict[str, Any]] = {}
    for event in said.decode().split("\n\n"):
        delta = json.loads(event[6:])["choices"][0]["delta"] if event.startswith("data: {") else {}
        for piece in delta.get("tool_calls", []):
            call = calls.setdefault(piece["index"], {**piece, "function": {"name": "", "arguments": ""}})
            for member, text in piece["function"].items():
                call["function"][member] += text
    return {"role": "assistant", "content": None, "tool_calls": list(calls.values())}


def request(message: dict[str, Any]) -> bytes:
    """The next request of that client, with an answer to each call."""
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "ok"} for call in message.get("tool_calls", [])]
    history = [{"role": "user", "content": "go"}, *([message] if message else []), *results]
    return json.dumps({"model": "m", "messages": history}).encode()


def without_extra_fields(message: dict[str, Any]) -> dict[str, Any]:
    """What is left of it in a client that keeps the fields it knows."""
    calls = [{name: call[name] for name in ("id", "type", "function")} for call in message["tool_calls"]]
    return {"role": "assistant", "content": message["content"], "tool_calls": calls}


@needs_recordings
@pytest.mark.parametrize("line", CALLS, ids=lambda line: line.id)
@pytest.mark.parametrize("dialect", [GEMINI, VERTEX], ids=["gemini", "vertex"])
@pytest.mark.parametrize("extra", [True, False], ids=["with extra fields", "without"])
def test_calls_and_their_signatures_come_back_through_an_openai_client(
    line: Recorded, dialect: Dialect, extra: bool
) -> None:
    """Scenario 82: each call with its own signature, and with its own result behind it."""
    body = response_of(line.id)[2]
    assert CHAT.front is not None
    kept = as_a_client_keeps_it(dialect, line, body)
    canon = CHAT.front.decode_request(CHAT.front.peek(request(kept if extra else without_extra_fields(kept))))
    turns = json.loads(dialect.encode_request(canon, "gemini-2.5-pro").body)["contents"]
    sent = [part for part in turns[1]["parts"] if "functionCall" in part]
    calls = [
        (part["functionCall"]["name"], part["functionCall"]["args"], part.get("thoughtSignature")) for part in sent
    ]
    assert calls == wire_calls(body)
    answered = [part["functionResponse"]["name"] for part in turns[2]["parts"]]
    assert answered == [name for name, _, _ in calls]
    assert "call_gemini" not in json.dumps(turns)
