"""How large a request probably is, for comparing prices."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from router.policy.mix import OUTPUT_TOKENS, expected_usage


def mix(**body: Any) -> tuple[int, int]:
    """Expected tokens of prompt and answer."""
    usage = expected_usage({name: Raw(json.dumps(value).encode()) for name, value in body.items()})
    return usage.input, usage.output


def test_a_prompt_is_as_long_as_its_body() -> None:
    """A token for four bytes, and never none."""
    assert mix(messages="x" * 3998) == (1000, OUTPUT_TOKENS)
    assert mix()[0] == 1


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "max_output_tokens"])
def test_a_near_bound_is_believed_and_a_far_one_is_not(name: str) -> None:
    """Clients set a bound of thousands for answers of a line."""
    assert mix(**{name: 10})[1] == 10
    assert mix(**{name: 64_000})[1] == OUTPUT_TOKENS


@pytest.mark.parametrize("bound", [None, "many", -3, 1.5, {}], ids=repr)
def test_a_bound_that_is_none_is_no_bound(bound: object) -> None:
    """What is wrong with it the target says."""
    assert mix(max_tokens=bound)[1] in (1, OUTPUT_TOKENS)
