"""What is reserved for a request before anybody has counted it."""

from __future__ import annotations

from msgspec import Raw

from router.policy.gauge import UNTAUGHT, Gauge, next_gauge, prompt_bytes, reserved_ratio
from router.policy.reserve import reserved, reserved_tokens

FIELDS = {"model": Raw(b'"chat"'), "messages": Raw(b"[" + b"x" * 396 + b"]"), "max_tokens": Raw(b"50")}


def taught(tokens: int, answers: int) -> Gauge:
    """After so many answers that counted so many tokens for `FIELDS`."""
    gauge = UNTAUGHT
    for _ in range(answers):
        gauge = next_gauge(gauge, prompt_bytes(FIELDS), 0, tokens, 0)
    return gauge


def test_a_prompt_is_reserved_by_what_its_model_makes_of_bytes() -> None:
    """A script of two bytes a token is reserved twice what English is; where nothing was learned, four are one."""
    assert reserved(FIELDS, reserved_ratio(UNTAUGHT)) == (100, 50)
    assert reserved(FIELDS, reserved_ratio(taught(200, 20))) == (200, 50)
    assert reserved_tokens(FIELDS, reserved_ratio(taught(50, 20))) == 100


def test_little_is_reserved_only_after_some_answers() -> None:
    """One picture in a prompt must not let the next ones in too cheaply; small tokens are believed at once."""
    assert reserved(FIELDS, reserved_ratio(taught(50, 19))) == (100, 50)
    assert reserved(FIELDS, reserved_ratio(taught(200, 1))) == (200, 50)
