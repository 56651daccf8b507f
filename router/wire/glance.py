"""Events that hold more text and nothing else, told by their form: nearly all of a stream, and not worth a parser each.

A form is for whoever writes a dialect as its own provider does; other spellings are the parser's, event by event.
"""

from __future__ import annotations

import re

from msgspec.json import Decoder

from router.canon.event import TextDelta
from router.wire.dialect import Relay, Run
from router.wire.members import UNREADABLE
from router.wire.sse import frame_of

TEXT = rb'((?:[^"\\\x00-\x1f]++|\\["\\/bfnrtu])++)'
"""A text within its quotes that is not empty, as far as its end can be told; whether it is one, the parser says."""

TEXTS = Decoder(list[str])


def run_of(form: re.Pattern[bytes], block: bytes, relay: Relay | None) -> tuple[bytes, Run] | None:
    """The events of this form that a block begins with, as `Skimmer` says, and the place that they share. None where
    there is none, or a text among them is none.

    Args:
        form: of one event, its blank line included. Its groups are what differs between events that do not belong
            together, and the `TEXT`.
        relay: must pass such events on as they came and remember but the last.
    """
    found = form.match(block)
    if found is None:
        return None
    (place, text), last, end = found.groups(), 0, found.end()
    said = [text]
    while (found := form.match(block, end)) is not None and found[1] == place:
        said.append(found[2])
        last, end = end, found.end()
    try:
        texts = TEXTS.decode(b'["%b"]' % b'","'.join(said))
    except UNREADABLE:
        return None
    if relay is None:
        events = tuple([TextDelta(text=text) for text in texts])
        return place, Run(size_bytes=end, said=events, passed=b"")
    raw = block[last:end]
    if relay.feed(frame_of(raw), (TextDelta(text=texts[-1]),)) != raw:
        return None
    return place, Run(size_bytes=end, said=(TextDelta(text="".join(texts)),), passed=block[:end])
