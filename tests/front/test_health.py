"""The operator's pages, over a socket: their shape, and what they say of providers that are not well."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from router.telemetry.metrics import TABLE
from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider, refused
from tests.fakes.replies import speak, status
from tests.fakes.served import Served, routed, served, until

_WELL = {"healthy": True, "circuit_state": "closed", "health_score": 1.0}
_HASTY = {"failure_threshold": 2, "recovery_timeout_s": 60}


async def _told(router: Served, requests: int) -> None:
    """Wait until telemetry has folded that many requests."""
    await until(lambda: router.assembly.desk.health().total_requests == requests)


@on_uvloop
async def test_health_has_the_shape_that_its_readers_know(tmp_path: Path) -> None:
    """Status, each provider in brief, the totals; nothing besides."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        empty = {"total_requests": 0, "success_rate": 1.0, "avg_response_time": 0}
        assert await router.get("/health") == (
            200,
            {"status": "healthy", "providers": {"one": _WELL}, "metrics": empty},
        )
        async with router.chat() as response:
            assert response.status == 200
        await _told(router, 1)
        _, body = await router.get("/health/metrics")
        average_ms = body["metrics"].pop("avg_response_time")
        assert isinstance(average_ms, int) and average_ms >= 0
        assert body == {"metrics": {"total_requests": 1, "success_rate": 1.0}}


