"""Chunks that differ in their text alone, as nearly all of a stream do: it is cut out, the rest not read again."""

from __future__ import annotations

import re

from msgspec import Struct

from router.canon.event import TextDelta
from router.wire.dialect import Frame, Relay
from router.wire.glance import TEXTS
from router.wire.members import UNREADABLE

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

    def run_of(self, block: bytes) -> tuple[list[str], int] | None:
        """The texts of all events of this form, each on one `data: ` line, that a block begins with, and how many bytes
        they are. None where there is none, or where one is empty or no text.

        No text holds a quote and what stands around it begins and ends with one: no cut can be within a text, and one
        that ends in half an escape makes no list of them.
        """
        lead, close = b"data: " + self.head, self.tail + b"\n\n"
        if len(block) > MOST_BYTES or not block.startswith(lead):
            return None
        *said, begun = block[len(lead) :].split(close + lead)
        last, closed, rest = begun.partition(close)
        if closed:
            said.append(last)
        else:
            rest = lead + begun
        if not said or not all(said) or b'"' in b"".join(said):
            return None
        try:
            texts = TEXTS.decode(b'["%b"]' % b'","'.join(said))
        except UNREADABLE:
            return None
        return texts, len(block) - len(rest)

    def passed_by(self, relay: Relay) -> bytes | None:
        """What a relay puts behind a text in place of `tail` and the end of the event; None where it changes more."""
        data = b"%bx%b" % (self.head, self.tail)
        frame = Frame(raw=b"data: %b\n\n" % data, data=data)
        lead, passed = b"data: %bx" % self.head, relay.feed(frame, (TextDelta(text="x"),))
        return passed[len(lead) :] if passed.startswith(lead) else None


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
