"""SIGHUP: the process reads its file again."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak
from tests.fakes.served import process, remote, routed


@pytest.mark.process
@on_uvloop
async def test_a_hangup_reads_the_file_again(tmp_path: Path) -> None:
    """A provider that was added is asked; one that was not mended is refused, and the router serves on."""
    async with ScriptedProvider(speak()) as one, process(routed(one, reload={"watch": False}), tmp_path) as router:
        file = tmp_path / "process.json"
        config = json.loads(file.read_text())
        config["providers"]["two"] = remote(one)
        file.write_text(json.dumps(config))
        router.signal(signal.SIGHUP)
        line = await router.said("config loaded", by="SIGHUP")
        async with router.chat(model="two:m") as response:
            assert (response.status, response.headers["x-router-config"]) == (200, line["version"])
        file.write_text("{")
        router.signal(signal.SIGHUP)
        refused = await router.said("config refused", by="SIGHUP")
        assert "line 1, column 2" in refused["faults"][0]
        async with router.chat(model="two:m") as response:
            assert (response.status, response.headers["x-router-config"]) == (200, line["version"])
        router.signal(signal.SIGTERM)
        assert await router.exited() == 0
