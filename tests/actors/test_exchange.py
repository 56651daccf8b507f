"""The end of an answer: it is told whole, or not at all."""

from __future__ import annotations

import asyncio

import pytest

from actors.runtime import run_virtual
from router.errors import Reason
from router.upstream.memory import Scripted, in_turn
from tests.fakes.embedded import STREAMED, Read, embedded, read
from tests.fakes.replies import DONE, event


@pytest.mark.parametrize("words", range(8, 40))
def test_who_is_told_the_end_is_told_no_error_after_it(words: int) -> None:
    """A stop while the reader has taken nothing: complete to the last byte, or an error and no `[DONE]`."""

    async def main() -> Read:
        said = [_chunk({"content": "w "}) for _ in range(words)]
        steps = (*said, _chunk({}, "stop"), DONE)
        script = in_turn(Scripted(headers=STREAMED, steps=steps))
        async with embedded(script, server={"drain_s": 0.0}) as router:
            opened = router.open()
            await asyncio.sleep(1.0)
        return await read(opened)

    got = run_virtual(main())
    assert got.complete is got.raw.endswith(DONE)
    assert got.complete is (got.error is None)
    assert got.error is None or got.error.reason is Reason.SHUTTING_DOWN


def _chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event({"id": "c", "model": "m", "choices": [choice]})
