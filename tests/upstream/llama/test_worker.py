"""The worker as a process: when it ends, and what reaches it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from router.upstream.llama.frames import Deframer, Generate, Head, Load, Loaded, Report, decode_report, encode_frame
from router.upstream.llama.options import LlamaOptions
from tests.fakes.llama import chat

pytestmark = [pytest.mark.model, pytest.mark.process]

COMMAND = (sys.executable, "-m", "router.upstream.llama.worker")
GRACE_S = 5.0

PARENT = """
import asyncio, sys
from router.upstream.llama.options import LlamaOptions
from router.upstream.llama.transport import LlamaTransport
from tests.fakes.llama import Bench, FixedPorts, chat

async def main():
    bench = Bench()
    options = LlamaOptions(models_dir=sys.argv[1], n_ctx=512)
    transport = LlamaTransport(options, FixedPorts(), spawn=bench.spawn)
    async with transport.send(chat(sys.argv[2], stream=True)) as reply:
        async for _ in reply.blocks():
            print(transport.pid_of(sys.argv[2]), flush=True)

asyncio.run(main())
"""


@contextmanager
def worker(model: Path) -> Iterator[tuple[subprocess.Popen[bytes], Iterator[Report]]]:
    """A worker that was told to load the model, and what it says."""
    process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    with process, process.stdin:
        options = LlamaOptions(models_dir=str(model.parent), n_ctx=512)
        say(process, Load(name=model.stem, path=str(model), options=options))
        yield process, reports(process)
        process.kill()


def say(process: subprocess.Popen[bytes], order: Load | Generate) -> None:
    """Send one order."""
    assert process.stdin is not None
    process.stdin.write(encode_frame(order))
    process.stdin.flush()


def reports(process: subprocess.Popen[bytes]) -> Iterator[Report]:
    """What the worker says, to its end."""
    assert process.stdout is not None
    deframer = Deframer()
    while block := os.read(process.stdout.fileno(), 65536):
        yield from (decode_report(body) for body in deframer.feed(block))


def generate(model: Path) -> Generate:
    """An answer that would take until the context is full."""
    request = chat(model.stem, stream=True)
    return Generate(id=1, body=request.body, answer_id="a", created=0, seed=1)


def test_a_worker_ends_with_its_parents_pipe_in_the_middle_of_an_answer(real_model: Path) -> None:
    """Nothing else tells it that the router was killed."""
    with worker(real_model) as (process, said):
        assert isinstance(next(said), Loaded)
        say(process, generate(real_model))
        assert isinstance(next(said), Head)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(GRACE_S) == 0


def test_a_terminals_interrupt_and_a_units_terminate_do_not_end_a_worker(real_model: Path) -> None:
    """Both reach the router too, which goes on to drain: the answers under way are not to be lost."""
    with worker(real_model) as (process, said):
        assert isinstance(next(said), Loaded)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        say(process, generate(real_model))
        assert isinstance(next(said), Head)
        assert process.poll() is None


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waiting for a process of another is Linux's")
def test_a_killed_router_leaves_no_worker_behind(real_model: Path) -> None:
    """The whole chain: the parent dies of SIGKILL in mid-stream, and its worker is gone soon after."""
    command = (sys.executable, "-c", PARENT, str(real_model.parent), real_model.stem)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        try:
            parent.kill()
            gone, _, _ = select.select([child], [], [], GRACE_S)
        finally:
            os.close(child)
    assert gone == [child]
