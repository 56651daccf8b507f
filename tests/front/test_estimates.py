"""What a request would cost, over a socket: nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak
from tests.fakes.served import remote, routed, served

_TURNS = [{"role": "user", "content": "Name three colours."}]
_PRICED = {"models": [{"name": "m", "price": {"input_per_mtok": 2.0, "output_per_mtok": 8.0}}]}


@on_real_loops
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


@on_real_loops
async def test_what_costs_nothing_is_bounded(tmp_path: Path) -> None:
    """However long the answer may become."""
    free = {"models": [{"name": "m", "price": {"input_per_mtok": 0.0, "output_per_mtok": 0.0}}]}
    async with ScriptedProvider(speak()) as one, served(routed({**remote(one), **free}), tmp_path) as router:
        body = {"model": "one:m", "messages": _TURNS}
        async with router.http.post(f"{router.url}/costs/estimate", json=body) as response:
            quote = (await response.json())["targets"]["one:m"]
        assert (quote["usd"], quote["high_usd"], quote["answer_tokens"]["most"]) == (0, 0, None)


_FORMS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "chat": ({"model": "one:m", "messages": _TURNS}, {}),
    "responses": ({"model": "one:m", "input": "Name three colours."}, {}),
    "messages": (
        {"model": "one:m", "messages": _TURNS, "max_tokens": 5, "system": "Be brief."},
        {"anthropic-version": "2023-06-01"},
    ),
}


@pytest.mark.parametrize(("body", "headers"), _FORMS.values(), ids=_FORMS)
@on_real_loops
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
@on_real_loops
async def test_what_cannot_be_priced_is_refused(body: bytes, code: int, tmp_path: Path) -> None:
    """In words."""
    async with (
        ScriptedProvider(speak()) as one,
        served(routed(one), tmp_path) as router,
        router.http.post(f"{router.url}/costs/estimate", data=body) as response,
    ):
        assert response.status == code and (await response.json())["error"]["message"]
