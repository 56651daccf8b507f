"""A simulator that has never failed proves nothing: bugs on purpose are caught."""

from __future__ import annotations

import pytest

from tests.simulation.mutations import MUTATIONS, SEEDS, Mutation, hunt


@pytest.mark.timeout(60)  # a dozen worlds
@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS)
def test_a_bug_on_purpose_breaks_its_invariant(mutation: Mutation) -> None:
    """Within a dozen small worlds, by the invariant that is there for it."""
    assert hunt(mutation) in range(1, len(SEEDS) + 1)
