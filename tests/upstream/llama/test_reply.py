"""Between a worker and the caller who reads it."""

from __future__ import annotations

import asyncio

import pytest

from router.errors import Reason, WireFault
from router.upstream.llama.frames import Block, End, Head
from router.upstream.llama.reply import Inbox, WholeReply, WorkerReply

BLOCKS = [Block(id=1, data=str(number).encode()) for number in range(200)]
HEAD = Head(id=1, status=200, headers=(("content-type", "text/event-stream"),))


async def settle() -> None:
    """Let every task run until it waits: far more turns than there are blocks."""
    for _ in range(1000):
        await asyncio.sleep(0)


async def fill(inbox: Inbox, taken: list[int]) -> None:
    """Put all blocks, noting those that were taken in."""
    for number, block in enumerate(BLOCKS):
        await inbox.put(block)
        taken.append(number)
    await inbox.put(End(id=1))


def test_a_reader_who_lags_stops_the_writer_and_loses_nothing() -> None:
    """What is not read lies in the pipe, not in the router's memory."""

    async def scene() -> None:
        inbox, taken = Inbox(), list[int]()
        async with asyncio.TaskGroup() as group:
            group.create_task(fill(inbox, taken))
            await settle()
            assert len(taken) == 64
            assert [block async for block in WorkerReply(HEAD, inbox).blocks()] == [block.data for block in BLOCKS]

    asyncio.run(scene())


def test_a_reader_who_leaves_lets_the_writer_go_on() -> None:
    """The task that reads the worker must be free for the next answer."""

    async def scene() -> None:
        inbox, taken = Inbox(), list[int]()
        async with asyncio.TaskGroup() as group:
            group.create_task(fill(inbox, taken))
            await settle()
            inbox.leave()
        assert len(taken) == len(BLOCKS)

    asyncio.run(scene())


def test_what_was_written_before_a_crash_is_read_before_it() -> None:
    """Then reading says so: an answer that was cut never looks complete."""

    async def scene() -> None:
        inbox = Inbox()
        await inbox.put(BLOCKS[0])
        inbox.fail(WireFault(Reason.CRASHED, "killed"))
        blocks = WorkerReply(HEAD, inbox).blocks()
        assert await anext(blocks) == b"0"
        with pytest.raises(WireFault, match="killed"):
            await anext(blocks)

    asyncio.run(scene())


def test_a_body_past_its_bound_is_malformed() -> None:
    """From a worker as from the transport itself."""

    async def scene() -> None:
        inbox = Inbox()
        await inbox.put(Block(id=1, data=b"12345"))
        for reply in (WorkerReply(HEAD, inbox), WholeReply(200, b"12345")):
            with pytest.raises(WireFault) as told:
                await reply.read(4)
            assert told.value.reason is Reason.MALFORMED
        assert await WholeReply(200, b"12345").read(5) == b"12345"

    asyncio.run(scene())
