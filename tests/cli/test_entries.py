"""`pointsman config` and `pointsman keys` at a running router: what is changed is in force when the command ends."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from tempfile import mkdtemp

import pytest
import typer

from router.cli.entries import settings_of
from tests.fakes.command import given_to, run_beside
from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak
from tests.fakes.served import routed, served
from tests.scenarios.scene import asked_for

KEY = "sk-canary-on-standard-input"


@on_uvloop
async def test_providers_and_groups_are_added_changed_and_removed(tmp_path: Path) -> None:
    """A key comes from standard input, and what is refused says every fault and exits with 1."""
    async with ScriptedProvider(speak()) as one, served(routed(one), Path(mkdtemp(dir=tmp_path))) as router:
        at = ("--url", router.url)
        words = ("kind=openai-compatible", f"base_url={one.base_url}", "models=[m, n]", "api_key=-")
        told = await asyncio.to_thread(given_to, "config", "add", "providers", "new", *words, *at, text=f"{KEY}\n")
        assert told.exit_code == 0 and KEY not in told.output, told.output
        told = await run_beside("config", "add", "groups", "pair", "targets=[new:n, one:m]", *at)
        assert told.exit_code == 0 and "pair" in told.stdout
        async with router.chat(model="pair") as response:
            assert (response.status, response.headers["x-router-provider"]) == (200, "new")
        assert asked_for(one.turns[-1])[0] == f"Bearer {KEY}"
        told = await run_beside("config", "change", "providers", "new", "max_queue=-1", "base_url=null", *at)
        assert told.exit_code == 1 and "providers.new.max_queue" in told.stderr
        told = await run_beside("config", "change", "providers", "new", "max_queue=3", "--json", *at)
        assert json.loads(told.stdout)["providers"]["changed"] == ["new"]
        told = await run_beside("config", "list", "providers", "--json", *at)
        entry = json.loads(told.stdout)["new"]
        assert (entry["max_queue"], entry["api_key"]) == (3, "secret:new/api_key")
        assert (await run_beside("config", "remove", "providers", "new", *at)).exit_code == 1  # the group needs it
        assert (await run_beside("config", "remove", "groups", "pair", *at)).exit_code == 0
        assert (await run_beside("config", "remove", "providers", "new", *at)).exit_code == 0
        told = await run_beside("config", "remove", "providers", "new", *at)
        assert told.exit_code == 1 and "no entry of that name" in told.stderr


@on_uvloop
async def test_a_client_key_is_changed_and_counts_begin_anew(tmp_path: Path) -> None:
    """Null takes a restriction away; a reset is of all providers, and says so where one is named."""
    async with ScriptedProvider(speak()) as one, served(routed(one), Path(mkdtemp(dir=tmp_path))) as router:
        at = ("--url", router.url)
        assert (await run_beside("keys", "create", "team", "--set", "models=[none]", *at)).exit_code == 0
        told = await run_beside("keys", "change", "team", "models=null", "expires=2099-01-01T00:00:00Z", *at)
        assert told.exit_code == 0, told.output
        told = await run_beside("keys", "list", "--json", *at)
        team = json.loads(told.stdout)["team"]
        assert team["expires"].startswith("2099") and team.get("models") is None
        told = await run_beside("metrics", "--reset", *at)
        assert (told.exit_code, told.stdout) == (0, "every count begins anew\n")
        assert (await run_beside("metrics", "one", "--reset", *at)).exit_code == 2


def test_words_are_settings() -> None:
    """YAML, but for dates, which the configuration reads itself."""
    words = ["models=[a, b]", "price={input_per_mtok: 2.5}", "expires=2030-01-01", "weight=2", "base_url=http://a/b=c"]
    assert settings_of(words) == {
        "models": ["a", "b"],
        "price": {"input_per_mtok": 2.5},
        "expires": "2030-01-01",
        "weight": 2,
        "base_url": "http://a/b=c",
    }
    with pytest.raises(typer.BadParameter, match="is not KEY=VALUE"):
        settings_of(["models"])
