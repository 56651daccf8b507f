"""Line 99, for streams: an answer is given again as it was, free, to whoever did not ask around the cache."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from router.canon.cost import CostSource
from router.canon.outcome import End
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import cut_after, status
from tests.fakes.served import routed, served
from tests.scenarios.scene import WELL, ask, both, counted, paired, scenario
from tests.scenarios.test_account import PRICED
from tests.scenarios.test_clients import ONE, TWO, shown
from tests.scenarios.tongues import CHAT, MESSAGES, Front, tell

ON: dict[str, Any] = {"cache": {"enabled": True}}


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@scenario
async def test_line_99_the_same_request_is_answered_by_the_same_bytes(streamed: bool, tmp_path: Path) -> None:
    """Delivered as it was asked, with its age, from no provider; in the other form it is another answer."""
    async with paired(tmp_path, WELL, **ON) as pair:
        first, again = [await pair.ask(streamed) for _ in range(2)]
        assert [heard.headers["x-router-cache"] for heard in (first, again)] == ["miss", "hit"]
        assert again.body == first.body and again.is_stream is streamed
        assert (again.headers["age"], again.headers["x-router-attempts"]) == ("0", "0")
        assert pair.asked == (1, 0)
        assert (await pair.ask(not streamed)).headers["x-router-cache"] == "miss"


@scenario
async def test_line_99_a_stream_with_usage_is_another_stream(tmp_path: Path) -> None:
    """Who asked for the usage is never told an answer without it."""
    async with paired(tmp_path, WELL, **ON) as pair:
        await pair.ask(True)
        heard = await pair.ask(True, stream_options={"include_usage": True})
        assert heard.headers["x-router-cache"] == "miss" and pair.asked == (2, 0)


@scenario
async def test_line_99_what_one_may_be_told_is_nothing_to_who_asks_for_more(tmp_path: Path) -> None:
    """An answer for a caller who took losses is not given to one who refuses them."""
    async with paired(tmp_path, WELL, **ON) as pair:
        wishes = ({"x-router-on-loss": "warn"}, {"x-router-on-loss": "refuse"}, {"x-router-on-loss": "warn"})
        heard = [await pair.ask(headers=wish) for wish in wishes]
        assert [each.headers["x-router-cache"] for each in heard] == ["miss", "miss", "hit"]


@scenario
async def test_line_99_headers_that_a_provider_sees_are_part_of_the_request(tmp_path: Path) -> None:
    """With another beta another thing is asked for."""
    async with paired(tmp_path, WELL, **ON) as pair:
        betas = ("interleaved-thinking-2025-05-14", "context-1m-2025-08-07", "interleaved-thinking-2025-05-14")
        heard = [await tell(pair.router, MESSAGES, headers={"anthropic-beta": beta}) for beta in betas]
        assert [each.headers["x-router-cache"] for each in heard] == ["miss", "miss", "hit"]


@scenario
async def test_a_drill_is_given_no_kept_answer(tmp_path: Path) -> None:
    """It shows what a failure does, also where the same was answered before; and what it was told is not kept."""
    async with paired(tmp_path, WELL, server={"faults": True}, **ON) as pair:
        drill = {"x-router-fault": "head:503"}
        heard = [await pair.ask(headers=headers) for headers in (drill, None, drill)]
        assert [each.headers["x-router-cache"] for each in heard] == ["bypass", "miss", "bypass"]
        assert "x-router-fault" in heard[2].headers


@scenario
async def test_line_99_streams_are_shared_by_no_two_tenants(tmp_path: Path) -> None:
    """The key is the tenant's."""
    clients = {"one": {"key": ONE}, "two": {"key": TWO}}
    async with ScriptedProvider(WELL) as provider, served(routed(provider, keys=clients, **ON), tmp_path) as router:
        heard = [await ask(router, True, headers=shown(key)) for key in (ONE, TWO, ONE, TWO)]
        assert [each.headers["x-router-cache"] for each in heard] == ["miss", "miss", "hit", "hit"]
        assert len(provider.turns) == 2


