"""What was seen of one world, from outside the router, and its digest: the same seed must give the same one."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from actors.messages import (
    AnswerRepeated,
    BreakerChanged,
    EntryClosed,
    EntryOpened,
    ExchangeEnded,
    ProviderRemoved,
    ProviderReplaced,
)
from actors.runtime import ActorSystem, Report
from router.errors import Reason
from tests.simulation.answers import Meaning

Keys = dict[str, Any]
"""The configuration of one provider."""


class Told:
    """One request as its provider saw it, and what it said to that.

    `meaning` is all that a whole answer holds; `whole` is whether the last word of it is among what is said;
    `lasts_s` is how long it pauses.
    """

    def __init__(self, *, exchange: str, provider: str, meaning: Meaning, at_s: float) -> None:
        self.exchange = exchange
        self.provider = provider
        self.meaning = meaning
        self.at_s = at_s
        self.whole = False
        self.fault = ""
        self.lasts_s = 0.0
        self.keys: Keys = {}
        """What its provider's actors were configured with."""
        self.begun = ""
        """What of an answer it was given to go on from."""

    def line(self, heard: str) -> str:
        """All of the text that who heard this may hear, what others had said before included.

        White space at the end of a beginning is not sent to every provider; its reader was told it all the same.
        """
        rest = heard[len(self.begun) :]
        blanks = rest[: len(rest) - len(rest.lstrip())] if self.begun and self.begun == self.begun.rstrip() else ""
        return self.begun + blanks + self.meaning.text.removeprefix(blanks)


class Heard:
    """One call as its caller saw it.

    Args:
        most: requests that may leave for it.
        deadline_s: how long it may take; readers that dawdle stretch that.
    """

    def __init__(self, exchange: str, *, model: str, streamed: bool) -> None:
        self.exchange = exchange
        self.model = model
        self.streamed = streamed
        self.most = 0
        self.deadline_s = 0.0
        self.dawdled = False
        self.patient = False
        self.ends: list[str] = []
        self.reason: Reason | None = None
        self.provider: str | None = None
        self.cost_usd: Any = None
        self.text = self.thought = self.calls = ""
        self.ended_well = False
        self.rescued = False
        self.key = ""
        """Its idempotency key; "" without one."""
        self.named = exchange
        """What the router calls its exchange, as far as it was told."""
        self.asked = exchange
        """The exchange in whose words it asks."""
        self.question: tuple[object, ...] = ()
        """Dialect, words and tenant: who has the same asks the same."""
        self.may_keep = True
        """Whether its client key lets answers be kept; under an idempotency key too."""
        self.transcribed = False
        """Whether its words are to be kept."""
        self.repeats = False
        """Whether it was told another one's answer out of the cache, or beside that one."""
        self.how: str | None = None
        """In which way another one's answer is its own."""
        self.life = 0
        """Which tree it called."""
        self.since_s = self.until_s = 0.0
        """From its call to the end of its reading."""
        self.config = ""
        """Version of the configuration that was in force when it came; "" of a call that nobody took."""
        self.bytes = b""
        self.unsound = ""

    @property
    def end(self) -> str:
        """answered, failed, left, turned (no exchange was opened), or what should never be."""
        return self.ends[0] if len(self.ends) == 1 else "+".join(self.ends) or "nothing"


class Story:
    """Everything that was seen, in order, and a digest of it with the virtual time of each."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self._digest = hashlib.blake2b(digest_size=16)
        self.told: list[Told] = []
        self.heard: list[Heard] = []
        self.opened: list[EntryOpened] = []
        self.closed: list[EntryClosed] = []
        self.ended: list[ExchangeEnded] = []
        self.ends: Counter[str] = Counter()
        """How often each exchange ended, by the router's own name of it; on the wire alone."""
        self.own: list[ExchangeEnded] = []
        """As `ended`, each under the router's own name, as `repeated` is."""
        self.repeated: list[AnswerRepeated] = []
        self.circuits: list[tuple[float, BreakerChanged | EntryOpened]] = []
        """When circuits changed and requests left, in order."""
        self.crashes: list[tuple[str, str, str]] = []
        self.fallen: list[str] = []
        """Who did not end by its own will, crashed or killed."""
        self.crowded: list[str] = []
        self.begun: dict[str, str] = {}
        """By idempotency key the exchange that began under it last."""
        self.renewed: list[str] = []
        """Providers that another configuration replaced or removed."""
        self.closed_s: dict[str, float] = {}
        self.ended_s: dict[str, float] = {}

    @property
    def digest(self) -> str:
        """Of all that was noted so far."""
        return self._digest.hexdigest()

    def note(self, *words: object, raw: bytes = b"") -> None:
        """Put into the digest what happened now. Only values whose `repr` is the same in every process; `raw` as it is,
        which costs less."""
        self._digest.update(repr((self.now(), *words)).encode())
        self._digest.update(raw)

    def overhear(self, message: object, own: ExchangeEnded | None = None) -> None:
        """A fact that was told to the ledger or to telemetry; `own` as it was told, where it is kept otherwise."""
        match message:
            case EntryOpened():
                self.opened.append(message)
                self.circuits.append((self.now(), message))
                self.note("opened", message.attempt, message.provider)
            case EntryClosed():
                self.closed.append(message)
                self.closed_s[message.attempt] = self.now()
                self.note("closed", message.attempt, str(message.reason), repr(message.usage))
            case AnswerRepeated():
                self.repeated.append(message)
                self.note("repeated", message.exchange, message.provider)
            case ProviderReplaced() | ProviderRemoved():
                self.renewed.append(message.provider)
            case BreakerChanged():
                self.circuits.append((self.now(), message))
            case ExchangeEnded():
                self.ended.append(message)
                self.own.append(own or message)
                self.ended_s[message.exchange] = self.now()
                self.note("ended", message.exchange, str(message.reason), str(message.cost_usd))

    def rename(self, before: str, after: str) -> None:
        """Whoever ended under a name that was made up turns out to be this one."""
        if before in self.ended_s:
            self.ended = [replace(fact, exchange=after) if fact.exchange == before else fact for fact in self.ended]
            self.ended_s[after] = max(self.ended_s.pop(before), self.ended_s.get(after, 0.0))

    def report(self, report: Report) -> None:
        """What a supervisor reports: kept as words, since an error must not live longer than its report."""
        self.fallen.append(report.offender)
        error = getattr(report.reason, "error", None)
        if error is not None:
            self.crashes.append((report.offender, type(error).__name__, str(error)))
            self.note("crash", report.offender, type(error).__name__)


def watch_reports(system: ActorSystem, told: Callable[[Report], None]) -> None:
    """Have `told` called with every report too."""
    before = system._on_report

    def both(report: Report) -> None:
        told(report)
        before(report)

    system._on_report = both
