"""An exchange and its reader: one who stops reading holds nothing for ever."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

import pytest

from actors.messages import Answered
from actors.runtime import run_virtual
from router.errors import Reason
from router.upstream.memory import Delay, Fail, Scripted, Silence, Step, in_turn
from tests.fakes.embedded import NOWHERE, STREAMED, Read, embedded, read
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


def chunk(text: str | None = None, finish: str | None = None, output: int = 1) -> bytes:
    """One event of a provider that counts as it goes."""
    choice = {"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": finish}
    usage = {"prompt_tokens": 10, "completion_tokens": output, "total_tokens": 10 + output}
    return b"data: " + json.dumps({"id": "c", "model": "m", "choices": [choice], "usage": usage}).encode() + b"\n\n"


PRICED = {"input_per_mtok": 1, "output_per_mtok": 1}


def test_who_could_not_be_asked_to_go_on_costs_nothing() -> None:
    """Of three targets the first breaks off, the second is full and the third finishes: two were paid, and it is known
    what."""
    keys = {"kind": "openai-compatible", "base_url": NOWHERE, "models": [{"name": "m", "price": PRICED}]}
    providers = {"p0": keys, "p1": {**keys, "max_parallel": 1, "max_queue": 0}, "p2": keys}
    cut = Scripted(headers=STREAMED, steps=(chunk("one"), Fail()))
    full = Scripted(headers=STREAMED, steps=(Silence(),))
    well = Scripted(
        headers=STREAMED, steps=(chunk("one"), chunk(" two", output=2), chunk(finish="stop", output=2), DONE)
    )

    async def main() -> Read:
        async with embedded(
            in_turn(cut), in_turn(full), in_turn(well), providers=providers, failover={"resume": ["splice"]}
        ) as router:
            router.open(model="p1:m")
            await asyncio.sleep(0.1)
            return await read(router.open())

    got = run_virtual(main())
    last = got.pieces[-1]
    assert isinstance(last, Answered)
    assert last.cost_usd == 11 * Decimal("0.000001") + 12 * Decimal("0.000001")


def test_another_key_earns_no_retry() -> None:
    """A third of what is asked first may be asked again: two such pay for none, though one of them took two keys."""
    keys = {"kind": "openai-compatible", "base_url": NOWHERE, "models": ["m"], "keys": ["a-key", "b-key"]}
    well = Scripted(headers=STREAMED, steps=(WORD, LAST))
    scripts = in_turn(Scripted(status=429), well, Scripted(status=500), well)

    async def main() -> tuple[bool, int]:
        retry = {"budget_ratio": 0.34, "budget_min_per_s": 0.0}
        async with embedded(scripts, providers={"p0": keys}, retry=retry) as router:
            assert (await read(router.open())).complete
            got = await read(router.open())
            return got.complete, len(router.transports["p0"].carried)

    assert run_virtual(main()) == (False, 3)


def test_a_route_with_edges_of_its_own_hedges_all_the_same() -> None:
    """That the first is late is no failure: whatever may move on there, the second is asked beside it."""
    group = {
        "targets": ["p0:m", "p1:m"],
        "fallbacks_on": ["server_error"],
        "hedge": {"share": 1.0, "min_after_ms": 1, "max_after_ms": 100, "min_sample": 1},
    }
    well = Scripted(headers=STREAMED, steps=(WORD, LAST))
    late = Scripted(headers=STREAMED, steps=(Delay(20.0), WORD, LAST))

    async def main() -> str:
        async with embedded(in_turn(well, late), in_turn(well), failover_groups={"chat": group}) as router:
            await read(router.open(model="chat"))
            return (await read(router.open(model="chat"))).target.provider

    assert run_virtual(main()) == "p1"
