"""The body of a whole answer: what is there to read, and what it is called where it cannot be read."""

from __future__ import annotations

from typing import TypeVar

from msgspec.json import Decoder

from router.errors import Reason, WireFault
from router.wire.members import UNREADABLE

T = TypeVar("T")


def filled(body: bytes) -> bytes:
    """Without the blank lines that kept a connection open before it. Raises `WireFault` where nothing else is there."""
    text = body.strip()
    if not text:
        raise WireFault(Reason.EMPTY_ANSWER, "the provider answered with an empty body")
    return text


def decoded(decoder: Decoder[T], text: bytes, what: str) -> T:
    """As its Struct.

    Args:
        what: what it should be, in words.

    Raises:
        WireFault: it is a web page, or JSON of another shape.
    """
    try:
        return decoder.decode(text)
    except UNREADABLE as error:
        raise misread(text, what) from error


def misread(text: bytes, what: str) -> WireFault:
    """The fault of a text that is not what it should be."""
    said = "a web page" if text.startswith(b"<") else f"something that is no {what}"
    return WireFault(Reason.MALFORMED, f"the provider answered with {said}")
