"""Amounts as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from router.canon.cost import USD_STEP, usd_text


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        pytest.param(Decimal(0) * USD_STEP, "0", id="nothing"),
        pytest.param(Decimal("0.000000150000"), "0.00000015", id="little"),
        pytest.param(Decimal("12.50"), "12.5", id="some"),
        pytest.param(Decimal("100"), "100", id="round"),
    ],
)
def test_an_amount_is_plain_digits(usd: Decimal, text: str) -> None:
    """No exponent, which a caller's parser may not know, and no zeros that say nothing."""
    assert usd_text(usd) == text
