"""AWS event streams: binary frames of headers and payload, each with two checksums.

Cut here, read and checked by botocore, which is no dependency of its own: the extra `aws` brings it. An exception that
AWS sends inside a stream is a frame too, and must never be taken for an event: `exception_of` tells them apart.

Source: https://smithy.io/2.0/aws/amazon-eventstream.html, read 2026-11, and botocore 1.44.5, `eventstream.py`.
"""

from __future__ import annotations

import struct
from importlib import import_module
from types import ModuleType
from typing import Protocol
from zlib import crc32

import msgspec

from router.errors import Reason, WireFault
from router.wire.dialect import Frame

_PRELUDE_BYTES = 12
_CHECKSUM_BYTES = 4
_LEAST_BYTES = 16
_MOST_NAMES = 32
"""Headers that are kept of one stream; the services' own have about ten."""
_EXCEPTION = "exception:"
"""What the event name of a frame begins with that is no event but an exception; the rest is the exception's name."""

_UNREADABLE = (struct.error, LookupError, ValueError)
"""What botocore's reader lets through for headers that are none: too short, of an unknown type, no UTF-8."""


class _Message(Protocol):
    """What of botocore's message is used."""

    headers: dict[str, object]
    payload: bytes


def load_reader() -> ModuleType:
    """botocore's event-stream module. Call it where a provider is configured, to fail before the first request.

    Raises:
        WireFault: INTERNAL, naming the extra to install.
    """
    try:
        return import_module("botocore.eventstream")
    except ImportError as error:
        missing = "AWS event streams need botocore: pip install pointsman[aws]"
        raise WireFault(Reason.INTERNAL, missing) from error


def exception_of(frame: Frame) -> str | None:
    """The name of the exception a frame holds, as AWS spells it; None for an event."""
    return frame.event.removeprefix(_EXCEPTION) if frame.event.startswith(_EXCEPTION) else None


class EventStreamSplitter:
    """A `Splitter` for AWS event streams: the frame's event is its `:event-type`, its data the payload.

    A frame that fails a checksum, claims more than the bound or cannot be read is MALFORMED. Bytes left at the end are
    the beginning of a frame that was cut: nothing of it is told, so that the answer shows as cut.

    A stream's events have few headers between them: those that botocore has read are known by their bytes, and of a
    frame that has them again only the checksums are left to compute. One that is wrong is botocore's to judge.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._reader = load_reader()
        self._limit_bytes = limit_bytes
        self._rest = bytearray()
        self._total_bytes = 0
        self._names: dict[bytes, str] = {}
        self._fault: WireFault | None = None

    def feed(self, block: bytes) -> tuple[Frame, ...]:
        """Take the next bytes; return the frames they complete. A fault behind good frames waits for the next call."""
        if self._fault is not None:
            raise self._fault
        self._rest += block
        frames: list[Frame] = []
        try:
            while (raw := self._next()) is not None:
                frames.append(self._frame(raw))
        except WireFault as fault:
            self._rest.clear()
            self._fault = fault
            if not frames:
                raise
        return tuple(frames)

    def end(self) -> tuple[Frame, ...]:
        """The stream is over. A frame knows its own length, so none can lack only its end."""
        if self._fault is not None:
            raise self._fault
        self._rest.clear()
        return ()

    def _next(self) -> bytes | None:
        """The bytes of the next whole frame. Its prelude is checked before its length is believed."""
        if not self._total_bytes:
            if len(self._rest) < _PRELUDE_BYTES:
                return None
            self._total_bytes = self._checked_length(bytes(self._rest[:_PRELUDE_BYTES]))
        if len(self._rest) < self._total_bytes:
            return None
        raw = bytes(self._rest[: self._total_bytes])
        del self._rest[: self._total_bytes]
        self._total_bytes = 0
        return raw

    def _checked_length(self, prelude: bytes) -> int:
        total_bytes = int.from_bytes(prelude[:4], "big")
        headers_bytes = int.from_bytes(prelude[4:8], "big")
        if not _is_sealed(prelude):
            self._read(prelude)
        if total_bytes < _LEAST_BYTES + headers_bytes:
            raise WireFault(Reason.MALFORMED, "a frame of the stream is shorter than its own headers")
        if total_bytes > self._limit_bytes:
            message = f"one event of the stream is larger than {self._limit_bytes} bytes"
            raise WireFault(Reason.MALFORMED, message)
        return total_bytes

    def _frame(self, raw: bytes) -> Frame:
        payload = _PRELUDE_BYTES + int.from_bytes(raw[4:8], "big")
        begun = raw[_PRELUDE_BYTES:payload]
        known = self._names.get(begun)
        if known is not None and _is_sealed(raw):
            return Frame(raw=raw, data=raw[payload:-_CHECKSUM_BYTES], event=known)
        message = self._read(raw)
        assert message is not None
        headers = message.headers
        kind = headers.get(":message-type", "event")
        if kind == "event":
            name = _text(headers, ":event-type")
            if len(self._names) < _MOST_NAMES:
                self._names[begun] = name
            return Frame(raw=raw, data=message.payload, event=name)
        name = _text(headers, ":exception-type") or _text(headers, ":error-code")
        data = message.payload or msgspec.json.encode({"message": _text(headers, ":error-message")})
        return Frame(raw=raw, data=data, event=_EXCEPTION + name)

    def _read(self, raw: bytes) -> _Message | None:
        """One message through botocore's reader; a prelude alone is only checked, and gives None."""
        buffer = self._reader.EventStreamBuffer()
        buffer.add_data(raw)
        try:
            message: _Message | None = next(buffer, None)
        except self._reader.ParserError as error:
            raise WireFault(Reason.MALFORMED, f"a frame of the stream is broken: {type(error).__name__}") from error
        except _UNREADABLE as error:
            raise WireFault(Reason.MALFORMED, "the headers of a frame of the stream cannot be read") from error
        return message


def _is_sealed(raw: bytes) -> bool:
    """Whether the last four bytes are the checksum of those before them."""
    return crc32(raw[:-_CHECKSUM_BYTES]) == int.from_bytes(raw[-_CHECKSUM_BYTES:], "big")


def _text(headers: dict[str, object], name: str) -> str:
    """A header that should be text; "" where it is missing or something else."""
    value = headers.get(name)
    return value if isinstance(value, str) else ""
