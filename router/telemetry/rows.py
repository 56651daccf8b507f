"""The request log: one row for an attempt, one for an exchange, as operators read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import StrEnum
from itertools import islice

from msgspec import Struct

from router.canon.outcome import End
from router.errors import Reason
from router.telemetry.facts import AttemptFact, ExchangeFact, billed_provider

TEXT_MAX = 128


class RowKind(StrEnum):
    """What a row is about."""

    EXCHANGE = "exchange"
    ATTEMPT = "attempt"


class LogRow(Struct, frozen=True, kw_only=True):
    """One row. What a provider said in words is not in it: it may quote the prompt.

    Args:
        seq: its place in the log: rises from 1, and begins anew with the log.
        at: when it ended, epoch seconds.
        provider: of an attempt its own; of an exchange the one that answered or was tried last, None when none was.
        model: of an attempt the configured name; of an exchange what the caller asked for.
        number: of an attempt 1 for the first of its exchange; of an exchange how many tries failed.
        cost_usd: of an exchange; None when nobody knows.
        credential: of an attempt the name of the provider's key that it went by.
        key: of an exchange the id of the client key that asked; "" where none did.
    """

    seq: int = 0
    kind: RowKind
    at: float
    request_id: str
    trace_id: str
    provider: str | None
    model: str
    end: End
    reason: Reason | None
    status: int | None
    number: int
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Decimal | None
    first_token_s: float | None
    duration_s: float
    credential: str = ""
    key: str = ""


class RowFilter(Struct, frozen=True, kw_only=True):
    """Which rows are wanted; None leaves a field open.

    Args:
        before: the `seq` to go on from; rows come newest first.
        since_at: ended at or after it, epoch seconds.
    """

    limit: int = 100
    before: int | None = None
    kind: RowKind | None = None
    provider: str | None = None
    model: str | None = None
    end: End | None = None
    reason: Reason | None = None
    credential: str | None = None
    key: str | None = None
    since_at: float | None = None


_EQUAL = ("kind", "provider", "model", "end", "reason", "credential", "key")


def attempt_row(fact: AttemptFact, clean: Callable[[str], str] = str) -> LogRow:
    """The row of one attempt."""
    return LogRow(
        kind=RowKind.ATTEMPT,
        at=fact.started_at + fact.duration_s,
        request_id=clean(fact.exchange[:TEXT_MAX]),
        trace_id=fact.trace_id,
        provider=clean(fact.provider),
        model=clean(fact.model[:TEXT_MAX]),
        end=fact.end,
        reason=fact.reason,
        status=fact.status,
        number=fact.number,
        input_tokens=fact.usage.input_total if fact.usage else None,
        output_tokens=fact.usage.output_total if fact.usage else None,
        cost_usd=None,
        first_token_s=fact.first_token_s,
        duration_s=fact.duration_s,
        credential=clean(fact.key),
    )


def exchange_row(fact: ExchangeFact, clean: Callable[[str], str] = str) -> LogRow:
    """The row of one exchange."""
    return LogRow(
        kind=RowKind.EXCHANGE,
        at=fact.started_at + fact.duration_s,
        request_id=clean(fact.exchange[:TEXT_MAX]),
        trace_id=fact.trace_id,
        provider=clean(billed_provider(fact) or "") or None,
        model=clean(fact.model[:TEXT_MAX]),
        end=fact.end,
        reason=fact.reason,
        status=None,
        number=len(fact.attempts),
        input_tokens=fact.usage.input_total if fact.usage else None,
        output_tokens=fact.usage.output_total if fact.usage else None,
        cost_usd=fact.cost_usd,
        first_token_s=fact.first_token_s,
        duration_s=fact.duration_s,
        key=fact.client,
    )


def pick_rows(newest_first: Iterable[LogRow], wanted: RowFilter) -> tuple[LogRow, ...]:
    """The first of those that fit."""
    asked = [(name, want) for name in _EQUAL if (want := getattr(wanted, name)) is not None]
    fitting = (
        row
        for row in newest_first
        if (wanted.before is None or row.seq < wanted.before)
        and (wanted.since_at is None or row.at >= wanted.since_at)
        and all(getattr(row, name) == want for name, want in asked)
    )
    return tuple(islice(fitting, max(wanted.limit, 0)))
