"""The soak, for two seconds instead of hours: it must not rot, and must be able to fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.entries import closed, opened
from tests.simulation.sockets.soak import wrongs
from tests.sources import ROOT

_SHORT = ["--hours", "0.0006", "--warm-s", "0.5", "--every-s", "0.5", "--rest-s", "1", "--callers", "4"]


@pytest.mark.process
@pytest.mark.timeout(60)  # three processes, of which two import everything
@pytest.mark.parametrize(("more", "wrong"), [("--slope=1e9", ""), ("--files-more=-100", "it is not flat")])
def test_a_short_soak_says_whether_anything_is_wrong(tmp_path: Path, more: str, wrong: str) -> None:
    """One that stays within its bounds ends well and tells of load and account; one that cannot does not."""
    command = [sys.executable, "-m", "tests.simulation.sockets.soak", "--home", str(tmp_path), *_SHORT, more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=50)
    assert (done.returncode, f"wrong: {wrong}" in done.stdout) == (int(bool(wrong)), bool(wrong)), done.stdout
    assert "'200': " in done.stdout and "account: {" in done.stdout and "rest: " in done.stdout


def test_an_account_with_a_hole_is_told() -> None:
    """An entry that is open, and a request that has none."""
    assert wrongs([closed("a.1"), closed("b.1")], asked=2) == []
    assert wrongs([closed("a.1"), opened("b.1")], asked=3) == ["1 entries are open", "3 requests have 2 entries"]
