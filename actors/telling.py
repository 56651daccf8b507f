"""What one exchange tells its reader: nothing before the commit point, then one answer, whoever gives its parts.

What ends an answer is handed on together with the word that it is complete: a reader who was told the end is never told
an error after it, whenever the exchange is stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import assert_never

from actors.messages import Answered, Committed, Complete, Flow, Head, Part, Piece, Rescued, Whole
from actors.record import Record
from actors.rescue import Bridge, Rescue
from actors.runtime import Channel, Ports
from router.canon.event import CONTENT, Ended, Event, TextDelta
from router.canon.target import Target
from router.errors import Reason, Refused, Standing
from router.policy.rescue import CHARS_PER_TOKEN

OUTBOX_CAPACITY = 4
"""Pieces between an exchange and its reader; small, so that a slow reader is felt upstream."""


class Telling:
    """The reader's side of one exchange. `outbox` is read by whoever called.

    Args:
        deadline_s: until when a reader must have made room.
    """

    def __init__(self, record: Record, ports: Ports, deadline_s: float) -> None:
        self.outbox: Channel[Piece] = Channel(OUTBOX_CAPACITY)
        self.committed = False
        self.noted_by: tuple[Callable[[Piece], None], ...] = ()
        """Who is told each piece too, in the order in which the reader is."""
        self.standings: tuple[Standing, ...] = ()
        self._record = record
        self._ports = ports
        self._deadline_s = deadline_s
        self._rescue: Rescue | None = None
        self._transcribes: Callable[[tuple[Event, ...]], None] | None = None
        self._way: Bridge | None = None
        self._head = Head()
        self._held: list[Flow] = []
        self._held_chars = 0
        self._commit_at_s: float | None = None
        self._last: Flow | None = None
        self._taken_bytes = 0
        self._passes = False

    def follow(self, rescue: Rescue) -> None:
        """From now on, by this course."""
        self._rescue = rescue
        self._transcribes = rescue.note if rescue.transcribes else None

    def begin(self, way: Bridge | None) -> None:
        """Another attempt gives the parts; before the commit point, what an earlier one gave was never said."""
        self._record.begin()
        self._last, self._way = None, way
        if self.committed:
            return
        if self._commit_at_s is not None:
            self._record.held_back = True
        if self._rescue is not None:
            self._rescue.forget()
        self._head, self._held, self._held_chars, self._commit_at_s = Head(), [], 0, None
        self._taken_bytes = 0

    @property
    def is_prompt(self) -> bool:
        """Whether nothing is said for the mere reason that its time has come: then nobody need look at a clock."""
        return self._rescue is None or self._rescue.hold is None

    @property
    def held_s(self) -> float | None:
        """Seconds until what is held back must be said; None when nothing is, or it is said by its size alone."""
        if self._commit_at_s is None or self.committed:
            return None
        return max(0.0, self._commit_at_s - self._ports.clock.now())

    @property
    def can_hand_over(self) -> bool:
        """Whether another's words could follow what was said: they can, unless bytes were passed on that nobody knows
        the place in."""
        relay = self._head.relay
        if relay is None or not self._passes:
            return True
        return relay.can_hand_over and relay.passed_bytes == self._taken_bytes

    def take(self, part: Part, target: Target) -> None:
        """One part of an attempt: hold what bears no content, commit at what does, hand on the rest. Waits for nobody:
        whoever gives parts looks whether `outbox` has room. Raises `ChannelClosed` when its reader has left."""
        match part:
            case Head():
                if self._way is not None:
                    self._way.heed(part)
                self._head = self._head if self.committed else part
            case Flow():
                self._record.heard(part)
                self._flow(part, target)
            case Whole():
                self._record.heard(part)
                self._complete(target, b"", part)
            case Complete():
                self._complete(target, part.raw)
            case _:
                assert_never(part)

    def _say(self, *pieces: Piece) -> None:
        if self.noted_by:
            self._note(pieces)
        self.outbox.push(*pieces)

    async def room(self) -> None:
        """Wait until the reader has made room. Raises `Refused` when it has not by the deadline."""
        try:
            async with asyncio.timeout(max(0.0, self._deadline_s - self._ports.clock.now())):
                await self.outbox.room()
        except TimeoutError:
            raise not_read() from None

    async def pass_on(self, piece: Piece) -> None:
        """A piece of an answer that another exchange was given: its end, too, only with the word that it is complete.
        Raises as `room` and `take`."""
        if isinstance(piece, Answered):
            self._finish(answered=piece)
        elif isinstance(piece, Flow) and bool(piece.events) and type(piece.events[-1]) is Ended:
            self._last = piece
        else:
            if self.outbox.is_full:
                await self.room()
            self._say(piece)

    def _complete(self, target: Target, raw: bytes, *said: Piece) -> None:
        """What is said with the word that it is all."""
        begun = () if self.committed else self._begun(target)
        self._record.finish(target)
        self._finish(
            *begun, *said, answered=Answered(usage=self._record.total, cost_usd=self._record.cost_usd, raw=raw)
        )

    def _finish(self, *said: Piece, answered: Answered) -> None:
        ending = (*said, answered) if self._last is None else (*said, self._last, answered)
        self._note(ending)
        self.outbox.finish(*ending)
        self._record.complete = True

    def _note(self, pieces: tuple[Piece, ...]) -> None:
        for note in self.noted_by:
            for piece in pieces:
                note(piece)

    def commit(self, target: Target) -> None:
        """The commit point: from here on this target's answer is the answer. Done once."""
        if not self.committed:
            self._say(*self._begun(target))

    def _begun(self, target: Target) -> tuple[Piece, ...]:
        """What an answer begins with: who gives it, and what was held back."""
        self.committed = True
        head, record = self._head, self._record
        self._passes = head.relay is not None
        record.committed(target)
        held, self._held = self._held, []
        committed = Committed(
            target=target,
            model=record.model or target.model,
            attempts=record.requests + head.sent,
            relay=head.relay,
            shown=head.shown,
            lost=head.lost,
            cache=record.cache,
            estimated=head.estimated,
            rescued=record.held_back,
            injected=record.drilling.injected,
            standings=self.standings,
        )
        return (committed, *held)

    def _flow(self, flow: Flow, target: Target) -> None:
        way = self._way
        if way is None:
            self._taken_bytes += len(flow.raw)
        else:
            flow = Flow(events=way.taker.take(flow.events))
        if self._transcribes is not None:
            self._transcribes(flow.events)
        if bool(flow.events) and type(flow.events[-1]) is Ended:
            self._hand_over()
            self._last = flow
        elif not self.committed and self._must_hold(flow):
            self._held.append(flow)
        elif flow.events or flow.raw:
            if way is not None:
                self._hand_over()
            self._say(*(() if self.committed else self._begun(target)), flow)

    def _must_hold(self, flow: Flow) -> bool:
        """Before the commit point: whatever bears no content, and what does for as long as the route holds it."""
        bears = any(type(event) in CONTENT for event in flow.events)
        hold = self._rescue.hold if self._rescue is not None else None
        if hold is None or not (bears or self._commit_at_s is not None):
            return not bears
        now_s = self._ports.clock.now()
        self._commit_at_s = self._commit_at_s or now_s + hold.seconds
        self._held_chars += sum(len(event.text) for event in flow.events if isinstance(event, TextDelta))
        return self._held_chars < hold.tokens * CHARS_PER_TOKEN and now_s < self._commit_at_s

    def _hand_over(self) -> None:
        """Before a rescuer's first words: who goes on, and where."""
        way = self._way
        if way is None or way.announced:
            return
        way.announced = True
        self._passes = False
        self._say(Rescued(target=way.target, method=way.method, told=way.told))


def not_read() -> Refused:
    """Of a reader who made no room in time."""
    return Refused("the answer was not read in time", reason=Reason.DEADLINE)


def ends(part: Part) -> bool:
    """Whether a part ends an answer: it waits for no reader."""
    if isinstance(part, Flow):
        return bool(part.events) and type(part.events[-1]) is Ended
    return isinstance(part, Whole | Complete)
