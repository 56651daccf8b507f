"""What is kept of an exchange's words: both ends, no secret, and never half of one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from router.policy.transcript import MARGIN, Excerpt, TranscriptRules, asked_in, wants
from router.telemetry.scrub import Scrubber

MOST = 1000
SECRET = "hunter2-" + "x" * 40


def shown(pieces: list[str], most: int = MOST) -> str:
    """What an excerpt shows of a text that came in these pieces."""
    excerpt = Excerpt(most)
    for piece in pieces:
        excerpt.add(piece)
    return excerpt.shown(Scrubber((SECRET,)).text)


@given(
    words=st.lists(st.sampled_from(["a word ", SECRET, "é🙂", "\n", "x" * 700, SECRET * 60]), max_size=60),
    cut=st.integers(1, 2000),
)
def test_how_a_text_was_cut_never_shows(words: list[str], cut: int) -> None:
    """It is bounded, holds no secret whole or in part, and is the same whatever the pieces were."""
    text = "".join(words)
    kept = shown([text])
    assert shown([text[at : at + cut] for at in range(0, len(text), cut)]) == kept
    assert len(kept) <= MOST + 60
    assert "hunter" not in kept and ("x" * 700 in text or "xx" not in kept)
    if len(text) <= MOST:
        assert kept == text.replace(SECRET, "[redacted]")


@pytest.mark.parametrize("edge", [MOST // 2, MOST // 2 + MARGIN, MOST // 2 + MARGIN - 5])
@pytest.mark.parametrize("filler", ["-", SECRET + " "], ids=["plain", "full of secrets"])
def test_a_secret_across_an_edge_is_not_kept_by_half(edge: int, filler: str) -> None:
    """Where the shown part ends, where what is looked at ends, and where redaction moves one to the other."""
    for shift in range(0, len(SECRET), 7):
        size = edge - shift
        pad, filled = "-" * (size % len(filler)), filler * (size // len(filler))
        middle = "." * 30_000
        for text in (filled + pad + SECRET + middle, middle + SECRET + pad + filled):
            kept = shown([text])
            assert "xx" not in kept and "hunter" not in kept, (edge, shift)
            assert "characters are left out" in kept


def test_a_cut_says_how_much_is_gone() -> None:
    """Beginning and end are there as they were."""
    assert shown(["a" * 600, "b" * 20_000, "c" * 600]) == (
        "a" * 500 + "\n[... 20200 characters are left out ...]\n" + "c" * 500
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            {"messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hello"}]},
            "system: be kind\nuser: hello\n",
        ),
        (
            {
                "system": [{"type": "text", "text": "be kind"}],
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}},
                            {"type": "text", "text": "what is it"},
                        ],
                    }
                ],
            },
            "be kind\nuser: image/png\nwhat is it\n",
        ),
        (
            {
                "input": [
                    {"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,QUJD"}]}
                ]
            },
            "user: [data]\n",
        ),
        ({"input": ["first", "second"], "model": "m", "user": "ann"}, "first\nsecond\n"),
        ({"query": "which", "documents": ["a", {"text": "b"}]}, "which\na\nb\n"),
        ({"messages": "a nul\0, a \ud800 alone", "prompt": "a nul\0"}, "a nul\n"),
        ({"messages": json.loads("[" * 200 + '"deep"' + "]" * 200), "prompt": "flat"}, "flat\n"),
    ],
    ids=["OpenAI", "Anthropic", "Responses", "texts to embed", "texts to rank", "odd characters", "nested too deep"],
)
def test_the_words_of_a_request_are_found_in_every_dialect(body: dict[str, Any], text: str) -> None:
    """Who said what, a line each; pictures and marks are left out."""
    fields = {name: Raw(json.dumps(value).encode()) for name, value in body.items()}
    assert asked_in(fields, TranscriptRules()) == text


def messages(*texts: str) -> dict[str, Raw]:
    """A request of so many turns."""
    return {"messages": Raw(json.dumps([{"role": "user", "content": text} for text in texts]).encode())}


@given(
    texts=st.lists(st.sampled_from(["a word", SECRET, "x" * 700, "é🙂" * 90, SECRET * 60]), min_size=1, max_size=60),
    repeated=st.integers(1, 5),
)
def test_what_is_passed_over_does_not_change_the_ends(texts: list[str], repeated: int) -> None:
    """A long prompt is read from both ends only, and what is shown of it is what reading all of it shows."""
    rules = TranscriptRules(most_chars=MOST, clean=Scrubber((SECRET,)).text)
    kept = asked_in(messages(*texts * repeated), rules)
    whole = shown([f"user: {text}\n" for text in texts * repeated])
    begin, mark, end = whole.partition("\n[... ")
    assert kept.startswith(begin) and kept.endswith(end.partition(" ...]\n")[2])
    assert ("left out" in kept) == bool(mark)


def test_a_prompt_of_many_megabytes_is_not_read_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ten thousand turns some dozen at either end are, whatever the others hold."""
    read: list[Raw] = []

    def decode(item: Raw) -> object:
        read.append(item)
        return json.loads(bytes(item))

    monkeypatch.setattr("router.policy.transcript.decode", decode)
    kept = asked_in(messages("first", *["w " * 1000] * 10_000, "last"), TranscriptRules(most_chars=MOST))
    assert kept.startswith("user: first\n") and kept.endswith("user: last\n") and len(read) < 12
    assert "[... about 20" in kept
    numbers = {"input": Raw(b"[" + b"1," * 1_000_001 + b"1]"), "prompt": Raw(b'"why"')}
    assert asked_in(numbers, TranscriptRules()) == "why\n"


def test_what_cannot_be_read_says_nothing() -> None:
    """The finalizer of an exchange must not fail over a caller's bytes."""
    assert (
        asked_in({"messages": Raw(b"["), "prompt": Raw(b'"\xff"'), "input": Raw(b'"ok"')}, TranscriptRules()) == "ok\n"
    )


@pytest.mark.parametrize(
    ("server", "key", "kept"), [(False, None, False), (True, None, True), (True, False, False), (False, True, True)]
)
def test_a_key_has_the_last_word(server: bool, key: bool | None, kept: bool) -> None:
    """The server's is for whoever says nothing."""
    assert wants(TranscriptRules(enabled=server), key) is kept
