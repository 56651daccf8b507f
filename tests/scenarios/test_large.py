"""Line 76 at its bound, on every protocol: passed on byte for byte, refused beyond it, and what it costs in memory."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.claude import claude, speaking
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak, stream
from tests.fakes.served import Caller, remote, routed, served
from tests.fakes.served import process as started
from tests.scenarios.scene import FIRST, scenario
from tests.scenarios.tongues import MESSAGES, Front, every_front

MIB = 1 << 20
CAP = 64 * MIB
BODIES = 4
"""Copies of a body that may be alive at once: its pieces, the whole, the patched one, and what is on its way out."""
EVENTS = {"chat": 6, "messages": 6, "responses": 20}
"""As much for an event's text: read, joined, decoded, told anew, on its way out. Responses says it five times."""

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak of memory from /proc")


def sized(front: Front, size_bytes: int, *, streamed: bool = False) -> bytes:
    """A request of exactly this size."""
    body = json.dumps(front.body("chat", streamed), separators=(",", ":")).encode()
    return body.replace(b"Go on.", b"y" * (size_bytes - len(body) + len(b"Go on.")))


async def post(router: Caller, front: Front, body: bytes) -> tuple[int, bytes]:
    """Status and body of the answer."""
    headers = {"content-type": "application/json"}
    async with router.http.post(router.url + front.path, data=io.BytesIO(body), headers=headers) as response:
        return response.status, await response.read()


@pytest.mark.shows(76)
@pytest.mark.parametrize("size_bytes", [3 * MIB // 2, 30 * MIB], ids=["1.5_MiB", "30_MiB"])
@scenario
async def test_a_large_body_reaches_a_claude_byte_for_byte(size_bytes: int, tmp_path: Path) -> None:
    """All of it, but for the model's name."""
    body = sized(MESSAGES, size_bytes)
    async with ScriptedProvider(claude()) as one, served(routed(speaking(one)), tmp_path) as router:
        status, _ = await post(router, MESSAGES, body)
        (asked,) = one.turns
    assert status == 200
    assert asked.body == body.replace(b'"chat"', b'"up"')


@pytest.mark.shows(76)
@every_front
@scenario
async def test_a_byte_beyond_the_bound_is_a_413_in_the_protocol(front: Front, tmp_path: Path) -> None:
    """At the bound it is taken; a byte more is refused by name, and nobody is asked."""
    bound = {"max_body_bytes": 2048}
    async with ScriptedProvider(speak(FIRST)) as one, served(routed(one, server=bound), tmp_path) as router:
        assert (await post(router, front, sized(front, 2048)))[0] == 200
        status, told = await post(router, front, sized(front, 2049))
        assert len(one.turns) == 1
    said: dict[str, Any] = json.loads(told)
    member = "type" if front is MESSAGES else "code"
    assert (status, said["error"][member]) == (413, "request_too_large")
    assert (said.get("type") == "error" and "request_id" in said) == (front is MESSAGES)


async def _growth(home: Path, config: dict[str, Any], front: Front, body: bytes) -> int:
    """What the peak of a router's memory grows by in three such requests, after a small one."""
    async with started({**config, "home": str(home)}, home) as router:
        assert (await post(router, front, sized(front, 4096)))[0] == 200
        before = router.peak_bytes
        for _ in range(3):
            status, told = await post(router, front, body)
            assert status == 200, told[-300:]
        return router.peak_bytes - before


@linux
@pytest.mark.shows(76)
@pytest.mark.parametrize("passed", [True, False], ids=["passed_on", "translated"])
@scenario
async def test_a_body_at_a_bound_of_64_mib_costs_a_few_of_itself(passed: bool, tmp_path: Path) -> None:
    """Nor do three of them, one after the other, cost more than one."""
    async with ScriptedProvider(claude() if passed else speak(FIRST)) as one:
        bound = {"port": 0, "max_body_bytes": CAP}
        config = routed(speaking(one) if passed else remote(one), server=bound)
        grown = await _growth(tmp_path, config, MESSAGES, sized(MESSAGES, CAP))
        assert [len(turn.body) > CAP - 1024 for turn in one.turns] == [False, True, True, True]
    assert grown <= BODIES * CAP


@linux
@pytest.mark.shows(76)
@every_front
@scenario
async def test_an_event_of_8_mib_costs_a_few_of_itself(front: Front, tmp_path: Path) -> None:
    """Passed on or told anew, and all of it is heard."""
    async with ScriptedProvider(speak(FIRST), stream(["x" * (8 * MIB)])) as one:
        config = routed(one, server={"port": 0})
        grown = await _growth(tmp_path, config, front, sized(front, 4096, streamed=True))
    assert grown <= EVENTS[front.name] * 8 * MIB
