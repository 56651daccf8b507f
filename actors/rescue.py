"""The rescue of one exchange's half-sent answer: what its reader was told, and who may go on from there, and how."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from actors.messages import Head, PrefixRefused, Unsent
from actors.runtime import Ref
from router.canon.event import Event
from router.canon.target import Target
from router.canon.usage import Usage
from router.errors import Reason, WireFault
from router.policy.course import Course
from router.policy.rescue import (
    Continuation,
    Hold,
    Method,
    Splice,
    Taker,
    Transcript,
    choose_method,
    rescue_order,
)
from router.policy.retry import Route
from router.wire.dialect import Ask


class Bridge:
    """One attempt at a rescue.

    Args:
        beginning: what its target is given to go on from; None where it is asked anew.
        taker: what is between its target and the reader.
        told: what the reader had been told when it was asked.
    """

    def __init__(
        self, *, target: Target, method: Method, beginning: str | None, taker: Taker, told: tuple[Event, ...]
    ) -> None:
        self.target = target
        self.method = method
        self.beginning = beginning
        self.taker = taker
        self.told = told
        self.announced = False

    def heed(self, head: Head) -> None:
        """What the attempt says of itself before its first words."""
        if head.echoes and isinstance(self.taker, Continuation):
            self.taker.expect_echo()


class Rescue:
    """Filled by the exchange's telling, asked when an attempt fails after the commit point.

    `cause` is the failure that broke the answer off: where nobody could go on, that is what the reader is told.

    Args:
        continues: whether a target goes on with the beginning of an answer.
        capability: told of a target that does not after all.
    """

    def __init__(self, course: Course, ask: Ask, continues: Callable[[Target], bool], capability: Ref) -> None:
        holds = ask.stream and Method.HOLD in course.resume
        self.hold: Hold | None = course.hold if holds else None
        self.cause: tuple[Target, WireFault] | None = None
        self._methods = course.resume
        self._continues = continues
        self._capability = capability
        self._unwilling: dict[Target, None] = {}
        able = ask.stream and ask.choices == 1 and {Method.CONTINUE, Method.SPLICE}.intersection(course.resume)
        self._transcript = Transcript() if able else None

    @property
    def transcribes(self) -> bool:
        """Whether what is told must be known, so that another can go on with it."""
        return self._transcript is not None

    def note(self, events: tuple[Event, ...]) -> None:
        """These are told to the reader, now or as soon as the answer commits."""
        if self._transcript is not None:
            self._transcript.note(events)

    def forget(self) -> None:
        """What was noted was never told: the next attempt begins anew."""
        if self._transcript is not None:
            self._transcript = Transcript()

    def broke_off(self, target: Target, fault: WireFault) -> None:
        """An attempt failed after the commit point. The first to do so is the cause of whatever follows."""
        self.cause = self.cause or (target, fault)

    def cause_of_end(self) -> tuple[Target, WireFault]:
        """Who broke the answer off, and why: what the reader is told when nobody went on."""
        assert self.cause is not None
        return self.cause

    def route(self, route: Route, *, can_hand_over: bool) -> Route | None:
        """The targets that may go on, the most wished way first. None: nobody may, or nobody could."""
        transcript = self._transcript
        if transcript is None or transcript.bar is not None or not can_hand_over:
            return None
        targets = route.targets if route.fallback else route.targets[:1]
        able = rescue_order(targets, self._methods, self._goes_on)
        return replace(route, targets=able, fallback=True) if able else None

    def way(self, target: Target, spent: Usage | None) -> Bridge | None:
        """How `target`, one of those in `route`, is asked to go on. None: it is not after all, since it was learned
        meanwhile that it goes on with no beginning."""
        transcript = self._transcript
        assert transcript is not None
        text = transcript.text
        method = choose_method(self._methods, continues=self._goes_on(target))
        if method is None:
            return None
        continues = method is Method.CONTINUE
        return Bridge(
            target=target,
            method=method,
            beginning=text if continues else None,
            taker=Continuation(text, spent) if continues else Splice(text, spent),
            told=transcript.events(),
        )

    def refused(self, way: Bridge, fault: WireFault) -> bool:
        """Whether a target did not take the beginning of an answer; it is given none again, here or elsewhere."""
        if way.beginning is None or fault.reason is not Reason.REJECTED:
            return False
        self._unwilling[way.target] = None
        if not isinstance(fault, Unsent):
            self._capability.tell(PrefixRefused(target=way.target))
        return True

    def _goes_on(self, target: Target) -> bool:
        transcript = self._transcript
        said = transcript is not None and bool(transcript.text.strip())
        return said and target not in self._unwilling and self._continues(target)


def outcome_of(fault: WireFault | None, *, refused: bool) -> str:
    """How an attempt at a rescue ended, in one word."""
    if fault is None:
        return "completed"
    if refused:
        return "refused"
    return "diverged" if fault.reason is Reason.DIVERGED else "failed"
