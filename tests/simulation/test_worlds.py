"""A fixed set of worlds holds all invariants, and the same seed gives the same trace."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.simulation.plan import draw_plan
from tests.simulation.schedule import Limits
from tests.simulation.world import run_world
from tests.sources import ROOT

_MOST = 40
_TRACES = f"""
from tests.simulation.plan import draw_plan
from tests.simulation.world import run_world
print(*[run_world(draw_plan(seed, most={_MOST})).story.digest for seed in (7, 11)])
"""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The ledger's own words about refusals on purpose would fill the report."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", range(8), ids=str)
def test_a_world_holds_every_invariant(seed: int) -> None:
    """Whatever its seed makes go wrong; `make sim` does the rest."""
    assert run_world(draw_plan(seed, most=250)).broken == []


def test_scouts_crash_like_all_others() -> None:
    """In the middle of a survey or between two: what they find is found all the same."""
    world = run_world(draw_plan(3089, most=60))
    assert [name for name in world.story.fallen if name.endswith("/scout")]
    assert world.broken == []


@pytest.mark.timeout(60)  # two interpreters start and import everything
def test_the_same_seed_gives_the_same_trace() -> None:
    """Byte for byte, in two processes whose sets are ordered otherwise."""
    processes = [_process(hash_seed) for hash_seed in ("0", "1")]
    first, second = [process.communicate()[0].split() for process in processes]
    assert first == second
    assert len(set(first)) == 2


def _process(hash_seed: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _TRACES],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_another_seed_gives_another_trace() -> None:
    """A digest of nothing would never differ."""
    digests = {run_world(draw_plan(seed, most=20)).story.digest for seed in range(3)}
    assert len(digests) == 3


def test_a_world_meets_the_faults_of_its_schedule_and_no_others() -> None:
    """Which is what lets a schedule shrink: those that stay happen where they would have happened."""
    plan = draw_plan(7, most=60)
    met = run_world(plan).schedule.met
    half = frozenset(met[::2])
    assert run_world(plan, Limits(only=frozenset(met))).schedule.met == met
    assert run_world(plan, Limits(only=frozenset())).schedule.met == []
    assert set(run_world(plan, Limits(only=half)).schedule.met) <= half
