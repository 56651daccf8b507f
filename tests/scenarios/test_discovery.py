"""Models that a provider lists itself: found beside the requests, asked for by name, and chosen by what they can."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer, status
from tests.fakes.served import Served, routed, served, until
from tests.fakes.turn import Gate, Script, Turn

IMAGE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}]
LISTED = {
    "object": "list",
    "data": [
        {"id": "embed", "type": "embedding"},
        {"id": "qwen:7b", "max_model_len": 32768, "capabilities": {"vision": False, "function_calling": True}},
        {"id": "qwen-vl", "capabilities": {"vision": True}},
    ],
}


def listing(models: Script, chat: Script) -> Any:
    """A provider that lists its models and answers."""

    def choose(turn: Turn) -> Script:
        return models if turn.path.endswith("/models") else chat

    return ScriptedProvider(choose=choose)


def open_kind(provider: ScriptedProvider, **keys: Any) -> dict[str, Any]:
    """A provider whose models are left out."""
    return {"kind": "openai-compatible", "base_url": provider.base_url, **keys}


async def names(router: Served) -> set[str]:
    """All that a caller may ask for."""
    _, said = await router.get("/v1/models")
    return {model["id"] for model in said["data"]}


async def found(router: Served, name: str) -> None:
    """Wait until a name can be asked for."""
    while name not in await names(router):
        continue


def test_listed_models_can_be_asked_for_by_name(tmp_path: Path) -> None:
    """As `provider:model`, bare, and by `auto`; whoever lists them says what they can."""

    async def run() -> None:
        async with (
            listing(status(200, body=LISTED), answer("well")) as provider,
            served({"providers": {"own": open_kind(provider)}}, tmp_path) as router,
        ):
            await found(router, "own:qwen:7b")
            for name, upstream in (
                ("own:qwen:7b", "qwen:7b"),
                ("qwen:7b", "qwen:7b"),
                ("qwen-vl", "qwen-vl"),
                ("auto", "qwen:7b"),
            ):
                async with router.chat(model=name) as response:
                    assert response.status == 200, (name, await response.text())
                assert provider.turns[-1].asked()["model"] == upstream
            async with router.chat(model="own:nobody") as response:
                assert response.status == 404
            _, said = await router.get("/v1/models/own:qwen:7b")
            assert (said["context_window"], said["capabilities"]) == (32768, {"tools": True, "vision": False})
            _, table = await router.get("/providers/capabilities")
            seen = table["providers"]["own"]
            assert seen["found"] == 3
            assert seen["models"]["qwen:7b"]["context_window_from"] == "learned"
            assert seen["models"]["qwen-vl"]["can"] == ["vision"]

    asyncio.run(run())


def test_a_list_that_does_not_come_delays_nothing(tmp_path: Path) -> None:
    """The router starts and answers while its provider keeps the list to itself, and a group may name its models."""

    async def run() -> None:
        gate = Gate()

        async def late(turn: Turn) -> None:
            await gate.wait()
            await status(200, body=LISTED)(turn)

        async with listing(late, answer("well")) as provider:
            config = {
                "providers": {"own": open_kind(provider)},
                "failover_groups": {"chat": {"targets": ["own:named"]}, "any": {"targets": ["own"]}},
            }
            async with served(config, tmp_path) as router:
                async with router.chat(model="chat") as response:
                    assert response.status == 200
                async with router.chat(model="any") as response:
                    assert response.status == 503
                gate.open()
                await found(router, "own:qwen-vl")
                async with router.chat(model="any") as response:
                    assert response.status == 200, await response.text()

    asyncio.run(run())


def test_a_list_that_fails_later_takes_nothing_away(tmp_path: Path) -> None:
    """What was found stays, by name and with what it can; it is asked for again."""

    async def run() -> None:
        asked = 0

        async def once(turn: Turn) -> None:
            nonlocal asked
            asked += 1
            await status(200 if asked == 1 else 500, body=LISTED)(turn)

        async with listing(once, answer("well")) as provider:
            own = open_kind(provider, models_every_s=0.01)
            async with served({"providers": {"own": own}}, tmp_path) as router:
                await found(router, "own:qwen-vl")
                await until(lambda: asked > 3)
                said = [line["found"] for line in router.log.read if line["event"] == "models surveyed"]
                assert said[:2] == [3, None]
                assert "own:qwen-vl" in await names(router)
                _, said = await router.get("/v1/models/own:qwen:7b")
                assert said["context_window"] == 32768

    asyncio.run(run())


def test_a_scout_that_crashes_takes_nothing_with_it(tmp_path: Path) -> None:
    """Nor what it had found, nor the provider."""

    async def run() -> None:
        async with (
            listing(status(200, body=LISTED), answer("well")) as provider,
            served({"providers": {"own": open_kind(provider)}}, tmp_path) as router,
        ):
            await found(router, "own:qwen-vl")
            await router.crash("providers/own/scout")
            async with router.chat(model="own:qwen-vl") as response:
                assert response.status == 200

    asyncio.run(run())


def test_a_request_with_an_image_passes_over_whom_is_known_to_be_blind(tmp_path: Path) -> None:
    """And goes there after all where nobody else is left: the provider may say so itself."""

    async def run() -> None:
        async with ScriptedProvider(answer("blind")) as one, ScriptedProvider(answer("sees")) as two:
            blind = {"kind": "openai-compatible", "base_url": one.base_url}
            config = routed({**blind, "models": [{"name": "m", "cannot": ["vision"]}]}, two)
            async with served(config, tmp_path) as router:
                async with router.chat(messages=IMAGE) as response:
                    assert response.headers["x-router-provider"] == "two"
                async with router.chat() as response:
                    assert response.headers["x-router-provider"] == "one"
                async with router.chat(model="one:m", messages=IMAGE) as response:
                    assert response.status == 200
                async with router.chat(model="one:m", router={"requires": ["vision"]}) as response:
                    assert response.status == 503
                    assert "requirements" in (await response.json())["error"]["message"]
                body = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}
                headers = {"x-router-requires": "vision, tools"}
                async with router.http.post(
                    f"{router.url}/v1/chat/completions", json=body, headers=headers
                ) as response:
                    assert response.headers["x-router-provider"] == "two"
                async with router.chat(router={"requires": ["flight"]}) as response:
                    assert response.status == 400

    asyncio.run(run())
