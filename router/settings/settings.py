"""The configuration as it holds: every value there, none that depends on another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import Struct

from router.settings.overlay import Laid
from router.settings.pricefile import PriceRows
from router.settings.rules import TargetRef
from router.settings.schema import (
    Adaptive,
    AdminKeys,
    AuditKeys,
    AwsKeys,
    Basis,
    Breaker,
    BudgetKeys,
    Cache,
    CacheType,
    ClientKeys,
    ConversationKeys,
    Dispatch,
    EntraKeys,
    Failover,
    GoogleKeys,
    HedgeKeys,
    IdempotencyKeys,
    PrefixStyle,
    Price,
    ReloadKeys,
    Retry,
    SecretsKeys,
    Server,
    Telemetry,
    TranscriptKeys,
)
from router.settings.secret import MASK, Secret

_VERSION_DIGITS = 12


class Timeouts(Struct, frozen=True, kw_only=True):
    """The clocks of one attempt, in seconds.

    Args:
        connect_s: until the connection is open, name lookup and TLS included.
        first_byte_s: until the head of a streamed answer.
        first_token_s: until the first content of a streamed answer.
        idle_s: between two pieces of content.
        total_s: from the request sent to the end of the attempt.
        whole_s: until the end of an answer that is not streamed, whose head comes only when all of it exists.
        min_tokens_per_s: fewer for `slow_window_s` end a streamed answer; None: any will do.
        learn: whether `first_token_s` follows the target's own history downwards.
    """

    connect_s: float
    first_byte_s: float
    first_token_s: float
    idle_s: float
    total_s: float
    whole_s: float
    min_tokens_per_s: float | None
    slow_window_s: float
    learn: bool


class Model(Struct, frozen=True, kw_only=True):
    """One model of a provider; `upstream` is what the provider calls it."""

    name: str
    upstream: str
    context_window: int | None
    price: Price | None
    operations: tuple[str, ...] | None = None
    prefix: PrefixStyle | None = None
    can: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()


class ApiKey(Struct, frozen=True, kw_only=True):
    """A key by name; `key` is None for a provider that takes none, or whose credentials are found elsewhere."""

    name: str
    key: Secret | None = None
    weight: float = 1.0


class LocalModels(Struct, frozen=True, kw_only=True):
    """How the models of one folder are run on this machine; the keys of `schema.LocalKeys`."""

    models_dir: Path
    n_ctx: int
    n_threads: int | None
    n_threads_batch: int | None
    n_gpu_layers: int
    flash_attn: bool
    type_k: CacheType
    type_v: CacheType
    chat_format: str | None
    seed: int | None
    n_batch: int
    memory_limit_bytes: int | None
    load_timeout_s: float
    max_waiting: int


class Provider(Struct, frozen=True, kw_only=True):
    """One provider. `keys` has one entry at least, that of `api_key` where no others were written. `base_url` is
    without a slash at its end, and None where the kind has its own; `models` is empty where a local kind is to find
    them in its folder, or where `discovers` says that the provider is asked for them; `local` is None for all other
    kinds."""

    name: str
    kind: str
    api_key: Secret | None
    keys: tuple[ApiKey, ...]
    base_url: str | None
    models: tuple[Model, ...]
    discovers: bool
    models_every_s: float
    dispatch: Dispatch
    max_parallel: int | None
    max_queue: int
    max_wait_s: float
    on_disconnect: str
    drain_s: float
    max_drains: int
    requests_per_min: int | None
    tokens_per_min: int | None
    adaptive: Adaptive
    timeouts: Timeouts
    headers: dict[str, Secret]
    query: dict[str, str]
    entra: EntraKeys | None
    google: GoogleKeys | None
    aws: AwsKeys | None
    local: LocalModels | None


class FailoverGroup(Struct, frozen=True, kw_only=True):
    """A public name, and the targets behind it in the order they were written, each with its weight."""

    targets: tuple[TargetRef, ...]
    weights: tuple[float, ...]
    strategy: str
    max_attempts: int
    fallbacks_on: tuple[str, ...] | None
    on_loss: str
    affinity: str
    resume: tuple[str, ...]
    hold_tokens: int
    hold_ms: float
    cache: bool | None = None
    cache_tool_calls: bool | None = None
    hedge: HedgeKeys | None = None


class Ledger(Struct, frozen=True, kw_only=True):
    """Where costs are kept, and how long: in the database of `url`, or in the file `path` where there is none."""

    path: Path
    url: Secret | None
    journal: Path
    keep_days: float | None


class Prices(Struct, frozen=True, kw_only=True):
    """What models cost: the `table` that was read from `file`, empty where there is none."""

    basis: Basis
    file: Path | None
    table: PriceRows


class Settings(Struct, frozen=True, kw_only=True, dict=True):
    """A whole configuration. The order of `providers` is the order in which `auto` asks them.

    `failover` holds for the names that no group configures. `changes` are those made at run time. `secret_files` are
    the files that `file:` names.
    """

    home: Path
    server: Server
    keys: dict[str, ClientKeys]
    budgets: dict[str, BudgetKeys]
    providers: dict[str, Provider]
    failover: Failover
    failover_groups: dict[str, FailoverGroup]
    breaker: Breaker
    retry: Retry
    cache: Cache
    idempotency: IdempotencyKeys
    conversations: ConversationKeys
    ledger: Ledger
    audit: AuditKeys
    prices: Prices
    transcripts: TranscriptKeys
    telemetry: Telemetry
    admin: AdminKeys
    reload: ReloadKeys
    secrets: SecretsKeys
    changes: tuple[Laid, ...] = ()
    secret_files: tuple[Path, ...] = ()

    @cached_property
    def version(self) -> str:
        """Twelve hex digits that change with everything but the secrets: a key that is renewed is no new version."""
        return hashlib.sha256(self.shown).hexdigest()[:_VERSION_DIGITS]

    @cached_property
    def shown(self) -> bytes:
        """What `public` gives, as JSON."""
        return msgspec.json.encode(self.public())

    def public(self) -> dict[str, Any]:
        """As plain mappings, lists and scalars that may be shown: a secret is `***`, an amount of money is text."""
        shown = cast(dict[str, Any], _plain(self))
        del shown["changes"], shown["secret_files"]  # what is in force is the same, wherever it is written
        return shown


def _plain(value: object) -> object:
    match value:
        case str() | int() | float() | None:  # nearly all of them, and to ask for a mapping first takes long
            return value
        case PriceRows():
            return value.public()
        case Struct():
            return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case tuple():
            return [_plain(item) for item in value]
        case Secret():
            return MASK
        case Path() | Decimal():
            return str(value)
    return value
