"""A simulator that has never failed proves nothing: bugs on purpose are caught."""

from __future__ import annotations

import pytest

from tests.simulation.invariants import AT_END, AT_REST
from tests.simulation.mutations import MUTATIONS, SEEDS, Mutation, hunt
from tests.simulation.wire import invariants as wire


@pytest.mark.long
@pytest.mark.timeout(120)  # many worlds
@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS)
def test_a_bug_on_purpose_breaks_its_invariant(mutation: Mutation) -> None:
    """Within thirty small worlds, by the invariant that is there for it."""
    assert hunt(mutation) in range(1, len(SEEDS) + 1)


def test_every_invariant_is_broken_by_a_mutation() -> None:
    """One that nothing can break proves nothing; what a mutation cannot reach in a world is named here."""
    core = {(check.__name__, False) for check in (*AT_REST, *AT_END)}
    own = (check for check in (*wire.AT_REST, *wire.AT_END) if check.__module__ == wire.__name__)
    assert {(found.caught_by, found.on_the_wire) for found in MUTATIONS.values()} == core | {
        (check.__name__, True) for check in own
    }
