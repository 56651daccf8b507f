"""Every recorded stream of every dialect, cut wherever bytes may be cut: the same events, and the same bytes passed on.

Each dialect's own tests cut its streams more finely; here no file of the folder is left out, and one that is dropped
into it is held to the law without a change of code.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from router.canon.event import Event
from router.errors import Reason, WireFault
from router.providers import find_installed
from router.wire.dialect import Ask, Dialect, Requirements
from tests.replay.invoke import KIND as INVOKED
from tests.replay.recordings import KINDS, Recording, recordings
from tests.wire.cutting import cuts

EVERYWHERE_BYTES = 1500
"""Streams up to this size are cut at every place."""
PLACES = 8
"""Where longer ones are cut, beside into single bytes."""
SINGLE_BYTES = 60_000
"""Streams up to this size are cut into single bytes too; longer ones into sevens, which meet every boundary as well."""

STREAMS = tuple(one for one in recordings() if one.streamed and not one.is_error and one.why_not is None)
ASK = Ask(model="m", stream=True, include_usage=True, requirements=Requirements(), fields={})


def dialect_of(recording: Recording) -> Dialect:
    """What the recorded provider speaks."""
    name = KINDS[recording.api]
    return INVOKED.dialect if name == INVOKED.name else find_installed().kinds[name].dialect


def heard(dialect: Dialect, blocks: Iterable[bytes]) -> tuple[list[Event], bytes, Reason | None]:
    """What a stream in these blocks says, what is passed on of it, and the fault it ends with."""
    splitter, decoder = dialect.splitter(1 << 24), dialect.decoder()
    relay = dialect.front.relay(ASK) if dialect.front is not None else None
    events: list[Event] = []
    passed = b""
    try:
        for block in (*blocks, None):
            for frame in splitter.end() if block is None else splitter.feed(block):
                found = decoder.feed(frame)
                events += found
                passed += relay.feed(frame, found) if relay is not None else b""
        events += decoder.end()
    except WireFault as fault:
        return events, passed, fault.reason
    return events, passed, None


def blocks_of(body: bytes) -> Iterable[list[bytes]]:
    """The body cut in two, at every place or at some, and into the smallest pieces."""
    if len(body) <= EVERYWHERE_BYTES:
        yield from cuts(body)
        return
    stride = len(body) // PLACES
    yield from ([body[:place], body[place:]] for place in range(stride, len(body), stride))
    size = 1 if len(body) <= SINGLE_BYTES else 7
    yield [body[place : place + size] for place in range(0, len(body), size)]


@pytest.mark.parametrize("recording", STREAMS, ids=lambda recording: recording.id)
def test_how_the_bytes_of_a_recorded_stream_were_cut_never_shows(recording: Recording) -> None:
    """Not in the events, not in what a caller of the same dialect is passed, not in the fault."""
    dialect = dialect_of(recording)
    uncut = heard(dialect, [recording.body])
    assert uncut[0] or uncut[2]
    for blocks in blocks_of(recording.body):
        assert heard(dialect, blocks) == uncut


def test_no_recorded_stream_is_left_out() -> None:
    """What is not cut here is of a protocol that holds no conversation, and says so."""
    left = [one.id for one in recordings() if one.streamed and not one.is_error and one not in STREAMS]
    assert all(one.why_not for one in recordings() if one.id in left)
    assert len(STREAMS) + len(left) == sum(one.streamed and not one.is_error for one in recordings())
