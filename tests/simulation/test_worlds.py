"""A fixed set of worlds holds all invariants, and the same seed gives the same trace."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.simulation.plan import draw_plan
from tests.simulation.world import run_world
from tests.sources import ROOT

_REPEATED = (7, 11)
_MOST = 30
_TRACES = f"""
from tests.simulation.plan import draw_plan
from tests.simulation.world import run_world
print(*[run_world(draw_plan(seed, most={_MOST})).story.digest for seed in {_REPEATED}])
"""
_FOUND = {614: "a stop after the end of an answer", 802: "a deadline after the end of an answer"}
"""Seeds whose worlds once broke, and by what."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The ledger's own words about refusals on purpose would fill the report."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", range(10), ids=str)
def test_a_world_holds_every_invariant(seed: int) -> None:
    """Whatever its seed makes go wrong."""
    assert run_world(draw_plan(seed)).broken == []


@pytest.mark.parametrize("seed", _FOUND, ids=str)
def test_a_world_that_once_broke_holds(seed: int) -> None:
    """Every bug that simulation found stays found."""
    assert run_world(draw_plan(seed)).broken == []


def test_the_same_seed_gives_the_same_trace() -> None:
    """Byte for byte, also in processes whose sets are ordered otherwise."""
    runs = [_process(hash_seed) for hash_seed in ("0", "1")]
    here = [run_world(draw_plan(seed, most=_MOST)).story.digest for seed in _REPEATED]
    assert [run.communicate()[0].split() for run in runs] == [here, here]


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
