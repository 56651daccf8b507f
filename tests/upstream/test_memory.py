"""The in-memory transport, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from actors.runtime.virtual import SimDeadlock, run_virtual
from router.errors import Reason, WireFault
from router.upstream.memory import Delay, Ending, Fail, Hold, MemoryTransport, Scripted, Silence, in_turn
from router.upstream.transport import Transport, UpstreamRequest

_REQUEST = UpstreamRequest(method="POST", url="http://p/v1", headers=(), body=b"{}", connect_s=3.0)


async def _started(*answers: Scripted) -> MemoryTransport:
    transport = MemoryTransport(in_turn(*answers))
    seam: Transport = transport
    await seam.start()
    return transport


def test_a_scripted_answer_is_read_in_the_time_its_delays_say() -> None:
    """Delays are the loop's: a minute passes in virtual time, and takes none."""

    async def scene() -> None:
        body = (b"a", Delay(20.0), b"", b"b")
        transport = await _started(Scripted(before=(Delay(40.0),), headers=(("X-Id", "1"),), steps=body))
        async with transport.send(_REQUEST) as reply:
            assert (reply.status, reply.headers) == (200, {"x-id": "1"})
            assert [block async for block in reply.blocks()] == [b"a", b"b"]
        assert asyncio.get_running_loop().time() == 60.0
        assert [(carried.request, carried.ended, carried.sent_bytes) for carried in transport.carried] == [
            (_REQUEST, Ending.READ, 2)
        ]

    run_virtual(scene())


def test_answers_come_in_turn_and_the_last_for_ever() -> None:
    """One 503, and well from then on."""

    async def scene() -> None:
        transport = await _started(Scripted(status=503), Scripted())
        seen = []
        for _ in range(3):
            async with transport.send(_REQUEST) as reply:
                await reply.read(10)
                seen.append(reply.status)
        assert seen == [503, 200, 200]

    run_virtual(scene())


@pytest.mark.parametrize("reason", [Reason.CUT_STREAM, Reason.CRASHED])
@pytest.mark.parametrize("early", [True, False], ids=["before the head", "in the body"])
def test_a_scripted_failure_is_raised_where_it_stands(reason: Reason, early: bool) -> None:
    """What came before it was handed on."""

    async def scene() -> None:
        fail = Fail(reason)
        transport = await _started(Scripted(before=(fail,) if early else (), steps=(b"a", fail, b"never")))
        got = []
        with pytest.raises(WireFault) as caught:
            async with transport.send(_REQUEST) as reply:
                async for block in reply.blocks():
                    got.append(block)
        assert caught.value.reason is reason
        assert got == ([] if early else [b"a"])
        assert transport.carried[0].ended is Ending.FAILED

    run_virtual(scene())


def test_a_connection_that_never_stands_ends_with_the_connect_clock() -> None:
    """The request's own `connect_s`, as over a socket."""

    async def scene() -> None:
        transport = await _started(Scripted(before=(Silence(connecting=True),)))
        with pytest.raises(WireFault) as caught:
            async with transport.send(_REQUEST):
                pass
        assert caught.value.reason is Reason.CONNECT_TIMEOUT
        assert asyncio.get_running_loop().time() == 3.0

    run_virtual(scene())


@pytest.mark.parametrize(
    "answer",
    [Scripted(before=(Silence(),)), Scripted(steps=(b"a", Silence()))],
    ids=["before the head", "in the body"],
)
def test_silence_lasts_until_its_reader_leaves_and_is_recorded_as_left(answer: Scripted) -> None:
    """The caller's clock ends it."""

    async def scene() -> None:
        transport = await _started(answer)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600), transport.send(_REQUEST) as reply:
                await reply.read(10)
        assert asyncio.get_running_loop().time() == 3600.0
        assert (transport.carried[0].ended, transport.open) == (Ending.LEFT, 0)

    run_virtual(scene())


def test_silence_without_any_clock_is_a_deadlock_that_the_loop_names() -> None:
    """A missing clock shows in a test at once, not after ten seconds."""

    async def scene() -> None:
        transport = await _started(Scripted(before=(Silence(),)))
        async with transport.send(_REQUEST):
            pass

    with pytest.raises(SimDeadlock):
        run_virtual(scene())


def test_leaving_before_the_end_is_recorded_as_left() -> None:
    """Though everything might have been read."""

    async def scene() -> None:
        transport = await _started(Scripted(steps=(b"a", b"b")))
        async with transport.send(_REQUEST) as reply:
            assert await anext(aiter(reply.blocks())) == b"a"
            assert transport.open == 1
        assert (transport.carried[0].ended, transport.carried[0].sent_bytes) == (Ending.LEFT, 1)

    run_virtual(scene())


def test_a_held_step_waits_for_its_gate() -> None:
    """For tests that must do something in between."""

    async def scene() -> None:
        gate = asyncio.Event()
        transport = await _started(Scripted(steps=(b"a", Hold(gate), b"b")))
        async with transport.send(_REQUEST) as reply:
            blocks = reply.blocks()
            await anext(blocks)
            gate.set()
            assert await anext(blocks) == b"b"

    run_virtual(scene())


def test_a_body_over_the_readers_limit_is_malformed() -> None:
    """As over a socket."""

    async def scene() -> None:
        transport = await _started(Scripted(steps=(b"ab", b"cd")))
        async with transport.send(_REQUEST) as reply:
            with pytest.raises(WireFault) as caught:
                await reply.read(3)
        assert caught.value.reason is Reason.MALFORMED

    run_virtual(scene())


def test_nothing_is_sent_before_the_start_or_after_the_stop() -> None:
    """The gateway's own state, not the provider's failure."""

    async def scene() -> None:
        transport = await _started(Scripted())
        await transport.stop()
        await transport.stop()
        with pytest.raises(WireFault) as caught:
            async with transport.send(_REQUEST):
                pass
        assert caught.value.reason is Reason.SHUTTING_DOWN
        assert transport.carried == []

    run_virtual(scene())


def test_bytes_before_the_head_are_a_mistake_in_the_script() -> None:
    """Said at once: a silent skip would make the script lie."""

    async def scene() -> None:
        transport = await _started(Scripted(before=(b"x",)))
        with pytest.raises(ValueError, match="before the head"):
            async with transport.send(_REQUEST):
                pass

    run_virtual(scene())
