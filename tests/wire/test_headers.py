"""Headers of a provider's that a caller may see."""

from __future__ import annotations

import pytest

from router.wire.headers import shown_headers


@pytest.mark.parametrize("value", ["a\x0bb", "a\rb", "caf\xe9", "\udcff", "a" * 201, ""])
def test_a_value_that_callers_could_not_read_is_not_shown(value: str) -> None:
    """The answer is good, and a head with that in it would not be sent, or not be read."""
    headers = {"x-ratelimit-limit-requests": value, "x-request-id": value, "retry-after": "7"}
    assert shown_headers(headers) == (("retry-after", "7"),)


def test_no_more_headers_are_shown_than_a_head_has_room_for() -> None:
    """Any name may follow the prefix."""
    assert len(shown_headers({f"x-ratelimit-{n}": "1" for n in range(500)})) == 32
