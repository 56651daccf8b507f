"""What providers say of money, asked for by the command."""

from __future__ import annotations

import json
from pathlib import Path

from tests.fakes.command import run_beside
from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider, refused
from tests.fakes.replies import status
from tests.fakes.turn import Script, Turn

KEY = {"data": {"label": "sk-or-v1-abc", "limit": 20, "limit_remaining": 7.5, "usage": 12.5, "is_free_tier": False}}
CREDITS = {"data": {"total_credits": 100, "total_usage": 41.25}}
GENERATION = {"data": {"id": "gen-1", "total_cost": 0.0042, "cancelled": True, "native_tokens_prompt": 12, "x": []}}
BALANCE = {"is_available": True, "balance_infos": [{"currency": "CNY", "total_balance": "110.00"}]}


def told(*, manager: bool) -> ScriptedProvider:
    """A provider that tells; the account's credits only to whoever has the key for them."""

    def choose(turn: Turn) -> Script:
        path = turn.path.removeprefix("/v1")
        if path == "/credits" and not manager:
            return status(403, body={"error": {"code": 403, "message": "management key required"}})
        known = {"/key": KEY, "/credits": CREDITS, "/generation?id=gen-1": GENERATION, "/user/balance": BALANCE}
        return status(200, body=known[path]) if path in known else status(404)

    return ScriptedProvider(choose=choose)


def written(folder: Path, address: str, kind: str = "openrouter") -> str:
    """A configuration of it, and of one that tells nothing."""
    file = folder / "c.json"
    own = {"kind": kind, "api_key": "k-1", "base_url": address, "models": ["m"]}
    silent = {"kind": "openai-compatible", "base_url": address, "models": ["m"]}
    file.write_text(json.dumps({"home": str(folder), "providers": {"main": own, "other": silent}}))
    return str(file)


@on_uvloop
async def test_credits_are_told_as_far_as_the_key_goes(tmp_path: Path) -> None:
    """What any key may ask, and with a management key the account's too."""
    own = {"label": "sk-or-v1-abc", "limit": 20, "limit_remaining": 7.5, "usage": 12.5, "is_free_tier": False}
    for manager, more in ((False, {}), (True, {"total_credits": 100, "total_usage": 41.25})):
        async with told(manager=manager) as provider:
            config = written(tmp_path, provider.base_url)
            said = await run_beside("providers", "--credits", "--config", config, "--json")
            assert said.exit_code == 0, said.stdout
            assert json.loads(said.stdout) == {"main": {"provider": "main", "figures": {**own, **more}, "why": None}}
            assert {turn.headers["authorization"] for turn in provider.turns} == {"Bearer k-1"}
            shown = await run_beside("providers", "--credits", "--config", config)
            assert "limit_remaining" in shown.stdout and "7.5" in shown.stdout


@on_uvloop
async def test_one_answer_is_told_by_its_id(tmp_path: Path) -> None:
    """Its cost above all, which a stream that was cut does not tell."""
    async with told(manager=False) as provider:
        config = written(tmp_path, provider.base_url)
        said = await run_beside("providers", "--generation", "gen-1", "--config", config, "--json")
        figures = {"id": "gen-1", "total_cost": 0.0042, "native_tokens_prompt": 12, "cancelled": True}
        assert json.loads(said.stdout)["main"]["figures"] == figures
        unknown = await run_beside("providers", "--generation", "gen-2", "--config", config, "--json")
        assert unknown.exit_code == 1 and "a second or two" in json.loads(unknown.stdout)["main"]["why"]


@on_uvloop
async def test_a_balance_is_told_by_currency(tmp_path: Path) -> None:
    """As DeepSeek has it."""
    async with told(manager=False) as provider:
        config = written(tmp_path, provider.base_url, "deepseek")
        said = await run_beside("providers", "--credits", "--config", config, "--json")
        assert json.loads(said.stdout)["main"]["figures"] == {"is_available": True, "CNY total_balance": "110.00"}


@on_uvloop
async def test_a_provider_that_does_not_tell_is_named(tmp_path: Path) -> None:
    """With why, and the command fails: one that is down, and one that refuses the key."""
    with refused() as address:
        said = await run_beside("providers", "--credits", "--config", written(tmp_path, address), "--json")
        assert said.exit_code == 1 and "cannot be reached" in json.loads(said.stdout)["main"]["why"]
    async with ScriptedProvider(status(401)) as provider:
        said = await run_beside("providers", "--credits", "--config", written(tmp_path, provider.base_url), "--json")
        assert said.exit_code == 1 and json.loads(said.stdout)["main"]["why"]
