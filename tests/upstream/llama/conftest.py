"""The real model, where this machine has it, in a loop that lasts as long as a module: loading it is the slow part."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from router.upstream.llama.options import LlamaOptions
from router.upstream.llama.transport import LlamaTransport
from tests.fakes.llama import Bench, FixedPorts


@pytest.fixture(scope="module", params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """One loop for the module, of each kind: they start and reap processes in different ways."""
    made = Bench(request.param)
    yield made
    made.close()


@pytest.fixture
def crashes(told: list[str]) -> list[str]:
    """What `on_crash` was told in this test."""
    told.clear()
    return told


@pytest.fixture(scope="module")
def told() -> list[str]:
    """What `on_crash` was told."""
    return []


@pytest.fixture(scope="module")
def llama(bench: Bench, real_model: Path, told: list[str]) -> Iterator[LlamaTransport]:
    """A transport over the real model. One thread: two that must share their cores with other tests take far longer."""
    options = LlamaOptions(models_dir=str(real_model.parent), n_ctx=2048, n_threads=1, n_threads_batch=1)

    async def made() -> LlamaTransport:
        transport = LlamaTransport(options, FixedPorts(), spawn=bench.spawn, on_crash=told.append)
        await transport.start()
        return transport

    transport = bench.run(made())
    yield transport
    bench.run(transport.stop())
