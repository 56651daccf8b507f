"""When a target is late, and which second requests a route can afford."""

from __future__ import annotations

from decimal import Decimal

import pytest

from router.policy.hedge import HOUR_S, HedgeRules, Purse, late_after_s, next_exchange, spend_hedge

RULES = HedgeRules(min_after_s=0.1, max_after_s=5.0, min_sample=20)


@pytest.mark.parametrize(
    ("waits", "late_s"),
    [
        pytest.param((1.0,) * 19, None, id="too little history"),
        pytest.param(tuple(n / 10 for n in range(1, 21)), 1.9, id="its 95th percentile"),
        pytest.param((0.001,) * 20, 0.1, id="the floor"),
        pytest.param((60.0,) * 20, 5.0, id="the cap"),
    ],
)
def test_late_is_later_than_a_target_usually_is(waits: tuple[float, ...], late_s: float | None) -> None:
    """Within what the operator bounds."""
    assert late_after_s(waits, RULES) == late_s


def test_hedges_are_a_share_of_what_lately_went_out() -> None:
    """Fifty exchanges pay for one at two of a hundred; what was earned ages."""
    purse = Purse()
    for _ in range(49):
        purse = next_exchange(purse, 0.0, RULES)
    assert spend_hedge(purse, None, 0.0, RULES) is None
    purse = next_exchange(purse, 0.0, RULES)
    after = spend_hedge(purse, None, 0.0, RULES)
    assert after is not None
    assert spend_hedge(after, None, 0.0, RULES) is None
    assert spend_hedge(purse, None, 120.0, RULES) is None


def test_money_is_bounded_by_the_hour() -> None:
    """What nobody can price is not bought on such a route; an hour later there is money again."""
    rules = HedgeRules(share=1.0, max_usd_per_hour=Decimal("0.05"))

    def rich(purse: Purse, now: float) -> Purse:
        for _ in range(9):
            purse = next_exchange(purse, now, rules)
        return purse

    purse = rich(Purse(), 0.0)
    assert spend_hedge(purse, None, 0.0, rules) is None
    for _ in range(2):
        after = spend_hedge(purse, Decimal("0.02"), 0.0, rules)
        assert after is not None
        purse = after
    assert spend_hedge(purse, Decimal("0.02"), 0.0, rules) is None
    assert spend_hedge(rich(purse, HOUR_S + 1), Decimal("0.02"), HOUR_S + 1, rules) is not None
