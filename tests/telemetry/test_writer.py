"""The writer, against real pipes."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator

import pytest

from router.telemetry.writer import Writer

Pipe = tuple[int, int]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """Read end and write end; a test that closes one itself leaves the other to us."""
    ends = os.pipe()
    yield ends
    for fd in ends:
        try:
            os.close(fd)
        except OSError:
            continue


def drain(fd: int) -> bytes:
    """Everything up to the end of the pipe."""
    blocks = []
    while block := os.read(fd, 65536):
        blocks.append(block)
    return b"".join(blocks)


def test_lines_come_out_whole_and_in_order(pipe: Pipe) -> None:
    """However they were batched, and stop writes the last of them."""
    read, write = pipe
    lines = [b"line %d\n" % number for number in range(2000)]

    async def scene() -> bool:
        writer = Writer(write, capacity=5000)
        for line in lines:
            writer.put(line)
        return await writer.stop(grace_s=5.0)

    assert asyncio.run(scene())
    os.close(write)
    assert drain(read) == b"".join(lines)


@pytest.mark.shows(91)
def test_a_reader_that_sleeps_costs_lines_not_time(pipe: Pipe) -> None:
    """The pipe is full, `write` blocks its thread; `put` returns, memory is bounded, the dropped are counted."""
    read, write = pipe
    line = b"x" * 1023 + b"\n"

    async def scene() -> tuple[Writer, bool]:
        writer = Writer(write, capacity=100)
        for _ in range(5000):
            writer.put(line)
        return writer, await writer.stop(grace_s=0.05)

    writer, ended = asyncio.run(scene())
    assert not ended
    assert writer.waiting <= 100
    assert writer.dropped > 4000
    # wake the reader: the thread must end, and every line is either written or counted
    reader = threading.Thread(target=drain, args=(read,))
    reader.start()
    writer._thread.join(5.0)
    os.close(write)
    reader.join(5.0)
    assert not writer._thread.is_alive()


def test_a_reader_that_left_costs_lines_only(pipe: Pipe) -> None:
    """A closed pipe raises in the writer's thread; there it is counted."""
    read, write = pipe
    os.close(read)

    async def scene() -> Writer:
        writer = Writer(write)
        writer.put(b"a\n")
        writer.put(b"b\n")
        assert await writer.stop(grace_s=5.0)
        return writer

    assert asyncio.run(scene()).dropped == 2


def test_lines_after_stop_are_counted(pipe: Pipe) -> None:
    """Nobody writes them any more; nothing is raised either."""

    async def scene() -> Writer:
        writer = Writer(pipe[1])
        await writer.stop()
        writer.put(b"late\n")
        return writer

    assert asyncio.run(scene()).dropped == 1
