"""The documentation of the kinds says what the code says, and what the replay counted."""

from __future__ import annotations

import ast

from router.providers import find_kinds
from router.settings import BUILT_IN
from tests.providers.table import HEAD, PAGE, beside_chat, checked, counted, rows
from tests.sources import ROOT
from tests.wire.recorded import needs_recordings

STALE = "docs/providers.md is stale: run `make docs`"


def test_the_documentation_has_the_table_of_the_kinds() -> None:
    """Row for row."""
    written = tuple(line for line in PAGE.read_text().splitlines() if line.startswith("|"))
    assert written == (*HEAD, *rows()), STALE


def test_the_documentation_says_what_else_each_kind_can_be_asked_for() -> None:
    """Every operation of every kind, and where it is; each is one that the kind's dialect has words for."""
    text = PAGE.read_text().partition("## Beside chat")[2].partition("\n## ")[0]
    assert [line for line in text.splitlines() if line.startswith("- `")] == beside_chat()
    kinds = find_kinds().values()
    assert [(kind.name, one) for kind in kinds for one in kind.endpoints if one not in kind.dialect.codecs] == []


@needs_recordings
def test_what_was_counted_is_what_is_recorded() -> None:
    """A recording that was added is one that somebody has to replay."""
    assert checked().kinds == counted(), STALE


def test_no_replay_that_was_counted_failed() -> None:
    """The page tells of none."""
    assert [name for name, (_passed, failed, _unsaid) in checked().cells.items() if failed] == []


NAMES = set(BUILT_IN) - {kind.dialect.name for kind in find_kinds().values()}
"""A dialect may have the name of the kind that speaks it; rooms may name dialects."""

ROOMS = ("app", "front", "cli", "policy", "upstream")


def test_nobody_chooses_by_the_name_of_a_kind() -> None:
    """What differs between kinds stands in their own files, as data: a kind's name is no word of any other room."""
    rooms = [ROOT / "actors", *(ROOT / "router" / room for room in ROOMS)]
    files = [path for room in rooms for path in sorted(room.rglob("*.py"))]
    assert [place for path in files for place in _named(path.relative_to(ROOT).as_posix(), path.read_text())] == []
    assert _named("x.py", 'if kind == "bedrock":\n    pass') == ["x.py:1 names bedrock"]


def _named(name: str, source: str) -> list[str]:
    """Where a source holds a kind's name as a value of its own."""
    texts = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return [f"{name}:{node.lineno} names {node.value}" for node in texts if node.value in NAMES]
