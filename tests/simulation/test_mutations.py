"""A simulator that has never failed proves nothing: bugs on purpose are caught."""

from __future__ import annotations

import pytest

from tests.simulation.invariants import AFTER, AT_END, AT_REST
from tests.simulation.mutations import HEAD, MUTATIONS, SEEDS, Mutation, hunt
from tests.simulation.wire import invariants as wire
from tests.sources import ROOT


@pytest.mark.long
@pytest.mark.timeout(120)  # many worlds
@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS)
def test_a_bug_on_purpose_breaks_its_invariant(mutation: Mutation) -> None:
    """Within thirty small worlds, by the invariant that is there for it."""
    assert hunt(mutation) in range(1, len(SEEDS) + 1)


def test_the_page_has_a_row_for_every_mutation() -> None:
    """In their order, as `make mutations` writes them: one that was never hunted has none."""
    _, _, below = (ROOT / "docs" / "simulation.md").read_text().partition("\n".join(HEAD))
    rows = [row.split("|")[1:3] for row in below.partition("\n\n")[0].strip().splitlines()]
    assert [(name.strip(), caught.strip(" `")) for name, caught in rows] == [
        (name.replace("_", " "), mutation.caught_by) for name, mutation in MUTATIONS.items()
    ]


def test_every_invariant_is_broken_by_a_mutation() -> None:
    """One that nothing can break proves nothing; what a mutation cannot reach in a world is named here."""
    core = {(check.__name__, False) for check in (*AT_REST, *AT_END, *AFTER)}
    own = (check for check in (*wire.AT_REST, *wire.AT_END) if check.__module__ == wire.__name__)
    assert {(found.caught_by, found.on_the_wire) for found in MUTATIONS.values()} == core | {
        (check.__name__, True) for check in own
    }
