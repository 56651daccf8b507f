"""Two counts together: what is known of both, and nothing that is known of one."""

from __future__ import annotations

import pytest

from router.canon.usage import Usage, added


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (Usage(input=3, reasoning=1), Usage(input=4, images=2), Usage(input=7, reasoning=1, images=2)),
        (Usage(reported_usd="0.1"), Usage(reported_usd="0.20"), Usage(reported_usd="0.30")),
        (Usage(reported_usd="0.1"), Usage(input=1), Usage(input=1)),
        (Usage(reported_usd="0.1"), Usage(reported_usd="cheap"), Usage()),
        (Usage(tier="flex"), Usage(tier="flex"), Usage(tier="flex")),
        (Usage(tier="flex"), Usage(), Usage()),
        (Usage(input=2, reported_total=2), Usage(reported_total=0), Usage(input=2, reported_total=2)),
        (
            Usage(input=9, billed_input=5, billed_output=0),
            Usage(input=4, cache_read=2, output=3),
            Usage(input=13, cache_read=2, output=3, billed_input=11, billed_output=3),
        ),
    ],
    ids=["buckets", "money of both", "money of one", "no money", "one tier", "two tiers", "totals", "billed"],
)
def test_counts_add_up(one: Usage, other: Usage, both: Usage) -> None:
    """In either order; half a sum of money is no sum."""
    assert added(one, other) == added(other, one) == both
    assert added(None, one) is one
