"""The two ports of the front: the desk it hands requests to, and the server the Front actor starts."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from actors.messages.account import (
    AccountBusy,
    AuditPage,
    CostView,
    EntriesPage,
    EraseUser,
    NotPurged,
    Purge,
    Purged,
    ReadAudit,
    ReadCosts,
    ReadEntries,
    ReadTotals,
    ReadTranscripts,
    TotalsPage,
    TranscriptsPage,
    UserErased,
)
from actors.messages.admission import KeysReopened
from actors.messages.config import (
    ChangeConfig,
    ConfigDocument,
    ConfigMoved,
    ConfigRefused,
    ConfigTaken,
    ConfigView,
    EntryChange,
    EntryExists,
    EntryMissing,
    ExportConfig,
    ReadConfig,
    ReloadConfig,
)
from actors.messages.estimate import Estimable, Estimates
from actors.messages.exchange import Call, Opened
from actors.messages.telemetry import LogPage, MetricsReset, ReadLog, ResetMetrics
from router.canon.ability import UNSAID, Traits
from router.canon.caller import Caller
from router.telemetry.numbers import ProviderNumbers

ACCESS = "access"
"""The act of asking for a path or a model."""

ALLOWED, DENIED, UNKNOWN = "allowed", "denied", "unknown"
"""Outcomes of an access: granted; not granted; whether it may be granted could not be told then."""

ConfigAsk = ReadConfig | ExportConfig | ReloadConfig | ChangeConfig
ConfigAnswer = ConfigView | ConfigDocument | ConfigTaken | ConfigRefused | ConfigMoved | EntryMissing | EntryExists

Inquiry = (
    ReadLog | ResetMetrics | ReadCosts | ReadTotals | ReadAudit | ReadEntries | ReadTranscripts | EraseUser | Purge
)
"""What an operator asks Telemetry, the Ledger or the Cache."""
Finding = (
    LogPage
    | MetricsReset
    | CostView
    | TotalsPage
    | AuditPage
    | EntriesPage
    | TranscriptsPage
    | UserErased
    | AccountBusy
    | Purged
    | NotPurged
)


class ModelCard(Struct, frozen=True, kw_only=True):
    """A name a caller may ask for. `targets` are what stands behind it, in their configured order; `traits` is what is
    known of all of them alike."""

    id: str
    owner: str
    targets: tuple[str, ...]
    context_window: int | None = None
    traits: Traits = UNSAID


class ModelAbilities(Struct, frozen=True, kw_only=True):
    """What is known of one model of one provider, and who said so of its context window."""

    traits: Traits
    window_source: str | None = None


class ProviderAbilities(Struct, frozen=True, kw_only=True):
    """One provider's models by name. `found` are those that it listed itself; None where it is not asked."""

    models: dict[str, ModelAbilities]
    found: int | None = None


class TargetReport(Struct, frozen=True, kw_only=True):
    """What choices among targets go by, of one that was asked. Milliseconds; None of what was never measured.

    Args:
        in_flight: attempts under way, those that wait for a slot included.
        first_token_ms: how soon its streamed answers usually begin.
        first_token_peak_ms: the same as the worst of late, failures included; it fades.
        whole_ms: how long its answers take that are not streamed.
        first_token_limit_ms: when a streamed answer is given up that has not begun: learned, or as configured.
        share: of its share of the load; below 1 while it starts slowly.
    """

    in_flight: int
    first_token_ms: float | None
    first_token_peak_ms: float | None
    whole_ms: float | None
    first_token_limit_ms: float
    share: float


class ProviderReport(Struct, frozen=True, kw_only=True):
    """How one provider is: `circuit_state` is the worst of its models' breakers, `health_score` from 0 to 1,
    `success_rate` None where no request lately told it; `keys` by name: ready, quiet, exhausted (its account is empty)
    or refused (not used until the configuration changes); `targets` by model, those that were asked."""

    healthy: bool
    circuit_state: str
    health_score: float
    success_rate: float | None
    requests: int
    models: tuple[str, ...]
    keys: dict[str, str] = {}
    last_error: str | None = None
    targets: dict[str, TargetReport] = {}


class HealthReport(Struct, frozen=True, kw_only=True):
    """How the whole is. `status`: healthy, degraded (it serves, and something is wrong), unhealthy (no provider can be
    asked), draining.

    Args:
        reasons: what speaks against healthy, in words: requests or a provider's attempts that lately failed too often,
            providers and actors that are down, an account that cannot be written.
        success_rate: 1.0 before the first request; None where no request lately told it.
        config_number: configurations this process has had, the one in force included.
        config_pending: keys whose new value waits for a restart.
        config_changes: what was changed at run time, and what of the file does not count for it.
    """

    status: str
    reasons: tuple[str, ...]
    providers: dict[str, ProviderReport]
    total_requests: int
    success_rate: float | None
    avg_response_time_ms: float
    in_flight: int
    config_version: str
    config_number: int
    config_pending: tuple[str, ...]
    config_changes: tuple[EntryChange, ...]
    uptime_s: float
    ledger_degraded: bool
    actors: dict[str, bool]


class Desk(Protocol):
    """Where requests are handed in, by the HTTP front and by embedding programs alike. Everything but `open` reads
    snapshots."""

    def open(self, call: Call) -> Opened:
        """Start an exchange. Raises `Unavailable` while draining or while the front is being restarted."""
        ...

    def identify(self, key: str) -> Caller:
        """Who shows this client key, "" for none. Raises `Refused` for one that is no key, `Unavailable` where nobody
        can say."""
        ...

    def new_id(self, prefix: str) -> str:
        """A fresh id."""
        ...

    def now_at(self) -> float:
        """Epoch seconds."""
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

    def abilities(self) -> dict[str, ProviderAbilities]:
        """What every model can do, as far as it is known, by provider."""
        ...

    def health(self) -> HealthReport:
        """How everything is, from snapshots: asks no actor, so that it answers when they cannot."""
        ...

    def metrics(self) -> bytes:
        """All metrics in Prometheus' text form."""
        ...

    def numbers(self) -> dict[str, ProviderNumbers]:
        """What was counted of each configured provider."""
        ...

    def estimates(self, request: Estimable) -> Estimates | None:
        """What a request would cost on each target of the name it asks for; None where there is no such name."""
        ...

    async def inquire(self, message: Inquiry) -> Finding:
        """What the actor answers whom it concerns. Raises `Unavailable` when it cannot."""
        ...

    async def configure(self, message: ConfigAsk) -> ConfigAnswer:
        """What the Config actor answers. Raises `Unavailable` when it cannot."""
        ...

    async def reopen_keys(self, provider: str, by: str) -> KeysReopened | None:
        """Have a provider's keys tried again that it refused; an act. None where there is no such provider. Raises
        `Unavailable` when it cannot be asked."""
        ...

    def admin_acted(self, by: str, act: str, subject: str, outcome: str) -> None:
        """Have an administrative act kept and logged."""
        ...

    def accessed(self, by: str, subject: str, outcome: str) -> None:
        """Have a decision over access kept, by itself or in a sum; one that is not `ALLOWED` is logged too."""
        ...


class Server(Protocol):
    """What the Front actor starts and stops: the HTTP side, or nothing when embedded."""

    async def start(self, desk: Desk) -> None:
        """Listen. Raises `OSError` when the address is taken."""
        ...

    def renew(self) -> None:
        """Read again what may have been renewed. Raises `OSError`; what was read before then stays."""
        ...

    async def stop(self, within_s: float) -> None:
        """Close the listener, then every connection: once its answer has left, or when `within_s` has passed."""
        ...
