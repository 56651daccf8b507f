"""The `Transport` of the embedded model: OpenAI chat in and out, without HTTP. Never imports llama_cpp."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec
from msgspec import Struct

from router.errors import Reason, WireFault
from router.upstream.llama.frames import Load
from router.upstream.llama.gguf import ModelFile, discover
from router.upstream.llama.options import LlamaOptions
from router.upstream.llama.reply import WholeReply, refusal
from router.upstream.llama.worker_process import LlamaLoadFailed, Spawn, WorkerProcess
from router.upstream.transport import UpstreamReply, UpstreamRequest

_FORGIVEN_S = 60.0
_FIRST_REST_S = 1.0
_LONGEST_REST_S = 30.0
_LOADING_RETRY_S = 2.0
_BUSY_RETRY_S = 1.0


class _Now(Protocol):
    def now(self) -> float: ...


class _Ids(Protocol):
    def new(self, prefix: str) -> str: ...


class LlamaPorts(Protocol):
    """What is taken of the world; the runtime's `Ports` is one."""

    @property
    def clock(self) -> _Now:
        """Monotonic seconds."""
        ...

    @property
    def wall(self) -> _Now:
        """Epoch seconds."""
        ...

    @property
    def ids(self) -> _Ids:
        """Unique ids."""
        ...

    @property
    def rng(self) -> random.Random:
        """Draws the sampler seeds of requests that name none."""
        ...


class Crashes(Struct, frozen=True):
    """A model's crashes in a row, and when its worker may be started again (monotonic)."""

    count: int
    last_s: float
    resume_s: float


def next_crash(before: Crashes | None, now: float) -> Crashes:
    """Count a crash at `now`. The first costs no rest: the next request starts a worker at once; then 1, 2 ... 30 s."""
    count = before.count + 1 if before is not None and now - before.last_s < _FORGIVEN_S else 1
    rest_s = 0.0 if count == 1 else min(_LONGEST_REST_S, _FIRST_REST_S * 2 ** (count - 2))
    return Crashes(count, now, now + rest_s)


class _Broken(Struct, frozen=True):
    file: ModelFile
    why: str


class _Asked(Struct, frozen=True):
    model: str = ""


_ASKED = msgspec.json.Decoder(_Asked)


