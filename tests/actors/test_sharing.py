"""Requests that are one, in virtual time: bounded in age and number, and never across callers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from actors.messages import Call, Once, Opened
from actors.runtime import run_virtual
from router.app import FRONT_DIALECT
from router.canon.caching import CacheScope
from router.canon.caller import Caller
from router.upstream.memory import Scripted, Silence, in_turn
from tests.fakes.embedded import STREAMED, Embedded, embedded, read

WORD = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"w"},"finish_reason":null}]}\n\n'
LAST = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
BODY = b'{"model":"auto","messages":[{"role":"user","content":"hi"}],"stream":true}'
ANSWER = Scripted(headers=STREAMED, steps=(WORD, LAST))


def keyed(router: Embedded, key: str = "k", caller: str = "", *, cache: bool = True) -> Opened:
    """Hand a request with a key in."""
    front, desk = FRONT_DIALECT.front, router.assembly.desk
    assert front is not None
    ask = front.peek(BODY)
    call = Call(ask=ask, dialect=FRONT_DIALECT.name, request_id=desk.new_id("req"), trace_id=desk.trace_id())
    return desk.open(replace(call, caller=Caller(id=caller, cache=CacheScope(on=cache)), once=Once(key=key, said=ask)))


async def told(opened: Opened) -> tuple[str | None, bytes]:
    """Read it to the end: in which way it is another's answer, and its bytes."""
    try:
        return opened.how, (await read(opened)).raw
    finally:
        opened.leave()


def test_an_answer_is_told_again_until_its_time_is_over() -> None:
    """A key that comes a day later is another request."""

    async def main() -> None:
        async with embedded(in_turn(ANSWER), idempotency={"ttl_s": 60}) as router:
            how = [(await told(keyed(router)))[0]]
            await asyncio.sleep(59)
            how.append((await told(keyed(router)))[0])
            await asyncio.sleep(1)
            how.append((await told(keyed(router)))[0])
        assert how == [None, "replayed", None]

    run_virtual(main())


def test_what_a_caller_must_not_have_kept_is_joined_and_not_told_again() -> None:
    """A client key with `cache: false` has no answer of its own kept, whatever its requests ask for."""

    async def main() -> None:
        async with embedded(in_turn(ANSWER)) as router:
            first, second = (keyed(router, cache=False) for _ in range(2))
            how = [first.how, (await told(second))[0]]
            await told(first)
            how.append((await told(keyed(router, cache=False)))[0])
        assert how == [None, "joined", None]

    run_virtual(main())


def test_callers_do_not_share_keys() -> None:
    """A key that somebody else thought of first leads to no answer of theirs."""

    async def main() -> None:
        async with embedded(in_turn(ANSWER)) as router:
            how = [(await told(keyed(router, caller=caller)))[0] for caller in ("a", "b", "a")]
        assert how == [None, None, "replayed"]

    run_virtual(main())


@pytest.mark.parametrize("bound", [{"max_entries": 2}, {"max_bytes": 5_000}], ids=["number", "bytes"])
def test_the_oldest_answers_go_first(bound: dict[str, Any]) -> None:
    """Whatever callers do, what is kept for them is bounded."""

    async def main() -> None:
        async with embedded(in_turn(ANSWER), idempotency=bound) as router:
            for number in range(20):
                await told(keyed(router, key=str(number)))
            sharing = router.assembly.sharing
            assert 0 < sharing.count < 5
            assert sharing.size_bytes <= 64 << 20 if "max_entries" in bound else sharing.size_bytes <= 5_000
            assert (await told(keyed(router, key="19")))[0] == "replayed"
            assert (await told(keyed(router, key="0")))[0] is None

    run_virtual(main())


def test_one_who_reads_slowly_holds_up_nobody() -> None:
    """Each reads of its own accord; what the fastest has heard waits for the others."""
    script = in_turn(Scripted(headers=STREAMED, steps=(*[WORD] * 30, LAST)))

    async def main() -> None:
        async with embedded(script) as router:
            slow, fast = keyed(router), keyed(router)
            first = await slow.outbox.get()
            heard = await told(fast)
            assert heard == ("joined", WORD * 30 + LAST)
            assert [first, *(await read(slow)).pieces][0] is first
            slow.leave()
            assert (await told(keyed(router)))[1] == WORD * 30 + LAST

    run_virtual(main())


def test_a_provider_feels_the_fastest_reader() -> None:
    """Keeping an answer for those to come is no reason to take it faster than anybody reads it."""
    block = WORD * 200
    script = in_turn(Scripted(headers=STREAMED, steps=(*[block] * 500, LAST)))

    async def main() -> None:
        async with embedded(script) as router:
            readers = [keyed(router), keyed(router)]
            for reader in readers:
                await reader.outbox.get()
            await asyncio.sleep(5)
            assert router.assembly.sharing.size_bytes < 3 * len(block)
            for reader in readers:
                reader.leave()
            await asyncio.sleep(1)
            assert router.assembly.sharing.count == 0
            assert router.transports["p0"].open == 0

    run_virtual(main())


def test_an_answer_that_was_complete_when_its_reader_left_is_kept() -> None:
    """A connection that dies under the last bytes is what keys are for."""
    script = in_turn(
        Scripted(headers=STREAMED, steps=(WORD, LAST)), Scripted(headers=STREAMED, steps=(Silence(), LAST))
    )

    async def main() -> None:
        async with embedded(script) as router:
            lost = keyed(router)
            await asyncio.sleep(1)
            lost.leave()
            assert await told(keyed(router)) == ("replayed", WORD + LAST)

    run_virtual(main())
