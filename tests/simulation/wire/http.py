"""HTTP/1.1 by hand, for both ends of the simulation: what is wrong in a parser under test must not be right here."""

from __future__ import annotations

import re

_HEAD_END = b"\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_SIZE = re.compile(rb"[0-9a-fA-F]+")
_FIELD = re.compile(rb"\r\n([^:\r\n]+): *([^\r\n]*)")


class Unsound(Exception):
    """Bytes that are no HTTP; `body` came before them."""

    def __init__(self, words: str, body: bytes = b"") -> None:
        super().__init__(words)
        self.body = body


def chunk(body: bytes) -> bytes:
    """One piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(body), body)


LAST_CHUNK = b"0\r\n\r\n"


def dechunked(framed: bytes) -> tuple[bytes, bool]:
    """The body inside chunks, also one of which only a part came, and whether it is complete. Raises `Unsound`."""
    body = _Chunks()
    body.feed(framed)
    return body.said, body.complete


class _Chunks:
    """A body that comes in chunks. What came whole is not looked at again, however small the bytes are cut."""

    def __init__(self) -> None:
        self.complete = False
        self._whole: list[bytes] = []
        self._part = self._rest = b""

    @property
    def said(self) -> bytes:
        """As far as it came."""
        return b"".join((*self._whole, self._part))

    def feed(self, data: bytes) -> None:
        """More of it. Raises `Unsound`."""
        self._rest += data
        while self._rest:
            size, found, after = self._rest.partition(b"\r\n")
            if not found:
                return
            if not _SIZE.fullmatch(size):
                raise Unsound(f"a chunk begins with {size[:40]!r}", self.said)
            length = int(size, 16)
            if length == 0:
                self._end(after)
                return
            self._part, ending = after[:length], after[length : length + 2]
            if not b"\r\n".startswith(ending):
                raise Unsound(f"a chunk ends with {ending!r}", self.said)
            if len(ending) < 2:
                return
            self._whole.append(self._part)
            self._part, self._rest = b"", after[length + 2 :]

    def _end(self, after: bytes) -> None:
        if not b"\r\n".startswith(after):
            raise Unsound(f"behind the last chunk come {after[:40]!r}", self.said)
        self.complete = after == b"\r\n"


class _Counted:
    """A body whose length its head told."""

    def __init__(self, length: int) -> None:
        self.said = b""
        self._length = length

    @property
    def complete(self) -> bool:
        """Whether all of it is there."""
        return len(self.said) == self._length

    def feed(self, data: bytes) -> None:
        """More of it. Raises `Unsound`."""
        lacking = self._length - len(self.said)
        self.said += data[:lacking]
        if len(data) > lacking:
            raise Unsound(f"behind the body come {data[lacking:][:40]!r}")


class _Endless:
    """What its connection ends, or a request's nothing."""

    def __init__(self, *, complete: bool) -> None:
        self.complete = complete
        self.said = b""

    def feed(self, data: bytes) -> None:
        """More of it."""
        self.said += data


class Message:
    """A request or a response as far as it came. `feed` until `complete`."""

    def __init__(self, *, ends_with_connection: bool = False) -> None:
        self.head = b""
        self._before = b""
        self._body: _Chunks | _Counted | _Endless = _Endless(complete=False)
        self._ends_with_connection = ends_with_connection

    @property
    def status(self) -> int:
        """Of a response; 0 before its head is there."""
        found = _STATUS.match(self.head)
        return int(found.group(1)) if found else 0

    @property
    def fields(self) -> dict[str, str]:
        """Headers, lower-case names."""
        return {name.decode().lower(): value.decode("latin-1") for name, value in _FIELD.findall(self.head)}

    @property
    def body(self) -> bytes:
        """As far as it came."""
        return self._body.said

    @property
    def complete(self) -> bool:
        """Whether all of it came that its head told of."""
        return self._body.complete

    def feed(self, data: bytes) -> None:
        """More bytes. Raises `Unsound`."""
        if not self.head:
            self._before += data
            while self._before.startswith(CONTINUE):
                self._before = self._before.removeprefix(CONTINUE)
            head, found, data = self._before.partition(_HEAD_END)
            if not found:
                return
            self.head = head + b"\r\n"
            self._body = self._bodied()
        self._body.feed(data)

    def _bodied(self) -> _Chunks | _Counted | _Endless:
        if _CHUNKED.search(self.head):
            return _Chunks()
        length = _LENGTH.search(self.head)
        return _Counted(int(length.group(1))) if length else _Endless(complete=not self._ends_with_connection)
