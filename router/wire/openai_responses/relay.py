"""The same dialect in and out: events pass on byte for byte.

What is left out: events that could not be read, and whatever follows the last event. OpenRouter says `[DONE]` there,
and whether it came in time would depend on how the bytes were cut.
"""

from __future__ import annotations

from router.canon.event import Ended, Event, Skipped
from router.errors import GatewayError
from router.wire.dialect import Ask, Frame, Relay
from router.wire.members import UNREADABLE
from router.wire.openai_responses.encoder import ResponsesEncoder
from router.wire.openai_responses.fault import encode_error_event
from router.wire.openai_responses.place import Place
from router.wire.openai_responses.schema import NUMBERED
from router.wire.sse import SKIPPED_NOTE, closed


class ResponsesRelay:
    """A `Relay`. Takes the `Ask` as every relay does, and needs nothing of it."""

    def __init__(self, _ask: Ask) -> None:
        self._last = b""
        self._ended = False
        self._place = Place()
        self.passed_bytes = 0

    @property
    def can_hand_over(self) -> bool:
        """While nothing is open but one message."""
        return self._place.can_go_on

    def feed(self, frame: Frame, events: tuple[Event, ...]) -> bytes:
        """The frame as it came, a note that it was left out, or nothing."""
        if self._ended or frame.data.strip() == b"[DONE]":
            return b""
        kinds = [type(event) for event in events]
        if Skipped in kinds:
            return SKIPPED_NOTE
        self._ended = Ended in kinds
        self._last = frame.data or self._last
        self._place.note(frame)
        return closed(frame.raw)

    def end(self) -> bytes:
        """Nothing: an answer is complete only by the provider's own last event, which has passed."""
        return b""

    def fault(self, error: GatewayError) -> bytes:
        """As the encoder says it, numbered behind the last event that passed."""
        return encode_error_event(error, self._next_number())

    def _next_number(self) -> int:
        try:
            last = NUMBERED.decode(self._last).sequence_number
        except UNREADABLE:
            last = None
        return 0 if last is None else last + 1


def take_over(ask: Ask, relay: Relay, told: tuple[Event, ...]) -> ResponsesEncoder:
    """An encoder that stands where the relay does: at its number, in its items."""
    assert isinstance(relay, ResponsesRelay)
    encoder = ResponsesEncoder(ask)
    encoder.stand(relay._place, relay._next_number(), told)
    return encoder
