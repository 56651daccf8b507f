"""Chunks that differ in their text alone, as nearly all of a stream do: it is cut out, the rest not read again."""

from __future__ import annotations

import re

from msgspec import Struct

_CONTENT = re.compile(rb'[{,]"content": ?"')

MOST_BYTES = 64 * 1024
"""A longer chunk is the parser's: cutting it out would hold it some times more."""


class Mould(Struct, frozen=True):
    """What stands around the text of a chunk: JSON that was read once, up to the text's quotes and from there on."""

    head: bytes
    tail: bytes

    def text_of(self, data: bytes) -> str | None:
        """The text of a chunk of this form. None for any other, and for what JSON writes otherwise than it reads or may
        not hold: that is for the parser to judge."""
        if len(data) > MOST_BYTES or not (data.startswith(self.head) and data.endswith(self.tail)):
            return None
        said = data[len(self.head) : len(data) - len(self.tail)]
        if b'"' in said or b"\\" in said:
            return None
        # Bytes that are no UTF-8 become surrogates, which are not printable; controls are not either.
        text = said.decode("utf-8", "surrogateescape")
        return text if text.isprintable() else None


def mould_of(data: bytes, text: str) -> Mould | None:
    """The mould of a chunk that said `text`; None where it is not surely its one `content`, word for word."""
    if len(data) > MOST_BYTES or b"\\" in data or data.count(b'"content"') != 1:
        return None
    place = _CONTENT.search(data)
    if place is None:
        return None
    head, rest = data[: place.end()], data[place.end() :]
    said = text.encode()
    return Mould(head=head, tail=rest[len(said) :]) if rest.startswith(said + b'"') else None
