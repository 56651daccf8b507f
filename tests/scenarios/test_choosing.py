"""Lines 67, 72 and 86, and how each strategy shares requests, on real sockets: who is asked first."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import gated, speak, status
from tests.fakes.served import Served, remote, served
from tests.fakes.turn import Gate, Script, Turn
from tests.scenarios.scene import ask, scenario, soon

FOUR = ("p1", "p2", "p3", "p4")


def slow(seconds: float, text: str) -> Script:
    """An answer that begins late."""

    async def script(turn: Turn) -> None:
        await asyncio.sleep(seconds)
        await speak(text)(turn)

    return script


class Crowd:
    """Providers by name behind the group `chat`, and a router that was told how to choose among them."""

    def __init__(self, router: Served, providers: Mapping[str, ScriptedProvider]) -> None:
        self.router = router
        self.providers = providers

    async def asks(self, streamed: bool = False, **fields: Any) -> str:
        """One call; who answered."""
        heard = await ask(self.router, streamed, **fields)
        assert heard.status == 200, heard.body
        assert heard.provider is not None
        return heard.provider

    async def metrics(self) -> str:
        """Prometheus' page."""
        async with self.router.http.get(f"{self.router.url}/metrics") as response:
            return await response.text()

    @property
    def asked(self) -> dict[str, int]:
        """Requests that each provider got."""
        return {name: len(provider.turns) for name, provider in self.providers.items()}


@asynccontextmanager
async def crowd(
    home: Path, scripts: Mapping[str, Script], group: Mapping[str, Any], keys: Mapping[str, Mapping[str, Any]] = {}
) -> AsyncIterator[Crowd]:
    """All of it, started. `group` without `targets` has them all; `keys` are further ones of some providers."""
    async with AsyncExitStack() as stack:
        providers = {
            name: await stack.enter_async_context(ScriptedProvider(script)) for name, script in scripts.items()
        }
        config = {
            "providers": {name: {**remote(provider), **keys.get(name, {})} for name, provider in providers.items()},
            "failover_groups": {"chat": {"targets": [f"{name}:m" for name in providers], **group}},
            "retry": {"base_delay_ms": 1, "jitter": False},
        }
        router = await stack.enter_async_context(served(config, home))
        yield Crowd(router, providers)


def well(names: tuple[str, ...] = FOUR) -> dict[str, Script]:
    """All answer."""
    return {name: speak(f"from {name}") for name in names}


@scenario
async def test_line_86_ten_turns_of_a_conversation_meet_one_target_and_then_one_other(tmp_path: Path) -> None:
    """The key by header or in the body; when its target dies all its turns go to the same other one, and only its."""
    async with crowd(tmp_path, well(), {"strategy": "round_robin"}) as group:
        turns = [await group.asks(router={"affinity_key": "talk"}) for _ in range(5)]
        turns += [await group.asks(headers={"x-router-affinity-key": "talk"}) for _ in range(5)]
        assert len(set(turns)) == 1
        keys = [f"key {n}" for n in range(20)]
        before = {key: await group.asks(router={"affinity_key": key}) for key in keys}
        assert set(before.values()) == set(FOUR)
        group.providers[turns[0]].play(status(500))
        after = [await group.asks(router={"affinity_key": "talk"}) for _ in range(10)]
        assert len(set(after)) == 1 and after[0] != turns[0]
        for key, provider in before.items():
            assert (await group.asks(router={"affinity_key": key}) == provider) == (provider != turns[0])


@scenario
async def test_a_conversation_is_known_by_what_its_protocol_carries(tmp_path: Path) -> None:
    """`auto`: the cache key, the session, or how it begins; nothing of this reaches no other target."""
    async with crowd(tmp_path, well(), {"strategy": "round_robin", "affinity": "auto"}) as group:
        talk = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": "Name three colours."}]
        more = [*talk, {"role": "assistant", "content": "red, green, blue"}, {"role": "user", "content": "More."}]
        assert len({await group.asks(messages=turn) for turn in (talk, more, talk, more)}) == 1
        assert len({await group.asks(prompt_cache_key="k", messages=turn) for turn in (talk, more, talk, more)}) == 1
        openings = {await group.asks(messages=[{"role": "user", "content": f"Say {n}."}]) for n in range(20)}
        assert openings == set(FOUR)


@scenario
async def test_without_a_name_affinity_leaves_turns_as_they_are(tmp_path: Path) -> None:
    """The default ties nobody who did not ask for it."""
    async with crowd(tmp_path, well(), {"strategy": "round_robin"}) as group:
        assert [await group.asks(user="u") for _ in range(8)] == [*FOUR, *FOUR]


@scenario
async def test_weighted_targets_get_their_shares(tmp_path: Path) -> None:
    """Three to one, and nothing while they are well for the one that weighs nothing."""
    targets = [{"target": "p1:m", "weight": 3}, "p2:m", {"target": "p3", "weight": 0}]
    group = {"targets": targets, "strategy": "weighted"}
    async with crowd(tmp_path, well(("p1", "p2", "p3")), group) as some:
        counted = Counter([await some.asks() for _ in range(200)])
        assert 125 <= counted["p1"] <= 175
        assert counted["p3"] == 0
        for name in ("p1", "p2"):
            some.providers[name].play(status(500))
        assert await some.asks() == "p3"


