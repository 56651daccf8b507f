"""Lines 57 and 19 with several keys: what a provider refuses to one key goes by another, and who waits has turns."""

from __future__ import annotations

import asyncio
from asyncio import TaskGroup
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer, gated, speak, status, stream
from tests.fakes.served import Served, remote, routed, served
from tests.fakes.turn import Gate, Script, Turn
from tests.scenarios.scene import FIRST, SECOND, ask, both, paired, scenario, soon

A, B = "sk-first-3141592653", "sk-second-2718281828"
KEYS = [{"key": A, "name": "a"}, {"key": B, "name": "b"}]
LIMITS = {"x-ratelimit-limit-requests": "60", "x-ratelimit-reset-requests": "40s"}


def key_of(turn: Turn) -> str:
    """By which key a request came."""
    return {f"Bearer {A}": "a", f"Bearer {B}": "b"}[turn.headers["authorization"]]


@asynccontextmanager
async def pooled(home: Path, bad: Script, **keys: Any) -> AsyncIterator[tuple[Served, ScriptedProvider]]:
    """One provider with two keys, the first of which is answered by `bad`, in front of one that is well."""

    def choose(turn: Turn) -> Script:
        return bad if key_of(turn) == "a" else speak(FIRST)

    async with ScriptedProvider(choose=choose) as one, ScriptedProvider(speak(SECOND)) as two:
        pool = remote(one, **{"api_key": None, "keys": KEYS, **keys})
        async with served(routed(pool, two), home) as router:
            yield router, one


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(status(401), id="refused"),
        pytest.param(status(429, {"retry-after": "60"}), id="throttled"),
        pytest.param(status(429, body={"error": {"code": "insufficient_quota", "message": "no"}}), id="exhausted"),
    ],
)
@both
@scenario
async def test_line_19_what_one_key_is_refused_goes_by_another(streamed: bool, bad: Script, tmp_path: Path) -> None:
    """At once, at the same provider; the key is left alone from then on, and nobody hears of it."""
    async with pooled(tmp_path, bad) as (router, one):
        heard = [await ask(router, streamed) for _ in range(6)]
        assert [key_of(turn) for turn in one.turns] == ["a", "b", "b", "b", "b", "b", "b"]
        rows = await router.entries(7)
    assert all(answer.is_from(FIRST) for answer in heard)
    assert heard[0].headers["x-router-attempts"] == "2"
    assert len(rows) == 7


@scenario
async def test_line_19_no_key_left_is_another_providers_turn(tmp_path: Path) -> None:
    """Both refused: the fallback answers, health says it, and neither is asked again."""

    async with ScriptedProvider(status(401)) as one, ScriptedProvider(speak(SECOND)) as two:
        pool = remote(one, api_key=None, keys=KEYS)
        async with served(routed(pool, two), tmp_path) as router:
            heard = [await ask(router) for _ in range(4)]
            await soon(lambda: not router.assembly.desk.health().providers["one"].healthy)
            assert [key_of(turn) for turn in one.turns] == ["a", "b"]
            report = router.assembly.desk.health().providers["one"]
    assert report.keys == {"a": "refused", "b": "refused"}
    assert all(answer.is_from(SECOND) for answer in heard)


@scenario
async def test_a_refused_key_is_tried_again_when_somebody_says_so(tmp_path: Path) -> None:
    """Mended on the provider's side, nothing of the configuration changes: the act is audited, and the key is back."""
    wrong = status(401)
    async with ScriptedProvider(wrong, speak(FIRST)) as one, served(routed(remote(one, api_key=A)), tmp_path) as router:
        for _ in range(2):  # the second is not sent
            answer = await ask(router)
            assert (answer.status, answer.headers.get("retry-after")) == (502, None)
        await soon(lambda: router.assembly.desk.health().providers["one"].keys == {"default": "refused"})
        async with router.http.post(f"{router.url}/providers/one/retry-keys") as response:
            assert await response.json() == {"provider": "one", "keys": ["default"]}
        assert (await ask(router)).is_from(FIRST)
        async with router.http.post(f"{router.url}/providers/one/retry-keys") as response:
            assert await response.json() == {"provider": "one", "keys": []}
        async with router.http.post(f"{router.url}/providers/two/retry-keys") as response:
            assert response.status == 404
        acts = [line for line in router.log.read if line.get("act") == "keys.retry"]
        assert [(act["subject"], act["outcome"]) for act in acts] == [
            ("providers.one", "taken"),
            ("providers.one", "taken"),
            ("providers.two", "missing"),
        ]


