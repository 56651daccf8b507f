"""Several answers to one request, of each dialect that can give them, as each front tells them: whole and streamed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from router.wire.dialect import Dialect
from router.wire.gemini import DIALECT as GEMINI
from router.wire.openai_chat import DIALECT as CHAT
from tests.wire.test_endings import ASK, FRONTS, events_of

Turn = dict[str, Any]

WORDS = {"plugh": ("length", "MAX_TOKENS"), "xyzzy": ("stop", "STOP")}
"""What each answer says, and why it ends in the words of chat and of Google's."""


def chat() -> tuple[Turn, Iterator[Turn]]:
    """In OpenAI's words: the pieces of the answers between one another."""
    head = {"id": "c1", "created": 1, "model": "m"}
    usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    whole = [
        {"index": n, "message": {"role": "assistant", "content": text}, "finish_reason": ends[0]}
        for n, (text, ends) in enumerate(WORDS.items())
    ]

    def pieces() -> Iterator[Turn]:
        for place in (slice(0, 2), slice(2, None)):
            for n, text in enumerate(WORDS):
                yield {**head, "choices": [{"index": n, "delta": {"content": text[place]}, "finish_reason": None}]}
        for n, ends in enumerate(WORDS.values()):
            yield {**head, "choices": [{"index": n, "delta": {}, "finish_reason": ends[0]}]}
        yield {**head, "choices": [], "usage": usage}

    return {**head, "choices": whole, "usage": usage}, pieces()


def gemini() -> tuple[Turn, Iterator[Turn]]:
    """In Google's words: each event has a piece of every answer, the last first."""
    head = {"responseId": "r1", "modelVersion": "m"}
    counts = {"promptTokenCount": 3, "candidatesTokenCount": 5, "totalTokenCount": 8}

    def candidate(n: int, text: str, end: str | None) -> Turn:
        said = {"index": n, "content": {"role": "model", "parts": [{"text": text}]}}
        return said if end is None else {**said, "finishReason": end}

    def pieces() -> Iterator[Turn]:
        for place, last in ((slice(0, 2), False), (slice(2, None), True)):
            said = [
                candidate(n, text[place], ends[1] if last else None) for n, (text, ends) in enumerate(WORDS.items())
            ]
            yield {**head, "candidates": said[::-1], "usageMetadata": counts}

    whole = [candidate(n, text, ends[1]) for n, (text, ends) in enumerate(WORDS.items())]
    return {**head, "candidates": whole, "usageMetadata": counts}, pieces()


@pytest.mark.parametrize(("dialect", "say"), [(CHAT, chat), (GEMINI, gemini)], ids=["OpenAI", "Gemini"])
def test_every_answer_of_several_is_told_apart(dialect: Dialect, say: Any) -> None:
    """By chat, each with its own text and ending and one role; the other two protocols have one answer, the first."""
    whole, pieces = say()
    reply = dialect.decode_reply(json.dumps(whole).encode())
    events = events_of(dialect, b"".join(b"data: %b\n\n" % json.dumps(piece).encode() for piece in pieces))
    for name, front in FRONTS.items():
        assert front.front is not None
        encoder = front.front.encoder(ASK)
        body, stream = front.front.encode_reply(reply), encoder.feed(events) + encoder.end()
        if name == "chat":
            assert of_whole(body) == of_stream(stream) == {n: (t, e[0]) for n, (t, e) in enumerate(WORDS.items())}
            assert (body + stream).count(b'"role":"assistant"') == 2 * len(WORDS)
        else:
            texts = b"".join(re.findall(rb'"(?:delta|text)":"([a-z]+)"', stream))
            assert b"plugh" in body and b"plugh" in texts
            assert b"xy" not in body + stream


def of_whole(body: bytes) -> dict[int, tuple[str, str]]:
    """Each answer's text and ending."""
    return {one["index"]: (one["message"]["content"], one["finish_reason"]) for one in json.loads(body)["choices"]}


def of_stream(stream: bytes) -> dict[int, tuple[str, str]]:
    """The same, put together."""
    said: dict[int, tuple[str, str]] = {}
    for line in stream.splitlines():
        if not line.startswith(b"data: {"):
            continue
        for one in json.loads(line[6:])["choices"]:
            text, end = said.get(one["index"], ("", ""))
            said[one["index"]] = (text + one["delta"].get("content", ""), one["finish_reason"] or end)
    return said
