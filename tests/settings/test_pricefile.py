"""A table of prices is read whole, or refused with every fault by file and place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from router.settings import ConfigInvalid, Settings, load
from tests.sources import ROOT

_ROW = "{provider: main, model: m, input_per_mtok: 1, output_per_mtok: 2"
_HINT = "; did you mean"

_FAULTS = {
    "a misspelt key": (f"prices: [{_ROW}, datum: 2026-01-01}}]", f'prices[0].datum: unknown key{_HINT} "date"?'),
    "no model": (
        "prices: [{provider: main, input_per_mtok: 1, output_per_mtok: 2}]",
        "prices[0].model: is missing; give text that is not empty",
    ),
    "half a price": (
        "prices: [{provider: main, model: m, input_per_mtok: 1}]",
        "prices[0].output_per_mtok: is missing; give a number from 0",
    ),
    "less than nothing": (
        f"prices: [{_ROW}, request_usd: -1}}]",
        "prices[0].request_usd: must be a number from 0",
    ),
    "no such day": (
        f"prices: [{_ROW}, date: 2026-02-30}}]",
        "prices[0].date: is no day of the calendar; write one, as in 2026-11-01",
    ),
    "twice the same": (
        f"prices: [{_ROW}}}, {_ROW}}}]",
        "prices[1]: is for the same model and day as prices[0]; remove one, or give it a date",
    ),
    "rows alone": (f"[{_ROW}}}]", "is rows alone; write `prices:` above them, and indent them"),
    "nothing": ("", "prices: is missing; give a list"),
    "no YAML": ("prices: [", "line 1, column 10: expected the node content"),
}


def loaded(file: Path) -> Settings:
    """A configuration that names a table beside it."""
    config = file.parent / "pointsman.yaml"
    config.write_text(f"providers: {{local: {{kind: llama-cpp}}}}\nprices: {{file: {file.name}}}\n")
    return load(config, {})


@pytest.mark.parametrize(("text", "fault"), _FAULTS.values(), ids=_FAULTS)
def test_a_fault_of_a_table_names_file_and_place(tmp_path: Path, text: str, fault: str) -> None:
    """Beside the key of the configuration that names the file, with what to write instead."""
    file = tmp_path / "prices.yaml"
    file.write_text(text)
    with pytest.raises(ConfigInvalid) as refused:
        loaded(file)
    (said,) = refused.value.faults
    place = "" if fault.startswith("line ") else f"{file}: "
    assert (said.path, said.message.startswith(place + fault)) == ("prices.file", True), said


def test_every_fault_of_a_table_is_told_at_once(tmp_path: Path) -> None:
    """And a file that is not there is one."""
    file = tmp_path / "prices.yaml"
    with pytest.raises(ConfigInvalid, match=r"  prices.file: cannot be read: no such file"):
        loaded(file)
    file.write_text("prices: [{provider: main, model: m}, {provider: main, model: n, input_per_mtok: x}]")
    with pytest.raises(ConfigInvalid) as refused:
        loaded(file)
    assert len(refused.value.faults) == 4


def test_the_documented_table_is_one_and_its_rows_are_not_shown(tmp_path: Path) -> None:
    """A configuration shows how many there are, and is another version when one changes."""
    text = re.findall(r"```yaml\n(prices: # .*?)```", (ROOT / "docs" / "configuration.md").read_text(), re.DOTALL)[0]
    file = tmp_path / "prices.yaml"
    file.write_text(text)
    before = loaded(file)
    assert [row.model for row in before.prices.table.rows] == ["large", "large", "*"]
    assert before.public()["prices"]["table"]["rows"] == 3
    file.write_text(text.replace("8.00", "8.01"))
    assert loaded(file).version != before.version
