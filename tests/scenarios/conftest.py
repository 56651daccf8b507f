"""At the end of a run of scenarios alone: which of them hold."""

from __future__ import annotations

import re
from itertools import chain

import pytest

_NAME = re.compile(r"test_(?:line_(\d+)|(s\d\d))_(\w+?)(?:\[|$)")
_STATES = {"failed": "FAIL", "error": "FAIL", "skipped": "not yet", "passed": "pass"}
"""The worse first: a scenario is as well as the worst of its variants."""
_FOLDER = "tests/scenarios/"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One row a scenario; silent in runs that hold other tests too."""
    states = {state: terminalreporter.stats.get(state, []) for state in _STATES}
    if not all(report.nodeid.startswith(_FOLDER) for report in chain(*states.values())):
        return
    rows: dict[str, tuple[str, str, int]] = {}
    for state, reports in states.items():
        for report in reports:
            found = _NAME.search(report.nodeid.rpartition("::")[2])
            if found is None:
                continue
            key = found[1] or found[2].upper()
            worst, sentence, count = rows.get(key, (_STATES[state], found[3].replace("_", " "), 0))
            rows[key] = (worst, sentence, count + 1)
    if rows:
        terminalreporter.section("scenarios")
    for key in sorted(rows, key=lambda name: (not name.isdigit(), name.zfill(4))):
        worst, sentence, count = rows[key]
        terminalreporter.write_line(f"{key:>4}  {worst:<8}{count:>3}  {sentence}")
