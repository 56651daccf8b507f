"""The shape of the facts this room reads. The tree's messages `AttemptEnded` and `ExchangeEnded` have it; importing
them here would turn an arrow around."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from router.canon.drill import Drill
from router.canon.operation import Operation
from router.canon.outcome import End, UsageSource
from router.canon.usage import Usage
from router.errors import AttemptNote, Reason


class Ended(Protocol):
    """What an attempt and an exchange have in common. `started_at` is epoch seconds, `skipped` counts events."""

    @property
    def exchange(self) -> str: ...
    @property
    def trace_id(self) -> str: ...
    @property
    def operation(self) -> Operation: ...
    @property
    def end(self) -> End: ...
    @property
    def reason(self) -> Reason | None: ...
    @property
    def usage(self) -> Usage | None: ...
    @property
    def started_at(self) -> float: ...
    @property
    def first_token_s(self) -> float | None: ...
    @property
    def duration_s(self) -> float: ...
    @property
    def skipped(self) -> int: ...


class AttemptFact(Ended, Protocol):
    """One try on one target. `model` is the configured model name."""

    @property
    def attempt(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def provider(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def status(self) -> int | None: ...
    @property
    def usage_source(self) -> UsageSource: ...
    @property
    def key(self) -> str: ...
    @property
    def drill(self) -> Drill | None: ...


class SavedFact(Protocol):
    """What an answer out of the cache spared; None where nobody knows."""

    @property
    def usd(self) -> Decimal | None: ...
    @property
    def tokens(self) -> int | None: ...


class ExchangeFact(Ended, Protocol):
    """One client call.

    `model` is what the caller wrote: fit for a span or a line once cut and scrubbed, never for a label.
    """

    @property
    def parent_span_id(self) -> str | None: ...
    @property
    def dialect(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def target(self) -> str | None: ...
    @property
    def streamed(self) -> bool: ...
    @property
    def attempts(self) -> tuple[AttemptNote, ...]: ...
    @property
    def cost_usd(self) -> Decimal | None: ...
    @property
    def strategy(self) -> str | None: ...
    @property
    def rescues(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def hedge(self) -> str | None: ...
    @property
    def client(self) -> str: ...
    @property
    def injected(self) -> tuple[str, ...]: ...
    @property
    def cache(self) -> str | None: ...
    @property
    def saved(self) -> SavedFact | None: ...
    @property
    def costs(self) -> tuple[tuple[str, Decimal | None], ...]: ...


def first_target(fact: ExchangeFact) -> str | None:
    """The target that was asked first; None when none was."""
    return fact.attempts[0].target if fact.attempts else fact.target


def billed_provider(fact: ExchangeFact) -> str | None:
    """The provider an exchange's cost belongs to: the one that answered, else the last one tried, else None."""
    last = fact.attempts[-1].target if fact.attempts else None
    target = fact.target or last
    return target.partition(":")[0] if target else None
