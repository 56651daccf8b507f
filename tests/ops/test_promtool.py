"""Prometheus' own tool reads the rules and tries them on time series; skipped where it is not installed."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.conftest import ROOT

PROMTOOL = shutil.which("promtool")

pytestmark = pytest.mark.skipif(
    PROMTOOL is None,
    reason="promtool is not installed: Debian's package prometheus has it (apt-get install prometheus)",
)


def promtool(*words: str) -> subprocess.CompletedProcess[str]:
    """What it did."""
    assert PROMTOOL is not None
    return subprocess.run([PROMTOOL, *words], cwd=ROOT / "ops", capture_output=True, text=True, timeout=60, check=False)


def test_the_rules_are_rules() -> None:
    """Every expression parses, and every template."""
    told = promtool("check", "rules", "alerts.yaml")
    assert told.returncode == 0, told.stdout + told.stderr


def test_the_rules_do_on_time_series_what_they_say() -> None:
    """They fire after their time with their words, and are silent where nothing is wrong."""
    told = promtool("test", "rules", "alerts.test.yaml")
    assert told.returncode == 0, told.stdout + told.stderr
