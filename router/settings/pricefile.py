"""Reads a table of prices: every fault of it is told by file, place in it, and what to write instead."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import msgspec
from msgspec import Struct

from router.settings.faults import ConfigInvalid, Findings, Where
from router.settings.schema import PriceFile, PriceRowKeys
from router.settings.shape import Shaper
from router.settings.source import read_tree


class PriceRows(Struct, frozen=True, kw_only=True):
    """The rows of a table.

    Args:
        name: of its file, for the ledger to say beside each cost.
        digest: changes with any row.
    """

    name: str = ""
    rows: tuple[PriceRowKeys, ...] = ()
    digest: str = ""

    def public(self) -> dict[str, object]:
        """What a configuration shows of them: a table may have thousands."""
        return {"rows": len(self.rows), "sha256": self.digest}


def read_prices(path: Path, findings: Findings, where: Where) -> PriceRows:
    """What the file says; its faults are recorded at `where`, each with its own place in the file."""
    found = Findings()
    tree = read_tree(path, found)
    rows: tuple[PriceRowKeys, ...] = ()
    if not found.touch(()):
        tree = {} if tree is None else tree
        if isinstance(tree, list):
            found.add((), "is rows alone; write `prices:` above them, and indent them")
            tree = {"prices": []}
        rows = Shaper(found, path.parent, Path.home()).shape(tree, PriceFile).prices
        _check_rows(rows, found)
    try:
        found.raise_any()
    except ConfigInvalid as invalid:
        for fault in invalid.faults:
            # A file is named once it could be read: before that, the text in its place may be a key.
            findings.add(where, f"{path}: {fault}" if tree is not None else str(fault).removeprefix(f"{path}: "))
        return PriceRows()
    return PriceRows(name=path.name, rows=rows, digest=hashlib.sha256(msgspec.json.encode(rows)).hexdigest())


def _check_rows(rows: tuple[PriceRowKeys, ...], findings: Findings) -> None:
    """Each with a day that there is, and each once for its model and day."""
    first: dict[tuple[str, str, str | None], int] = {}
    for index, row in enumerate(rows):
        where: Where = ("prices", index)
        if row.date is not None and not _is_day(row.date):
            findings.add_rule((*where, "date"), "is no day of the calendar; write one, as in 2026-11-01")
        same = first.setdefault((row.provider, row.model, row.date), index)
        if same != index:
            findings.add_rule(where, f"is for the same model and day as prices[{same}]; remove one, or give it a date")


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
