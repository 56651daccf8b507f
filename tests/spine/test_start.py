"""A router begins without internet and on a root that cannot be written, and soon."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak
from tests.fakes.served import process, routed

START_S = 2.0


@pytest.mark.shows(103)
@pytest.mark.process
@on_real_loops
async def test_a_sealed_router_answers_within_two_seconds(tmp_path: Path) -> None:
    """Of processor time, from nothing to the first answer, whatever else this machine does; it writes under its home
    alone and asks no other host."""
    config = {"providers": {"local": {"kind": "llama-cpp"}}}
    async with (
        ScriptedProvider(speak()) as one,
        process({**config, **routed(one)}, tmp_path, module="tests.fakes.sealed") as router,
    ):
        async with router.chat() as response:
            assert response.status == 200
        async with router.http.get(f"{router.url}/metrics") as response:
            page = await response.text()
        used = next(line.split()[1] for line in page.splitlines() if line.startswith("process_cpu_seconds_total "))
        assert float(used) < START_S
        assert router.noise == []
