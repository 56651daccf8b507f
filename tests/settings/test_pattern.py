"""Patterns of an operator's own: whatever they are, nobody waits for them."""

from __future__ import annotations

from time import perf_counter

import pytest

from router.settings.pattern import Pattern, PatternInvalid


@pytest.mark.parametrize("text", [r"(a+)+$", r"(a|aa)+$", r"(.*a){12}$"])
def test_no_pattern_takes_time_without_end(text: str) -> None:
    """Python's own engine would be at thirty characters of the first for the rest of the day."""
    began = perf_counter()
    assert Pattern(text).replaced("a" * 40_000 + "!", "x")
    assert perf_counter() - began < 5.0


def test_what_matches_is_replaced_by_plain_text() -> None:
    """No group of a match comes back in, and characters beyond ASCII keep their places."""
    pattern = Pattern(r"\b([A-Z]{2})\d{4}\b")
    assert pattern.replaced("é🙂 DE1234, not DE12345 é", r"\1[redacted]") == r"é🙂 \1[redacted], not DE12345 é"
    assert (Pattern("a*").matches_nothing, pattern.matches_nothing) == (True, False)


@pytest.mark.parametrize("text", ["literal-key(", r"(a)\1", "(?<=x)a", "\ud800"])
def test_a_pattern_that_is_none_is_refused_without_its_text(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither the fault nor the engine's own log says it."""
    with pytest.raises(PatternInvalid) as caught:
        Pattern(text)
    assert text not in str(caught.value) and capfd.readouterr() == ("", "")
