"""`GET /v1/models`, over a socket."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from router.app.seats import continuing, kind_rules, seat_of
from router.providers import find_installed
from router.settings import load
from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak
from tests.fakes.served import remote, routed, served

_SLASHED = "openai/gpt-oss-20b"


@on_uvloop
async def test_every_name_is_listed_as_openai_lists_models(tmp_path: Path) -> None:
    """The group, `auto`, the bare model and the target; clients need `created` and `owned_by`."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        _, body = await router.get("/v1/models")
        assert body["object"] == "list"
        assert {row["id"] for row in body["data"]} == {"chat", "auto", "m", "one:m"}
        for row in body["data"]:
            assert (row["object"], row["created"], row["owned_by"]) == ("model", 0, "one")
            assert row["targets"] == ["one:m"]


@pytest.mark.parametrize(
    "path", [_SLASHED, "openai%2Fgpt-oss-20b", "one:openai/gpt-oss-20b", "one%3Aopenai%2Fgpt-oss-20b"]
)
@on_uvloop
async def test_a_model_is_found_under_its_name_with_a_slash_raw_or_escaped(path: str, tmp_path: Path) -> None:
    """Clients do both."""
    async with ScriptedProvider(speak()) as one:
        config = {"providers": {"one": remote(one, models=[_SLASHED])}}
        async with (
            served(config, tmp_path) as router,
            router.http.get(URL(f"{router.url}/v1/models/{path}", encoded=True)) as response,
        ):
            assert response.status == 200
            assert (await response.json())["id"].removeprefix("one:") == _SLASHED


@on_uvloop
async def test_an_unknown_model_is_404_in_the_envelope(tmp_path: Path) -> None:
    """As it is for a chat that names it, and then no provider is asked."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        code, body = await router.get("/v1/models/gpt-none")
        assert (code, body["error"]["code"], body["error"]["param"]) == (404, "model_not_found", "model")
        async with router.chat(model="gpt-none") as response:
            assert (response.status, await response.json()) == (404, body)
        assert one.turns == []


@pytest.mark.parametrize("headers", [{}, {"anthropic-version": "2023-06-01"}], ids=["OpenAI", "Anthropic"])
@on_uvloop
async def test_how_much_a_model_takes_and_says_is_told_in_both_forms(
    headers: Mapping[str, str], tmp_path: Path
) -> None:
    """Listed and by itself, under the names that each protocol's clients read; of an unknown model nothing."""
    async with ScriptedProvider(speak()) as one, ScriptedProvider(speak()) as two:
        known = remote(one, kind="anthropic", api_key="k", models=["claude-haiku-4-5"])
        async with served({"providers": {"one": known, "two": remote(two)}}, tmp_path) as router:
            async with router.http.get(f"{router.url}/v1/models?limit=1000", headers=headers) as response:
                rows = {row["id"]: row for row in (await response.json())["data"]}
            async with router.http.get(f"{router.url}/v1/models/one:claude-haiku-4-5", headers=headers) as response:
                assert await response.json() == rows["one:claude-haiku-4-5"]
    names = ("max_input_tokens", "max_tokens") if headers else ("context_window", "max_output")
    assert [rows["claude-haiku-4-5"][name] for name in names] == [200_000, 64_000]
    assert [rows["two:m"].get(name) for name in names] == [None, None]


_PREFILLS: Mapping[str, tuple[Mapping[str, Any], bool | None]] = {
    "a kind that knows how": ({"kind": "deepseek", "models": ["m"]}, True),
    "the same, switched off": ({"kind": "deepseek", "models": [{"name": "m", "prefix": "off"}]}, False),
    "the same, unable": ({"kind": "deepseek", "models": [{"name": "m", "cannot": ["prefill"]}]}, False),
    "a kind that does not": ({"kind": "openai-compatible", "models": ["m"]}, None),
    "the same, able": ({"kind": "openai-compatible", "models": [{"name": "m", "can": ["prefill"]}]}, True),
    "the same, told how": ({"kind": "openai-compatible", "models": [{"name": "m", "prefix": "final"}]}, True),
    "an older Claude": ({"kind": "anthropic", "models": ["claude-haiku-4-5"]}, True),
    "a newer Claude": ({"kind": "anthropic", "models": ["claude-sonnet-5"]}, False),
}


@pytest.mark.parametrize(("provider", "able"), _PREFILLS.values(), ids=_PREFILLS)
@on_uvloop
async def test_who_goes_on_with_a_beginning_is_said_to_be_able_to(
    provider: Mapping[str, Any], able: bool | None, tmp_path: Path
) -> None:
    """The ability that callers see, and what a cut answer is gone on with by, are one fact, whoever says it."""
    async with ScriptedProvider(speak()) as one:
        config = {"providers": {"one": {**remote(one, api_key="k"), **provider}}}
        async with served(config, tmp_path) as router:
            _, body = await router.get("/v1/models")
    told = [row.get("capabilities", {}).get("prefill") for row in body["data"] if row["id"].startswith("one:")]
    assert told == [able]
    settings = load(config, {}, kind_rules())
    seats = tuple(seat_of(each, find_installed().kinds[each.kind]) for each in settings.providers.values())
    assert bool(continuing(seats)) == bool(able)
