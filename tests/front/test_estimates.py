"""What a request would cost, over a socket: nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak
from tests.fakes.served import remote, routed, served

_TURNS = [{"role": "user", "content": "Name three colours."}]
_PRICED = {"models": [{"name": "m", "price": {"input_per_mtok": 2.0, "output_per_mtok": 8.0}}]}


@on_uvloop
async def test_a_request_is_priced_on_each_provider(tmp_path: Path) -> None:
    """By its row of prices, within its bounds; unknown is null, and nobody is asked."""
    async with ScriptedProvider(speak()) as one, ScriptedProvider(speak()) as two:
        config = routed({**remote(one), **_PRICED}, two)
        async with served(config, tmp_path) as router:
            body = {"model": "chat", "messages": _TURNS, "max_tokens": 100}
            async with router.http.post(f"{router.url}/costs/estimate", json=body) as response:
                assert response.status == 200
                said = await response.json()
        prompt = said["prompt_tokens"]
        assert 0 < prompt < 50
        quote = said["targets"]["one:m"]
        assert said["costs"] == {"one": pytest.approx((prompt * 2 + 100 * 8) / 1e6), "two": None}
        assert quote["usd"] == quote["high_usd"] == said["costs"]["one"]
        assert quote["low_usd"] == pytest.approx((prompt * 2 + 8) / 1e6)
        assert (quote["price_id"], quote["answer_tokens"]) == ("configured one:m", {"usual": 100, "most": 100})
        assert said["targets"]["two:m"]["price_id"] is None
        assert one.turns == two.turns == []


@on_uvloop
async def test_what_costs_nothing_is_bounded(tmp_path: Path) -> None:
    """However long the answer may become."""
    free = {"models": [{"name": "m", "price": {"input_per_mtok": 0.0, "output_per_mtok": 0.0}}]}
    async with ScriptedProvider(speak()) as one, served(routed({**remote(one), **free}), tmp_path) as router:
        body = {"model": "one:m", "messages": _TURNS}
        async with router.http.post(f"{router.url}/costs/estimate", json=body) as response:
            quote = (await response.json())["targets"]["one:m"]
        assert (quote["usd"], quote["high_usd"], quote["answer_tokens"]["most"]) == (0, 0, None)


_OTHERS: dict[str, tuple[dict[str, Any], dict[str, Any], float | None]] = {
    "embeddings": ({"input": ["red " * 70, [1, 2, 3]]}, {"input_per_mtok": 2.0}, 83 * 2 / 1e6),
    "images": ({"prompt": "A red house", "n": 3}, {"image_usd": 0.04}, 0.12),
    "images by tokens": ({"prompt": "A red house"}, {"input_per_mtok": 5.0, "output_per_mtok": 40.0}, None),
}


@pytest.mark.parametrize(("body", "cost", "usd"), _OTHERS.values(), ids=_OTHERS)
@on_uvloop
async def test_vectors_and_pictures_are_priced_too(
    body: dict[str, Any], cost: dict[str, Any], usd: float | None, tmp_path: Path
) -> None:
    """By tokens of the texts, by the picture; what nobody can say beforehand is unknown and no small sum."""
    operation = "embeddings" if "input" in body else "images"
    model = {"name": "m", "price": {"input_per_mtok": 0.0, "output_per_mtok": 0.0, **cost}, "operations": [operation]}
    async with ScriptedProvider(speak()) as one:
        async with served(routed({**remote(one), "models": [model]}), tmp_path) as router:
            url = f"{router.url}/costs/estimate?operation={operation}"
            async with router.http.post(url, json={"model": "one:m", **body}) as response:
                assert response.status == 200, await response.text()
                quote = (await response.json())["targets"]["one:m"]
            assert quote["price_id"] == "configured one:m"
            assert quote["answer_tokens"] == {"usual": 0, "most": 0}
            bounds = [quote[name] for name in ("low_usd", "usd", "high_usd")]
            assert bounds == [None if usd is None else pytest.approx(usd)] * 3
        assert one.turns == []


@on_uvloop
async def test_every_choice_is_paid_for(tmp_path: Path) -> None:
    """Also of a stream, and the tools are part of the prompt."""
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    async with ScriptedProvider(speak()) as one, served(routed({**remote(one), **_PRICED}), tmp_path) as router:
        quotes = []
        for more in ({}, {"n": 3, "stream": True}, {"tools": [tool]}):
            body = {"model": "one:m", "messages": _TURNS, "max_tokens": 100, **more}
            async with router.http.post(f"{router.url}/costs/estimate", json=body) as response:
                quotes.append((await response.json())["targets"]["one:m"])
        assert [quote["answer_tokens"]["usual"] for quote in quotes] == [100, 300, 100]
        assert quotes[1]["usd"] - quotes[0]["usd"] == pytest.approx(200 * 8 / 1e6)
        assert quotes[2]["usd"] > quotes[0]["usd"]


_FORMS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "chat": ({"model": "one:m", "messages": _TURNS}, {}),
    "responses": ({"model": "one:m", "input": "Name three colours."}, {}),
    "messages": (
        {"model": "one:m", "messages": _TURNS, "max_tokens": 5, "system": "Be brief."},
        {"anthropic-version": "2023-06-01"},
    ),
}


@pytest.mark.parametrize(("body", "headers"), _FORMS.values(), ids=_FORMS)
@on_uvloop
async def test_any_dialect_is_read(body: dict[str, Any], headers: dict[str, str], tmp_path: Path) -> None:
    """A client sends what it would send."""
    async with ScriptedProvider(speak()) as one, served(routed({**remote(one), **_PRICED}), tmp_path) as router:
        async with router.http.post(f"{router.url}/costs/estimate", json=body, headers=headers) as response:
            assert response.status == 200
            said = await response.json()
        assert said["prompt_tokens"] > 5 and said["costs"]["one"] > 0
        bound = body.get("max_tokens")
        assert said["targets"]["one:m"]["answer_tokens"]["most"] == bound
        assert (said["targets"]["one:m"]["high_usd"] is None) == (bound is None)


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"{", 400), (b"[]", 400), (b'{"messages": []}', 400), (b'{"model": "none", "input": "x"}', 404)],
    ids=["no JSON", "no object", "no model", "no such model"],
)
@on_uvloop
async def test_what_cannot_be_priced_is_refused(body: bytes, code: int, tmp_path: Path) -> None:
    """In words."""
    async with (
        ScriptedProvider(speak()) as one,
        served(routed(one), tmp_path) as router,
        router.http.post(f"{router.url}/costs/estimate", data=body) as response,
    ):
        assert response.status == code and (await response.json())["error"]["message"]
