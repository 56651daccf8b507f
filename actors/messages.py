"""Every message of the tree. An imperative goes to one actor and names its answers; a fact is past tense and is told.

Times called `_s` that are points (deadlines) are seconds of `Ports.clock`, monotonic; `at` is epoch seconds.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from msgspec import Raw, Struct

from actors.runtime import Channel, Job, Shutdown
from router.canon.event import Event
from router.canon.outcome import End, UsageSource
from router.canon.reply import Reply
from router.canon.target import Target, Timeouts
from router.canon.usage import Usage
from router.errors import AttemptNote, Reason
from router.store.journal import EntryRow, ProviderTotal
from router.telemetry.rows import LogRow
from router.wire.dialect import Ask, Requirements

# ---- config


class ReadConfig(Struct, frozen=True, kw_only=True):
    """Ask Config what is in force. Answer: `ConfigView`."""


class ConfigView(Struct, frozen=True, kw_only=True):
    """A configuration in force. `version` is a hash of its content; `public` is all of it as JSON, secrets as `***`."""

    version: str
    source: str
    public: Raw


# ---- limits


class Admit(Struct, frozen=True, kw_only=True):
    """Ask Limits to let an exchange in. Answer: `Admitted` or `Turned`. Given back when `job` ends, whatever its
    end."""

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
    """Ask the Breaker whether an attempt may go. Answer: `LetThrough` or `Open`. A probe is given back when `job`
    ends."""

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
        deadline_s: end of the exchange.
        timeouts: overrides of the provider's clocks, or None.
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
    """Ask a Provider to start an attempt. Answer: `AttemptStarted`, or `ModelMissing` when it does not have the
    model."""

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
    """On a feed, streamed: events in order, and, when passing through, the bytes to hand on instead of encoding
    them."""

    events: tuple[Event, ...]
    raw: bytes = b""


class Whole(Struct, frozen=True, kw_only=True):
    """On a feed, not streamed: the whole answer, and its bytes when passing through."""

    reply: Reply
    raw: bytes = b""


class Complete(Struct, frozen=True, kw_only=True):
    """Last on a feed: the provider's own terminal event was seen."""

    raw: bytes = b""


Part = Head | Flow | Whole | Complete
"""What a feed carries. A failed attempt ends its feed with its `WireFault`; a feed that ends without either crashed."""


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


Piece = Committed | Flow | Whole | Answered
"""What an outbox carries. An exchange that cannot answer ends its outbox with a `GatewayError`, before or after
`Committed`."""


class Opened(Struct, frozen=True, kw_only=True):
    """An exchange under way. Whoever opened it must `leave` it in the end; its exit gives back all it holds."""

    job: Job
    outbox: Channel[Piece]

    def leave(self) -> None:
        """Read no more. An exchange that is not done ends as the caller's leaving, and its upstream call with it."""
        self.outbox.leave()
        self.job.stop(Shutdown(Reason.CLIENT_GONE.value))


class ModelCard(Struct, frozen=True, kw_only=True):
    """A name a caller may ask for. `targets` are what stands behind it, in their configured order."""

    id: str
    owner: str
    targets: tuple[str, ...]
    context_window: int | None = None


class ProviderReport(Struct, frozen=True, kw_only=True):
    """How one provider is: `circuit_state` is the worst of its models' breakers, `health_score` from 0 to 1."""

    healthy: bool
    circuit_state: str
    health_score: float
    success_rate: float
    requests: int
    models: tuple[str, ...]
    last_error: str | None = None


class HealthReport(Struct, frozen=True, kw_only=True):
    """How the whole is. `status`: healthy, degraded (some providers are not), unhealthy (none is), draining."""

    status: str
    providers: dict[str, ProviderReport]
    total_requests: int
    success_rate: float
    avg_response_time_ms: float
    in_flight: int
    config_version: str
    uptime_s: float
    ledger_degraded: bool
    actors: dict[str, bool]


