"""The documentation of the kinds says what the code says."""

from __future__ import annotations

from router.providers import find_kinds
from tests.providers.table import HEAD, beside_chat, rows
from tests.sources import ROOT
from tests.wire.recorded import FOLDER

PAGE = ROOT / "docs" / "providers.md"


def test_the_documentation_has_the_table_of_the_kinds() -> None:
    """Row for row; what was checked can only be known where the recordings are."""
    written = tuple(line for line in PAGE.read_text().splitlines() if line.startswith("|"))
    made = (*HEAD, *rows())
    if FOLDER.exists():
        assert written == made
    else:
        assert [_told(line) for line in written] == [_told(line) for line in made]


def test_the_documentation_says_what_else_each_kind_can_be_asked_for() -> None:
    """Every operation of every kind, and where it is; each is one that the kind's dialect has words for."""
    text = PAGE.read_text().partition("## Beside chat")[2].partition("\n## ")[0]
    assert [line for line in text.splitlines() if line.startswith("- `")] == beside_chat()
    kinds = find_kinds().values()
    assert [(kind.name, one) for kind in kinds for one in kind.endpoints if one not in kind.dialect.codecs] == []


def _told(line: str) -> str:
    return line.removesuffix(" |").rpartition(" | ")[0]
