"""Undoes a compression that nobody asked for. Sans-io and incremental: a compressed stream arrives event by event."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from router.errors import Reason, WireFault

_PIECE_BYTES = 64 * 1024
_ANY_HEADER = zlib.MAX_WBITS | 32
"""zlib finds out by itself whether a gzip or a zlib header begins the body."""

INFLATABLE = frozenset({"gzip", "x-gzip", "deflate"})
"""The content codings that `Inflater` undoes."""


class Inflater:
    """One body, unpacked in bounded pieces: a small answer that unpacks to gigabytes meets its reader's limit."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_ANY_HEADER)
        self._begun = False

    def feed(self, block: bytes) -> Iterator[bytes]:
        """What `block` unpacks to, in pieces of at most 64 KiB.

        Raises:
            WireFault: `MALFORMED` when the bytes are not what the provider's header says.
        """
        while block:
            if self._member.eof:
                self._member = zlib.decompressobj(_ANY_HEADER)
            self._begun = True
            try:
                piece = self._member.decompress(block, _PIECE_BYTES)
            except zlib.error as error:
                raise WireFault(Reason.MALFORMED, "the provider's compressed answer cannot be unpacked") from error
            if piece:
                yield piece
            block = self._member.unconsumed_tail or self._member.unused_data

    @property
    def whole(self) -> bool:
        """Nothing is missing at the end: the last member is complete, or no byte ever came."""
        return self._member.eof or not self._begun
