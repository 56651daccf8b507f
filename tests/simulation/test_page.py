"""The page says how a new fault is written: what it shows is put into a world as it stands there, and met."""

from __future__ import annotations

import logging
import re

import pytest
from msgspec.structs import replace

from tests.simulation import faults
from tests.simulation.plan import draw_plan
from tests.simulation.world import run_world
from tests.sources import ROOT

_BLOCK = re.compile(r"^## A new fault$.*?^```python\n(.*?)^```$", re.M | re.S)


def test_the_fault_of_the_page_is_met_and_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The block itself, where the page says it is to stand, and nothing else: it cuts answers, and the world holds."""
    found = _BLOCK.search((ROOT / "docs" / "simulation.md").read_text())
    assert found is not None
    assert found[1].count("\n") < 40
    monkeypatch.setitem(faults.FAULTS, "half_a_character", faults.well)  # taken out again behind the test
    exec(compile(found[1], "docs/simulation.md", "exec"), {**vars(faults)})
    assert faults.FAULTS["half_a_character"] is not faults.well
    logging.disable(logging.CRITICAL)
    try:
        plan = replace(draw_plan(7, most=40), weights={"half_a_character": 1}, rate=0.5, outages=(), disturbances={})
        world = run_world(plan)
    finally:
        logging.disable(logging.NOTSET)
    assert world.broken == []
    assert world.schedule.kinds["half_a_character"] > 5
    assert any(not told.whole for told in world.story.told if told.fault)
