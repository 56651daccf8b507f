"""The README is run: every code block of it, by its language and its first word."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.app import kind_rules
from router.settings import load
from tests.conftest import ROOT, home

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
BLOCKS = [(found[1], found[2]) for found in BLOCK.finditer((ROOT / "README.md").read_text(encoding="utf-8"))]
DEFAULT_PORT = "8094"


def blocks(language: str, holding: str) -> list[str]:
    """The blocks of a language that hold a word."""
    return [text for said, text in BLOCKS if said == language and holding in text]


@pytest.fixture(scope="module")
def port(real_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A router started as the README says, but for the port, which may be taken here."""
    command = [sys.executable, "-m", "router", "serve", "--port", "0"]
    keys = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    folder = tmp_path_factory.mktemp("home")
    (folder / "models").symlink_to(real_model.parent)
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**keys, "POINTSMAN_HOME": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    said = process.stdout.readline().decode()
    found = re.search(r":(\d+) ", said)
    assert found, said
    yield found[1]
    process.terminate()
    assert process.wait(timeout=20) == 0
    process.stdout.close()


def test_no_block_of_the_readme_is_left_out() -> None:
    """Whoever adds a block of a new kind adds its test."""
    tested = [
        *blocks("sh", "make "),
        *blocks("sh", "curl "),
        *blocks("sh", " claude "),
        *blocks("python", "openai"),
        *blocks("python", "Router.from_config"),
        *blocks("yaml", "providers:"),
    ]
    assert sorted(tested) == sorted(text for _, text in BLOCKS)


@pytest.mark.parametrize("line", [line for text in blocks("sh", "make ") for line in text.splitlines()])
def test_every_command_of_the_readme_exists(line: str) -> None:
    """A make target is asked for what it would do; a pointsman command is run."""
    command = line.partition("#")[0].strip()
    if command.startswith("make "):
        command = command.replace("make ", "make --dry-run --no-print-directory ", 1)
    command = command.replace(".venv/bin/pointsman", f"{sys.executable} -m router")
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode == 0, done.stderr


def test_the_configuration_of_the_readme_is_valid() -> None:
    """As it stands there, with the one variable it names."""
    (text,) = blocks("yaml", "providers:")
    import yaml

    settings = load(yaml.safe_load(text), {"OPENAI_API_KEY": "sk-test"}, kind_rules())
    assert list(settings.failover_groups) == ["chat"]


@pytest.mark.model
@pytest.mark.timeout(60)
def test_the_curl_of_the_readme_streams_an_answer(port: str) -> None:
    """Token by token, from the real model, to the terminal event."""
    (text,) = blocks("sh", "curl ")
    done = subprocess.run(
        text.replace(DEFAULT_PORT, port),
        shell=True,
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    chunks = [json.loads(line[6:]) for line in done.stdout.splitlines() if line.startswith("data: {")]
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert done.stdout.rstrip().endswith("data: [DONE]")
    assert len(chunks) > 3


@pytest.mark.model
@pytest.mark.timeout(60)
def test_the_clients_of_the_readme_print_an_answer_each(port: str) -> None:
    """The official SDKs of OpenAI and Anthropic, changed over by their base URLs alone."""
    (text,) = blocks("python", "openai")
    done = subprocess.run(
        [sys.executable, "-c", text.replace(DEFAULT_PORT, port)], capture_output=True, text=True, timeout=50, check=True
    )
    assert len([line for line in done.stdout.splitlines() if line.strip()]) >= 2


def test_claude_code_is_told_a_host_without_a_path() -> None:
    """It asks `/v1/messages` below its base; what it sends is served in `tests/scenarios/test_claude_code.py`."""
    (line,) = blocks("sh", " claude ")
    variables = dict(word.split("=", 1) for word in line.split() if "=" in word)
    assert variables["ANTHROPIC_BASE_URL"] == f"http://127.0.0.1:{DEFAULT_PORT}"


@pytest.mark.model
@pytest.mark.timeout(60)
def test_the_embedding_of_the_readme_prints_an_answer(real_model: Path, tmp_path: Path) -> None:
    """The whole router inside another program."""
    (text,) = blocks("python", "Router.from_config")
    (tmp_path / "models").symlink_to(home() / "models")
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=ROOT,
        env={**os.environ, "POINTSMAN_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    assert done.stdout.strip()
