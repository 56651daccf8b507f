"""The router's end of one worker process. Its coroutine `run` owns the process: when that ends, however, so does it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, assert_never

import router
from router.errors import Reason, WireFault
from router.upstream.llama.frames import (
    Abort,
    Block,
    Deframer,
    End,
    FrameError,
    Generate,
    Head,
    Load,
    Loaded,
    LoadFailed,
    Report,
    decode_report,
    encode_frame,
)
from router.upstream.llama.reply import Inbox, WorkerReply

Spawn = Callable[[Coroutine[Any, Any, None], str], object]
"""Starts a supervised task under a name; the task must be cancelled and awaited with its owner."""

OnEnd = Callable[["LlamaLoadFailed | None", str | None], None]

_READ_BYTES = 65536
_STDERR_BYTES = 8192
_LINE_CHARS = 300
_LAST_WORDS_S = 0.5
_EXIT_S = 2.0

_KEPT_ENVIRONMENT = (
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "LC_",
    "LD_",
    "DYLD_",
    "GGML_",
    "LLAMA_",
    "CUDA_",
    "HIP_",
    "ROCR_",
)
"""What a worker is given of our environment. The providers' keys stand in the rest: native code that parses foreign
files has no business with them."""


class LlamaLoadFailed(WireFault):
    """A model cannot be loaded. `file` is its path, for logs; the message names the file only.

    Args:
        file: path of the model.
        why: in words.
        permanent: the same file will fail again; it is not tried until it changes.
    """

    def __init__(self, file: str, why: str, *, permanent: bool) -> None:
        reason = Reason.MODEL_MISSING if permanent else Reason.CONNECT
        super().__init__(reason, f"cannot load {Path(file).name}: {why}", code="model_load_failed")
        self.file = file
        self.why = why
        self.permanent = permanent


class WorkerProcess:
    """One model in one process.

    Args:
        load: the first frame.
        spawn: where its tasks run.
        on_end: called once when the process is gone: with the failed load, or with why it died, or, stopped, neither.
    """

    def __init__(self, load: Load, spawn: Spawn, on_end: OnEnd) -> None:
        self._load = load
        self._spawn = spawn
        self._on_end = on_end
        self._process: Process | None = None
        self._inboxes: dict[int, Inbox] = {}
        self._open: set[int] = set()
        self._numbers = 0
        self._stderr = b""
        self._stderr_done = asyncio.Event()
        self._settled = asyncio.Event()
        self._ended = asyncio.Event()
        self._stopping = False
        self._fault: Callable[[], WireFault] | None = None
        self.loaded: Loaded | None = None

    @property
    def pid(self) -> int | None:
        """Process id; None before it was started."""
        return self._process.pid if self._process else None

    @property
    def waiting(self) -> int:
        """Requests that the worker has not finished with, those included whose caller left."""
        return len(self._open)

    def start(self) -> None:
        """Begin; `ready` tells when the model is loaded."""
        self._spawn(self._run(), f"llama {self._load.name}")

    async def ready(self) -> None:
        """Wait until the model is loaded. Raises what kept it from it: `LlamaLoadFailed`, or `WireFault(CRASHED)`."""
        await self._settled.wait()
        if self._fault is not None:
            raise self._fault()

    def dismiss(self) -> None:
        """Ask the process to end by closing its stdin; it needs milliseconds."""
        self._stopping = True
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    async def stop(self) -> None:
        """End the process, after `_EXIT_S` by force. Safe to call twice."""
        self.dismiss()
        with suppress(TimeoutError):
            async with asyncio.timeout(_EXIT_S):
                await self._ended.wait()
        self._kill()

    @asynccontextmanager
    async def ask(self, body: bytes, *, answer_id: str, created: int, seed: int) -> AsyncIterator[WorkerReply]:
        """Send a request and wait for the head of its answer. Leaving before its end aborts it.

        Raises:
            WireFault: `TOO_LARGE` for a body that no frame can hold; whatever ended the process.
        """
        if self._fault is not None:
            raise self._fault()
        self._numbers += 1
        number, inbox = self._numbers, Inbox()
        try:
            frame = encode_frame(Generate(id=number, body=body, answer_id=answer_id, created=created, seed=seed))
        except FrameError as error:
            raise WireFault(Reason.TOO_LARGE, f"the embedded model takes no such request: {error}") from error
        self._inboxes[number] = inbox
        self._open.add(number)
        self._write(frame)
        try:
            head = await inbox.get()
            if not isinstance(head, Head):
                raise WireFault(Reason.MALFORMED, f"the worker of {self._load.name} sent no head")
            yield WorkerReply(head, inbox)
        finally:
            inbox.leave()
            del self._inboxes[number]
            if number in self._open:
                self._write(encode_frame(Abort(id=number)))

    async def _run(self) -> None:
        try:
            self._process = await self._launch()
            if not self._stopping:
                await self._talk(self._process)
        except asyncio.CancelledError:
            self._stopping = True
            raise
        except OSError as error:
            self._fail_load(f"no worker process: {error.strerror}", permanent=False)
        except FrameError as error:
            self._stderr += f"\n{error}".encode()
        finally:
            await self._bury()

    async def _launch(self) -> Process:
        environment = {key: value for key, value in os.environ.items() if key.startswith(_KEPT_ENVIRONMENT)}
        environment["PYTHONPATH"] = str(Path(router.__file__).parents[1])
        environment["OPENBLAS_NUM_THREADS"] = "1"  # numpy's own threads would only hold memory
        command = (sys.executable, "-P", "-m", "router.upstream.llama.worker")
        return await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment)

    async def _talk(self, process: Process) -> None:
        """Read the worker until it closes its end, or is not loaded in time."""
        assert process.stdout is not None and process.stderr is not None
        self._spawn(self._listen(process.stderr), f"llama {self._load.name} stderr")
        self._write(encode_frame(self._load))
        deframer = Deframer()
        limit_s = self._load.options.load_timeout_s
        try:
            async with asyncio.timeout(limit_s) as loading:
                while block := await process.stdout.read(_READ_BYTES):
                    for body in deframer.feed(block):
                        await self._take(decode_report(body))
                    if self.loaded is not None:
                        loading.reschedule(None)
        except TimeoutError:
            self._fail_load(f"not loaded within {limit_s:g} s", permanent=False)

    async def _take(self, report: Report) -> None:
        match report:
            case Loaded():
                self.loaded = report
                self._settled.set()
            case LoadFailed(why=why, permanent=permanent):
                self._fail_load(why, permanent=permanent)
            case Head() | Block() | End():
                if isinstance(report, End):
                    self._open.discard(report.id)
                if inbox := self._inboxes.get(report.id):
                    await inbox.put(report)
            case _:
                assert_never(report)

    async def _listen(self, stderr: asyncio.StreamReader) -> None:
        try:
            while block := await stderr.read(_READ_BYTES):
                self._stderr = (self._stderr + block)[-_STDERR_BYTES:]
        finally:
            self._stderr_done.set()

    async def _bury(self) -> None:
        """The process is to be gone when this returns; then everyone who waits for it learns why."""
        try:
            if self._process is not None:
                await self._reap(self._process)
        finally:
            crash = None if self._stopping or self._fault else self._epitaph()
            if self._fault is None:
                reason = Reason.CRASHED if crash else Reason.SHUTTING_DOWN
                message = crash or "the embedded model is being stopped"
                self._fault = lambda: WireFault(reason, message)
            self._settled.set()
            for inbox in self._inboxes.values():
                inbox.fail(self._fault())
            self._ended.set()
            failed = self._fault()
            self._on_end(failed if isinstance(failed, LlamaLoadFailed) else None, crash)

    async def _reap(self, process: Process) -> None:
        # A worker that closed its stdout is dying of its own cause, which is worth waiting for; any other is killed.
        if process.stdout is None or not process.stdout.at_eof():
            self._kill()
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_EXIT_S):
                await process.wait()
                await self._stderr_done.wait()
        except TimeoutError:
            self._kill()
            await process.wait()

    def _epitaph(self) -> str:
        code = self._process.returncode if self._process else None
        died = f"was killed by {signal.Signals(-code).name}" if code is not None and code < 0 else f"exited with {code}"
        said = self._stderr.decode(errors="replace").replace(self._load.path, Path(self._load.path).name)
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        last = f"; it last said: {lines[-1][:_LINE_CHARS]}" if lines else ""
        return f"the worker of {self._load.name} {died}{last}"

    def _fail_load(self, why: str, *, permanent: bool) -> None:
        path = self._load.path
        self._fault = lambda: LlamaLoadFailed(path, why, permanent=permanent)
        self._settled.set()

    def _write(self, frame: bytes) -> None:
        # No drain: the worker's main thread does nothing but read, and max_waiting bounds what can lie here.
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(frame)

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
