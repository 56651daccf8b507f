"""`pointsman serve` where it cannot: the exit status, and one sentence that says why."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.command import run
from tests.sources import ROOT

_LOCAL = {"providers": {"one": {"kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1", "models": ["m"]}}}


def _written(config: Mapping[str, Any], home: Path) -> Path:
    file = home / "router.json"
    file.write_text(json.dumps({"home": str(home), **config}))
    return file


def _serve(file: Path, *more: str) -> tuple[int | None, str, str]:
    """Exit status, stdout and stderr of a router that cannot start."""

    async def scene() -> tuple[int | None, str, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "router", "serve", "--config", str(file), *more),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, said = await process.communicate()
        return process.returncode, out.decode(), said.decode()

    return asyncio.run(scene())


def test_a_broken_configuration_exits_with_2_and_names_every_fault(tmp_path: Path) -> None:
    """Before anything is started."""
    file = _written({"server": {"port": -1}, "providers": {"one": {"kind": "openai"}}}, tmp_path)
    told = run("serve", "--config", file)
    assert told.exit_code == 2
    assert str(file) in told.stderr
    assert "server.port" in told.stderr and "providers.one.api_key" in told.stderr
    assert "Traceback" not in told.output


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.10", "example.com"])
def test_a_bind_beyond_this_machine_is_refused_with_the_reason(host: str, tmp_path: Path) -> None:
    """There are no client keys yet."""
    told = run("serve", "--config", _written({"server": {"host": host}, **_LOCAL}, tmp_path))
    assert told.exit_code == 2
    assert "server.host" in told.stderr and "client keys" in told.stderr


@pytest.mark.process
def test_a_port_that_is_taken_exits_with_1_and_says_which(tmp_path: Path) -> None:
    """In one sentence."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        status, out, said = _serve(_written(_LOCAL, tmp_path), "--port", str(port))
    assert (status, out) == (1, "")
    [sentence] = [line for line in said.splitlines() if not line.startswith("{")]
    assert sentence.startswith("pointsman: cannot start: ")
    assert f"127.0.0.1', {port}" in sentence or f"127.0.0.1:{port}" in sentence
    assert "already in use" in sentence and "--port" in sentence


@pytest.mark.process
def test_a_ledger_that_cannot_be_used_exits_with_1_and_names_the_file(tmp_path: Path) -> None:
    """A router that cannot account does not begin to spend."""
    file = tmp_path / "ledger.sqlite"
    file.write_text("this is no database, and it is long enough to be seen as none")
    status, _, said = _serve(_written({**_LOCAL, "server": {"port": 0}, "ledger": {"path": str(file)}}, tmp_path))
    assert status == 1
    [sentence] = [line for line in said.splitlines() if not line.startswith("{")]
    assert sentence.startswith("pointsman: cannot start: ") and "ledger.sqlite" in sentence
