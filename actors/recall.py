"""What one exchange tells its reader, remembered as it is told, for whoever asks exactly the same again."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from actors.messages import Answered, Committed, Flow, Hit, Piece, Stored, Whole
from actors.shared import size_of
from router.canon.event import Event, Finished, Skipped, TextDelta, ToolCallStarted
from router.canon.reply import CALLING_ENDS, OWN_ENDS, Reply
from router.errors import Standing


class Recall:
    """The pieces of one answer. It forgets them where the answer is none to be given again, and takes none after that.

    Args:
        key: of the request (`policy/cachekey.py`).
        most_bytes: a longer answer is not remembered.
        tool_calls: whether one that calls tools is.
    """

    def __init__(self, key: str, most_bytes: int, *, tool_calls: bool = False) -> None:
        self._key = key
        self._most_bytes = most_bytes
        self._tool_calls = tool_calls
        self._bearing = TextDelta | ToolCallStarted if tool_calls else TextDelta
        self._pieces: list[Piece] = []
        self._size_bytes = 0
        self._lost = False
        self._passed = False
        self._has_content = False

    def note(self, piece: Piece) -> None:
        """One more piece, in the order in which the reader is told."""
        if self._lost:
            return
        if isinstance(piece, Committed):
            self._passed = piece.relay is not None
            piece = replace(piece, relay=None)
        self._pieces.append(piece)
        self._size_bytes += size_of(piece)
        if self._size_bytes > self._most_bytes or not self._may_repeat(piece):
            self._lost, self._pieces = True, []

    def stored(self) -> Stored | None:
        """The whole answer, once it is complete; None where it is none to be given again."""
        if self._lost or not self._has_content or not isinstance(self._pieces[-1], Answered):
            return None
        return Stored(key=self._key, pieces=tuple(self._pieces), size_bytes=self._size_bytes, passed=self._passed)

    def _may_repeat(self, piece: Piece) -> bool:
        match piece:
            case Committed():
                # What was estimated gives way to a count that is back; a drill's answer is no answer to others.
                return not (piece.estimated or piece.injected)
            case Flow():
                self._has_content = self._has_content or any(isinstance(event, self._bearing) for event in piece.events)
                return all(self._is_plain(event) for event in piece.events)
            case Whole():
                self._has_content = True
                reply = piece.reply
                return reply.may_repeat or (self._tool_calls and isinstance(reply, Reply) and reply.may_repeat_calls)
            case Answered():
                return True
        return False  # two providers' words: an answer that broke once

    def _is_plain(self, event: Event) -> bool:
        """Whether an event belongs to an answer that came to its own end, every piece of which could be read."""
        if isinstance(event, Finished):
            return event.reason in (CALLING_ENDS if self._tool_calls else OWN_ENDS)
        return not isinstance(event, Skipped if self._tool_calls else Skipped | ToolCallStarted)


def replayed(hit: Hit, standings: tuple[Standing, ...]) -> tuple[Piece, ...]:
    """A kept answer for one more reader."""
    return tuple(repeated(piece, hit.age_s, standings) for piece in hit.pieces)


def repeated(piece: Piece, age_s: float, standings: tuple[Standing, ...]) -> Piece:
    """A piece of another's answer as one more reader is told it: attempts, cost and a provider's standing were the
    first caller's."""
    match piece:
        case Committed():
            return replace(piece, attempts=0, shown=(), rescued=False, cache="hit", age_s=age_s, standings=standings)
        case Answered():
            return replace(piece, cost_usd=Decimal(0))
    return piece
