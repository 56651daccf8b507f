"""The channel between the router and a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from router.upstream.llama.frames import (
    MAX_FRAME_BYTES,
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
    Order,
    Report,
    decode_order,
    decode_report,
    encode_frame,
)
from router.upstream.llama.options import LlamaOptions

ORDERS: tuple[Order, ...] = (
    Load(name="m", path="m.gguf", options=LlamaOptions(models_dir="models", type_k="q8_0", seed=7)),
    Generate(id=1, body=b'{"model":"m"}\x00\xff', answer_id="a", created=5, seed=9),
    Abort(id=1),
)
REPORTS: tuple[Report, ...] = (
    Loaded(n_ctx=4096),
    LoadFailed(why="no", permanent=True),
    Head(id=1, status=200, headers=(("content-type", "text/event-stream"),)),
    Block(id=1, data="data: ü\n\n".encode()),
    Block(id=1, data=b""),
    End(id=1),
)


def cuts(body: bytes) -> Iterator[list[bytes]]:
    """`body` cut in two at every place, and into single bytes."""
    yield from ([body[:i], body[i:]] for i in range(len(body) + 1))
    yield [body[i : i + 1] for i in range(len(body))]


def test_how_the_bytes_were_cut_never_shows() -> None:
    """Frames come out whole and in order wherever the pipe cut them."""
    for blocks in cuts(b"".join(encode_frame(report) for report in REPORTS)):
        deframer = Deframer()
        bodies = [body for block in blocks for body in deframer.feed(block)]
        assert tuple(decode_report(body) for body in bodies) == REPORTS


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_an_order_comes_back_as_it_was(order: Order) -> None:
    """Encoding keeps every field, bytes that are not text among them."""
    (body,) = Deframer().feed(encode_frame(order))
    assert decode_order(body) == order


def test_a_length_beyond_the_bound_is_an_error_before_it_is_awaited() -> None:
    """A stream that is out of step would otherwise wait for gigabytes that never come."""
    with pytest.raises(FrameError, match="exceeds"):
        Deframer().feed((MAX_FRAME_BYTES + 1).to_bytes(4, "big"))


def test_what_is_no_message_is_an_error() -> None:
    """Something else wrote into the pipe."""
    with pytest.raises(FrameError, match="not a report"):
        decode_report(b"hello")
    with pytest.raises(FrameError, match="not an order"):
        decode_order(b"\xc1")
