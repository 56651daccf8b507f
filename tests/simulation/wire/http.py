"""HTTP/1.1 by hand, for both ends of the simulation: what is wrong in a parser under test must not be right here."""

from __future__ import annotations

import re

_HEAD_END = b"\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
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
    body: list[bytes] = []
    rest = framed
    while rest:
        size, found, rest = rest.partition(b"\r\n")
        if not found:
            break
        if not re.fullmatch(rb"[0-9a-fA-F]+", size):
            raise Unsound(f"a chunk begins with {size[:40]!r}", b"".join(body))
        length = int(size, 16)
        if length == 0:
            if rest not in (b"", b"\r", b"\r\n"):
                raise Unsound(f"behind the last chunk come {rest[:40]!r}", b"".join(body))
            return b"".join(body), rest == b"\r\n"
        body.append(rest[:length])
        ending, rest = rest[length : length + 2], rest[length + 2 :]
        if ending != b"\r\n"[: len(ending)]:
            raise Unsound(f"a chunk ends with {ending!r}", b"".join(body))
    return b"".join(body), False


class Message:
    """A request or a response as far as it came. `feed` until `complete`."""

    def __init__(self, *, ends_with_connection: bool = False) -> None:
        self.raw = b""
        self.head = b""
        self.body = b""
        self.complete = False
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

    def feed(self, data: bytes) -> None:
        """More bytes. Raises `Unsound`."""
        self.raw += data
        if not self.head:
            while self.raw.startswith(CONTINUE):
                self.raw = self.raw.removeprefix(CONTINUE)
            head, found, _ = self.raw.partition(_HEAD_END)
            if not found:
                return
            self.head = head + b"\r\n"
        self._read_body(self.raw[len(self.head) + 2 :])

    def ended(self) -> None:
        """The connection ended in order: what has no length of its own is complete."""
        if self.head and self._ends_with_connection and not _CHUNKED.search(self.head):
            self.complete = self.complete or _LENGTH.search(self.head) is None

    def _read_body(self, framed: bytes) -> None:
        length = _LENGTH.search(self.head)
        if _CHUNKED.search(self.head):
            self.body, self.complete = dechunked(framed)
        elif length is not None:
            self.body = framed[: int(length.group(1))]
            self.complete = len(framed) >= int(length.group(1))
            if len(framed) > int(length.group(1)):
                raise Unsound(f"behind the body come {framed[int(length.group(1)) :][:40]!r}")
        else:
            self.body, self.complete = framed, not self._ends_with_connection
