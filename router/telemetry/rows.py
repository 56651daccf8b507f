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
        at: when it ended, epoch seconds.
        provider: of an attempt its own; of an exchange the one that answered or was tried last, None when none was.
        model: of an attempt the configured name; of an exchange what the caller asked for.
        number: of an attempt 1 for the first of its exchange; of an exchange how many tries failed.
        cost_usd: of an exchange; None when nobody knows.
    """

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
    )


def pick_rows(newest_first: Iterable[LogRow], limit: int, provider: str | None) -> tuple[LogRow, ...]:
    """The first `limit` rows, of one provider or of all."""
    wanted = (row for row in newest_first if provider is None or row.provider == provider)
    return tuple(islice(wanted, max(limit, 0)))