@pytest.mark.parametrize(
    ("fields", "wish", "hits"),
    [
        ({}, "bypass", ["bypass", "bypass"]),
        ({"temperature": 1.5}, None, ["bypass", "bypass"]),
        ({"temperature": 1.5}, "use", ["miss", "hit"]),
        ({"temperature": 0.5}, None, ["miss", "hit"]),
    ],
    ids=["wish", "hot", "hot_but_asked_for", "cool"],
)
@scenario
async def test_what_goes_around_the_cache(
    fields: dict[str, Any], wish: str | None, hits: list[str], tmp_path: Path
) -> None:
    """By the caller's wish or its temperature; then nothing is looked up and nothing kept."""
    headers = {"x-router-cache": wish} if wish else None
    async with paired(tmp_path, WELL, **ON) as pair:
        heard = [await ask(pair.router, True, headers=headers, **fields) for _ in range(2)]
        assert [each.headers["x-router-cache"] for each in heard] == hits


@scenario
async def test_the_cache_is_on_where_somebody_says_so(tmp_path: Path) -> None:
    """Off by default; on for one request, one key or one group; and nobody else's request is looked up."""
    clients = {"on": {"key": ONE, "cache": True}, "silent": {"key": TWO}, "off": {"key": TWO + "-b", "cache": False}}
    groups = {"kept": {"targets": ["one"], "cache": True}}
    use, around = {"x-router-cache": "use"}, {"x-router-cache": "bypass"}
    async with (
        ScriptedProvider(WELL) as provider,
        served(routed(provider, keys=clients, failover_groups=groups), tmp_path) as router,
    ):

        async def words(key: str, model: str = "auto", wish: dict[str, str] | None = None) -> list[str | None]:
            headers = {**shown(key), **(wish or {})}
            heard = [await ask(router, headers=headers, model=model) for _ in range(2)]
            return [each.headers.get("x-router-cache") for each in heard]

        assert await words(ONE) == ["miss", "hit"]
        assert await words(TWO) == [None, None]
        assert await words(TWO, wish=use) == ["miss", "hit"]
        assert await words(TWO, "kept") == ["miss", "hit"]
        assert await words(TWO, "kept", around) == ["bypass", "bypass"]
        assert await words(TWO + "-b", "kept", use) == [None, None]
        assert len(provider.turns) == 9


@both
@scenario
async def test_a_hit_is_free_in_the_account_and_says_so(streamed: bool, tmp_path: Path) -> None:
    """An entry of its own, completed, without tokens, at no cost; what it spared is a metric."""
    usage = {"prompt_tokens": 900, "completion_tokens": 40, "total_tokens": 940}
    async with paired(tmp_path, counted(usage), keys=PRICED, **ON) as pair:
        first, again = [await pair.ask(streamed, user="u1") for _ in range(2)]
        asked, repeated = await pair.router.entries(2)
        assert (repeated.number, repeated.end, repeated.cost_source) == (0, End.COMPLETED, CostSource.CACHED)
        assert (repeated.cost_usd, repeated.usage, repeated.user) == (Decimal(0), None, "u1")
        assert (repeated.provider, repeated.model, repeated.group) == (asked.provider, asked.model, asked.group)
        assert repeated.exchange == again.headers["x-request-id"] != first.headers["x-request-id"]
        _, costs = await pair.router.get("/providers/costs")
        assert (costs["overall"]["entries"], costs["overall"]["cached"]) == (1, 1)
        assert asked.cost_usd and costs["overall"]["cost_usd"] == float(asked.cost_usd)
        while 'pointsman_cache_requests_total{use="hit"} 1' not in (page := await pair.metrics()):
            continue
    assert f'pointsman_cache_saved_usd_total{{provider="one"}} {float(asked.cost_usd)}' in page
    assert "pointsman_unpriced_total{" not in page


