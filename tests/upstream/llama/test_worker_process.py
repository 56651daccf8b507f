"""The router's end of a worker, as far as it needs none."""

from __future__ import annotations

import asyncio

import pytest

from router.errors import Reason, WireFault
from router.upstream.llama.frames import MAX_FRAME_BYTES, Load
from router.upstream.llama.options import LlamaOptions
from router.upstream.llama.worker_process import WorkerProcess


def test_a_body_that_no_frame_holds_is_too_large_and_takes_no_place() -> None:
    """The worker never hears of it, so it would never say that its place is free again."""

    async def scene() -> None:
        load = Load(name="m", path="m.gguf", options=LlamaOptions(models_dir="models"))
        worker = WorkerProcess(load, lambda work, _name: work.close(), lambda _failed, _crash: None)
        with pytest.raises(WireFault, match="bytes") as told:
            async with worker.ask(bytes(MAX_FRAME_BYTES), answer_id="a", created=1, seed=1):
                pass
        assert (told.value.reason, worker.waiting) == (Reason.TOO_LARGE, 0)

    asyncio.run(scene())
