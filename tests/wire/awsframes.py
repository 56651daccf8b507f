"""AWS event-stream frames, built from the specification alone: the reader under test has no hand in them."""

from __future__ import annotations

import json
import struct
from zlib import crc32


def frame(payload: bytes, **headers: str) -> bytes:
    """One frame; headers are text, and `message_type` is said as `:message-type`."""
    said = b"".join(_header(":" + name.replace("_", "-"), value) for name, value in headers.items())
    return sealed(said, payload)


def sealed(headers: bytes, payload: bytes, *, total_bytes: int | None = None) -> bytes:
    """A frame with right checksums around any headers, and around any claim of its length."""
    total_bytes = 16 + len(headers) + len(payload) if total_bytes is None else total_bytes
    prelude = struct.pack("!II", total_bytes, len(headers))
    message = prelude + struct.pack("!I", crc32(prelude)) + headers + payload
    return message + struct.pack("!I", crc32(message))


def event(name: str, said: object) -> bytes:
    """An event of ConverseStream, padded as the service pads them."""
    padded = {"p": "abcdefghij", **said} if isinstance(said, dict) else said
    return frame(json.dumps(padded).encode(), message_type="event", event_type=name, content_type="application/json")


def exception(name: str, said: object) -> bytes:
    """An exception inside a stream."""
    return frame(json.dumps(said).encode(), message_type="exception", exception_type=name)


def _header(name: str, value: str) -> bytes:
    return struct.pack("!B", len(name)) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
