"""Letting go of kept answers, over HTTP and by the command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.command import run, run_beside
from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak
from tests.fakes.served import Served, routed, served, until

_ON: dict[str, Any] = {"cache": {"enabled": True}}


async def _uses(router: Served, *users: str) -> list[str]:
    """How the same question of each meets the cache, and that its answer is kept."""
    uses = []
    for user in users:
        before = router.assembly._cached.value.entries
        async with router.chat(user=user) as response:
            uses.append(response.headers["x-router-cache"])
            await response.read()
        if uses[-1] == "miss":
            await until(lambda before=before: router.assembly._cached.value.entries > before)  # type: ignore[misc]
    return uses


async def _purged(router: Served, wish: Any) -> tuple[int, Any]:
    async with router.http.post(f"{router.url}/cache/purge", json=wish) as response:
        return response.status, await response.json()


@pytest.mark.parametrize("backend", ["memory", "sqlite"])
@on_uvloop
async def test_answers_are_let_go_and_that_is_an_act(backend: str, tmp_path: Path) -> None:
    """Those that are meant are asked for anew, the others are still there; the audit log names no end user."""
    kept = {"cache": {"enabled": True, "backend": backend}}
    async with ScriptedProvider(speak()) as one, served(routed(one, **kept), tmp_path) as router:
        assert await _uses(router, "ann", "bob", "ann") == ["miss", "miss", "hit"]
        assert await _purged(router, {"user": "ann"}) == (200, {"entries": 1})
        assert await _uses(router, "bob", "ann") == ["hit", "miss"]
        assert await _purged(router, {"model": "chat", "key": "nobody"}) == (200, {"entries": 0})
        told = await run_beside("cache", "purge", "--model", "one:m", "--url", router.url)
        assert (told.exit_code, told.stdout) == (0, "2 answers are forgotten\n")
        assert await _uses(router, "bob") == ["miss"]
        async with router.http.post(f"{router.url}/ledger/erase", json={"user": "bob"}) as response:
            assert (await response.json())["cached"] == 1
        assert await _purged(router, {"all": True}) == (200, {"entries": 0})
        rows = (await router.get("/audit?act=cache.purged"))[1]["rows"]
        assert [(row["subject"], row["outcome"]) for row in rows] == [
            ("all answers", "taken"),
            ("model one:m", "taken"),
            ("key nobody, model chat", "taken"),
            ("an end user", "taken"),
        ]


@pytest.mark.parametrize(
    "wish",
    [{}, {"all": True, "key": "a"}, {"all": False}, {"user": ""}, {"usr": "ann"}, {"key": 3}, [], "all"],
    ids=str,
)
@on_uvloop
async def test_a_wish_that_could_be_misread_lets_nothing_go(wish: Any, tmp_path: Path) -> None:
    """Nothing at all is not everything; what may be said stands in the answer."""
    async with ScriptedProvider(speak()) as one, served(routed(one, **_ON), tmp_path) as router:
        await _uses(router, "ann")
        code, body = await _purged(router, wish)
        assert code == 400 and '{"all": true}' in body["error"]["message"]
        assert await _uses(router, "ann") == ["hit"]


def test_the_command_wants_a_word_too() -> None:
    """Neither nothing nor both."""
    for words in ((), ("--all", "--key", "a")):
        told = run("cache", "purge", *words)
        assert told.exit_code == 2 and "--all" in told.stderr
