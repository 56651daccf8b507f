"""`pointsman check`: what it prints and how it exits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.command import run
from tests.sources import ROOT

_SECRET = "sk-very-secret"
_BROKEN = f"""
server: {{port: 70000}}
providers:
  one: {{kind: openai-compatible, api_key: {_SECRET}, modles: [m]}}
  two: {{kind: opneai}}
failover_groups:
  chat: {{targets: [three]}}
"""


def test_a_good_file_is_valid(tmp_path: Path) -> None:
    """One line, with the version that answers will name."""
    file = tmp_path / "router.yaml"
    file.write_text("providers: {local: {kind: llama-cpp}}\n")
    told = run("check", file)
    assert told.exit_code == 0
    assert told.stdout.startswith(f"{file}: valid, version ")
    asked = run("check", file, "--json")
    assert asked.exit_code == 0
    answer = json.loads(asked.stdout)
    assert (answer["valid"], answer["faults"]) == (True, [])
    assert told.stdout.split()[-1] == answer["version"]


def test_what_was_changed_at_run_time_is_part_of_what_is_checked(tmp_path: Path) -> None:
    """It lies over the file when that is served, and a file that is good alone would not start with it."""
    file, changes = tmp_path / "router.yaml", tmp_path / "changes.json"
    file.write_text(f"home: {tmp_path}\nproviders: {{local: {{kind: llama-cpp}}}}\n")
    changes.write_text('{"form": 2, "failover_groups": {"g": {"how": "whole", "keys": {"targets": ["local"]}}}}')
    good = run("check", file)
    assert (good.exit_code, good.stderr.strip()) == (0, "failover_groups.g: added at run time, see changes.json")
    changes.write_text(changes.read_text().replace('["local"]', '["gone"]'))
    bad = run("check", file)
    assert bad.exit_code == 1 and "changed at run time, in changes.json" in bad.stderr


def test_every_fault_of_a_broken_file_is_printed(tmp_path: Path) -> None:
    """Each by its path, on stderr; no value among them."""
    file = tmp_path / "router.yaml"
    file.write_text(_BROKEN)
    told = run("check", file)
    assert told.exit_code == 1
    assert told.stdout == ""
    head, *faults = told.stderr.splitlines()
    assert head == f"{file}: {len(faults)} faults"
    paths = [fault.strip().partition(":")[0] for fault in faults]
    assert {"server.port", "providers.one.modles", "providers.two.kind", "failover_groups.chat.targets[0]"} <= set(
        paths
    )
    assert _SECRET not in told.output


def test_a_machine_can_read_the_faults(tmp_path: Path) -> None:
    """The same ones, as JSON on stdout."""
    file = tmp_path / "router.yaml"
    file.write_text(_BROKEN)
    asked = run("check", file, "--json")
    assert (asked.exit_code, asked.stderr) == (1, "")
    answer = json.loads(asked.stdout)
    assert (answer["valid"], answer["version"]) == (False, None)
    told = run("check", file).stderr.splitlines()[1:]
    assert [f"{fault['path']}: {fault['message']}" for fault in answer["faults"]] == [line.strip() for line in told]


_UNREADABLE = {
    "missing": (None, "router.yaml"),
    "not YAML": ("providers: [", "router.yaml"),
    "of no known form": ("providers: {}", "router.txt"),
    "empty": ("", "router.yaml"),
}


@pytest.mark.parametrize(("text", "name"), _UNREADABLE.values(), ids=_UNREADABLE)
def test_a_file_that_cannot_be_read_is_a_fault_too(text: str | None, name: str, tmp_path: Path) -> None:
    """In words, not in a traceback."""
    file = tmp_path / name
    if text is not None:
        file.write_text(text)
    told = run("check", file)
    assert told.exit_code == 1
    assert told.stderr.startswith(f"{file}: 1 fault\n")
    assert "Traceback" not in told.output


@pytest.mark.parametrize("file", sorted((ROOT / "config").glob("*.yaml")), ids=lambda file: file.name)
def test_what_config_holds_is_valid(file: Path) -> None:
    """With the one key that the reference names."""
    assert run("check", file, env={"OPENAI_API_KEY": "sk-x"}).exit_code == 0


def test_prices_of_a_provider_that_is_not_there_are_noted(tmp_path: Path) -> None:
    """It is no fault, since a table may serve several routers; it may be a slip of the pen."""
    file = tmp_path / "router.yaml"
    file.write_text("providers: {local: {kind: llama-cpp}}\nprices: {file: prices.yaml}\n")
    rates = "model: m, input_per_mtok: 1, output_per_mtok: 1"
    (tmp_path / "prices.yaml").write_text(f"prices: [{{provider: local, {rates}}}, {{provider: lokal, {rates}}}]\n")
    told = run("check", file)
    note = "prices.file has rows for lokal, and no provider has that name"
    assert (told.exit_code, told.stderr.strip()) == (0, note)
    assert json.loads(run("check", file, "--json").stdout)["notes"] == [note]


def test_a_check_does_not_load_what_only_a_router_needs() -> None:
    """A store and the price list are half of what there is to load; whoever checks a file waits for neither."""
    file = ROOT / "config/pointsman.yaml"
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from router.cli import check\n"
        f"assert check.run(Path({str(file)!r}), as_json=False) == 0\n"
        "print(*({'sqlalchemy', 'alembic', 'genai_prices', 'llama_cpp', 'opentelemetry'} & sys.modules.keys()))\n"
    )
    told = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
    assert told.stdout.splitlines()[1:] == [""]
