"""A simulator that has never failed proves nothing: bugs on purpose are caught."""

from __future__ import annotations

import pytest

from tests.simulation.invariants import AT_END, AT_REST
from tests.simulation.mutations import MUTATIONS, SEEDS, Mutation, hunt


@pytest.mark.long
@pytest.mark.timeout(120)  # many worlds
@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS)
def test_a_bug_on_purpose_breaks_its_invariant(mutation: Mutation) -> None:
    """Within thirty small worlds, by the invariant that is there for it."""
    assert hunt(mutation) in range(1, len(SEEDS) + 1)


def test_every_invariant_is_broken_by_a_mutation() -> None:
    """One that nothing can break proves nothing; what a mutation cannot reach in a world is named here."""
    named = {check.__name__ for check in (*AT_REST, *AT_END)} | {"answers_are_framed"}
    assert {mutation.caught_by for mutation in MUTATIONS.values()} == named