class LlamaTransport:
    """One worker process for each model that was asked for, started by the first request for it.

    A worker that dies ends its answers with `WireFault(CRASHED)` and is told to `on_crash`; nothing else is needed:
    the next request for the model starts a new one. A model that cannot be loaded is tried again when its file changes.

    Args:
        options: which models, and how.
        ports: clock, wall clock, ids, randomness.
        spawn: starts the supervised tasks that own the processes; their end is the processes' end.
        on_crash: told in words of each death of a process that was not asked to die.
    """

    def __init__(
        self,
        options: LlamaOptions,
        ports: LlamaPorts,
        *,
        spawn: Spawn,
        on_crash: Callable[[str], None] | None = None,
    ) -> None:
        self._options = options
        self._ports = ports
        self._spawn = spawn
        self._on_crash = on_crash
        self._starting = asyncio.Lock()
        self._workers: dict[str, WorkerProcess] = {}
        self._crashes: dict[str, Crashes] = {}
        self._broken: dict[str, _Broken] = {}
        self._stopped = False

    async def start(self) -> None:
        """Look at the models; load none.

        Raises:
            LlamaLoadFailed: when there is no model that could be loaded: no directory, none in it, or only broken ones.
        """
        self._stopped = False
        files = await self.models()
        if not files:
            raise LlamaLoadFailed(
                self._options.models_dir, "no *.gguf in it; `make setup` puts one there", permanent=True
            )
        if all(file.fault is not None for file in files):
            raise LlamaLoadFailed(files[0].path, str(files[0].fault), permanent=True)

    async def models(self) -> tuple[ModelFile, ...]:
        """The directory as it is now, broken files with their fault. Raises `LlamaLoadFailed` where there is none."""
        try:
            return await asyncio.to_thread(discover, self._options.models_dir)
        except OSError as error:
            raise LlamaLoadFailed(self._options.models_dir, "no such directory", permanent=True) from error

    @asynccontextmanager
    async def send(self, request: UpstreamRequest) -> AsyncIterator[UpstreamReply]:
        """Answer `POST .../chat/completions` and `GET .../models`.

        Loading counts as connecting: a model that is not loaded within `connect_s` answers 503 `model_loading` and goes
        on loading.

        Raises:
            LlamaLoadFailed: the model asked for cannot be loaded.
            WireFault: `CRASHED` when the worker died before the head, `SHUTTING_DOWN` when the transport was stopped.
        """
        if request.method == "GET" and request.url.endswith("/models"):
            yield await self._listed()
            return
        if request.method != "POST" or not request.url.endswith("/chat/completions"):
            yield refusal(404, "the embedded model serves chat/completions and models only", code="not_found")
            return
        place = await self._place(request)
        if isinstance(place, WholeReply):
            yield place
            return
        seed = self._options.seed
        async with place.ask(
            request.body,
            answer_id=self._ports.ids.new("chatcmpl"),
            created=int(self._ports.wall.now()),
            seed=self._ports.rng.getrandbits(32) if seed is None else seed,
        ) as reply:
            yield reply

    async def stop(self) -> None:
        """End every worker. Answers under way end as `SHUTTING_DOWN`."""
        self._stopped = True
        workers = tuple(self._workers.values())
        for worker in workers:
            worker.dismiss()
        for worker in workers:
            await worker.stop()

    def pid_of(self, model: str) -> int | None:
        """Process id of a model's worker; None while it has none."""
        worker = self._workers.get(model)
        return worker.pid if worker else None

    async def _place(self, request: UpstreamRequest) -> WorkerProcess | WholeReply:
        """Where the request may go, or the answer that it cannot."""
        try:
            model = _ASKED.decode(request.body).model
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return refusal(400, f"the body is not a chat request: {error}", code="invalid_json")
        try:
            async with asyncio.timeout(request.connect_s):
                worker = self._workers.get(model) or await self._started(model)
                if isinstance(worker, WholeReply):
                    return worker
                await worker.ready()
        except TimeoutError:
            message = f"{model} is being loaded"
            return refusal(503, message, code="model_loading", retry_after_s=_LOADING_RETRY_S)
        if worker.waiting > self._options.max_waiting:
            message = f"{worker.waiting} requests wait for {model} already"
            return refusal(503, message, code="overloaded", retry_after_s=_BUSY_RETRY_S)
        return worker

    async def _started(self, model: str) -> WorkerProcess | WholeReply:
        async with self._starting:  # two first requests for one model must not load it twice
            if self._stopped:
                raise WireFault(Reason.SHUTTING_DOWN, "the embedded model was stopped")
            if worker := self._workers.get(model):
                return worker
            files = await self.models()
            file = next((file for file in files if file.name == model), None)
            if file is None:
                found = ", ".join(file.name for file in files if file.fault is None) or "none"
                message = f"there is no model {model}; found: {found}"
                return refusal(404, message, code="model_not_found", param="model")
            self._check(file)
            crashed = self._crashes.get(model)
            rest_s = crashed.resume_s - self._ports.clock.now() if crashed else 0.0
            if rest_s > 0:
                message = f"the worker of {model} crashed again and rests"
                return refusal(503, message, code="model_loading", retry_after_s=rest_s)
            return self._start(file)

    def _check(self, file: ModelFile) -> None:
        """Raise what is known to be wrong with a file without trying it again."""
        if file.fault is not None:
            raise LlamaLoadFailed(file.path, file.fault, permanent=True)
        known = self._broken.get(file.name)
        if known is not None and known.file == file:
            raise LlamaLoadFailed(file.path, known.why, permanent=True)

    def _start(self, file: ModelFile) -> WorkerProcess:
        def ended(fault: LlamaLoadFailed | None, crash: str | None) -> None:
            if self._workers.get(file.name) is worker:
                del self._workers[file.name]
            if fault is not None and fault.permanent:
                self._broken[file.name] = _Broken(file, fault.why)
            if crash is not None:
                self._crashes[file.name] = next_crash(self._crashes.get(file.name), self._ports.clock.now())
                if self._on_crash is not None:
                    self._on_crash(crash)

        load = Load(name=file.name, path=file.path, options=self._options)
        worker = WorkerProcess(load, self._spawn, ended)
        self._workers[file.name] = worker
        worker.start()
        return worker

    async def _listed(self) -> WholeReply:
        rows = [
            {"id": file.name, "object": "model", "created": file.modified_ns // 10**9, "owned_by": "local"}
            for file in await self.models()
            if file.fault is None
        ]
        return WholeReply(200, msgspec.json.encode({"object": "list", "data": rows}))