@scenario
async def test_cheapest_asks_the_cheaper_and_an_unknown_price_last(tmp_path: Path) -> None:
    """By the prices of the configuration; the one without is no bargain."""
    prices = {"p1": None, "p2": (3, 15), "p3": (0.1, 0.4)}
    keys = {name: {"models": [{"name": "m", "price": priced(price)}]} for name, price in prices.items()}
    async with crowd(tmp_path, well(tuple(prices)), {"strategy": "cheapest"}, keys) as group:
        assert await group.asks() == "p3"
        group.providers["p3"].play(status(500))
        assert await group.asks() == "p2"
        group.providers["p2"].play(status(500))
        assert await group.asks() == "p1"


def priced(price: tuple[float, float] | None) -> dict[str, float] | None:
    """USD for a million tokens of prompt and of answer."""
    return None if price is None else {"input_per_mtok": price[0], "output_per_mtok": price[1]}


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@scenario
async def test_fastest_first_finds_the_fast_one(streamed: bool, tmp_path: Path) -> None:
    """After each was asked once the slow one is left alone."""
    scripts = {"p1": slow(0.15, "slow"), "p2": slow(0.0, "fast")}
    async with crowd(tmp_path, scripts, {"strategy": "fastest_first"}) as group:
        answered = [await group.asks(streamed) for _ in range(10)]
    assert Counter(answered[2:]) == {"p2": 8}
    assert group.asked["p1"] == 1


@scenario
async def test_load_balanced_leaves_a_hanging_target_alone(tmp_path: Path) -> None:
    """Attempts that are under way there count, long before a clock runs out."""
    gate = Gate()  # whoever is drawn for the first call, the second finds it busy and goes to the other
    scripts = {"p1": slow(3.0, "at last"), "p2": gated(gate, speak("fast"))}
    async with crowd(tmp_path, scripts, {"strategy": "load_balanced"}) as group, asyncio.TaskGroup() as calls:
        first: list[asyncio.Task[str]] = []
        while len(first) < 2:
            first.append(calls.create_task(group.asks()))
            await soon(lambda: sum(group.asked.values()) == len(first))
        assert group.asked == {"p1": 1, "p2": 1}
        gate.open()
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        assert {await group.asks() for _ in range(30)} == {"p2"}
        for call in first:
            call.cancel()
        assert group.asked["p1"] == 1


@scenario
async def test_operators_see_what_a_choice_goes_by(tmp_path: Path) -> None:
    """Each target that was asked, with its figures; and how often each strategy began with whom."""
    keys = {"p1": {"timeouts": {"first_token_s": 7}}}
    async with crowd(tmp_path, well(("p1", "p2")), {"strategy": "round_robin"}, keys) as group:
        for streamed in (True, True, False):
            await group.asks(streamed)
        _, page = await group.router.get("/health/detailed")
        one = page["providers"]["p1"]["targets"]["m"]
        assert one["in_flight"] == 0
        assert 0 < one["first_token_ms"] < 2000 and 0 < one["whole_ms"] < 2000
        assert one["first_token_limit_ms"] == 7000
        assert 0.1 <= one["share"] <= 1.0
        assert page["providers"]["p2"]["targets"]["m"]["whole_ms"] is None
        for name, times in (("p1", 2), ("p2", 1)):
            line = f'pointsman_choices_total{{model="m",provider="{name}",strategy="round_robin"}} {times}.0'
            while line not in await group.metrics():
                continue


@pytest.mark.parametrize("strategy", ["load_balanced", "fastest_first", "weighted", "cheapest"])
@scenario
async def test_line_67_a_single_target_is_tried_as_often_as_documented_by_every_strategy(
    strategy: str, tmp_path: Path
) -> None:
    """Nobody else can answer: three tries, and an error that says when to come back."""
    async with crowd(tmp_path, {"p1": status(500)}, {"strategy": strategy}) as group:
        heard = await ask(group.router)
        assert group.asked == {"p1": 3}
    assert heard.status == 502
    assert int(heard.headers["retry-after"]) >= 1


@pytest.mark.parametrize("strategy", ["load_balanced", "fastest_first", "weighted", "cheapest"])
@scenario
async def test_line_72_when_all_want_quiet_the_earliest_moment_is_told_by_every_strategy(
    strategy: str, tmp_path: Path
) -> None:
    """Nobody is asked again meanwhile, and nobody is left out for good."""
    scripts = {"p1": status(429, {"retry-after": "9"}), "p2": status(429, {"retry-after": "5"})}
    async with crowd(tmp_path, scripts, {"strategy": strategy}) as group:
        for _ in range(2):
            heard = await ask(group.router, router={"deadline_s": 2.0})
            assert heard.status in (429, 503)
            assert 4 <= int(heard.headers["retry-after"]) <= 6
        assert group.asked == {"p1": 1, "p2": 1}
