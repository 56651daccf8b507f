"""What other gateways are put through, this one passes; and a gateway that does nothing about faults does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak
from tests.fakes.served import GROUP, routed, served
from tests.scenarios.blackbox import FAULTS, referee
from tests.scenarios.scene import scenario

PATIENT = {
    "breaker": {"failure_threshold": 1000, "min_calls": 1000},
    "retry": {"throttle": False, "base_delay_ms": 1, "jitter": False},
}
"""A dozen faults in a few seconds are no outage."""
CLOCKS = {"first_byte_s": 0.5, "first_token_s": 0.5, "idle_s": 0.5}


async def free_ports() -> tuple[int, int]:
    """Two that were free a moment ago."""
    async with ScriptedProvider(speak()) as one, ScriptedProvider(speak()) as two:
        return one.port, two.port


@scenario
async def test_a_route_that_rescues_passes_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the policy of a sensible group, and limits short enough for a test."""
    ports = await free_ports()
    providers = [
        {
            "kind": "openai-compatible",
            "base_url": f"http://127.0.0.1:{port}/v1",
            "models": [{"name": "m", "context_window": window, "prefix": "turn"}],
            "timeouts": CLOCKS,
        }
        for port, window in zip(ports, (8_000, 128_000), strict=True)
    ]
    rules = {**PATIENT, "failover": {"resume": ["continue", "splice"]}}
    async with served(routed(*providers, **rules), tmp_path) as router:
        failed = await referee(f"{router.url}/v1", GROUP, ports, 4.0)
    said = capsys.readouterr().out
    assert failed == 0, said
    assert said.count("pass\n") == len(FAULTS) == 15


@scenario
async def test_a_gateway_that_only_passes_on_fails_most(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A referee that lets everybody pass is none."""
    ports = await free_ports()
    first = {"kind": "openai-compatible", "base_url": f"http://127.0.0.1:{ports[0]}/v1", "models": ["m"]}
    rules = {**PATIENT, "failover": {"max_attempts": 1}}
    async with served(routed({**first, "timeouts": CLOCKS}, **rules), tmp_path) as router:
        failed = await referee(f"{router.url}/v1", GROUP, ports, 0.0)
    assert failed >= 11
    assert "FAIL  status 503" in capsys.readouterr().out
