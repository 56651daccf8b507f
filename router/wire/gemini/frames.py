"""Streams in both forms Google sends: events (`alt=sse`), or one JSON list that grows. The first byte tells which."""

from __future__ import annotations

import re

from router.wire.dialect import Frame, Splitter
from router.wire.splitter import TextSplitter, too_large
from router.wire.sse import SseSplitter

_BLANKS = b" \t\r\n\xef\xbb\xbf"
_BETWEEN = re.compile(rb"[{]")
_INSIDE = re.compile(rb'["{}]')
_QUOTED = re.compile(rb'["\\]')


class GeminiSplitter:
    """A `Splitter` that becomes the right one with the first byte that is not blank."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._head = b""
        self._chosen: Splitter | None = None

    def feed(self, block: bytes) -> tuple[Frame, ...]:
        """Take the next bytes; return the frames they complete."""
        if self._chosen is None:
            self._head += block
            begun = self._head.lstrip(_BLANKS)
            if not begun:
                return self._bounded()
            chosen = ObjectSplitter if begun[:1] in (b"[", b"{") else SseSplitter
            self._chosen = chosen(self._limit_bytes)
            block, self._head = self._head, b""
        return self._chosen.feed(block)

    def end(self) -> tuple[Frame, ...]:
        """The stream is over: what lacked only its terminator, if anything."""
        return () if self._chosen is None else self._chosen.end()

    def _bounded(self) -> tuple[Frame, ...]:
        if len(self._head) > self._limit_bytes:
            raise too_large(self._limit_bytes)
        return ()


class ObjectSplitter(TextSplitter):
    """A `Splitter` for JSON objects in a list, or one after the other. What stands between them belongs to the next.

    Only quotes, braces and backslashes are looked at, each once, so large objects cost no more than their size.
    """

    _blank = _BLANKS

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self._scanned = 0
        self._opened = 0
        self._depth = 0
        self._quoted = False

    def feed(self, block: bytes) -> tuple[Frame, ...]:
        """Take the next bytes; return the objects they complete. A fault behind good ones waits for the next call."""
        self._raise_held()
        self._rest += block
        frames: list[Frame] = []
        start = 0
        while (end := self._next_end()) is not None:
            if end - start > self._limit_bytes:
                return self._keep(tuple(frames), end - start)
            frames.append(Frame(raw=bytes(self._rest[start:end]), data=bytes(self._rest[self._opened : end])))
            start = end
        del self._rest[:start]
        self._scanned -= start
        self._opened -= start
        return self._keep(tuple(frames), len(self._rest))

    def _last(self, raw: bytes) -> Frame:
        """An object that was cut, as it is; the end of the list is a frame without data."""
        return Frame(raw=raw, data=raw[self._opened :] if self._depth else b"")

    def _next_end(self) -> int | None:
        """Where the next object ends. What was scanned is not scanned again."""
        while self._scanned < len(self._rest):
            pattern = _QUOTED if self._quoted else _INSIDE if self._depth else _BETWEEN
            match = pattern.search(self._rest, self._scanned)
            if match is None:
                self._scanned = len(self._rest)
                return None
            if match[0] == b"\\" and match.end() == len(self._rest):
                # What is escaped comes with the next bytes.
                self._scanned = match.start()
                return None
            self._scanned = match.end()
            if self._step(match[0]):
                return self._scanned
        return None

    def _step(self, mark: bytes) -> bool:
        """Take one mark; True when it ends an object."""
        match mark:
            case b"\\":
                self._scanned += 1
            case b'"':
                self._quoted = not self._quoted
            case b"{":
                self._opened = self._opened if self._depth else self._scanned - 1
                self._depth += 1
            case b"}":
                self._depth -= 1
                return self._depth == 0
        return False
