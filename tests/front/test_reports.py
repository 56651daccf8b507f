"""What operators read of providers, over a socket."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak, stall_after, status, stream
from tests.fakes.served import Served, remote, routed, served, until
from tests.fakes.turn import Script

_PAGES = ("status", "health", "metrics", "logs", "costs", "capabilities")


async def _answered(router: Served, times: int = 1) -> None:
    before = router.assembly.desk.health().total_requests
    for _ in range(times):
        async with router.chat() as response:
            assert response.status == 200
    await until(lambda: router.assembly.desk.health().total_requests == before + times)


@on_uvloop
async def test_every_page_is_there_before_the_first_request(tmp_path: Path) -> None:
    """With the one provider, and nothing counted."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        for page in _PAGES:
            code, _ = await router.get(f"/providers/{page}")
            assert code == 200, page
        _, body = await router.get("/providers/metrics/one")
        assert (body["attempts"], body["first_token"]) == (0, {"count": 0, "mean_ms": None})
        _, body = await router.get("/providers/logs")
        assert body == {"rows": [], "next": None}


@on_uvloop
async def test_what_happened_is_in_status_scores_and_counts(tmp_path: Path) -> None:
    """A provider that fails and one that answers, each in its own row."""
    async with (
        ScriptedProvider(status(500)) as one,
        ScriptedProvider(speak()) as two,
        served(routed(one, two, breaker={"failure_threshold": 1}), tmp_path) as router,
    ):
        await _answered(router)
        _, body = await router.get("/providers/status")
        assert body["status"] == "degraded"
        assert (body["providers"]["one"]["circuit_state"], body["providers"]["two"]["circuit_state"]) == (
            "open",
            "closed",
        )
        _, body = await router.get("/providers/health")
        assert (body["providers"]["one"]["last_error"], body["providers"]["two"]["success_rate"]) == (
            "server_error",
            1.0,
        )
        _, body = await router.get("/providers/metrics")
        counts = body["providers"]
        assert (counts["one"]["ends"], counts["one"]["reasons"]) == ({"failed": 1}, {"server_error": 1})
        assert (counts["two"]["attempts"], counts["two"]["retries"], counts["two"]["duration"]["count"]) == (1, 1, 1)
        assert (await router.get("/providers/metrics/two"))[1] == counts["two"]


@on_uvloop
async def test_counts_begin_anew_and_the_act_is_kept(tmp_path: Path) -> None:
    """Scores and the account stay."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        await _answered(router)
        async with router.http.post(f"{router.url}/providers/metrics/reset") as response:
            assert (response.status, await response.json()) == (200, {"reset": True})
        assert (await router.get("/providers/metrics/one"))[1]["attempts"] == 0
        assert (await router.get("/providers/health"))[1]["providers"]["one"]["requests"] == 1
        assert (await router.get("/providers/costs"))[1]["overall"]["entries"] == 1
        _, body = await router.get("/audit?limit=1&act=metrics.reset")
        assert [(row["act"], row["outcome"]) for row in body["rows"]] == [("metrics.reset", "taken")]


@on_uvloop
async def test_logs_are_filtered_and_turned_page_by_page(tmp_path: Path) -> None:
    """Every row once, however many pages they are read in, and not what was asked or answered."""
    async with (
        ScriptedProvider(status(500)) as one,
        ScriptedProvider(speak("a canary of an answer")) as two,
        served(routed(one, two), tmp_path) as router,
    ):
        await _answered(router, 3)
        _, whole = await router.get("/providers/logs")
        assert len(whole["rows"]) >= 9
        assert "canary" not in str(whole) and "Name three colours" not in str(whole)
        seen, cursor = [], ""
        while cursor is not None:
            _, page = await router.get(f"/providers/logs?limit=2{cursor and f'&cursor={cursor}'}")
            seen += page["rows"]
            cursor = page["next"]
        assert seen == whole["rows"]
        _, own = await router.get("/providers/logs/one")
        assert own["rows"] == [row for row in whole["rows"] if row["provider"] == "one"]
        assert own == (await router.get("/providers/logs?provider=one"))[1]
        _, failed = await router.get("/providers/logs?reason=server_error&kind=attempt")
        assert {row["provider"] for row in failed["rows"]} == {"one"}
        late = datetime.fromtimestamp(whole["rows"][0]["at"] + 3600, UTC)
        for since in (late.isoformat().replace("+00:00", "Z"), str(late.timestamp())):
            assert (await router.get(f"/providers/logs?since={since}"))[1]["rows"] == []


@on_uvloop
async def test_costs_are_of_all_time_or_since_a_moment(tmp_path: Path) -> None:
    """Money is a number, null where no cost is known; what has no price is not in the sum but counted."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        await _answered(router)
        _, body = await router.get("/providers/costs")
        assert body["providers"]["one"]["entries"] == 1 and body["overall"]["cost_usd"] is None
        assert body["overall"]["unpriced"] + body["overall"]["uncounted"] == 1
        _, since = await router.get("/providers/costs?since=2020-01-01T00:00:00Z")
        assert since["providers"] == body["providers"] and since["complete"] is True
        _, none = await router.get("/providers/costs?since=2100-01-01T00:00:00Z")
        assert none["providers"] == {} and (none["overall"]["entries"], none["overall"]["cost_usd"]) == (0, 0)


