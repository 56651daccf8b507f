"""An exchange and its reader: one who stops reading holds nothing for ever."""

from __future__ import annotations

import asyncio

import pytest

from actors.runtime import run_virtual
from router.errors import Reason
from router.upstream.memory import Scripted, Silence, Step, in_turn
from tests.fakes.embedded import STREAMED, Read, embedded, read
from tests.fakes.replies import DONE

WORD = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"w"},"finish_reason":null}]}\n\n'
LAST = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize(
    "steps",
    [pytest.param((*[WORD] * 100, LAST), id="endless"), pytest.param((*[WORD] * 20, LAST), id="all_said")],
)
def test_a_reader_who_stops_is_let_go_at_the_deadline(steps: tuple[Step, ...]) -> None:
    """Its slot and its upstream call are given back, and what it reads later ends with an error."""

    async def main() -> None:
        async with embedded(in_turn(Scripted(headers=STREAMED, steps=(*steps, Silence())))) as router:
            opened = router.open(router={"deadline_s": 30})
            await asyncio.sleep(29)
            assert router.assembly.desk.health().in_flight == 1
            await asyncio.sleep(2)
            assert router.assembly.desk.health().in_flight == 0
            assert router.transports["p0"].open == 0
            got = await read(opened)
        assert got.error is not None
        assert got.error.reason is Reason.DEADLINE

    run_virtual(main())


@pytest.mark.parametrize("words", range(8, 40))
def test_who_is_told_the_end_is_told_no_error_after_it(words: int) -> None:
    """A stop while the reader has taken nothing: complete to the last byte, or an error and no `[DONE]`."""

    async def main() -> Read:
        script = in_turn(Scripted(headers=STREAMED, steps=(*[WORD] * words, LAST)))
        async with embedded(script, server={"drain_s": 0.0}) as router:
            opened = router.open()
            await asyncio.sleep(1.0)
        return await read(opened)

    got = run_virtual(main())
    assert got.complete is got.raw.endswith(DONE)
    assert got.complete is (got.error is None)
    assert got.error is None or got.error.reason is Reason.SHUTTING_DOWN
