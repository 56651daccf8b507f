"""A fixed set of worlds holds all invariants, and the same seed gives the same trace."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulation.plan import draw_plan
from tests.simulation.world import run_world
from tests.sources import ROOT

_TRACE = "from tests.simulation.plan import draw_plan; from tests.simulation.world import run_world; " + (
    "print(run_world(draw_plan({seed}, most=100)).story.digest)"
)


@pytest.mark.parametrize("seed", range(10))
def test_a_world_holds_every_invariant(seed: int) -> None:
    """Whatever its seed makes go wrong."""
    assert run_world(draw_plan(seed)).broken == []


@pytest.mark.parametrize("seed", [7, 11], ids=str)
def test_the_same_seed_gives_the_same_trace(seed: int) -> None:
    """Byte for byte, also in processes whose sets are ordered otherwise."""
    traces = {run_world(draw_plan(seed, most=100)).story.digest}
    for hash_seed in ("0", "1"):
        run = subprocess.run(
            [sys.executable, "-W", "error", "-c", _TRACE.format(seed=seed)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        traces.add(run.stdout.strip())
    assert len(traces) == 1


def test_another_seed_gives_another_trace() -> None:
    """A digest of nothing would never differ."""
    digests = {run_world(draw_plan(seed, most=20)).story.digest for seed in range(3)}
    assert len(digests) == 3
