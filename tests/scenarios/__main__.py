"""`python -m tests.scenarios`: every test that proves a scenario, and the table. Further words go to pytest.

With `--base-url` another gateway is put through the public referee's faults instead.
"""

from __future__ import annotations

import sys

import pytest

from tests.scenarios import blackbox
from tests.sources import ROOT

if __name__ == "__main__":
    words = sys.argv[1:]
    if any(word.startswith("--base-url") for word in words):
        sys.exit(blackbox.main(words))
    sys.exit(pytest.main(["-q", "-m", "shows", str(ROOT / "tests"), *words]))
