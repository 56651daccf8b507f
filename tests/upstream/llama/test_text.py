"""Text held back until it is certain."""

from __future__ import annotations

import pytest

from router.upstream.llama.text import TextFlow


def flow(pieces: list[bytes], *stops: str) -> list[str]:
    """What is sent for each piece, and at the end."""
    text = TextFlow(stops)
    return [*(text.feed(piece) for piece in pieces), text.end()]


def test_a_character_over_several_tokens_is_sent_once_it_is_whole() -> None:
    """Tokens end inside characters: half of one must not become a replacement mark."""
    assert flow([bytes([byte]) for byte in "a🦊".encode()]) == ["a", "", "", "", "🦊", ""]


def test_a_character_that_never_becomes_whole_is_marked() -> None:
    """The length limit may end an answer inside a character."""
    assert flow([b"a\xf0\x9f"]) == ["a", "\ufffd"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100], ids=str)
def test_a_stop_string_ends_the_text_before_it_however_it_was_cut(size: int) -> None:
    """No part of it is ever sent, and what follows it neither."""
    whole = b"one ENDER two END three"
    text = TextFlow(("END ", "STOP"))
    sent = ""
    for at in range(0, len(whole), size):
        sent += text.feed(whole[at : at + size])
        if text.stopped:
            break
    assert (sent + text.end(), text.stopped) == ("one ENDER two ", True)


def test_what_only_looked_like_a_stop_string_is_sent() -> None:
    """At once when the next token decides, and at the end when none does."""
    assert flow([b"a EN", b"D", b"ER EN"], "ENDS") == ["a ", "", "ENDER ", "EN"]
