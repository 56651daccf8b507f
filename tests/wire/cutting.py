"""The one law of stream translators: how bytes were cut on the way never shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from router.wire.dialect import Frame, Splitter


def cuts(body: bytes, stride: int = 1) -> Iterator[list[bytes]]:
    """`body` cut in two at every `stride`-th place, and into single bytes."""
    yield from ([body[:place], body[place:]] for place in range(0, len(body) + 1, stride))
    yield [body[place : place + 1] for place in range(len(body))]


def split(splitter: Splitter, blocks: Iterable[bytes]) -> list[Frame]:
    """Every frame of a stream that came in these blocks."""
    frames: list[Frame] = []
    for block in blocks:
        if block:
            frames += splitter.feed(block)
    return frames + list(splitter.end())