@scenario
async def test_a_file_keeps_answers_over_a_restart(tmp_path: Path) -> None:
    """Streamed and whole, passed on and translated, to the byte; the second router asks nobody."""
    file = {"cache": {"enabled": True, "backend": "sqlite"}}
    asked: list[tuple[Front, bool]] = [(front, streamed) for front in (CHAT, MESSAGES) for streamed in (True, False)]
    runs: list[list[bytes]] = []
    async with ScriptedProvider(WELL) as provider:
        for use in ("miss", "hit"):
            async with served(routed(provider, **file), tmp_path) as router:
                heard = [await tell(router, front, streamed) for front, streamed in asked]
                assert [each.headers["x-router-cache"] for each in heard] == [use] * 4
                runs.append([each.body for each in heard])
                # What was told of the last answer is in the file once the next lookup has an answer.
                await ask(router, user=use)
        assert runs[0] == runs[1]
        assert len(provider.turns) == 6
    assert (tmp_path / "cache.sqlite").stat().st_mode & 0o777 == 0o600


@scenario
async def test_a_file_that_is_no_cache_fails_no_request(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every lookup is a miss, the log says so once, and the file stays what it is."""
    (tmp_path / "notes.txt").write_text("mine")
    cache = {"enabled": True, "backend": "sqlite", "path": str(tmp_path / "notes.txt")}
    async with paired(tmp_path, WELL, cache=cache) as pair:
        heard = [await pair.ask(streamed) for streamed in (True, False) * 2]
        assert [each.headers["x-router-cache"] for each in heard] == ["miss"] * 4
    assert [record.message for record in caplog.records].count("cache file refuses") == 1
    assert (tmp_path / "notes.txt").read_text() == "mine"


@scenario
async def test_a_hit_takes_nothing_from_a_budget(tmp_path: Path) -> None:
    """What was reserved for it is given back: where two answers fit, one fits with any number of its repetitions."""
    usage = {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000}
    budget = {"all": {"tokens": 2500}}
    async with paired(tmp_path, counted(usage), budgets=budget, **ON) as pair:
        heard = [await pair.ask(max_tokens=200) for _ in range(8)]
        assert [each.headers["x-router-cache"] for each in heard] == ["miss"] + ["hit"] * 7
        assert [(await pair.ask(max_tokens=200, seed=seed)).status for seed in range(3)] == [200, 200, 429]


@scenario
async def test_a_kept_call_is_told_to_nobody_who_did_not_ask_for_it(tmp_path: Path) -> None:
    """One caller has it kept and is told it again; another, with the same key and question, has a call of its own."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    told = {"choices": [{"index": 0, "message": {"role": "assistant", "tool_calls": [call]}, "finish_reason": "stop"}]}
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    async with paired(tmp_path, status(200, body=told), **ON) as pair:
        use: dict[str, str] = {"x-router-cache": "use"}
        heard = [await pair.ask(headers=wish, tools=tools) for wish in (use, use, {}, {}, use)]
        assert [each.headers["x-router-cache"] for each in heard] == ["miss", "hit", "miss", "miss", "hit"]


@scenario
async def test_a_removed_provider_says_nothing_any_more(tmp_path: Path) -> None:
    """What it once answered is not given out once it has left the route; who took its place is asked."""
    async with paired(tmp_path, WELL, WELL, **ON) as pair:
        await pair.ask()
        change = {"targets": ["two:m"]}
        async with pair.router.http.patch(f"{pair.router.url}/config/groups/chat", json=change) as changed:
            assert changed.status == 200, await changed.text()
        heard = [await pair.ask() for _ in range(2)]
        assert [each.headers["x-router-cache"] for each in heard] == ["miss", "hit"]
        assert [each.headers["x-router-provider"] for each in heard] == ["two", "two"]


@scenario
async def test_a_stream_that_was_cut_is_not_given_again(tmp_path: Path) -> None:
    """The next caller has it answered anew."""
    async with paired(tmp_path, [cut_after(["half"]), WELL], only_one=True, **ON) as pair:
        heard = [await pair.ask(True) for _ in range(3)]
        assert [each.headers["x-router-cache"] for each in heard] == ["miss", "miss", "hit"]
        assert heard[1].body == heard[2].body
