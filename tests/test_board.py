"""No scenario is missing in silence, and the table says what became of each."""

from __future__ import annotations

import re

from tests.board import ABSENT, LINES, REFEREE, ROWS, Shown, gathered, proved, table
from tests.sources import ROOT

_TEST = re.compile(r"def (test_\w+)")
_MARK = re.compile(r"mark\.shows\(([^)]*)\)")
_CASE = re.compile(r"Case\(\s*line=(\d+)")
_IDS = re.compile(r"\"(S\d\d)\"")


def rows_in_the_sources() -> set[str]:
    """What the tests of this repository say they prove."""
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("*.py"):
        if path.name in ("board.py", "test_board.py"):
            continue
        text = path.read_text()
        found.update(row for name in _TEST.findall(text) for row in proved(name))
        found.update(proved("", (), text))
        found.update(number for marks in _MARK.findall(text) for number in re.findall(r"S?\d+", marks))
        found.update(_CASE.findall(text), _IDS.findall(text))
    return found


def test_every_scenario_is_proved_or_says_why_not() -> None:
    """A test that is deleted or renamed must not take its scenario with it unseen."""
    found = rows_in_the_sources()
    assert [row for row in ROWS if row not in found and row not in ABSENT] == []
    assert found - set(ROWS) == set()


def test_all_of_the_referee_is_proved() -> None:
    """Sixteen of sixteen, none with an excuse."""
    assert set(REFEREE) <= rows_in_the_sources()
    assert not set(REFEREE) & set(ABSENT)


def test_a_test_says_what_it_proves_in_four_ways() -> None:
    """By its name, by an id, by a mark and in its docstring."""
    assert proved("test_line_12_a_400_is_told[streamed]") == ("12",)
    assert proved("test_s02_is_replaced[S16]") == ("S16",)
    assert proved("test_s03_is_mended[500]", ("S05",)) == ("S03", "S05")
    assert proved("test_anything", (), "Scenarios 11, 62 and 66: words 7.") == ("11", "62", "66")
    assert proved("test_lines_are_counted") == ()


def test_a_row_is_as_well_as_its_worst_test() -> None:
    """One failure of many is a failure, and what did not run is not passed."""
    ran = [
        ("passed", Shown(rows=("12",), front="chat", mode="whole")),
        ("failed", Shown(rows=("12",), front="messages", mode="whole")),
        ("passed", Shown(rows=("S01",), mode="streamed")),
    ]
    said = table(gathered(ran))
    assert len(said) == 1 + len(ROWS) + 1
    assert said[12].split() == ["12", "FAIL", "2", "chat,", "messages;", "whole"]
    assert said[1 + len(LINES)].split() == ["S01", "pass", "1", "chat;", "streamed"]
    assert said[1].split()[:2] == ["1", "absent"]
    assert said[-1] == f"{len(ROWS)} scenarios: 1 pass, 1 FAIL, 0 skipped, {len(ROWS) - 2} absent"
