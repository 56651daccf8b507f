"""What Telemetry is told and asked."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from router.canon.drill import Drill
from router.canon.operation import Operation
from router.canon.outcome import End, UsageSource
from router.canon.usage import Usage
from router.errors import AttemptNote, Reason
from router.policy.lanes import ONLY
from router.telemetry.rows import LogRow, RowFilter


class AttemptEnded(Struct, frozen=True, kw_only=True):
    """One attempt, as Telemetry sees it. Durations in seconds from its start; None where that moment never came.

    `skipped` events of its stream could not be read and were left out; `key` is the name of the key it went by; `drill`
    is the fault that was injected into it.
    """

    exchange: str
    attempt: str
    trace_id: str
    number: int
    provider: str
    model: str
    end: End
    reason: Reason | None
    status: int | None
    message: str | None
    usage: Usage | None
    usage_source: UsageSource
    started_at: float
    first_byte_s: float | None
    first_token_s: float | None
    duration_s: float
    skipped: int = 0
    operation: Operation = Operation.CHAT
    key: str = ONLY
    drill: Drill | None = None


class BudgetReached(Struct, frozen=True, kw_only=True):
    """Fact for Telemetry: so many percent of a budget are spent; `purse` is whose, where it is one of many."""

    budget: str
    purse: str
    share: int


class Saved(Struct, frozen=True, kw_only=True):
    """What an answer out of the cache cost the first time, which now is spared; None where nobody knows."""

    usd: Decimal | None
    tokens: int | None


class ExchangeEnded(Struct, frozen=True, kw_only=True):
    """One exchange, as Telemetry sees it: the one Struct a request emits. `skipped` is of the answer its caller got;
    `strategy` is what ordered the targets that were asked, None when none was; `rescues` are (method, outcome) of each
    attempt to go on with it; `injected` the faults its attempts were given on request; `cache` is how it met the cache,
    None where that is off, and `saved` what a hit spared; `costs` what each provider is owed, where several told one
    answer."""

    exchange: str
    trace_id: str
    parent_span_id: str | None
    dialect: str
    model: str
    target: str | None
    streamed: bool
    end: End
    reason: Reason | None
    attempts: tuple[AttemptNote, ...]
    usage: Usage | None
    cost_usd: Decimal | None
    started_at: float
    first_token_s: float | None
    duration_s: float
    skipped: int = 0
    operation: Operation = Operation.CHAT
    strategy: str | None = None
    rescues: tuple[tuple[str, str], ...] = ()
    hedge: str | None = None
    client: str = ""
    injected: tuple[str, ...] = ()
    cache: str | None = None
    saved: Saved | None = None
    costs: tuple[tuple[str, Decimal | None], ...] = ()


class ReadLog(Struct, frozen=True, kw_only=True):
    """Ask Telemetry for the last rows of the request log. Answer: `LogPage`."""

    wanted: RowFilter = RowFilter()


class LogPage(Struct, frozen=True, kw_only=True):
    """Rows, newest first; the newest fact told before the ask is in it."""

    rows: tuple[LogRow, ...]


class ResetMetrics(Struct, frozen=True, kw_only=True):
    """Ask Telemetry to start every count and histogram anew. Answer: `MetricsReset`. Health windows and gauges stay."""


class MetricsReset(Struct, frozen=True, kw_only=True):
    """Counts are 0."""


class RetryTurnedDown(Struct, frozen=True, kw_only=True):
    """Fact for Telemetry: the retry budget did not allow one more try."""

    provider: str


class RequestShared(Struct, frozen=True, kw_only=True):
    """Fact for Telemetry: a request was answered out of another one's exchange; `how` is joined or replayed."""

    dialect: str
    how: str


class SupervisorReported(Struct, frozen=True, kw_only=True):
    """Fact for Telemetry: the runtime's `Report`, with the error already reduced to what may be logged.

    Args:
        context: the report's, as text.
        actor: path of the actor that ended, or of the owner of the job that crashed.
        offender: path of the child, or name of the job: perhaps a request's id, so never a label.
        error: class name of the error; None when there was none.
        frames: where it was raised, outermost first, `file:line function`. Its words are left out: they may quote
            content.
        repeats: crashes in a row on that type of message.
    """

    context: str
    actor: str
    offender: str
    error: str | None
    frames: tuple[str, ...]
    message_type: str | None
    repeats: int


class ModelsSurveyed(Struct, frozen=True, kw_only=True):
    """Fact for Telemetry: a provider was asked which models it has. `found` is None where it did not tell, `why` then
    says why; what was known before stays."""

    provider: str
    found: int | None
    why: str | None = None
