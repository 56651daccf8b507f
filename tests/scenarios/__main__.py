"""`python -m tests.scenarios`: every test that proves a scenario, and the table. Further words go to pytest."""

from __future__ import annotations

import sys

import pytest

from tests.sources import ROOT

if __name__ == "__main__":
    sys.exit(pytest.main(["-q", "-m", "shows", str(ROOT / "tests"), *sys.argv[1:]]))
