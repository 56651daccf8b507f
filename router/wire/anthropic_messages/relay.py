"""The same dialect in and out: events pass on byte for byte.

Only what would break a client is held back: an event that cannot be read, a second beginning, an end behind an answer
that is not complete, and OpenAI's `[DONE]`. An event without a name gets the one its data says: clients go by names.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.json import Decoder

from router.canon.event import Ended, Event, Skipped
from router.errors import GatewayError
from router.wire.anthropic_messages.encoder import STOP_EVENT, MessageEncoder
from router.wire.anthropic_messages.fault import encode_envelope
from router.wire.anthropic_messages.message import type_of
from router.wire.anthropic_messages.stream import DONE
from router.wire.dialect import Ask, Frame, Relay
from router.wire.members import UNREADABLE
from router.wire.sse import SKIPPED_NOTE, closed


class _Kind(Struct, frozen=True):
    """Of a block only what it is."""

    type: str = ""


class _Begun(Struct, frozen=True):
    """Of the beginning of a block only which and what."""

    index: int
    content_block: _Kind = _Kind()


_BEGUN = Decoder(_Begun)
_MARKS = frozenset({"message_start", "content_block_start", "content_block_stop", "message_stop"})


class MessageRelay:
    """A `Relay`. Pings and what it does not know pass as they came."""

    def __init__(self, _ask: Ask) -> None:
        self._begun = False
        self._done = False
        self.passed_bytes = 0
        self.block = -1
        self.kind: str | None = None
        """The number of the last block that began, and what it is; None once it has ended."""

    @property
    def can_hand_over(self) -> bool:
        """Always: what a client needs to know of the blocks is their numbers."""
        return True

    def feed(self, frame: Frame, events: tuple[Event, ...]) -> bytes:
        """The frame as it came, a note that it was left out, or nothing."""
        if self._done or frame.data.strip() == DONE:
            return b""
        if Skipped in [type(event) for event in events]:
            return SKIPPED_NOTE
        if not frame.data:
            return closed(frame.raw)
        name = frame.event or type_of(frame.data)
        if name in _MARKS and self._holds_back(name, frame.data, events):
            return b""
        raw = closed(frame.raw)
        return raw if frame.event or not name else b"event: %b\n%b" % (name.encode(), raw)

    def _holds_back(self, name: str, data: bytes, events: tuple[Event, ...]) -> bool:
        """Whether a beginning or an end is one too many; those of blocks are only noted."""
        match name:
            case "message_start":
                again, self._begun = self._begun, True
                return again
            case "message_stop":
                self._done = any(isinstance(event, Ended) for event in events)
                return not self._done
            case "content_block_stop":
                self.kind = None
            case _:
                self._enter(data)
        return False

    def _enter(self, data: bytes) -> None:
        try:
            begun = _BEGUN.decode(data)
            self.block, self.kind = begun.index, begun.content_block.type
        except UNREADABLE:
            self.block, self.kind = self.block + 1, ""

    def end(self) -> bytes:
        """`message_stop`, if the provider's own did not pass."""
        if self._done:
            return b""
        self._done = True
        return STOP_EVENT

    def fault(self, error: GatewayError) -> bytes:
        """As the encoder says it."""
        return b"event: error\ndata: %b\n\n" % encode_envelope(error)


def take_over(ask: Ask, relay: Relay, told: tuple[Event, ...]) -> MessageEncoder:
    """An encoder that has said the same, at the block where the relay stands."""
    assert isinstance(relay, MessageRelay)
    encoder = MessageEncoder(ask)
    encoder.feed(told)
    encoder.stand(relay.block, relay.kind)
    return encoder
