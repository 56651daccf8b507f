"""The worker process: `python -m router.upstream.llama.worker`. One model, frames on stdin and stdout.

The main thread only reads orders, so that an `Abort`, or the router's death, is seen while another thread is in native
code. The process ends with its stdin: a router that is killed leaves no worker behind.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import traceback
import weakref
from collections.abc import Callable

from router.upstream.llama.answer import (
    JSON_HEADERS,
    SSE_HEADERS,
    Finish,
    Title,
    closing_events,
    delta_event,
    error_body,
    error_event,
    opening_event,
    whole_body,
)
from router.upstream.llama.chat import BadAsk, ChatAsk, decode_ask
from router.upstream.llama.engine import Aborted, AbortFlag, CannotLoad, DecodeFailed, Engine, Prompt
from router.upstream.llama.frames import (
    Abort,
    Block,
    Deframer,
    End,
    Generate,
    Head,
    Load,
    Loaded,
    LoadFailed,
    Report,
    decode_order,
    encode_frame,
)
from router.upstream.llama.tools import Delta

_READ_BYTES = 65536

_Say = Callable[[Report], None]


class Job:
    """One `Generate` and the flag that ends it."""

    def __init__(self, order: Generate) -> None:
        self.order = order
        self.gone = AbortFlag()


class Desk:
    """The generating thread's work: loads, then answers jobs in the order they came."""

    def __init__(self, say: _Say) -> None:
        self._say = say
        self.jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()

    def run(self, load: Load) -> None:
        """Never returns while the process lives, unless the model cannot be loaded."""
        try:
            _limit_memory(load.options.memory_limit_bytes)
            engine = Engine(load.path, load.options)
        except CannotLoad as error:
            self._say(LoadFailed(why=error.why, permanent=error.permanent))
            return
        self._say(Loaded(n_ctx=engine.n_ctx))
        while True:
            job = self.jobs.get()
            if not job.gone:
                self._answer(engine, job, load.name)
            self._say(End(id=job.order.id))

    def _answer(self, engine: Engine, job: Job, name: str) -> None:
        try:
            ask = decode_ask(job.order.body)
            prompt = engine.prepare(ask)
        except BadAsk as error:
            body = error_body(error.message, kind="invalid_request_error", code=error.code, param=error.param)
            self._whole(job, 400, body)
            return
        title = Title(answer_id=job.order.answer_id, created=job.order.created, model=name)
        answer = self._streamed if ask.stream else self._collected
        try:
            answer(engine, job, ask, prompt, title)
        except Aborted:
            return

    def _streamed(self, engine: Engine, job: Job, ask: ChatAsk, prompt: Prompt, title: Title) -> None:
        number = job.order.id
        self._say(Head(id=number, status=200, headers=SSE_HEADERS))
        self._say(Block(id=number, data=opening_event(title)))
        try:
            for piece in engine.answer(ask, prompt, job.order.seed, job.gone):
                if isinstance(piece, Finish):
                    data = closing_events(title, piece, wants_usage=ask.wants_usage)
                else:
                    data = delta_event(title, piece)
                self._say(Block(id=number, data=data))
        except DecodeFailed as error:
            self._say(Block(id=number, data=error_event(str(error))))

    def _collected(self, engine: Engine, job: Job, ask: ChatAsk, prompt: Prompt, title: Title) -> None:
        deltas: list[Delta] = []
        try:
            for piece in engine.answer(ask, prompt, job.order.seed, job.gone):
                if isinstance(piece, Finish):
                    self._whole(job, 200, whole_body(title, deltas, piece))
                else:
                    deltas.append(piece)
        except DecodeFailed as error:
            self._whole(job, 500, error_body(str(error), kind="server_error", code="generation_failed"))

    def _whole(self, job: Job, status: int, body: bytes) -> None:
        self._say(Head(id=job.order.id, status=status, headers=JSON_HEADERS))
        self._say(Block(id=job.order.id, data=body))


def _limit_memory(limit_bytes: int | None) -> None:
    """RLIMIT_DATA counts what is allocated, not the weights, which are mapped from their file and can be dropped.

    So the context either fits when the model is loaded or the load fails in words; the kernel's out-of-memory killer,
    which takes whom it likes in the middle of an answer, is not asked.
    """
    if limit_bytes is None:
        return
    if sys.platform != "linux":
        raise CannotLoad("memory_limit_bytes is kept on Linux only", permanent=True)
    import resource  # not on every platform that the rest runs on

    resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))


def _take_pipes() -> tuple[int, Callable[[bytes], None]]:
    """Keep stdin and stdout for frames; whatever the native code prints goes to stderr."""
    orders, reports = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)

    def write(frame: bytes) -> None:
        rest = memoryview(frame)
        while rest:
            rest = rest[os.write(reports, rest) :]

    return orders, write


def _serve(orders: int, desk: Desk) -> None:
    """Read orders until the router is gone."""
    deframer = Deframer()
    jobs: weakref.WeakValueDictionary[int, Job] = weakref.WeakValueDictionary()  # the queue and the desk hold them
    while block := os.read(orders, _READ_BYTES):
        for body in deframer.feed(block):
            match decode_order(body):
                case Load() as load:
                    threading.Thread(target=_until_it_ends, args=(desk, load), name="generate", daemon=True).start()
                case Generate() as order:
                    jobs[order.id] = job = Job(order)
                    desk.jobs.put(job)
                    del job
                case Abort(id=number):
                    if aborted := jobs.get(number):
                        aborted.gone.set()
                    aborted = None


def _until_it_ends(desk: Desk, load: Load) -> None:
    desk.run(load)
    os._exit(0)


def _die(failed: threading.ExceptHookArgs) -> None:
    """A thread that dies takes the process: nobody would answer its jobs. A router that is gone needs no words."""
    if not isinstance(failed.exc_value, BrokenPipeError):
        traceback.print_exception(failed.exc_type, failed.exc_value, failed.exc_traceback)
        # The last line is told to callers: it must not be an exception's text, which may quote a prompt.
        print(
            f"its {failed.thread.name if failed.thread else ''} thread died of {failed.exc_type.__name__}",
            file=sys.stderr,
        )
    os._exit(70)


def main() -> None:
    """Ignores SIGINT and SIGTERM: both reach a whole group, and the router, which drains, ends its workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.excepthook = _die
    orders, write = _take_pipes()
    _serve(orders, Desk(lambda report: write(encode_frame(report))))
    os._exit(0)  # not sys.exit: the other thread may be in native code for a long time


if __name__ == "__main__":
    main()
