"""The documentation of the kinds says what the code says."""

from __future__ import annotations

from tests.providers.table import HEAD, rows
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


def _told(line: str) -> str:
    return line.removesuffix(" |").rpartition(" | ")[0]
