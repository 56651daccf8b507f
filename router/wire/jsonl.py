"""Newline-delimited JSON: a byte stream cut at its line feeds, however it was cut on the way.

JSON text holds no line feed but between its tokens, and servers write each object on one line.

Source: https://github.com/ndjson/ndjson-spec, read 2026-11.
"""

from __future__ import annotations

from router.wire.dialect import Frame
from router.wire.splitter import TextSplitter

_BLANK = b" \t\r\n"


class JsonlSplitter(TextSplitter):
    """A `Splitter` for lines.

    A blank line is a frame without data, like a comment: it resets no clock.
    """

    _blank = _BLANK

    def feed(self, block: bytes) -> tuple[Frame, ...]:
        """Take the next bytes; return the frames they complete. A fault behind good frames waits for the next call."""
        self._raise_held()
        if not self._begun:
            block = self._begin(block)
        if self._rest:
            # What waits holds no line feed: only the new bytes are searched, or large lines cost their square.
            searched = len(self._rest)
            self._rest += block
            if self._rest.find(b"\n", searched) < 0:
                return self._keep((), len(self._rest))
            block = bytes(self._rest)
        frames: list[Frame] = []
        start = 0
        while end := block.find(b"\n", start) + 1:
            if end - start > self._limit_bytes:
                return self._keep(tuple(frames), end - start)
            frames.append(_frame(block[start:end]))
            start = end
        self._rest = bytearray(block[start:])
        return self._keep(tuple(frames), len(self._rest))

    def _last(self, raw: bytes) -> Frame:
        return _frame(raw)


def _frame(raw: bytes) -> Frame:
    return Frame(raw=raw, data=raw.strip(_BLANK))
