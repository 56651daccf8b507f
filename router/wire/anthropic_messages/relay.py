"""The same dialect in and out: events pass on byte for byte.

Only what would break a client is held back: an event that cannot be read, a second beginning, an end behind an answer
that is not complete, and OpenAI's `[DONE]`. An event without a name gets the one its data says: clients go by names.
"""

from __future__ import annotations

from router.canon.event import Ended, Event, Skipped
from router.errors import GatewayError
from router.wire.anthropic_messages.encoder import STOP_EVENT
from router.wire.anthropic_messages.fault import encode_envelope
from router.wire.anthropic_messages.message import type_of
from router.wire.anthropic_messages.stream import DONE
from router.wire.dialect import Ask, Frame
from router.wire.sse import SKIPPED_NOTE, closed


class MessageRelay:
    """A `Relay`. Pings and what it does not know pass as they came."""

    def __init__(self, _ask: Ask) -> None:
        self._begun = False
        self._done = False

    def feed(self, frame: Frame, events: tuple[Event, ...]) -> bytes:
        """The frame as it came, a note that it was left out, or nothing."""
        if self._done or frame.data.strip() == DONE:
            return b""
        if any(isinstance(event, Skipped) for event in events):
            return SKIPPED_NOTE
        if not frame.data:
            return closed(frame.raw)
        name = frame.event or type_of(frame.data)
        if name == "message_start":
            if self._begun:
                return b""
            self._begun = True
        elif name == "message_stop":
            if not any(isinstance(event, Ended) for event in events):
                return b""
            self._done = True
        raw = closed(frame.raw)
        return raw if frame.event or not name else b"event: %b\n%b" % (name.encode(), raw)

    def end(self) -> bytes:
        """`message_stop`, if the provider's own did not pass."""
        if self._done:
            return b""
        self._done = True
        return STOP_EVENT

    def fault(self, error: GatewayError) -> bytes:
        """As the encoder says it."""
        return b"event: error\ndata: %b\n\n" % encode_envelope(error)