@scenario
async def test_a_refused_key_that_its_file_renews_is_tried_with_the_next_reload(tmp_path: Path) -> None:
    """What the configuration names is read again; the same key again is no reason to try it."""
    file = tmp_path / "key"
    file.write_text("wrong")
    async with (
        ScriptedProvider(status(401), speak(FIRST)) as one,
        served(routed(remote(one, api_key=f"file:{file}")), tmp_path) as router,
    ):
        assert (await ask(router)).status == 502
        async with router.http.post(f"{router.url}/config/reload") as response:
            assert (await response.json())["changed"] is False
        assert ((await ask(router)).status, len(one.turns)) == (502, 1)
        file.write_text("right")
        async with router.http.post(f"{router.url}/config/reload") as response:
            assert (await response.json())["providers"]["changed"] == ["one"]
        assert (await ask(router)).is_from(FIRST)


@scenario
async def test_keys_share_by_weight(tmp_path: Path) -> None:
    """Three to one."""
    keys = [{"key": A, "weight": 3}, {"key": B}]
    async with pooled(tmp_path, speak(FIRST), keys=keys) as (router, one):
        for _ in range(20):
            await ask(router)
        assert Counter(map(key_of, one.turns)) == {"a": 15, "b": 5}


@scenario
async def test_line_57_one_that_is_rejected_consumes_nothing(tmp_path: Path) -> None:
    """One at a time, two a minute: A runs, B is turned away, A ends, C is answered, and D is one too many."""
    gate = Gate()
    keys = {"max_parallel": 1, "max_queue": 0, "limits": {"requests_per_min": 2}}
    async with paired(tmp_path, gated(gate, speak(FIRST)), keys=keys, only_one=True) as pair:
        async with TaskGroup() as group:
            first = group.create_task(pair.ask())
            await soon(lambda: pair.one.running == 1)
            turned = await pair.ask()
            gate.open()
        after = await pair.ask()
        last = await pair.ask(router={"deadline_s": 5})
        assert len(pair.one.turns) == 2
    assert first.result().is_from(FIRST) and after.is_from(FIRST)
    assert turned.status in (429, 503)
    assert last.status == 429
    assert 20 <= int(last.headers["retry-after"]) <= 31


@both
@scenario
async def test_what_a_provider_says_is_left_is_kept_to(streamed: bool, tmp_path: Path) -> None:
    """Its answer says that nothing is left: the next request goes elsewhere without asking it."""

    said = {**LIMITS, "x-ratelimit-remaining-requests": "0"}
    spent = stream([FIRST], headers=said) if streamed else answer(FIRST, headers=said)
    async with paired(tmp_path, spent, keys={"max_queue": 0}) as pair:
        await pair.ask(streamed)
        heard = await pair.ask(streamed)
        assert len(pair.one.turns) == 1
    assert heard.is_from(SECOND)


@scenario
async def test_a_crowd_of_one_user_does_not_keep_another_waiting(tmp_path: Path) -> None:
    """One slot, twenty requests of one user, then one of another: it is served second."""
    gate = Gate()
    async with paired(tmp_path, gated(gate, speak(FIRST)), keys={"max_parallel": 1}, only_one=True) as pair:
        done: list[str] = []

        async def call(user: str) -> None:
            await pair.ask(user=user)
            done.append(user)

        async with TaskGroup() as group:
            for _ in range(20):
                group.create_task(call("greedy"))
            await soon(lambda: pair.router.in_flight == 20)
            group.create_task(call("modest"))
            await soon(lambda: pair.router.in_flight == 21)
            await asyncio.sleep(0.05)
            gate.open()
        assert done.index("modest") <= 2
