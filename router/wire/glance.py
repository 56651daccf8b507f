"""Events that hold more text and nothing else, told by their form: nearly all of a stream, and not worth a parser each.

A form is for whoever writes a dialect as its own provider does; other spellings are the parser's, event by event.
"""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.json import Decoder

from router.canon.event import TextDelta
from router.wire.dialect import Relay, Run
from router.wire.members import UNREADABLE
from router.wire.sse import frame_of

TEXT = rb'((?:[^"\\\x00-\x1f]++|\\["\\/bfnrtu])++)'
"""A text within its quotes that is not empty, as far as its end can be told; whether it is one, the parser says."""

TEXTS = Decoder(list[str])


class Sight(Struct, frozen=True):
    """What a block begins with.

    Args:
        place: what else differs between events; the same in all of these.
        texts: of each event.
        last: where the last of them begins.
        size_bytes: of all of them.
    """

    place: bytes
    texts: list[str]
    last: int
    size_bytes: int

    def run(self, block: bytes, relay: Relay | None) -> Run | None:
        """As `Skimmer` says, where a relay passes such events on as they came and remembers but the last."""
        if relay is None:
            return Run(
                size_bytes=self.size_bytes, said=tuple([TextDelta(text=text) for text in self.texts]), passed=b""
            )
        raw = block[self.last : self.size_bytes]
        if relay.feed(frame_of(raw), (TextDelta(text=self.texts[-1]),)) != raw:
            return None
        said = (TextDelta(text="".join(self.texts)),)
        return Run(size_bytes=self.size_bytes, said=said, passed=block[: self.size_bytes])


def seen(form: re.Pattern[bytes], block: bytes) -> Sight | None:
    """The events of this form that a block begins with; None where there is none, or a text among them is none.

    Args:
        form: of one event, its blank line included. Its groups are the event's place and its `TEXT`.
    """
    found = form.match(block)
    if found is None:
        return None
    place, said, last, end = found[1], [found[2]], 0, found.end()
    while (found := form.match(block, end)) is not None and found[1] == place:
        said.append(found[2])
        last, end = end, found.end()
    try:
        texts = TEXTS.decode(b'["%b"]' % b'","'.join(said))
    except UNREADABLE:
        return None
    return Sight(place=place, texts=texts, last=last, size_bytes=end)
