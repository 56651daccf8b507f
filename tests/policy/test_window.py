"""Sums over the last slices: as one would count them anew each time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.policy.window import EMPTY, next_counted, recent

KEPT = 5

Story = list[tuple[int, int, int]]


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(-3, 9), st.integers(0, 9)), max_size=60), st.integers(0, 9))
def test_the_sums_are_those_of_the_last_slices(story: Story, passed: int) -> None:
    """However time goes, of each moment and of a later one; and no slice is kept twice, nor one that is too old."""
    window, number, told = EMPTY, 0, Story()
    for gap, count, part in story:
        number += gap
        told.append((number, count, part))
        window = next_counted(window, number, KEPT, count, part)
        lately = [(count, part) for at, count, part in told if at > number - KEPT]
        assert (window.count, window.part) == tuple(map(sum, zip(*lately, strict=True)))
        assert len({slice[0] for slice in window.slices}) == len(window.slices) <= KEPT
    late = recent(window, number + passed, KEPT)
    assert late.count == sum(count for at, count, _ in told if at > number + passed - KEPT)
    assert late.part == sum(part for at, _, part in told if at > number + passed - KEPT)
