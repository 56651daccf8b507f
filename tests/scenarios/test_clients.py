"""Lines 89, 90, 97 to 99: who may call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from router.settings import ConfigInvalid, load
from tests.fakes.provider import ScriptedProvider
from tests.fakes.served import Served, log_of, routed, served
from tests.scenarios.scene import WELL, ask, scenario, soon

ONE = "client-key-number-one"
TWO = "client-key-number-two"
CLIENTS: Mapping[str, Any] = {"one": {"key": ONE, "owner": "ann", "group": "a"}, "two": {"key": TWO, "group": "b"}}
BODY = {"model": "chat", "max_tokens": 5, "messages": [{"role": "user", "content": "Name three colours."}]}


def shown(key: str) -> dict[str, str]:
    """The header of OpenAI's clients."""
    return {"authorization": f"Bearer {key}"}


@asynccontextmanager
async def _routed(home: Path, **sections: Any) -> AsyncIterator[Served]:
    """Two providers that answer, and a router before them."""
    async with (
        ScriptedProvider(WELL) as one,
        ScriptedProvider(WELL) as two,
        served(routed(one, two, **sections), home) as router,
    ):
        yield router


async def status_of(router: Served, headers: Mapping[str, str], path: str = "/v1/models") -> int:
    """What a path answers to these headers."""
    async with router.http.get(router.url + path, headers=headers) as response:
        return response.status


@scenario
async def test_line_89_file_keys_work_and_nothing_else_does(tmp_path: Path) -> None:
    """In both protocols' headers; without one, and with a wrong one, it is 401 in the protocol's own words."""
    async with _routed(tmp_path, keys=CLIENTS) as router:
        assert (await ask(router, headers=shown(ONE))).status == 200
        assert (await ask(router, headers={"x-api-key": TWO})).status == 200
        none, wrong = await ask(router), await ask(router, headers=shown("client-key-number-ten"))
        assert (none.status, wrong.status) == (401, 401)
        assert wrong.error is not None and wrong.error["code"] == "invalid_api_key"
        async with router.http.post(f"{router.url}/v1/messages", json=BODY, headers={"x-api-key": "no"}) as said:
            assert said.status == 401
            assert (await said.json())["error"]["type"] == "authentication_error"
        assert await status_of(router, {}) == 401
        assert await status_of(router, {}, "/health") == 200
        rows = await router.entries(2)
        assert [(row.key, row.owner) for row in rows] == [("one", "ann"), ("two", "")]
        await soon(lambda: len(log_of(router.log.read, "exchange ended")) == 2)
        assert [line["client"] for line in log_of(router.log.read, "exchange ended")] == ["one", "two"]
        denied = log_of(router.log.read, "admin acted", act="access", outcome="denied")
        assert [line["subject"] for line in denied][:2] == ["POST /v1/chat/completions"] * 2


@scenario
async def test_a_key_sees_only_its_own(tmp_path: Path) -> None:
    """Names that it may not ask for do not exist for it, paths that it may not use are forbidden, and its time ends."""
    clients = {
        "narrow": {"key": ONE, "models": ["one:*"], "endpoints": ["/v1/messages"]},
        "over": {"key": TWO, "expires": "2020-01-01T00:00:00Z"},
    }
    async with _routed(tmp_path, keys=clients) as router:
        async with router.http.get(f"{router.url}/v1/models", headers=shown(ONE)) as listed:
            assert [model["id"] for model in (await listed.json())["data"]] == ["one:m"]
        assert (await ask(router, headers=shown(ONE))).status == 403
        for model, status in (("one:m", 200), ("chat", 404), ("two:m", 404)):
            sent = {**BODY, "model": model}
            async with router.http.post(f"{router.url}/v1/messages", json=sent, headers=shown(ONE)) as said:
                assert said.status == status, model
        assert (await ask(router, headers=shown(TWO))).status == 401


@scenario
async def test_line_90_an_unreadable_source_makes_no_key_wrong(tmp_path: Path) -> None:
    """While what was changed at run time cannot be read, known keys work, and an unknown one is 503."""
    async with _routed(tmp_path, keys=CLIENTS) as router:
        changes = tmp_path / "changes.json"
        changes.write_text("no JSON")
        async with router.http.post(f"{router.url}/config/reload") as reloaded:
            assert reloaded.status == 422
        assert (await ask(router, headers=shown(ONE))).status == 200
        unknown = await ask(router, headers=shown("client-key-number-ten"))
        assert (unknown.status, unknown.headers["retry-after"]) == (503, "5")
        assert (await ask(router)).status == 401
        changes.unlink()
        async with router.http.post(f"{router.url}/config/reload") as reloaded:
            assert reloaded.status == 200
        assert (await ask(router, headers=shown("client-key-number-ten"))).status == 401


