"""Chunks that differ in their text alone, as nearly all of a stream do: it is cut out, the rest not read again."""

from __future__ import annotations

import re

from msgspec import Struct

from router.canon.event import TextDelta
from router.wire.dialect import Frame, Relay
from router.wire.glance import TEXTS
from router.wire.members import UNREADABLE

_CONTENT = re.compile(rb'[{,]"content": ?"')
_NOISE = b'"obfuscation":"'
_SAID_NOISE = re.compile(rb'("obfuscation":")[A-Za-z0-9]*+')
"""OpenAI's own chunks end in letters without meaning, so that their length tells nothing."""

MOST_BYTES = 64 * 1024
"""A longer chunk is the parser's: cutting it out would hold it some times more."""


class Mould(Struct, frozen=True):
    """What stands around the text of a chunk: JSON that was read once, up to the text's quotes and from there on. One
    that is `noisy` stands there without the noise."""

    head: bytes
    tail: bytes
    noisy: bool = False

    def text_of(self, data: bytes) -> str | None:
        """The text of a chunk of this form. None for any other, and for what JSON writes otherwise than it reads or may
        not hold: that is for the parser to judge."""
        if self.noisy:
            data = _quiet(data)
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
        *said, begun = (_quiet(block) if self.noisy else block)[len(lead) :].split(close + lead)
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
        return texts, _end_of(block, len(texts)) if self.noisy else len(block) - len(rest)

    def passed_by(self, relay: Relay) -> tuple[bytes, bytes] | None:
        """What stands behind a text, up to noise or the end of the event, and what a relay puts there; None where it
        changes more."""
        data = b"%bx%b" % (self.head, self.tail)
        frame = Frame(raw=b"data: %b\n\n" % data, data=data)
        lead, passed = b"data: %bx" % self.head, relay.feed(frame, (TextDelta(text="x"),))
        own, put = self.tail + b"\n\n", passed[len(lead) :]
        if not passed.startswith(lead):
            return None
        if not self.noisy:
            return own, put
        (own, _, rest), (put, _, kept) = own.partition(_NOISE), put.partition(_NOISE)
        # A quote within tells it from text, which holds none that is not escaped.
        return (own, put) if rest == kept and b'"' in own[1:] else None


def mould_of(data: bytes, text: str) -> Mould | None:
    """The mould of a chunk that said `text`; None where it is not surely its one `content`, word for word."""
    if len(data) > MOST_BYTES or b"\\" in data or data.count(b'"content"') != 1:
        return None
    noisy = _NOISE in data
    data = _quiet(data) if noisy else data
    place = _CONTENT.search(data)
    if place is None:
        return None
    head, rest = data[: place.end()], data[place.end() :]
    said = text.encode()
    return Mould(head=head, tail=rest[len(said) :], noisy=noisy) if rest.startswith(said + b'"') else None


def _quiet(data: bytes) -> bytes:
    """Without the noise; where it is named in a text, quotes are escaped, and it stays."""
    return _SAID_NOISE.sub(rb"\1", data)


def _end_of(block: bytes, events: int) -> int:
    """Where so many events end: JSON on one line holds no line's end."""
    end = 0
    for _ in range(events):
        end = block.index(b"\n\n", end) + 2
    return end