_PRICED = {"models": [{"name": "m", "price": {"input_per_mtok": 3, "output_per_mtok": 15}}]}
_INCOMPLETE = {
    "left": stall_after(["a", " b"]),
    "cut": stream(["a", " b"], usage=None, finish=None, done=False),
    "uncounted": stream(["a", " b"], usage=None),
}


@pytest.mark.parametrize("script", _INCOMPLETE.values(), ids=_INCOMPLETE)
@on_uvloop
async def test_an_exchange_counts_what_the_ledger_counts(tmp_path: Path, script: Script) -> None:
    """Tokens and cost of an answer that nobody counted to its end are the ledger's estimate, in its row too."""
    async with (
        ScriptedProvider(script) as one,
        served(routed(remote(one, **_PRICED), failover={"resume": []}), tmp_path) as router,
    ):
        async with router.stream() as heard:
            await heard.begin()
            if script is not _INCOMPLETE["left"]:
                await heard.response.read()
        (entry,) = await router.entries(1)
        await until(lambda: router.assembly.desk.health().total_requests == 1)
        _, logs = await router.get("/providers/logs")
        assert entry.usage is not None and entry.usage_source == "estimated"
        told = {row["kind"]: (row["input_tokens"], row["output_tokens"], row["cost_usd"]) for row in logs["rows"]}
        tokens = (entry.usage.input_total, entry.usage.output_total)
        assert told == {"attempt": (*tokens, None), "exchange": (*tokens, float(entry.cost_usd or 0))}


@on_uvloop
async def test_the_audit_log_is_turned_page_by_page(tmp_path: Path) -> None:
    """Each act once, the newest first."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        for _ in range(3):
            async with router.http.post(f"{router.url}/providers/metrics/reset") as response:
                assert response.status == 200
        _, whole = await router.get("/audit")
        seen, cursor = [], ""
        while cursor is not None:
            _, page = await router.get(f"/audit?limit=1{cursor and f'&cursor={cursor}'}")
            seen += page["rows"]
            cursor = page["next"]
        assert seen == whole["rows"] and len(seen) >= 3


_REFUSED = {
    "a parameter that is none": ("/providers/logs?providr=one", 400, "providr"),
    "a parameter where none is taken": ("/providers/status?x=1", 400, "x"),
    "twice": ("/providers/logs?limit=1&limit=2", 400, "limit"),
    "no number": ("/providers/logs?limit=many", 400, "limit"),
    "too many": ("/audit?limit=1001", 400, "limit"),
    "no such end": ("/providers/logs?end=nice", 400, "end"),
    "no time": ("/providers/costs?since=yesterday", 400, "since"),
    "a time without a zone": ("/providers/costs?since=2026-01-01T00:00:00", 400, "since"),
    "no cursor": ("/providers/logs?cursor=-1", 400, "cursor"),
    "no cursor of acts": ("/audit?cursor=1.2", 400, "cursor"),
    "a cursor that no store can hold": (f"/audit?cursor={'9' * 30}.c.1.0", 400, "cursor"),
    "a cursor at no time": ("/audit?cursor=1.c.inf", 400, "cursor"),
    "a cursor of a log that is none": (f"/providers/logs?cursor={'9' * 30}", 400, "cursor"),
    "another provider": ("/providers/logs/one?provider=two", 400, "provider"),
    "no such provider": ("/providers/metrics/nobody", 404, None),
    "no such provider's logs": ("/providers/logs/nobody", 404, None),
}


@pytest.mark.parametrize(("path", "code", "param"), _REFUSED.values(), ids=_REFUSED)
@on_uvloop
async def test_what_cannot_be_read_is_named(path: str, code: int, param: str | None, tmp_path: Path) -> None:
    """A filter that was mistyped must not show everything."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        answered, body = await router.get(path)
        assert (answered, body["error"]["param"]) == (code, param)


