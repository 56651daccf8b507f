"""Server-sent events: a byte stream cut at its blank lines, whatever its line ends and however it was cut on the way.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, read 2026-10.
"""

from __future__ import annotations

import re

from router.wire.dialect import Frame
from router.wire.splitter import TextSplitter

SKIPPED_NOTE = b": x-router-skipped 1\n\n"
"""Said to a caller where an event that could not be read was left out: a comment, which clients pass over."""

# Atomic groups, or CRLF would backtrack into CR and LF and count as a blank line.
_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LAST_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r){2}\Z")
_LONGEST_BLANK_LINE = 4
_PLAIN = b"data: "
_NAMED = re.compile(rb"event: ([^\r\n]*+)\ndata: ([^\r\n]*+)\n\n")


class SseSplitter(TextSplitter):
    """A `Splitter` for server-sent events.

    An event that ends in CR is held until the next byte says whether LF belongs to it.
    """

    _blank = b"\r\n"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self._scanned = 0

    def feed(self, block: bytes) -> tuple[Frame, ...]:
        """Take the next bytes; return the frames they complete. A fault behind good frames waits for the next call."""
        self._raise_held()
        if not self._rest and len(block) <= self._limit_bytes and (frame := _common(block)) is not None:
            self._begun = True
            return (frame,)
        if not self._begun:
            block = self._begin(block)
        if self._rest:
            self._rest += block
            ends = self._ends(self._rest)
            if not ends:
                return self._keep((), len(self._rest))
            block = bytes(self._rest)
        else:
            ends = self._ends(block)
        frames: list[Frame] = []
        start = 0
        has_returns = b"\r" in block
        for end in ends:
            if end - start > self._limit_bytes:
                return self._keep(tuple(frames), end - start)
            raw = block[start:end]
            is_plain = not has_returns and raw.startswith(_PLAIN) and raw.find(b"\n") == end - start - 2
            frames.append(Frame(raw=raw, data=raw[6:-2]) if is_plain else frame_of(raw))
            start = end
        self._rest = bytearray(block[start:])
        self._scanned = 0
        return self._keep(tuple(frames), len(self._rest))

    @property
    def is_between(self) -> bool:
        """Whether what comes next begins an event, and is to be taken in."""
        return self._begun and not self._rest and self._fault is None

    def _last(self, raw: bytes) -> Frame:
        return frame_of(raw)

    def _ends(self, buffer: bytes | bytearray) -> list[int]:
        """Where events end in `buffer`. What was searched is not searched again, or large events cost their square."""
        start = self._scanned
        self._scanned = max(0, len(buffer) - _LONGEST_BLANK_LINE + 1)
        if buffer.find(b"\r", start) >= 0:
            ends = [match.end() for match in _BLANK_LINE.finditer(buffer, start)]
            return ends[:-1] if ends and ends[-1] == len(buffer) and buffer.endswith(b"\r") else ends
        ends = []
        while (start := buffer.find(b"\n\n", start)) >= 0:
            start += 2
            ends.append(start)
        return ends


def frame_of(raw: bytes) -> Frame:
    """One event's bytes as a frame."""
    return _common(raw) or _by_lines(raw)


def _by_lines(raw: bytes) -> Frame:
    event = ""
    lines = []
    for line in raw.splitlines():
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            lines.append(value)
        elif field == b"event":
            event = value.decode("utf-8", "replace")
    return Frame(raw=raw, data=b"\n".join(lines), event=event)


def _common(block: bytes) -> Frame | None:
    """A block that is one whole event in either of the forms that nearly every one of a live stream has: one `data: `
    line, or a name before it."""
    if block.startswith(_PLAIN):
        is_one = block.endswith(b"\n\n") and block.find(b"\n") == len(block) - 2 and b"\r" not in block
        return Frame(raw=block, data=block[6:-2]) if is_one else None
    named = _NAMED.fullmatch(block)
    return None if named is None else Frame(raw=block, data=named[2], event=named[1].decode("utf-8", "replace"))


def rescued_note(method: str, target: str) -> bytes:
    """Said to a caller where another provider went on with the answer: a comment, which clients pass over."""
    return b": x-router-rescued %b %b\n\n" % (method.encode(), " ".join(target.split()).encode())


def closed(raw: bytes) -> bytes:
    """The bytes of an event, with the blank line that the last one of a stream may lack: clients drop it otherwise."""
    return raw if raw.endswith(b"\n\n") or _LAST_BLANK_LINE.search(raw[-_LONGEST_BLANK_LINE:]) else raw + b"\n\n"
