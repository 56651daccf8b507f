"""The embedded model, failing: what dies, what is told, and what answers afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from router.errors import Reason, WireFault
from router.upstream.llama.options import LlamaOptions
from router.upstream.llama.transport import Crashes, LlamaTransport, next_crash
from router.upstream.llama.worker_process import LlamaLoadFailed
from tests.fakes.llama import READ_BYTES, Bench, FixedPorts, chat, fault_of, fresh, whole

pytestmark = [pytest.mark.model, pytest.mark.process]


def test_a_killed_worker_ends_its_answer_as_crashed_and_the_next_request_is_answered(
    bench: Bench, llama: LlamaTransport, real_model: Path, crashes: list[str]
) -> None:
    """The reader and `on_crash` are told the signal; what was read before stays read."""

    async def scene() -> None:
        async with llama.send(chat(real_model.stem, stream=True)) as reply:
            blocks = reply.blocks()
            read = [await anext(blocks) for _ in range(3)]
            pid = llama.pid_of(real_model.stem)
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            with pytest.raises(WireFault, match="SIGKILL") as told:
                async for block in blocks:
                    read.append(block)
        assert told.value.reason is Reason.CRASHED
        assert len(crashes) == 1 and "SIGKILL" in crashes[0]
        assert b"[DONE]" not in b"".join(read)
        assert (await whole(llama, chat(real_model.stem, max_tokens=1)))[0] == 200
        assert llama.pid_of(real_model.stem) not in (None, pid)

    bench.run(scene())


def test_a_segmentation_fault_is_named(bench: Bench, real_model: Path, crashes: list[str]) -> None:
    """Native code ends this way; a request waiting for its turn ends with it."""

    async def scene() -> None:
        async with fresh(bench, real_model.parent, crashes) as transport:
            await whole(transport, chat(real_model.stem, max_tokens=1))
            async with asyncio.TaskGroup() as group:
                waiting = [group.create_task(fault_of(transport, chat(real_model.stem))) for _ in range(2)]
                async with transport.send(chat(real_model.stem, stream=True)):
                    os.kill(transport.pid_of(real_model.stem) or 0, signal.SIGSEGV)
            assert [task.result().reason for task in waiting] == [Reason.CRASHED] * 2
            assert "SIGSEGV" in crashes[0]

    bench.run(scene())


def test_a_worker_that_crashes_again_rests_and_says_for_how_long(bench: Bench, real_model: Path) -> None:
    """The second death in a row costs a second; the clock of the test stands still, so it never passes."""

    async def scene() -> None:
        async with fresh(bench, real_model.parent) as transport:
            for _ in range(2):
                async with transport.send(chat(real_model.stem, stream=True)) as reply:
                    os.kill(transport.pid_of(real_model.stem) or 0, signal.SIGKILL)
                    with pytest.raises(WireFault):
                        await reply.read(READ_BYTES)
            async with transport.send(chat(real_model.stem)) as reply:
                assert (reply.status, reply.headers["retry-after"]) == (503, "1")
                assert json.loads(await reply.read(READ_BYTES))["error"]["code"] == "model_loading"

    bench.run(scene())


def test_a_model_that_is_cut_short_is_named_and_starts_no_process(
    bench: Bench, real_model: Path, tmp_path: Path
) -> None:
    """Replaced by a whole one it is served, without a restart."""
    broken = tmp_path / "small.gguf"
    broken.write_bytes(real_model.read_bytes()[:1_000_000])

    async def scene() -> None:
        async with fresh(bench, tmp_path) as transport:
            for _ in range(2):
                failed = await fault_of(transport, chat("small"))
                assert isinstance(failed, LlamaLoadFailed) and failed.permanent
                assert "small.gguf" in failed.message and str(tmp_path) not in failed.message
                assert transport.pid_of("small") is None
            with pytest.raises(LlamaLoadFailed, match=r"small\.gguf"):
                await transport.start()
            shutil.copy(real_model, broken)
            assert (await whole(transport, chat("small", max_tokens=1)))[0] == 200

    bench.run(scene())


def test_a_model_that_llama_cpp_refuses_is_not_tried_again(
    bench: Bench, real_model: Path, tmp_path: Path, crashes: list[str]
) -> None:
    """Its header is sound, its architecture nobody knows: one worker finds out, and the file is remembered."""
    content = real_model.read_bytes().replace(b"\x05\0\0\0\0\0\0\0llama", b"\x05\0\0\0\0\0\0\0lhama", 1)
    (tmp_path / "odd.gguf").write_bytes(content)
    started: list[str] = []

    def spawn(work: Any, name: str) -> object:
        started.append(name)
        return bench.spawn(work, name)

    async def scene() -> None:
        options = LlamaOptions(models_dir=str(tmp_path))
        transport = LlamaTransport(options, FixedPorts(), spawn=spawn, on_crash=crashes.append)
        for _ in range(3):
            failed = await fault_of(transport, chat("odd"))
            assert isinstance(failed, LlamaLoadFailed) and failed.permanent
            assert "odd.gguf" in failed.message and "lhama" in failed.message
            await transport.stop()  # the worker is gone then: the next request cannot meet its last moments
            await transport.start()
        await transport.stop()
        assert started.count("llama odd") == 1
        assert crashes == []

    bench.run(scene())


def test_a_context_that_does_not_fit_the_memory_limit_fails_to_load_in_words(bench: Bench, real_model: Path) -> None:
    """Not by a killer in the middle of an answer; and it may fit another time, so it is not remembered."""

    async def scene() -> None:
        async with fresh(bench, real_model.parent, memory_limit_bytes=600_000_000, n_ctx=8192 * 8) as transport:
            failed = await fault_of(transport, chat(real_model.stem))
            assert isinstance(failed, LlamaLoadFailed) and not failed.permanent
            assert real_model.name in failed.message
        async with fresh(bench, real_model.parent, memory_limit_bytes=600_000_000) as transport:
            assert (await whole(transport, chat(real_model.stem, max_tokens=1)))[0] == 200

    bench.run(scene())


def test_a_model_still_loading_is_said_and_goes_on_loading(bench: Bench, real_model: Path) -> None:
    """Loading is this transport's connecting: `connect_s` bounds the wait, not the load."""

    async def scene() -> None:
        async with fresh(bench, real_model.parent) as transport:
            status, body = await whole(transport, chat(real_model.stem, connect_s=0.05))
            assert (status, body["error"]["code"]) == (503, "model_loading")
            assert (await whole(transport, chat(real_model.stem, max_tokens=1)))[0] == 200

    bench.run(scene())