class Desk(Protocol):
    """Where requests are handed in, by the HTTP front and by embedding programs alike. Everything but `open` reads
    snapshots."""

    def open(self, call: Call) -> Opened:
        """Start an exchange. Raises `Unavailable` while draining or while the front is being restarted."""
        ...

    def new_id(self, prefix: str) -> str:
        """A fresh id."""
        ...

    def trace_id(self) -> str:
        """A fresh trace id, 32 hex digits."""
        ...

    @property
    def ready(self) -> bool:
        """Whether new work is taken: false from the first moment of a shutdown."""
        ...

    def models(self) -> tuple[ModelCard, ...]:
        """Every name a caller may ask for."""
        ...

    def health(self) -> HealthReport:
        """How everything is, from snapshots: asks no actor, so that it answers when they cannot."""
        ...

    def metrics(self) -> bytes:
        """All metrics in Prometheus' text form."""
        ...


class Server(Protocol):
    """What the Front actor starts and stops: the HTTP side, or nothing when embedded."""

    async def start(self, desk: Desk) -> None:
        """Listen. Raises `OSError` when the address is taken."""
        ...

    async def stop(self) -> None:
        """Close the listener and every connection."""
        ...


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


# ---- the ledger's answers


class CostView(Struct, frozen=True, kw_only=True):
    """What the Ledger publishes: what everything cost, over all runs that wrote the same journal.

    Args:
        providers: sums of closed entries by provider.
        overall: the same over all providers.
        complete: whether what earlier runs wrote is in the sums; false until the journal could be read.
        degraded: the journal refuses; `why` says how. Entries wait in memory.
        pending: entries that are not yet in the journal.
        failed_writes: tries that the journal refused; each was or will be made again.
        lost: entries that found no room in memory while the journal refused. Their cost is in the sums of this run.
        crashed: entries that an earlier run left open, closed as crashed at this one's start.
    """

    overall: ProviderTotal
    providers: dict[str, ProviderTotal]
    complete: bool = False
    degraded: bool = False
    why: str | None = None
    pending: int = 0
    failed_writes: int = 0
    lost: int = 0
    crashed: int = 0


class ReadCosts(Struct, frozen=True, kw_only=True):
    """Ask the Ledger what everything cost. Answer: `CostView`; every fact told before the ask is in it."""


class ReadTotals(Struct, frozen=True, kw_only=True):
    """Ask the Ledger for the sums of entries closed at or after `since_at`. Answer: `TotalsPage`."""

    since_at: float


class TotalsPage(Struct, frozen=True, kw_only=True):
    """Sums by provider. `complete` is false when the journal could not be read: then of what waits in memory."""

    totals: tuple[ProviderTotal, ...]
    complete: bool


class ReadEntries(Struct, frozen=True, kw_only=True):
    """Ask the Ledger for entries, the newest first. Answer: `EntriesPage`; every fact told before the ask is in it.

    Args:
        limit: at most this many, and never more than 1000.
        before: `seq` of the last entry of the page before this one; None begins with the newest.
    """

    limit: int = 100
    provider: str | None = None
    before: int | None = None


class EntriesPage(Struct, frozen=True, kw_only=True):
    """Entries, newest first. `complete` is false when the journal could not be read: then what waits in memory."""

    rows: tuple[EntryRow, ...]
    complete: bool


# ---- capability


class FactsLearned(Struct, frozen=True, kw_only=True):
    """Fact for Capability: a target told its context window itself (a GGUF header, a server's list of models)."""

    target: Target
    context_window: int


# ---- cache


class Lookup(Struct, frozen=True, kw_only=True):
    """Ask the Cache for an answer to exactly this request (`policy/cachekey.py`). Answer: `Hit` or `Miss`."""

    key: str


class Hit(Struct, frozen=True, kw_only=True):
    """The answer, given `age_s` ago. `raw` are its bytes when it was passed through."""

    target: Target
    reply: Reply
    raw: bytes
    age_s: float


class Miss(Struct, frozen=True, kw_only=True):
    """Nothing is kept under that key, or no longer."""


class Stored(Struct, frozen=True, kw_only=True):
    """Fact for the Cache: a complete answer, not streamed. The Cache keeps it if it is one that may be given again."""

    key: str
    target: Target
    reply: Reply
    raw: bytes = b""


class CacheView(Struct, frozen=True, kw_only=True):
    """What the Cache publishes. Counts go on over restarts; entries do not."""

    hits: int = 0
    misses: int = 0
    evicted: int = 0
    expired: int = 0
    entries: int = 0
    size_bytes: int = 0
