"""How a half-sent answer is rescued: who may take it up, in which way, and what of the second telling is new.

A caller was told the beginning of an answer whose provider then failed. Another one may go on, if what it adds makes
one answer with the beginning:

- continue: it is given the text so far as the beginning of its own turn, and says only what follows;
- splice: it is asked anew, and held back as long as it repeats exactly what was said; then it goes on. At the first
  difference there is no one answer any more, and none is made up;
- hold: the beginning is kept back for a moment, so that a failure in that moment is one that nobody saw.

Half a tool call, a sealed thought, a second choice or what stands on exact places of the text (log probabilities,
citations) cannot be gone on with.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from router.canon.event import (
    CitationAdded,
    Ended,
    Event,
    Finished,
    LogprobsAdded,
    OpaqueAdded,
    ReasoningDelta,
    RefusalDelta,
    Skipped,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from router.canon.target import Target
from router.canon.usage import Usage, added
from router.errors import Reason, WireFault

CHARS_PER_TOKEN = 4
"""About how many characters of text a token is, for a hold that is named in tokens."""


class Method(StrEnum):
    """A way to rescue an answer."""

    CONTINUE = "continue"
    SPLICE = "splice"
    HOLD = "hold"


class Hold(Struct, frozen=True, kw_only=True):
    """How late an answer commits: when about so many tokens have come, or so long after the first, whichever is
    sooner."""

    tokens: int
    seconds: float


class Transcript:
    """What the reader of one stream has been told, as far as another provider could go on with it.

    `bar` is why none can; None while one could.
    """

    def __init__(self) -> None:
        self.bar: str | None = None
        self._started: Started | None = None
        self._thoughts: list[ReasoningDelta] = []
        self._texts: list[str] = []

    @property
    def text(self) -> str:
        """The words of the answer."""
        return "".join(self._texts)

    def note(self, events: tuple[Event, ...]) -> None:
        """These were told, or are about to be."""
        for event in events:
            match event:
                case TextDelta(choice=0):
                    self._texts.append(event.text)
                case ReasoningDelta(choice=0, signature=None, redacted=None):
                    self._thoughts.append(event)
                case Started():
                    self._started = self._started or event
                case UsageReported() | Skipped() | Ended():
                    continue
                case _:
                    self.bar = self.bar or _BARS.get(type(event), "it has several choices")

    def events(self) -> tuple[Event, ...]:
        """All of it, in as few events as say the same."""
        begun = () if self._started is None else (self._started,)
        said = (TextDelta(text=self.text),) if self._texts else ()
        return (*begun, *self._thoughts, *said)


_BARS: dict[type, str] = {
    ToolCallStarted: "a tool call was begun",
    ToolCallDelta: "a tool call was begun",
    ReasoningDelta: "a thought was sealed by its provider",
    RefusalDelta: "it refuses",
    CitationAdded: "a source was named",
    LogprobsAdded: "log probabilities were told",
    OpaqueAdded: "it holds what only its provider can go on with",
    Finished: "it was finished",
}


def choose_method(methods: tuple[Method, ...], *, continues: bool) -> Method | None:
    """The first of the wished ways that a target can take.

    Args:
        continues: whether it takes the text so far as the beginning of its own turn.
    """
    able = {Method.CONTINUE: continues, Method.SPLICE: True, Method.HOLD: False}
    return next((method for method in methods if able[method]), None)


def rescue_order(
    targets: tuple[Target, ...], methods: tuple[Method, ...], continues: Callable[[Target], bool]
) -> tuple[Target, ...]:
    """The targets that can take an answer up: those of the most wished way first, else in their order."""
    ways = {target: choose_method(methods, continues=continues(target)) for target in targets}
    able = [(methods.index(way), target) for target, way in ways.items() if way is not None]
    return tuple(target for _, target in sorted(able, key=lambda each: each[0]))


class Continuation:
    """A `Taker` of an answer that was given its beginning: all it says is new, but for what it may repeat.

    White space at the end of the beginning may not have been sent, so it may come once more. A provider known for it
    may say the beginning itself first.

    Args:
        said: the text so far.
        spent: what the answer's earlier attempts were counted.
    """

    def __init__(self, said: str, spent: Usage | None) -> None:
        self._said = said.rstrip()
        self._beginning = ""
        self._tail = said[len(said.rstrip()) :]
        self._spent = spent
        self._held = ""
        self._free = False

    def expect_echo(self) -> None:
        """The provider may repeat the beginning."""
        self._beginning = self._said

    def take(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """What of these the reader is told. Raises `WireFault`, DIVERGED, where the provider does not go on."""
        return _taken(events, self._spent, self._text, self._settle)

    def _text(self, text: str) -> str:
        if self._free:
            return text
        self._held += text
        if self._may_echo():
            return ""
        rest = self._held.removeprefix(self._beginning)
        if self._tail.startswith(rest):
            return ""
        self._free = True
        return rest[_agree(self._tail, rest) :]

    def _may_echo(self) -> bool:
        return len(self._held) < len(self._beginning) and self._beginning.startswith(self._held)

    def _settle(self) -> str:
        """What was held back is no repetition after all, if the answer ends in the middle of it."""
        echoed, self._free = not self._free and self._may_echo(), True
        return self._held if echoed else ""


class Splice:
    """A `Taker` of an answer that is told anew: held back as long as it repeats the beginning.

    Args:
        said: the text so far.
        spent: what the answer's earlier attempts were counted.
    """

    def __init__(self, said: str, spent: Usage | None) -> None:
        self._said = said
        self._at = 0
        self._spent = spent

    def take(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """What of these the reader is told. Raises `WireFault`, DIVERGED, at the first difference."""
        return _taken(events, self._spent, self._text, self._settle)

    def _text(self, text: str) -> str:
        expected = self._said[self._at : self._at + len(text)]
        if not text.startswith(expected):
            raise WireFault(Reason.DIVERGED, "asked anew, it says something else")
        self._at += len(expected)
        return text[len(expected) :]

    def _settle(self) -> str:
        if self._at < len(self._said):
            raise WireFault(Reason.DIVERGED, "asked anew, it says less")
        return ""


def _agree(one: str, other: str) -> int:
    """How many characters both begin with."""
    differing = (place for place, (left, right) in enumerate(zip(one, other, strict=False)) if left != right)
    return next(differing, min(len(one), len(other)))


Taker = Continuation | Splice
"""What is between a provider that takes an answer up and the reader."""


_LEFT_OUT = (Started, ReasoningDelta, LogprobsAdded)
"""Of a second telling: its beginning, its thoughts (the reader was shown others), and numbers of its own words."""


def _taken(
    events: tuple[Event, ...], spent: Usage | None, text: Callable[[str], str], settle: Callable[[], str]
) -> tuple[Event, ...]:
    """Text through `text`, counts added up, its beginning and its thoughts left out; all else needs `settle` first."""
    kept: list[Event] = []
    for event in events:
        match event:
            case TextDelta():
                if said := text(event.text):
                    kept.append(replace(event, text=said))
            case UsageReported():
                kept.append(UsageReported(usage=added(spent, event.usage)))
            case RefusalDelta():
                raise WireFault(Reason.DIVERGED, "it refuses to go on")
            case _ if not isinstance(event, _LEFT_OUT):
                kept += [TextDelta(text=said)] if not isinstance(event, Skipped) and (said := settle()) else []
                kept.append(event)
    return tuple(kept)
