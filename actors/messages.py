"""Every message of the tree. An imperative goes to one actor and names its answers; a fact is past tense and is told.

Times called `_s` that are points (deadlines) are seconds of `Ports.clock`, monotonic; `at` is epoch seconds.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from actors.runtime import Channel, Job
from router.canon.event import Event
from router.canon.outcome import End, UsageSource
from router.canon.reply import Reply
from router.canon.target import Target, Timeouts
from router.canon.usage import Usage
from router.errors import AttemptNote, GatewayError, Reason, WireFault
from router.telemetry.rows import LogRow
from router.wire.dialect import Ask, Requirements


# ---- limits


class Admit(Struct, frozen=True, kw_only=True):
    """Ask Limits to let an exchange in. Answer: `Admitted` or `Limited`. Given back when `job` ends, whatever its end."""

    exchange: str
    job: Job
    deadline_s: float


class Admitted(Struct, frozen=True, kw_only=True):
    """The exchange is in."""


class Turned(Struct, frozen=True, kw_only=True):
    """The exchange is not let in; nothing was taken. Come back after `retry_after_s`."""

    retry_after_s: float
    why: str


# ---- groups


class Plan(Struct, frozen=True, kw_only=True):
    """Ask a group for the order of its targets. Answer: `Planned`."""

    requirements: Requirements


class Planned(Struct, frozen=True, kw_only=True):
    """Targets in the order to try them. The same target may be tried again where the retry verdict says so."""

    targets: tuple[Target, ...]
    max_attempts: int


# ---- pace


class Acquire(Struct, frozen=True, kw_only=True):
    """Ask Pace for a slot. Answer: `Acquired`, or `Busy`. The slot is given back when `job` ends, whatever its end."""

    job: Job
    deadline_s: float


class Acquired(Struct, frozen=True, kw_only=True):
    """A slot is held by the job that asked."""


class Busy(Struct, frozen=True, kw_only=True):
    """No slot: the queue is full, the wait would outlast the deadline, or the provider asked us to wait."""

    retry_after_s: float


class CooledDown(Struct, frozen=True, kw_only=True):
    """Fact for Pace: the provider asked for quiet until `until_s` (a 429's Retry-After). The later of two wins."""

    until_s: float


# ---- breaker


class Knock(Struct, frozen=True, kw_only=True):
    """Ask the Breaker whether an attempt may go. Answer: `LetThrough` or `Open`. A probe is given back when `job` ends."""

    job: Job
    model: str


class LetThrough(Struct, frozen=True, kw_only=True):
    """Go. `epoch` comes back with the outcome: a result of an older state moves nothing."""

    epoch: int
    probe: bool


class Open(Struct, frozen=True, kw_only=True):
    """Do not go before `retry_after_s`."""

    retry_after_s: float


class AttemptJudged(Struct, frozen=True, kw_only=True):
    """Fact for the Breaker: how an attempt it let through ended. `reason` None is a success."""

    job: Job
    model: str
    epoch: int
    reason: Reason | None
    retry_after_s: float | None
    duration_s: float


class BreakerState(Struct, frozen=True, kw_only=True):
    """What a breaker publishes: closed, open or half_open; `retry_at_s` when open."""

    state: str
    retry_at_s: float | None = None
    failures: int = 0
    successes: int = 0


class BreakerChanged(Struct, frozen=True, kw_only=True):
    """Fact for Telemetry: a breaker went from one state to another."""

    provider: str
    model: str
    before: str
    after: str
    why: str
    at: float


# ---- retry


class SpendRetry(Struct, frozen=True, kw_only=True):
    """Ask Retry whether one more try is within budget. Answer: `RetryGranted` or `RetryDenied`."""

    provider: str


class RetryGranted(Struct, frozen=True, kw_only=True):
    """Go on."""


class RetryDenied(Struct, frozen=True, kw_only=True):
    """The budget is spent: end here and tell the caller not to try again at once."""


class AttemptCounted(Struct, frozen=True, kw_only=True):
    """Fact for Retry: a first try went out to a provider; it earns its share of retries."""

    provider: str


# ---- provider


class Order(Struct, frozen=True, kw_only=True):
    """What one attempt is to do.

    Args:
        exchange: id of the exchange it belongs to.
        attempt: its own id.
        job: the exchange's job; the attempt ends with it.
        number: 1 for the first attempt of the exchange.
        ask: the caller's request, in dialect `spoken`.
        spoken: name of the caller's dialect; equal to the target's means bytes pass through.
        target: where to.
        timeouts_scale: None, or overrides of the provider's clocks.
        deadline_s: end of the exchange.
    """

    exchange: str
    attempt: str
    job: Job
    number: int
    ask: Ask
    spoken: str
    target: Target
    deadline_s: float
    trace_id: str
    timeouts: Timeouts | None = None


class StartAttempt(Struct, frozen=True, kw_only=True):
    """Ask a Provider to start an attempt. Answer: `Started`, or `Missing` when it does not have the model."""

    order: Order


class AttemptStarted(Struct, frozen=True, kw_only=True):
    """The attempt runs as `job` in the provider's own task group and answers on `feed`."""

    job: Job
    feed: Channel[Part]


class ModelMissing(Struct, frozen=True, kw_only=True):
    """The provider does not serve that model."""


class Head(Struct, frozen=True, kw_only=True):
    """First on a feed: the provider answered well. Commits nothing.

    `shown` are the provider's headers that a caller may see; `lost` names what translation could not say.
    """

    passthrough: bool
    shown: tuple[tuple[str, str], ...] = ()
    lost: tuple[str, ...] = ()


class Flow(Struct, frozen=True, kw_only=True):
    """On a feed, streamed: events in order, and, when passing through, the bytes to hand on instead of encoding them."""

    events: tuple[Event, ...]
    raw: bytes = b""


class Whole(Struct, frozen=True, kw_only=True):
    """On a feed, not streamed: the whole answer, and its bytes when passing through."""

    reply: Reply
    raw: bytes = b""


class Failed(Struct, frozen=True, kw_only=True):
    """Last on a feed: the attempt failed."""

    fault: WireFault


class Complete(Struct, frozen=True, kw_only=True):
    """Last on a feed: the provider's own terminal event was seen."""

    raw: bytes = b""


Part = Head | Flow | Whole | Failed | Complete


# ---- ledger and telemetry


class EntryOpened(Struct, frozen=True, kw_only=True):
    """Fact for the Ledger: an attempt is about to go out."""

    attempt: str
    exchange: str
    number: int
    provider: str
    model: str
    at: float


class EntryClosed(Struct, frozen=True, kw_only=True):
    """Fact for the Ledger: an attempt ended. Exactly one for each `EntryOpened`."""

    attempt: str
    exchange: str
    provider: str
    model: str
    end: End
    reason: Reason | None
    usage: Usage | None
    usage_source: UsageSource
    at: float


class AttemptEnded(Struct, frozen=True, kw_only=True):
    """One attempt, as Telemetry sees it. Durations in seconds from its start; None where that moment never came."""

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


class ExchangeEnded(Struct, frozen=True, kw_only=True):
    """One exchange, as Telemetry sees it: the one Struct a request emits."""

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


# ---- the exchange, as its reader sees it


class Call(Struct, frozen=True, kw_only=True):
    """What a front or an embedding program hands over.

    Args:
        ask: the request, parsed just enough.
        dialect: name of the dialect it came in.
        request_id: the id the caller will see; also the exchange's id.
        trace_id: 32 hex digits, from the caller's traceparent or ours.
        parent_span_id: 16 hex digits from the caller's traceparent, or None.
    """

    ask: Ask
    dialect: str
    request_id: str
    trace_id: str
    parent_span_id: str | None = None


class Committed(Struct, frozen=True, kw_only=True):
    """First on an exchange's outbox: an answer has begun and will not be replaced. What the headers say."""

    target: Target
    model: str
    attempts: int
    passthrough: bool
    shown: tuple[tuple[str, str], ...]
    lost: tuple[str, ...]


class Answered(Struct, frozen=True, kw_only=True):
    """Last on an exchange's outbox: complete, with what it cost (None: nobody knows)."""

    usage: Usage | None
    cost_usd: Decimal | None
    raw: bytes = b""


class Broken(Struct, frozen=True, kw_only=True):
    """Last on an exchange's outbox: it ends here, unfinished. Before `Committed` it is the whole answer."""

    error: GatewayError


Piece = Committed | Flow | Whole | Answered | Broken


# ---- telemetry's own


class ReadLog(Struct, frozen=True, kw_only=True):
    """Ask Telemetry for the last rows of the request log, of one provider or of all. Answer: `LogPage`."""

    limit: int = 100
    provider: str | None = None


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


class ConfigLoaded(Struct, frozen=True, kw_only=True):
    """Fact for Telemetry: this version of the configuration serves new exchanges from now on."""

    version: str
    source: str


class ProviderRemoved(Struct, frozen=True, kw_only=True):
    """Fact for Telemetry: a provider is gone on purpose; its series and its score go too."""

    provider: str


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
