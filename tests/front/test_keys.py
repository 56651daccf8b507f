"""Client keys that are made, renewed and taken back while serving."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from tests.fakes.command import run_beside
from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak
from tests.fakes.served import Served, log_of, routed, served
from tests.front.test_config import ask, contents

REQUIRED = {"server": {"keys_required": True}}


async def status_of(router: Served, key: str) -> int:
    """What a chat request with this key is answered."""
    async with router.http.post(
        f"{router.url}/v1/chat/completions",
        json={"model": "chat", "messages": [{"role": "user", "content": "hi"}]},
        headers={"authorization": f"Bearer {key}"},
    ) as response:
        return response.status


@on_uvloop
async def test_a_key_is_made_shown_once_renewed_and_revoked(tmp_path: Path) -> None:
    """It works from its answer on; what is kept is its digest, and every act is in the log without it."""
    async with ScriptedProvider(speak()) as one, served(routed(one, **REQUIRED), tmp_path) as router:
        made = await ask(router, "POST", "/keys", {"name": "team", "owner": "ann"})
        first = made.body["key"]
        assert (made.status, await status_of(router, first)) == (201, 200)
        assert (await ask(router, "POST", "/keys", {"name": "team"})).status == 409
        listed = await ask(router, "GET", "/keys")
        assert listed.body["team"]["owner"] == "ann" and first not in listed.text

        renewed = await ask(router, "POST", "/keys/team/rotate", {"overlap_s": 600})
        second = renewed.body["key"]
        assert [await status_of(router, key) for key in (first, second)] == [200, 200]
        assert (await ask(router, "POST", "/keys/team/rotate", {"overlap_s": 0})).status == 200
        assert [await status_of(router, key) for key in (first, second)] == [401, 401]

        last = (await ask(router, "POST", "/keys/team/rotate")).body["key"]
        narrowed = await ask(router, "PATCH", "/keys/team", {"models": ["one:*"]})
        assert (narrowed.status, await status_of(router, last)) == (200, 404)
        assert (await ask(router, "DELETE", "/keys/team")).status == 200
        assert await status_of(router, last) == 401
        assert (await ask(router, "POST", "/keys/team/rotate")).status == 404
        acts = [line["act"] for line in log_of(router.log.read, "admin acted", subject="keys.team")]
        assert acts[:2] == ["config.create", "config.create"] and acts[-1] == "config.remove"
        kept = [repr(router.log.read).encode(), *contents(tmp_path)]
    assert not any(key.encode() in each for key in (first, second, last) for each in kept)


@on_uvloop
async def test_a_made_key_outlives_a_restart(tmp_path: Path) -> None:
    """Its digest is in what was changed at run time."""
    home = Path(mkdtemp(dir=tmp_path))
    async with ScriptedProvider(speak()) as one:
        async with served(routed(one, **REQUIRED), home) as router:
            made = await ask(router, "POST", "/keys", {"name": "team"})
            assert made.status == 201, made.text
            key = made.body["key"]
        async with served(routed(one, **REQUIRED), home) as router:
            assert await status_of(router, key) == 200


@on_uvloop
async def test_keys_are_made_here_and_nowhere_else(tmp_path: Path) -> None:
    """No digest or key of somebody's own is taken, and one that stands in a file is not renewed over it."""
    written: dict[str, Any] = {"keys": {"own": {"key": "a-key-of-the-file-itself"}}}
    async with ScriptedProvider(speak()) as one, served(routed(one, **written), tmp_path) as router:
        for keys in ({"key": "x" * 30}, {"sha256": "0" * 64}):
            assert (await ask(router, "POST", "/keys", {"name": "team", **keys})).status == 400
        assert (await ask(router, "POST", "/keys/own/rotate")).status == 409
        assert (await ask(router, "POST", "/keys", {"name": "team", "modles": []})).status == 422


@on_uvloop
async def test_the_command_makes_lists_renews_and_revokes(tmp_path: Path) -> None:
    """A key alone on standard output, so that a script can take it; an error is one line."""
    async with ScriptedProvider(speak()) as one, served(routed(one, **REQUIRED), tmp_path) as router:
        made = await run_beside("keys", "create", "team", "--set", "models=[chat]", "--url", router.url)
        key = made.stdout.strip().splitlines()[0]
        assert (made.exit_code, await status_of(router, key)) == (0, 200)
        told = await run_beside("keys", "list", "--json", "--url", router.url)
        assert json.loads(told.stdout)["team"]["models"] == ["chat"]
        renewed = await run_beside("keys", "rotate", "team", "--overlap-s", "0", "--json", "--url", router.url)
        assert await status_of(router, json.loads(renewed.stdout)["key"]) == 200
        assert await status_of(router, key) == 401
        assert (await run_beside("keys", "revoke", "team", "--url", router.url)).exit_code == 0
        gone = await run_beside("keys", "revoke", "team", "--url", router.url)
        assert gone.exit_code == 1 and "no entry" in gone.output