_WRONG = {
    "/providers/logs?limit=0": ("limit", "from 1 to 1000"),
    "/providers/logs?limit=many": ("limit", "a whole number from 1 to 1000"),
    "/audit?limit=5000": ("limit", "from 1 to 1000"),
    "/providers/logs?end=foo": ("end", "one of completed, "),
    "/providers/logs?reason=foo": ("reason", "throttled"),
    "/providers/logs/one?kind=foo": ("kind", "one of exchange, attempt"),
    "/providers/costs?since=yesterday": ("since", "2026-01-31T00:00:00Z"),
    "/ledger/entries?user=": ("user", "text, and not empty"),
    "/config?format=toml": ("format", "one of json, yaml"),
    "/providers/logs?nope=1": ("nope", "known are provider, model"),
    "/providers/metrics?nope=1": ("nope", "this path takes none"),
    "/providers/capabilities?nope=1": ("nope", "this path takes none"),
    "/providers/logs?limit=1&limit=2": ("limit", "given once"),
    "/providers/logs?cursor=a": ("cursor", "as it came"),
}


@on_uvloop
async def test_a_wrong_parameter_is_named_with_what_it_may_be(tmp_path: Path) -> None:
    """On every path that takes any, and on those that take none."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        for path, (name, allowed) in _WRONG.items():
            code, body = await router.get(path)
            assert (code, body["error"]["param"]) == (400, name), path
            assert allowed in body["error"]["message"], body
        for path in ("/config/providers/none", "/keys/none"):
            code, body = await router.get(path)
            assert code == 404 and set(body["error"]) == {"message", "type", "param", "code"}, path


@on_uvloop
async def test_pages_of_logs_stay_whole_while_rows_arrive(tmp_path: Path) -> None:
    """A cursor is a place in the log, not a count from its end: no row is told twice, and none is left out."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        await _answered(router, 4)
        told: list[int] = []
        path = "/providers/logs?limit=3"
        while True:
            _, page = await router.get(path)
            told += [row["seq"] for row in page["rows"]]
            if page["next"] is None:
                break
            path = f"/providers/logs?limit=3&cursor={page['next']}"
            await _answered(router)
        assert told == list(range(8, 0, -1))


@on_uvloop
async def test_no_page_of_management_tells_a_secret(tmp_path: Path) -> None:
    """Canaries: keys of a provider, of a client and of the operator, a prompt, an answer, and what a provider said."""
    secrets = (
        "canary-of-a-provider",
        "canary-of-a-client-key",
        "canary-of-the-operator",
        "canary-asked",
        "canary-told",
    )
    said = status(401, body={"error": {"message": f"{secrets[0]} is wrong: {secrets[3]}"}})
    async with ScriptedProvider(speak(secrets[4]), said) as one:
        config = {
            **routed({**remote(one), "api_key": secrets[0]}),
            "keys": {"team": {"key": secrets[1]}},
            "admin": {"key": secrets[2]},
        }
        async with served(config, tmp_path) as router:
            for shown in (secrets[1], secrets[1], "a-canary-of-a-stranger"):
                body = {"model": "chat", "messages": [{"role": "user", "content": secrets[3]}]}
                headers = {"authorization": f"Bearer {shown}"}
                url = f"{router.url}/v1/chat/completions"
                async with router.http.post(url, json=body, headers=headers) as response:
                    await response.read()
            await until(lambda: router.assembly.desk.health().total_requests == 2)
            pages = [f"/providers/{page}" for page in _PAGES]
            pages += [
                "/health/detailed",
                "/audit",
                "/config",
                "/config/providers",
                "/keys",
                "/ledger/entries",
                "/metrics",
            ]
            for page in pages:
                async with router.http.get(router.url + page, headers={"x-admin-key": secrets[2]}) as response:
                    text = await response.text()
                    assert response.status in (200, 503) and "canary" not in text, page


@on_uvloop
async def test_no_measured_number_has_more_digits_than_were_measured(tmp_path: Path) -> None:
    """Seconds to the millisecond, milliseconds to a tenth, rates to four places; instants stay whole."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        await _answered(router)
        for path in ("/health/detailed", "/health/providers", *(f"/providers/{page}" for page in _PAGES)):
            async with router.http.get(router.url + path) as response:
                text = re.sub(r'"at":[0-9.]+', "", await response.text())
            assert re.findall(r"[0-9]\.[0-9]{5,}", text) == [], path
