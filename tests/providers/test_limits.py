"""Rate-limit headers as each provider writes them; values are from recorded answers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from router.canon.allowance import Allowance, Counted
from router.providers import find_installed
from router.providers.limits import LimitHeaders, epoch_ms, go_duration, moment, read_limits, seconds

WALL = datetime(2026, 1, 27, 22, 29, 10, tzinfo=UTC).timestamp()

OPENAI = {
    "x-ratelimit-limit-requests": "5000",
    "x-ratelimit-limit-tokens": "2000000",
    "x-ratelimit-remaining-requests": "4999",
    "x-ratelimit-remaining-tokens": "1999307",
    "x-ratelimit-reset-requests": "12ms",
    "x-ratelimit-reset-tokens": "6m0s",
}
ANTHROPIC = {
    "anthropic-ratelimit-requests-limit": "4000",
    "anthropic-ratelimit-requests-remaining": "3999",
    "anthropic-ratelimit-requests-reset": "2026-01-27T22:29:13Z",
    "anthropic-ratelimit-output-tokens-limit": "400000",
    "anthropic-ratelimit-output-tokens-remaining": "1000",
    "anthropic-ratelimit-output-tokens-reset": "2026-01-27T22:30:10Z",
}
GROQ = {
    "x-ratelimit-limit-requests": "1000",
    "x-ratelimit-remaining-requests": "989",
    "x-ratelimit-reset-requests": "15m50.4s",
}
MISTRAL = {"x-ratelimit-limit-req-minute": "100", "x-ratelimit-remaining-req-minute": "87"}
OPENROUTER = {
    "x-ratelimit-limit": "20",
    "x-ratelimit-remaining": "0",
    "x-ratelimit-reset": str(int((WALL + 30) * 1000)),
}
CEREBRAS = {
    "x-ratelimit-limit-tokens-minute": "1000000",
    "x-ratelimit-remaining-tokens-minute": "995531",
    "x-ratelimit-reset-tokens-minute": "14.371318101882935",
}
TOGETHER = {"x-ratelimit-limit": "2", "x-ratelimit-remaining": "1", "x-ratelimit-reset": "2"}
XAI = {"x-ratelimit-limit-requests": "1800", "x-ratelimit-remaining-requests": "1800"}
HUGGING_FACE = {"ratelimit": '"api";r=950;t=41', "ratelimit-policy": '"fixed window";"api";q=1000;w=300'}
AZURE = {
    "x-ratelimit-limit-requests": "50",
    "x-ratelimit-remaining-requests": "49",
    "x-ratelimit-reset-requests": "1",
    "x-ratelimit-limit-tokens": "-1",
    "x-ratelimit-remaining-tokens": "-1",
    "x-ratelimit-reset-tokens": "0",
}


_SPENT = (Counted.REQUESTS, 1000, 0, 41)


def read(kind: str, headers: dict[str, str]) -> tuple[tuple[Counted, float, float, float], ...]:
    """What a kind reads, 500 seconds into a process: (counts, limit, left, seconds until it is full)."""
    found = read_limits(headers, find_installed().kinds[kind].limits, 500.0, WALL)
    return tuple((one.counts, one.limit, one.left, round(one.full_at_s - 500.0, 3)) for one in found)


@pytest.mark.parametrize(
    ("kind", "headers", "expected"),
    [
        ("openai", OPENAI, ((Counted.REQUESTS, 5000, 4999, 0.012), (Counted.TOKENS, 2e6, 1999307, 360))),
        ("anthropic", ANTHROPIC, ((Counted.REQUESTS, 4000, 3999, 3), (Counted.OUTPUT, 400000, 1000, 60))),
        ("groq", GROQ, ((Counted.REQUESTS, 1000, 989, 950.4),)),
        ("mistral", MISTRAL, ((Counted.REQUESTS, 100, 87, 60),)),
        ("openrouter", OPENROUTER, ((Counted.REQUESTS, 20, 0, 30),)),
        ("cerebras", CEREBRAS, ((Counted.TOKENS, 1e6, 995531, 14.371),)),
        ("together", TOGETHER, ((Counted.REQUESTS, 2, 1, 2),)),
        ("xai", XAI, ((Counted.REQUESTS, 1800, 1800, 60),)),
        ("azure", AZURE, ((Counted.REQUESTS, 50, 49, 1),)),
        ("huggingface", HUGGING_FACE, ((Counted.REQUESTS, 1000, 950, 41),)),
        ("huggingface", {**HUGGING_FACE, "ratelimit": '"api";t=41;r=0, "pages";r=9;t=1'}, (_SPENT,)),
        ("huggingface", {**HUGGING_FACE, "ratelimit": '"api"'}, ()),
        ("huggingface", {"ratelimit": '"api";r=1;t=1'}, ()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_kind_reads_its_own_headers(kind: str, headers: dict[str, str], expected: object) -> None:
    """By names, units and windows of its own; what says nothing, such as -1, is left out."""
    assert read(kind, headers) == expected


def test_an_answer_without_headers_says_nothing() -> None:
    """Nor does one whose values cannot be read."""
    assert read("openai", {}) == ()
    redacted = dict.fromkeys(OPENAI, "REDACTED")
    assert read("openai", redacted) == ()
    assert read("openai", {**OPENAI, "x-ratelimit-reset-requests": "soon", "x-ratelimit-limit-tokens": "0"}) == ()


def test_more_left_than_fits_is_what_fits() -> None:
    """Hugging Face reports 2^63."""
    found = read_limits({**MISTRAL, "x-ratelimit-remaining-req-minute": "9223372036854767616"}, _mistral(), 1.0, WALL)
    assert found == (Allowance(counts=Counted.REQUESTS, limit=100, left=100, at_s=1.0, full_at_s=61.0),)


def _mistral() -> LimitHeaders:
    return find_installed().kinds["mistral"].limits


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6m0s", 360.0),
        ("1h2m3s", 3723.0),
        ("1.57s", 1.57),
        ("12ms", 0.012),
        ("1m30.5s", 90.5),
        ("0s", 0.0),
        ("", None),
        ("12", None),
        ("6x", None),
        ("-3s", None),
    ],
    ids=str,
)
def test_durations_as_go_writes_them(text: str, expected: float | None) -> None:
    """Twelve milliseconds are not twelve minutes."""
    assert go_duration(text, WALL) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("text", ["", "soon", "nan", "1e400", "-1"], ids=str)
def test_what_cannot_be_read_is_none(text: str) -> None:
    """In every unit."""
    assert [read(text, WALL) for read in (seconds, go_duration, moment, epoch_ms)] == [None] * 4


def test_a_moment_without_a_zone_is_none() -> None:
    """It could be anywhere in a day."""
    assert moment("2026-01-27T22:29:13", WALL) is None
    assert moment("2026-01-27T23:29:13+01:00", WALL) == pytest.approx(3.0)
