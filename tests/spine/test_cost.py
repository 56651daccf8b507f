"""What one request costs, as the calls of our own functions that it makes: a count that no other load on the machine
moves. Time is measured by `python -m bench.proxy`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

import pytest

from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak, stream
from tests.fakes.served import routed, served
from tests.sources import ROOT

ROOMS = tuple(f"{ROOT / room}/" for room in ("router", "actors"))
WARM = 50
"""Requests before the count: what is done once, and the first of everything, is not what a request costs."""
COUNTED = 100


@contextmanager
def calls() -> Iterator[Counter[CodeType]]:
    """How often each function is entered; a coroutine is whenever it goes on."""
    seen: Counter[CodeType] = Counter()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            seen[frame.f_code] += 1

    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(None)


def by_file(seen: Counter[CodeType]) -> dict[str, float]:
    """Calls of our own functions for each request, the dearest file first."""
    files: Counter[str] = Counter()
    for code, count in seen.items():
        if code.co_filename.startswith(ROOMS):
            files[str(Path(code.co_filename).relative_to(ROOT))] += count
    return {file: count / COUNTED for file, count in files.most_common()}


@pytest.mark.parametrize(("streamed", "most"), [(False, 540), (True, 850)])
@on_real_loops
async def test_a_request_makes_few_calls(streamed: bool, most: int, tmp_path: Path) -> None:
    """Whoever adds to the path of every request sees here where, and what it was before."""
    words = [" word"] * 50
    async with (
        ScriptedProvider(stream(words) if streamed else speak()) as one,
        served(routed(one), tmp_path) as router,
    ):

        async def ask(times: int) -> None:
            for _ in range(times):
                async with router.chat(stream=streamed) as response:
                    assert response.status == 200
                    await response.read()

        await ask(WARM)
        with calls() as seen:
            await ask(COUNTED)
        files = by_file(seen)
        assert sum(files.values()) <= most, files