@scenario
async def test_every_access_decision_is_in_the_chain(tmp_path: Path) -> None:
    """Who, where and what was decided, allowed ones too; by a route's path, not by what was asked for there."""
    keys = {"ann": {"key": ONE, "models": ["chat"]}, "bob": {"key": TWO, "endpoints": ["/v1/messages"]}}
    changes = tmp_path / "changes.json"
    async with _routed(tmp_path, keys=keys, audit={"each": True}) as router:
        await ask(router, headers=shown(ONE))
        assert await status_of(router, shown(ONE), "/v1/models/chat") == 200
        await ask(router, headers=shown(TWO))
        await ask(router, headers=shown(ONE), model="two:m")
        changes.write_text("no JSON")
        async with router.http.post(f"{router.url}/config/reload"):
            await ask(router, headers=shown("client-key-number-ten"))
        _, page = await router.get("/audit?act=access&limit=100")
        assert [(row["actor"], row["subject"], row["outcome"]) for row in reversed(page["rows"])] == [
            ("key ann", "POST /v1/chat/completions", "allowed"),
            ("key ann", "GET /v1/models/{id}", "allowed"),
            ("key bob", "POST /v1/chat/completions", "denied"),
            ("key ann", "POST /v1/chat/completions", "allowed"),
            ("key ann", "model two:m", "denied"),
            ("http 127.0.0.1", "POST /config/reload", "allowed"),
            ("http 127.0.0.1", "POST /v1/chat/completions", "unknown"),
            ("http 127.0.0.1", "GET /audit", "allowed"),
        ]
        _, page = await router.get("/audit?actor=key%20ann&outcome=denied")
        assert [row["subject"] for row in page["rows"]] == ["model two:m"]
        assert (await router.get("/audit?since=2100-01-01T00:00:00Z"))[1]["rows"] == []


def test_line_97_nobody_is_heard_from_elsewhere_without_keys() -> None:
    """It says what to do; with keys, and with administration of its own, it goes."""
    admin = {"port": 0, "key": "admin-key"}
    basis = {"providers": {"local": {"kind": "llama-cpp"}}, "server": {"host": "0.0.0.0"}, "admin": admin}
    with pytest.raises(ConfigInvalid) as refused:
        load(basis, {})
    assert "client keys" in str(refused.value)
    assert load({**basis, "keys": {"a": {"key": ONE}}}, {}).server.keys_required is True
    later = {**basis, "server": {"host": "0.0.0.0", "keys_required": True}}
    assert load(later, {}).server.keys_required is True


@scenario
async def test_line_98_no_key_is_in_any_line(tmp_path: Path) -> None:
    """At debug, in the log, the metrics, the audit and what operators see of the configuration."""
    sections = {"keys": CLIENTS, "telemetry": {"log_level": "debug"}}
    async with _routed(tmp_path, **sections) as router:
        await ask(router, headers=shown(ONE))
        await ask(router, headers=shown("client-key-nobody-knows"))
        pages = [repr(router.log.read)]
        for path in ("/config", "/config?format=yaml", "/metrics", "/health/detailed"):
            async with router.http.get(router.url + path) as page:
                pages.append(await page.text())
    for text in pages:
        assert ONE not in text and TWO not in text and "client-key-nobody-knows" not in text


@scenario
async def test_line_99_tenants_share_no_answer(tmp_path: Path) -> None:
    """The same bytes of two groups are two calls; of one group one, unless a key says that it is not to be cached."""
    clients = {**CLIENTS, "one-too": {"key": ONE + "-b", "group": "a"}, "off": {"key": TWO + "-b", "cache": False}}
    shared = {"keys": clients, "cache": {"enabled": True}}
    async with ScriptedProvider(WELL) as provider, served(routed(provider, **shared), tmp_path) as router:
        keys = (ONE, TWO, ONE + "-b", TWO + "-b", TWO + "-b")
        hits = [(await ask(router, headers=shown(key))).headers.get("x-router-cache") for key in keys]
        assert hits == ["miss", "miss", "hit", None, None]
        assert len(provider.turns) == 4
