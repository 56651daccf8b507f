"""What an attempt waits for in this gateway is not its provider's time: no clock of it runs, and nothing is learned."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actors.runtime import run_virtual
from router.errors import Reason, UpstreamFailed
from router.upstream.memory import Delay, Script, Scripted, Silence, in_turn
from tests.fakes.embedded import NOWHERE, STREAMED, Embedded, Read, embedded, read
from tests.fakes.replies import DONE

WORD = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"w"},"finish_reason":null}]}\n\n'
LAST = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n' + DONE


def narrow(**keys: Any) -> dict[str, Any]:
    """One provider that carries one attempt at once."""
    return {"p0": {"kind": "openai-compatible", "base_url": NOWHERE, "models": ["m"], "max_parallel": 1, **keys}}


def slowly(seconds: float) -> Script:
    """Well, each time, with its first word after so long."""
    return in_turn(Scripted(headers=STREAMED, steps=(Delay(seconds), WORD, LAST)))


async def crowd(router: Embedded, count: int) -> list[Read]:
    """So many callers at once."""
    return await asyncio.gather(*(read(router.open()) for _ in range(count)))


def test_a_queue_of_ours_does_not_open_the_circuit() -> None:
    """Each first word takes half a second; that most callers waited long for their slot makes none of them slow."""
    breaker = {"slow_call_s": 1.0, "slow_call_rate": 0.5, "min_calls": 5}

    async def main() -> tuple[list[Read], str]:
        async with embedded(slowly(0.5), providers=narrow(), breaker=breaker) as router:
            got = await crowd(router, 20)
            return got, router.assembly.desk.health().providers["p0"].circuit_state

    got, circuit = run_virtual(main())
    assert circuit == "closed"
    assert all(one.complete for one in got)


def test_a_queue_of_ours_is_no_part_of_a_first_token() -> None:
    """The account of a provider's first tokens knows when its request went out."""

    async def main() -> list[float]:
        async with embedded(slowly(0.5), providers=narrow(), telemetry={"log_level": "debug"}) as router:
            await crowd(router, 5)
        return [line["first_token_s"] for line in router.log.read if "attempt" in line]

    assert run_virtual(main()) == pytest.approx([0.5] * 5, abs=0.05)


def test_a_queue_of_ours_is_no_part_of_an_attempts_time() -> None:
    """Two answers of two seconds, one after the other, with three seconds for each."""

    async def main() -> list[Read]:
        async with embedded(slowly(2.0), providers=narrow(timeouts={"total_s": 3.0})) as router:
            return await crowd(router, 2)

    assert [one.complete for one in run_virtual(main())] == [True, True]


def test_who_waited_here_to_the_deadline_is_not_told_of_a_provider_that_was_slow() -> None:
    """Nothing left for it, so no request is counted, and the words do not say that somebody was answering."""

    async def main() -> Read:
        async with embedded(in_turn(Scripted(headers=STREAMED, steps=(WORD, Silence()))), providers=narrow()) as router:
            first = router.open(router={"deadline_s": 20})
            await asyncio.sleep(1.0)
            late = await read(router.open(router={"deadline_s": 2}))
            assert len(router.transports["p0"].carried) == 1
            first.outbox.leave()
            return late

    error = run_virtual(main()).error
    assert isinstance(error, UpstreamFailed)
    assert error.reason is Reason.DEADLINE
    assert str(error) == "p0:m: the request's deadline passed before it could be asked"
