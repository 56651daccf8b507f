"""A configuration's file that changes is read again, whatever way it was written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from router.app import kind_rules
from router.settings import load
from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak
from tests.fakes.served import process, remote, routed


@pytest.mark.process
@on_uvloop
async def test_a_change_of_the_file_is_noticed(tmp_path: Path) -> None:
    """Written in place, then replaced as editors do; touched, nothing happens."""
    async with ScriptedProvider(speak()) as one, process(routed(one), tmp_path) as router:
        file = tmp_path / "process.json"
        config = json.loads(file.read_text())
        config["providers"]["two"] = remote(one)
        file.write_text(json.dumps(config))
        first = await router.said("config loaded", by="file")
        async with router.chat(model="two:m") as response:
            assert (response.status, response.headers["x-router-config"]) == (200, first["version"])
        os.utime(file)
        del config["providers"]["two"]
        other = tmp_path / "other.json"
        other.write_text(json.dumps(config))
        other.replace(file)
        start = await router.said("config loaded", by="start")
        await router.said("config loaded", by="file", version=start["version"])
        async with router.chat(model="two:m") as response:
            assert response.status == 404
        assert [line["by"] for line in router.log if line["event"] == "config loaded"] == ["start", "file", "file"]

        # A table of prices that a reload brings is followed from then on.
        prices = tmp_path / "prices.json"
        prices.write_text('{"prices": []}')
        file.write_text(json.dumps({**config, "prices": {"file": str(prices)}}))
        await router.said("config loaded", by="file", version=load(file, os.environ, kind_rules()).version)
        prices.write_text("[]")
        assert (await router.said("config refused", by="file"))["faults"][0].startswith("prices.file")
