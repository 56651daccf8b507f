"""docs/failures.md says what the code does."""

from __future__ import annotations

import pytest

from router.errors import BLAME, Blame, Reason
from tests.failures import ADVICE, OWN, PAGE, contract, opens, page


def test_the_contract_is_what_the_code_does() -> None:
    """A table that was changed and not written anew (`make docs`) misleads whoever relies on it."""
    text = PAGE.read_text()
    assert page(text) == text


def test_every_reason_has_a_row() -> None:
    """A failure that is not in the contract is nobody's."""
    rows = [line.split("|")[1].strip(" `") for line in contract()[2 : 2 + len(Reason)]]
    assert rows == [reason.value for reason in Reason]
    assert ADVICE.keys() | OWN.keys() <= set(Reason)


@pytest.mark.parametrize("reason", list(Reason))
def test_a_breaker_opens_for_providers_and_capacity_alone(reason: Reason) -> None:
    """The column is found by trying; the rule is the design's."""
    assert opens(reason) == (BLAME[reason] in (Blame.PROVIDER, Blame.CAPACITY))
