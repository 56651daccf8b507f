"""How a strange stream is written down, and how its events are spelled on the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tests.wire import awsframes

Said = tuple[str, Any]
"""An event of a stream: its name and what it says; bytes are said as they are."""

Strange = Mapping[str, tuple[tuple[Said, ...], str]]
"""What is strange -> the stream, and what is understood of it."""

Spelling = Callable[[Said], bytes]
"""An event -> its bytes."""


def event(kind: str, **said: Any) -> Said:
    """An event of a protocol whose events repeat their names."""
    return kind, {"type": kind, **said}


def sse(said: Said) -> bytes:
    """A server-sent event."""
    name, body = said
    head = f"event: {name}\n".encode() if name else b""
    return b"%bdata: %b\n\n" % (head, _data(body))


def sse_with_returns(said: Said) -> bytes:
    """The same with the line ends of other servers, and a comment before it."""
    return b": on the way\r\n\r\n" + sse(said).replace(b"\n", b"\r\n")


def line(said: Said) -> bytes:
    """A line of JSON; it has no name."""
    return _data(said[1]) + b"\n"


def entry(said: Said) -> bytes:
    """An object of a list that grows, and what stands before the next."""
    return _data(said[1]) + b"\r\n,\r\n"


def aws(said: Said) -> bytes:
    """A frame of an event stream; an exception has its own kind of name."""
    name, body = said
    kind, _, exception = name.partition(":")
    return awsframes.exception(exception, body) if kind == "exception" else awsframes.event(name, body)


def _data(body: Any) -> bytes:
    return body if isinstance(body, bytes) else msgspec.json.encode(body)
