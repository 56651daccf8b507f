"""The table of scenarios at the end of a run: which tests prove each, on which protocols, and whether they passed.

A test says what it proves by its name (`test_line_12_...`, `test_s07_...`), by `@pytest.mark.shows(12)`, by an id of
its parameters (`S04`), or in its docstring ("Scenario 58"). A row that nothing proves is printed too, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import pytest
from msgspec import Struct, convert, to_builtins

REFEREE = tuple(f"S{number:02}" for number in range(1, 17))
LINES = tuple(str(number) for number in range(1, 104))
ROWS = (*LINES, *REFEREE)
"""Every scenario there is; `S..` are the public referee's."""

ABSENT = {
    "54": "one process: shared leases are not built yet",
    "101": "a measurement: `make bench`",
}
"""Why no test proves a row; of no account once one does."""

PRINTS = 60
"""A run in which fewer rows were proved is of a part, and prints no table."""

_NAME = re.compile(r"test_(?:line_(\d+)|(s\d\d))_")
_ID = re.compile(r"\bS\d\d\b")
_DOC = re.compile(r"\bScenarios? (\d+(?:(?:, | and )\d+)*)")
_STATES = ("failed", "error", "skipped", "passed")
"""The worse first: a scenario is as well as the worst of its tests."""
_WORDS = {"failed": "FAIL", "error": "FAIL", "skipped": "skipped", "passed": "pass"}


class Shown(Struct, frozen=True, kw_only=True):
    """What one test says it proves, and in which protocol and mode."""

    rows: tuple[str, ...]
    front: str = ""
    mode: str = ""


class Row(Struct, kw_only=True):
    """One scenario in one run."""

    states: set[str] = set()
    tests: int = 0
    fronts: set[str] = set()
    modes: set[str] = set()


def proved(name: str, marks: Iterable[object] = (), doc: str = "") -> tuple[str, ...]:
    """The rows that a test proves: by its name and id, its marks and its docstring."""
    function, _, parameters = name.partition("[")
    by_id = _ID.findall(parameters)
    found = _NAME.match(function)
    own = (found[1] or found[2].upper(),) if found and not by_id else ()
    told = (number for numbers in _DOC.findall(doc) for number in re.findall(r"\d+", numbers))
    return tuple(dict.fromkeys((*by_id, *own, *(str(mark) for mark in marks), *told)))


def shown(item: pytest.Item) -> Shown:
    """What a collected test proves."""
    marks = [mark for marker in item.iter_markers("shows") for mark in marker.args]
    function = getattr(item, "function", None)
    parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    streamed = parameters.get("streamed")
    return Shown(
        rows=proved(item.name, marks, getattr(function, "__doc__", None) or ""),
        front=getattr(parameters.get("front"), "name", ""),
        mode="" if streamed is None else "streamed" if streamed else "whole",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what proves a scenario, so that `-m shows` takes it, and let its reports carry which."""
    for item in items:
        said = shown(item)
        if said.rows:
            item.add_marker("shows")
            item.user_properties.append(("shows", to_builtins(said)))  # plain: it may come from another process


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A row each, where the run was of enough of them."""
    rows = gathered(chain.from_iterable(_reports(terminalreporter)))
    if len(rows) < PRINTS:
        return
    terminalreporter.section("scenarios")
    for line in table(rows):
        terminalreporter.write_line(line)


def _reports(reporter: pytest.TerminalReporter) -> Iterator[list[tuple[str, Shown]]]:
    for state in _STATES:
        for report in reporter.stats.get(state, ()):
            properties = getattr(report, "user_properties", ())
            yield [(state, convert(said, Shown)) for key, said in properties if key == "shows"]


def gathered(told: Iterable[tuple[str, Shown]]) -> dict[str, Row]:
    """What became of each row."""
    rows: dict[str, Row] = {}
    for state, said in told:
        for name in said.rows:
            row = rows.setdefault(name, Row(states=set(), fronts=set(), modes=set()))
            row.states.add(state)
            row.tests += 1
            row.fronts.add(said.front or "chat")
            row.modes.add(said.mode)
    return rows


def table(rows: dict[str, Row]) -> list[str]:
    """Every scenario, those nobody proved too, and a count."""
    lines = [f"{'':>4}  {'':<8}{'tests':>6}  protocols"]
    for name in ROWS:
        row = rows.get(name)
        if row is None:
            lines.append(f"{name:>4}  {'absent':<8}{0:>6}  {ABSENT.get(name, 'not in this run')}")
            continue
        fronts = [front for front in ("chat", "responses", "messages") if front in row.fronts]
        modes = sorted(mode for mode in row.modes if mode)
        lines.append(
            f"{name:>4}  {verdict(row):<8}{row.tests:>6}  {', '.join(fronts)}; {', '.join(modes) or 'as fits'}"
        )
    words = [verdict(rows[name]) if name in rows else "absent" for name in ROWS]
    counts = ", ".join(f"{words.count(word)} {word}" for word in ("pass", "FAIL", "skipped", "absent"))
    return [*lines, f"{len(ROWS)} scenarios: {counts}"]


def verdict(row: Row) -> str:
    """As well as the worst of its tests."""
    return next(_WORDS[state] for state in _STATES if state in row.states)