@on_uvloop
async def test_detailed_health_says_what_runs(tmp_path: Path) -> None:
    """Every actor of the router's own, which configuration, how many requests are under way."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        code, body = await router.get("/health/detailed")
        assert code == 200
        assert set(body["actors"].values()) == {True}
        assert {"config", "ledger", "telemetry", "limits", "providers", "retry", "groups", "front"} <= set(
            body["actors"]
        )
        assert (body["in_flight"], body["ledger_degraded"]) == (0, False)
        assert body["config_version"] == router.assembly.settings.version
        assert body["providers"]["one"]["models"] == ["m"]


@on_uvloop
async def test_an_open_breaker_shows_in_health_and_in_metrics(tmp_path: Path) -> None:
    """The provider is not healthy, the whole is degraded while another is, and the gauge says 2."""
    async with (
        ScriptedProvider(status(500)) as one,
        ScriptedProvider(speak()) as two,
        served(routed(one, two, breaker=_HASTY), tmp_path) as router,
    ):
        for _ in range(2):
            async with router.chat() as response:
                assert (response.status, response.headers["x-router-provider"]) == (200, "two")
        await _told(router, 2)
        code, body = await router.get("/health")
        assert (code, body["status"]) == (200, "degraded")
        assert body["providers"]["two"] == _WELL
        ill = body["providers"]["one"]
        assert (ill["healthy"], ill["circuit_state"]) == (False, "open")
        assert ill["health_score"] < 1.0
        _, body = await router.get("/health/providers")
        assert body["providers"]["one"]["last_error"] == "server_error"
        async with router.http.get(f"{router.url}/metrics") as response:
            assert 'pointsman_breaker_state{model="m",provider="one"} 2.0' in await response.text()


@on_uvloop
async def test_a_provider_that_rejects_our_key_is_not_healthy(tmp_path: Path) -> None:
    """No breaker opens, since no rest would mend it; and yet it answers nobody, which is what health is asked for."""
    async with ScriptedProvider(status(401)) as one, served(routed(one), tmp_path) as router:
        _, body = await router.get("/health/providers")
        assert body["providers"]["one"]["success_rate"] is None
        for _ in range(5):
            async with router.chat() as response:
                await response.read()
        await _told(router, 5)
        code, body = await router.get("/health")
        assert (code, body["status"], body["metrics"]["success_rate"]) == (503, "unhealthy", 0.0)
        _, body = await router.get("/health/providers")
        report = body["providers"]["one"]
        assert (report["healthy"], report["circuit_state"]) == (False, "closed")
        assert (report["success_rate"], report["last_error"]) == (0.0, "credential")


@on_uvloop
async def test_half_of_all_requests_failing_is_not_called_healthy(tmp_path: Path) -> None:
    """The provider may be asked still, so the whole serves; why it is degraded stands beside it."""
    patient = {"breaker": {"failure_threshold": 99}, "failover": {"max_attempts": 1}}
    async with (
        ScriptedProvider(*[speak(), status(500)] * 6) as one,
        served(routed(one, **patient), tmp_path) as router,
    ):
        for number in range(12):
            if number == 8:
                await _told(router, number)
                assert (await router.get("/health"))[1].get("reasons") is None, "too few to say"
            async with router.chat() as response:
                await response.read()
        await _told(router, 12)
        code, body = await router.get("/health")
        assert (code, body["status"], body["providers"]["one"]["healthy"]) == (200, "degraded", True)
        assert body["reasons"] == [
            f"{whose}: 50% of the last 12 were answered" for whose in ("requests", "provider one")
        ]


@on_uvloop
async def test_health_is_503_when_no_provider_can_be_asked_and_the_router_lives(tmp_path: Path) -> None:
    """A restart of the process would not mend a provider, so only health says no."""
    with refused() as address:
        gone = {"kind": "openai-compatible", "base_url": address, "models": ["m"]}
        async with served(routed(gone, breaker=_HASTY, failover={"max_attempts": 2}), tmp_path) as router:
            async with router.chat() as response:
                assert response.status == 502
            code, body = await router.get("/health")
            assert (code, body["status"]) == (503, "unhealthy")
            assert await router.get("/livez") == (200, {"status": "alive"})
            assert await router.get("/readyz") == (200, {"status": "ready"})


@on_uvloop
async def test_a_provider_that_cannot_be_set_up_says_why_and_keeps_no_other_down(tmp_path: Path) -> None:
    """A local provider without a model file: the router starts, and names the folder."""
    (tmp_path / "none").mkdir(exist_ok=True)
    local = {"kind": "llama-cpp", "models_dir": str(tmp_path / "none")}
    async with ScriptedProvider(speak()) as one:
        config = routed(one)
        config["providers"]["local"] = local
        config["failover_groups"]["here"] = {"targets": ["local"]}
        async with served(config, tmp_path) as router:
            _, body = await router.get("/health/providers")
            assert not body["providers"]["local"]["healthy"]
            assert str(tmp_path / "none") in body["providers"]["local"]["last_error"]
            assert [line["group"] for line in router.log.read if line["event"] == "failover group absent"] == ["here"]
            async with router.chat() as response:
                assert response.status == 200


@pytest.mark.parametrize("path", ["/health", "/health/detailed", "/health/providers", "/health/metrics"])
@on_uvloop
async def test_health_answers_while_actors_are_poisoned(path: str, tmp_path: Path) -> None:
    """It reads snapshots: no actor is asked."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        for actor in ("telemetry", "ledger", "providers/one/breaker"):
            router.ref(actor).tell(object())
        assert (await router.get(path))[0] == 200


@on_uvloop
async def test_metrics_are_what_prometheus_can_parse(tmp_path: Path) -> None:
    """Every family of the table that has a sample, under its own name; a request is counted once."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        async with router.stream() as heard:
            await heard.rest()
        await _told(router, 1)
        async with router.http.get(f"{router.url}/metrics") as response:
            assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
            families = {family.name: family for family in text_string_to_metric_families(await response.text())}
        known = {metric.name.removesuffix("_total") for metric in TABLE}
        assert {name for name in families if name.startswith("pointsman_")} <= known
        counted = [sample for sample in families["pointsman_exchanges"].samples if sample.name.endswith("_total")]
        assert [(sample.labels["end"], sample.labels["streamed"], sample.value) for sample in counted] == [
            ("completed", "true", 1.0)
        ]
