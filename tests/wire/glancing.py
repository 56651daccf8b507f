"""A stream read with and without the glance at runs of text, to be compared."""

from __future__ import annotations

from itertools import pairwise

from msgspec.structs import replace

from actors.reading import Naming, Reading
from router.canon.event import Event, TextDelta
from router.wire.dialect import Ask, Dialect, Frame, Requirements, StreamDecoder

Read = tuple[bytes, str, list[Event], str]


class Plain:
    """A decoder that sees nothing at a glance."""

    def __init__(self, inner: StreamDecoder) -> None:
        self._inner = inner

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """As it is."""
        return self._inner.feed(frame)

    def end(self) -> tuple[Event, ...]:
        """As it is."""
        return self._inner.end()


def read(
    dialect: Dialect, body: bytes, cuts: list[int], *, skims: bool, passes: bool = True, hides: bool = False
) -> Read:
    """What is made of a stream that came in these pieces: the bytes that are passed on, or said in a translation, the
    text, all other events (in a translation all events), and the fault."""
    inner: StreamDecoder = dialect.decoder() if skims else Plain(dialect.decoder())
    ask = Ask(model="m", fields={}, stream=True, requirements=Requirements(), include_usage=not hides)
    assert dialect.front is not None
    relay = dialect.front.relay(ask) if passes else None
    encoder = dialect.front.encoder(ask)
    reading = Reading(replace(dialect, decoder=lambda: inner), relay, Naming(model="m", created_s=1), 100_000)
    passed, events = b"", list[Event]()
    places = [0, *sorted(place % (len(body) + 1) for place in cuts), len(body)]
    blocks = [body[start:end] for start, end in pairwise(places) if start < end]
    for take in (*(lambda block=block: reading.feed(block) for block in blocks), reading.end):
        if reading.fault is None:
            flow = take()
            passed += flow.raw if relay is not None else encoder.feed(flow.events)
            events += flow.events
    assert relay is None or relay.passed_bytes == len(passed)
    said = "".join(event.text for event in events if isinstance(event, TextDelta))
    others = [event for event in events if relay is None or not isinstance(event, TextDelta)]
    return passed, said, others, str(reading.fault)