def test_a_load_that_takes_too_long_is_ended(bench: Bench, real_model: Path) -> None:
    """A worker that hangs must not hold its model for ever."""

    async def scene() -> None:
        async with fresh(bench, real_model.parent, load_timeout_s=0.01) as transport:
            failed = await fault_of(transport, chat(real_model.stem))
            assert isinstance(failed, LlamaLoadFailed) and not failed.permanent
            assert "0.01 s" in failed.message

    bench.run(scene())


def test_stopping_ends_answers_and_processes(bench: Bench, real_model: Path, crashes: list[str]) -> None:
    """Nobody takes it for a crash, and nothing starts after it."""

    async def scene() -> None:
        async with fresh(bench, real_model.parent, crashes) as transport:
            async with transport.send(chat(real_model.stem, stream=True)) as reply:
                pid = transport.pid_of(real_model.stem)
                await transport.stop()
                with pytest.raises(WireFault) as told:
                    await reply.read(READ_BYTES)
            assert told.value.reason is Reason.SHUTTING_DOWN
            assert (await fault_of(transport, chat(real_model.stem))).reason is Reason.SHUTTING_DOWN
            with pytest.raises(ProcessLookupError):
                os.kill(pid or 0, 0)
            assert crashes == []

    bench.run(scene())


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_the_end_of_its_tasks_is_the_end_of_its_process(loop: Callable[[], Any], real_model: Path) -> None:
    """An actor that crashes gives back its worker without calling `stop`, while the worker writes and nobody reads."""
    own = Bench(loop)

    async def scene() -> int:
        options = LlamaOptions(models_dir=str(real_model.parent), n_ctx=512)
        transport = LlamaTransport(options, FixedPorts(), spawn=own.spawn)
        async with transport.send(chat(real_model.stem, stream=True)) as reply:
            pid = transport.pid_of(real_model.stem)
            for task in own.tasks:
                task.cancel()
            with pytest.raises(WireFault) as told:
                await reply.read(READ_BYTES)
        assert told.value.reason is Reason.SHUTTING_DOWN
        return pid or 0

    pid = own.run(scene())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    own.close()


def test_no_models_is_an_error_at_the_start(bench: Bench, tmp_path: Path) -> None:
    """It says what puts one there."""

    async def scene() -> None:
        async with fresh(bench, tmp_path) as transport:
            with pytest.raises(LlamaLoadFailed, match="make setup"):
                await transport.start()
        async with fresh(bench, tmp_path / "nowhere") as transport:
            with pytest.raises(LlamaLoadFailed, match="no such directory"):
                await transport.start()

    bench.run(scene())


def test_crashes_in_a_row_rest_longer_and_are_forgiven() -> None:
    """None, 1, 2, 4 ... 30 s; a minute without one begins afresh."""
    crashed: Crashes | None = None
    rests: list[float] = []
    for now in range(9):
        crashed = next_crash(crashed, now)
        rests.append(crashed.resume_s - now)
    assert rests == [0, 1, 2, 4, 8, 16, 30, 30, 30]
    assert next_crash(crashed, 69).count == 1
