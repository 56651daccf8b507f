"""What the router and a worker say to each other, and how it is cut into a byte stream.

A frame is four bytes of length, big-endian, and that many bytes of msgpack. Pure: no I/O.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from router.upstream.llama.options import LlamaOptions

MAX_FRAME_BYTES = 64 * 1024 * 1024
"""Above the request bodies that the front lets in by default; past it a stream is not ours any more."""

_LENGTH_BYTES = 4


class FrameError(ValueError):
    """What cannot be a frame. From the other side: the two are out of step and must not go on."""


class Load(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """To the worker, first and once: which file to load, and how. Answer: `Loaded` or `LoadFailed`."""

    name: str
    path: str
    options: LlamaOptions


class Generate(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """To the worker: answer an OpenAI chat body. Answer, in its turn: `Head`, any `Block`s, `End`.

    Clock, ids and randomness are the router's, so that a run can be repeated.

    Args:
        answer_id: the answer's `id`.
        created: epoch seconds.
        seed: of the sampler, where the body names none.
    """

    id: int
    body: bytes
    answer_id: str
    created: int
    seed: int


class Abort(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """To the worker: nobody reads this answer any more. An unknown id is one that ended meanwhile."""

    id: int


class Loaded(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """From the worker: ready. `n_ctx` is the context window in tokens as llama.cpp gave it."""

    n_ctx: int


class LoadFailed(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """From the worker, which then exits. `permanent` means that the same file will fail again."""

    why: str
    permanent: bool


class Head(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """From the worker: status and headers of an answer."""

    id: int
    status: int
    headers: tuple[tuple[str, str], ...]


class Block(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """From the worker: the next bytes of an answer's body."""

    id: int
    data: bytes


class End(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """From the worker: the body is complete, or its reader is gone. Exactly one for each `Generate`."""

    id: int


Order = Load | Generate | Abort
Report = Loaded | LoadFailed | Head | Block | End

_ENCODER = msgspec.msgpack.Encoder()
_ORDERS = msgspec.msgpack.Decoder(Order)
_REPORTS = msgspec.msgpack.Decoder(Report)


def encode_frame(message: Order | Report) -> bytes:
    """One frame, whole. Raises `FrameError` past `MAX_FRAME_BYTES`."""
    body = _ENCODER.encode(message)
    if len(body) > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {len(body)} bytes exceeds {MAX_FRAME_BYTES}")
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


def decode_order(body: bytes) -> Order:
    """What the router said. Raises `FrameError`."""
    try:
        order: Order = _ORDERS.decode(body)
    except msgspec.MsgspecError as error:
        raise FrameError(f"not an order: {error}") from error
    return order


def decode_report(body: bytes) -> Report:
    """What a worker said. Raises `FrameError`."""
    try:
        report: Report = _REPORTS.decode(body)
    except msgspec.MsgspecError as error:
        raise FrameError(f"not a report: {error}") from error
    return report


class Deframer:
    """Cuts a byte stream into frame bodies. How the bytes were cut on the way never shows in what it returns."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, block: bytes) -> tuple[bytes, ...]:
        """Take the next bytes; return the bodies they complete. Raises `FrameError` past `MAX_FRAME_BYTES`."""
        self._rest += block
        bodies: list[bytes] = []
        start = 0
        while len(self._rest) - start >= _LENGTH_BYTES:
            body_at = start + _LENGTH_BYTES
            length = int.from_bytes(self._rest[start:body_at], "big")
            if length > MAX_FRAME_BYTES:
                raise FrameError(f"a frame of {length} bytes exceeds {MAX_FRAME_BYTES}")
            if len(self._rest) < body_at + length:
                break
            bodies.append(bytes(self._rest[body_at : body_at + length]))
            start = body_at + length
        del self._rest[:start]
        return tuple(bodies)
