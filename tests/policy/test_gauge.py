"""What a token weighs: learned where providers count, used where they do not, and never in place of their numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from router.canon.usage import Usage
from router.policy.gauge import Gauge, estimate_usage, next_gauge, prompt_bytes


def test_a_model_is_learned_from_its_own_counts() -> None:
    """After a few answers the estimate is what the provider would have said; the first teaches the most."""
    gauge = Gauge()
    for _ in range(30):
        gauge = next_gauge(gauge, 200 * 3, 50 * 5, 200, 50)
    assert gauge.prompt == pytest.approx(3.0)
    assert gauge.answer == pytest.approx(5.0)
    assert estimate_usage(gauge, 3000, 500, None) == Usage(input=1000, output=100)
    assert next_gauge(Gauge(), 200 * 3, 50 * 5, 200, 50).prompt == pytest.approx(3.0)


def test_what_cannot_be_is_not_learned() -> None:
    """A picture in the prompt, an answer that was thought in secret, a count of nothing."""
    gauge = Gauge()
    assert next_gauge(gauge, 5_000_000, 50 * 4, 200, 50).prompts == 0
    assert next_gauge(gauge, 200 * 4, 2, 200, 50).answers == 0
    assert next_gauge(gauge, 0, 0, 200, 50) == gauge
    assert next_gauge(gauge, 800, 200, 0, 0) == gauge


def test_a_providers_number_is_never_lowered() -> None:
    """What it counted of the prompt stands; its preview of the answer gives way only to more that was really said."""
    preview = Usage(input=90, cache_read=10, output=1)
    assert estimate_usage(Gauge(), 4000, 400, preview) == Usage(input=90, cache_read=10, output=100)
    told = Usage(input=90, output=500)
    assert estimate_usage(Gauge(), 4000, 400, told) is told


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**5), st.integers(0, 10**5))))
def test_a_gauge_stays_believable(samples: list[tuple[int, int, int, int]]) -> None:
    """Whatever providers count: an estimate from it is never negative and never absurd."""
    gauge = Gauge()
    for asked, said, prompt, answer in samples:
        gauge = next_gauge(gauge, asked, said, prompt, answer)
    assert 1.0 <= gauge.prompt <= 24.0
    assert 1.0 <= gauge.answer <= 24.0


def test_the_way_there_is_no_part_of_the_prompt() -> None:
    """Neither the model's name nor whether to stream is said to the model."""
    fields = {"model": Raw(b'"m"'), "stream": Raw(b"true"), "messages": Raw(b"[{}]"), "tools": Raw(b"[]")}
    assert prompt_bytes(fields) == 6
