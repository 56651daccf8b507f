"""Tables by the width of the terminal: what matters most is shown, and nothing that is counted is cut."""

from __future__ import annotations

import subprocess
import sys

import pytest

from router.cli import comparison, drill, keys, ledger, operation, remote
from router.cli.console import Column, Listing, kept_columns, listing, printed, widened

_WIDEST = "a-provider-of-ours"
_CELLS = {True: "1234567", False: "2026-11-28 15:40:31"}

_ALL = {
    "providers": remote._PROVIDERS,
    "models": remote._MODELS,
    "costs": operation.COSTS,
    "logs": operation._LOGS,
    "audit": operation._ACTS,
    "metrics": operation._NUMBERS,
    "capabilities": operation._ABILITIES,
    "estimate": operation._ESTIMATES,
    "keys": keys._KEYS,
    "ledger": ledger._ENTRIES,
    "compare": comparison._COMPARED,
    "drill": drill._DRILLS,
}


def _shown(table: Listing, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    printed(table)
    return capsys.readouterr().out


@pytest.mark.parametrize("columns", _ALL.values(), ids=_ALL)
def test_every_table_fits_into_80_columns(
    columns: tuple[Column, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No number and no name is broken, and what is left out is named; where nothing need be, nothing is."""
    row = [_CELLS[column.number] if at else _WIDEST for at, column in enumerate(columns)]
    said = _shown(listing(columns, [row]), 80, monkeypatch, capsys)
    assert max(map(len, said.splitlines()[:-1])) <= 80
    assert _WIDEST in said and "…" not in said
    kept = kept_columns(listing(columns, [row]), 80)
    assert all(at in kept for at, column in enumerate(columns) if not column.rank)
    assert len(kept) == len(columns) or "--wide" in said
    assert said.count(_CELLS[True]) == sum(columns[at].number for at in kept)
    wide = _shown(listing(columns, [row]), 400, monkeypatch, capsys)
    assert "--wide" not in wide and all(column.title in wide for column in columns)


def test_the_least_important_column_goes_first() -> None:
    """Of two alike the one further right; what is ranked 0 stays, however narrow it is."""
    columns = [Column(title=each, rank=rank) for each, rank in (("aaaa", 0), ("bbbb", 2), ("cccc", 1), ("dddd", 2))]
    table = listing(columns, [("1", "2", "3", "4")])
    assert [kept_columns(table, width) for width in (29, 28, 21, 14, 3)] == [
        (0, 1, 2, 3),
        (0, 1, 2),
        (0, 2),
        (0,),
        (0,),
    ]


def test_wide_shows_every_column(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """However narrow the terminal."""
    table = listing([Column(title=f"column {number}", rank=1) for number in range(20)], [["x"] * 20])
    widened(True)
    try:
        assert "column 19" in _shown(table, 80, monkeypatch, capsys)
    finally:
        widened(False)
    assert "not shown: " in _shown(table, 80, monkeypatch, capsys)


def test_a_table_in_a_pipe_is_not_cut() -> None:
    """Where nobody looks there are no 80 columns."""
    code = (
        "from router.cli.console import *;"
        " printed(listing([Column(title='a'), Column(title='b', rank=1)], [('x' * 90, 'y' * 90)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={}, check=True, timeout=20)
    assert "x" * 90 in done.stdout and "y" * 90 in done.stdout
