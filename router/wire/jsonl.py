"""Newline-delimited JSON: a byte stream cut at its line feeds, however it was cut on the way.

JSON text holds no line feed but between its tokens, and servers write each object on one line.

Source: https://github.com/ndjson/ndjson-spec, read 2026-11.
"""

from __future__ import annotations

from router.errors import Reason, WireFault
from router.wire.dialect import Frame

_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"


class JsonlSplitter:
    """A `Splitter` for lines. The frames' `raw`, put together, are the stream without its byte order mark.

    A blank line is a frame without data, like a comment: it resets no clock.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._rest = bytearray()
        self._begun = False
        self._fault: WireFault | None = None

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

    def end(self) -> tuple[Frame, ...]:
        """The stream is over: a line that lacked only its line feed, if there is one."""
        self._raise_held()
        raw = bytes(self._rest)
        self._rest.clear()
        return (_frame(raw),) if raw.strip(_BLANK) else ()

    def _begin(self, block: bytes) -> bytes:
        """Drop a byte order mark, of which the first blocks may hold only a part."""
        head = bytes(self._rest) + block
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._rest = bytearray(head)
            return b""
        self._begun = True
        self._rest.clear()
        return head.removeprefix(_BOM)

    def _keep(self, frames: tuple[Frame, ...], pending_bytes: int) -> tuple[Frame, ...]:
        """Hand out `frames`, unless the line after them is already too large and there is nothing to hand out."""
        if pending_bytes > self._limit_bytes:
            self._rest.clear()
            message = f"one event of the stream is larger than {self._limit_bytes} bytes"
            self._fault = WireFault(Reason.MALFORMED, message)
            if not frames:
                self._raise_held()
        return frames

    def _raise_held(self) -> None:
        if self._fault is not None:
            raise self._fault


def _frame(raw: bytes) -> Frame:
    return Frame(raw=raw, data=raw.strip(_BLANK))
