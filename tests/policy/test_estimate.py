"""Estimates of a prompt: never nothing, never much too low, and only where nobody counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from router.canon.request import ChatRequest, Image, Message, Role, Source, Text, Tool
from router.errors import Reason, WireFault
from router.policy.estimate import cannot_count, chat_tokens, estimate_count, text_tokens


def asking(*texts: str) -> ChatRequest:
    """A prompt of these turns."""
    return ChatRequest(model="m", messages=tuple(Message(role=Role.USER, parts=(Text(text=one),)) for one in texts))


@given(st.text(), st.text())
def test_more_text_is_never_fewer_tokens(text: str, more: str) -> None:
    """And never more than a token and a quarter for a letter."""
    assert text_tokens(text) <= text_tokens(text + more) <= 1.2 * len(text + more) + 1


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("The quick brown fox jumps over the lazy dog.", 10),
        ("def f(x):\n    return {'a': x[0], 'b': None}\n", 16),
        ("今日はとても良い天気ですね。", 12),
    ],
)
def test_an_estimate_is_rather_too_high(text: str, true: int) -> None:
    """By the counts of a public tokenizer of a large vocabulary, rounded."""
    assert true * 0.75 <= text_tokens(text) <= true * 2


def test_pictures_tools_and_turns_count_too() -> None:
    """Each beside the text."""
    bare = chat_tokens(asking("hi"))
    assert chat_tokens(asking("hi", "hi")) == 2 * bare
    picture = Message(role=Role.USER, parts=(Image(source=Source(url="https://host/x.png")),))
    assert chat_tokens(ChatRequest(model="m", messages=(picture,))) > 1000
    tool = Tool(name="f", parameters=Raw(b'{"type":"object"}'))
    assert chat_tokens(ChatRequest(model="m", messages=asking("hi").messages, tools=(tool,))) > bare + 10
    assert estimate_count(asking("hi")).estimated


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (404, None, "Not Found", True),
        (404, None, "model: claude-none", False),
        (404, "NOT_FOUND", "it is not there", False),
        (405, None, "Method Not Allowed", True),
        (501, "x", "no", True),
    ],
)
def test_a_missing_path_is_no_missing_model(status: int, code: str | None, message: str, expected: bool) -> None:
    """An estimate for the one, the true error for the other."""
    reason = Reason.MODEL_MISSING if status == 404 else Reason.REJECTED
    assert cannot_count(WireFault(reason, message, status=status, code=code)) is expected
    assert cannot_count(WireFault(Reason.REJECTED, "it doesn't support counting tokens.", status=400))
    assert not cannot_count(WireFault(Reason.THROTTLED, "slow down", status=429))
