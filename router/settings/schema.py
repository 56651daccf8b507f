"""Every key that may be written, with its default and its bounds. The docstrings are the documentation of the keys:
`docs/configuration.md` and `config/reference.yaml` are held to them by a test.

What is written here is not yet what holds: `resolve.py` fills in what one key takes from another.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from router.settings.secret import Secret

_DAY_S = 86_400.0
_MOST = 1_000_000

PositiveS = Annotated[float, Meta(gt=0, le=_DAY_S)]
SomeS = Annotated[float, Meta(ge=0, le=_DAY_S)]
PositiveMs = Annotated[float, Meta(gt=0, le=_DAY_S * 1000)]
Count = Annotated[int, Meta(ge=1, le=_MOST)]
SomeCount = Annotated[int, Meta(ge=0, le=_MOST)]
Attempts = Annotated[int, Meta(ge=1, le=100)]
Share = Annotated[float, Meta(gt=0, le=1)]
Name = Annotated[str, Meta(min_length=1)]
SizeBytes = Annotated[int, Meta(ge=1024, le=1 << 40)]

_KIND_FORM = "a kind of provider, such as openai-compatible"
_HEADER_FORM = "letters, digits and -, as in X-Team"
_PARAMETER_FORM = "letters, digits, -, . and _, as in api-version"
_PROVIDER_FORM = "lower-case letters, digits, _ and -, with a letter or a digit first"
KindName = Annotated[str, Meta(min_length=1, extra={"form": _KIND_FORM})]
ProviderName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]*\Z", extra={"form": _PROVIDER_FORM})]
GroupName = Annotated[str, Meta(pattern=r"^[^:\s]+\Z", extra={"form": "without ':' and without blanks"})]
ParameterName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._~-]+\Z", extra={"form": _PARAMETER_FORM})]
HeaderName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z", extra={"form": _HEADER_FORM})]

Dispatch = Literal["off", "exclusive", "pooled", "fallback"]
CacheType = Literal["f32", "f16", "bf16", "q8_0", "q4_0"]
LogLevel = Literal["debug", "info", "warning", "error"]
Strategy = Annotated[
    Literal["priority", "round_robin"],
    Meta(extra={"later": ("load_balanced", "fastest_first", "cheapest", "weighted")}),
]


class Keys(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section. `shorthand` is the one key that plain text in the section's place stands for, "" for none."""

    shorthand: ClassVar[str] = ""


class Server(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where clients are heard, and for how long they are served.

    Args:
        host: address to listen on; an address of this machine only, because this version has no client keys.
        port: port to listen on; 0 takes any free one.
        max_body_bytes: the largest request body; a larger one is answered 413.
        max_exchanges: requests in flight at once; one more is answered 429.
        first_ping_after_s: silence before the first keepalive of a stream, which commits the status 200.
        ping_every_s: silence between keepalives after that.
        deadline_s: the longest a request may take over all its attempts.
        lame_duck_s: how long a stop still takes new requests, for load balancers to see that readiness is gone.
        drain_s: how long a stop then waits for requests in flight.
        flush_s: how long a stop waits at the end for ledger and telemetry to write what they hold.
    """

    host: Name = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8094
    max_body_bytes: SizeBytes = 33_554_432
    max_exchanges: Count = 1000
    first_ping_after_s: PositiveS = 10.0
    ping_every_s: PositiveS = 10.0
    deadline_s: PositiveS = 600.0
    lame_duck_s: SomeS = 0.0
    drain_s: SomeS = 30.0
    flush_s: SomeS = 10.0


class Price(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model costs, where the price table does not know it or is wrong for this contract.

    Args:
        input_per_mtok: prompt tokens that were not read from a cache.
        output_per_mtok: tokens of the answer, reasoning included.
        cache_read_per_mtok: prompt tokens read from the provider's cache; left out, as `input_per_mtok`.
        cache_write_per_mtok: prompt tokens written to the provider's cache; left out, as `input_per_mtok`.
    """

    input_per_mtok: Decimal
    output_per_mtok: Decimal
    cache_read_per_mtok: Decimal | None = None
    cache_write_per_mtok: Decimal | None = None


class ModelKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model of a provider. Its name alone is enough: `- gpt-4o-mini`.

    Args:
        name: what callers ask for.
        upstream: what the provider calls it; left out, the same.
        context_window: prompt and answer together; left out, what the price table or the server says.
        price: what it costs; left out, what the price table says.
    """

    shorthand: ClassVar[str] = "name"

    name: Name
    upstream: Name | None = None
    context_window: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None
    price: Price | None = None


class TimeoutKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The clocks of one attempt. Each ends it with a reason of its own; comments and pings reset none of them.

    Args:
        connect_s: until the connection is open, name lookup and TLS included.
        first_byte_s: until the first byte of any answer; left out, 30 for a streamed one and 300 for one that is not
            streamed, whose first byte comes when all of it exists.
        first_token_s: until the first content of a streamed answer; left out, 60, or `first_byte_s` where that is more.
        idle_s: between two pieces of content.
        total_s: the whole attempt.
    """

    connect_s: PositiveS = 5.0
    first_byte_s: PositiveS | None = None
    first_token_s: PositiveS | None = None
    idle_s: PositiveS = 60.0
    total_s: PositiveS = 600.0


class LocalKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of a kind that runs models on this machine; no other kind takes them.

    Args:
        models_dir: folder of `*.gguf`; a model's name is its file's without `.gguf`. Left out, `models` under `home`.
        n_ctx: context window, prompt and answer together; 0 takes the length the model was trained with.
        n_threads: threads for generation; left out, half of the processors.
        n_threads_batch: threads for prompt evaluation; left out, all processors.
        n_gpu_layers: layers put on a GPU, -1 for all; an engine built for the CPU ignores it.
        flash_attn: flash attention; a quantised `type_v` needs it.
        type_k: how the keys of the context are kept.
        type_v: how the values of the context are kept.
        chat_format: a chat format of llama-cpp-python; left out, the template in the file.
        seed: sampler seed of requests that name none; left out, a new one each time.
        n_batch: prompt tokens evaluated at a time.
        memory_limit_bytes: what a worker may allocate beside the mapped weights (Linux); left out, no limit.
        load_timeout_s: a worker that has not loaded its model by then is ended.
        max_waiting: requests that may wait for one model; one more is answered 503.
    """

    models_dir: Path | None = None
    n_ctx: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 4096
    n_threads: Annotated[int, Meta(ge=1, le=1024)] | None = None
    n_threads_batch: Annotated[int, Meta(ge=1, le=1024)] | None = None
    n_gpu_layers: Annotated[int, Meta(ge=-1, le=10_000)] = 0
    flash_attn: bool = False
    type_k: CacheType = "f16"
    type_v: CacheType = "f16"
    chat_format: Name | None = None
    seed: Annotated[int, Meta(ge=0, le=4_294_967_295)] | None = None
    n_batch: Count = 512
    memory_limit_bytes: Annotated[int, Meta(ge=1 << 20, le=1 << 50)] | None = None
    load_timeout_s: PositiveS = 120.0
    max_waiting: SomeCount = 16


class ProviderKeys(LocalKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider. Their order is the order in which `auto` asks them.

    Args:
        kind: what it is: a kind of docs/providers.md, or one that an installed package brings.
        api_key: its key; write `${NAME}` and keep it in the environment.
        base_url: where it listens, up to and with `/v1`; left out, the kind's own, where it has one.
        models: its models, the first one first; left out for a local kind, all files of `models_dir`.
        dispatch: when it is chosen for a bare model or `auto`: `off` never and not by its own name either,
            `exclusive` only by its own name, `pooled` with the others, `fallback` after them.
        max_parallel: attempts under way at once; left out, no bound, and 1 for a local kind, whose engine answers one
            after another: whoever waits then waits here, where no clock of an attempt runs.
        max_queue: attempts that may wait for one of them to end.
        timeouts: the clocks of an attempt.
        headers: further headers of every request to it; their values are kept like keys.
        query: parameters of every URL of it, as Azure's `api-version`; no place for keys, which it would show.
    """

    kind: KindName
    api_key: Secret | None = None
    base_url: Name | None = None
    models: tuple[ModelKeys, ...] = ()
    dispatch: Dispatch = "pooled"
    max_parallel: Count | None = None
    max_queue: SomeCount = 100
    timeouts: TimeoutKeys = TimeoutKeys()
    headers: dict[HeaderName, Secret] = {}
    query: dict[ParameterName, str] = {}


class Failover(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for every name that a caller may use, unless its group says otherwise.

    Args:
        strategy: `priority` asks targets in their order, `round_robin` begins with the next one each time.
        max_attempts: attempts of one request over all its targets.
    """

    strategy: Strategy = "priority"
    max_attempts: Attempts = 3


class GroupKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public name for several targets. One named `auto` takes the place of the built-in `auto`.

    Args:
        targets: `provider:model` each, or a provider alone for its first model, in the order they are asked.
        strategy: left out, that of `failover`.
        max_attempts: left out, that of `failover`.
    """

    targets: tuple[Name, ...]
    strategy: Strategy | None = None
    max_attempts: Attempts | None = None


class Breaker(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a failing target is left alone, and for how long.

    Args:
        failure_threshold: failures in a row that open it.
        failure_rate: share of failures in the window that opens it.
        min_calls: results the window must hold before the share counts.
        window_s: length of the window.
        recovery_timeout_s: how long it stays open before the first probe; doubles with each failed probe.
        max_open_s: it stays open no longer than this; left out, at least `recovery_timeout_s`.
    """

    failure_threshold: Count = 5
    failure_rate: Share = 0.5
    min_calls: Count = 20
    window_s: PositiveS = 30.0
    recovery_timeout_s: PositiveS = 5.0
    max_open_s: PositiveS = 20.0


class Retry(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often and how soon the same target is asked again.

    Args:
        max_attempts: attempts of one request at one target, the first included.
        base_delay_ms: bound of the first wait.
        backoff_factor: how much the bound grows with each wait.
        jitter: draw the wait between 0 and the bound, so that callers that failed together do not return together.
        max_delay_ms: the bound grows no further; left out, at least `base_delay_ms`.
        budget_ratio: retries for each first attempt of the last seconds, so that an outage does not become a storm.
        budget_min_per_s: retries allowed without any traffic.
    """

    max_attempts: Attempts = 3
    base_delay_ms: PositiveMs = 1000.0
    backoff_factor: Annotated[float, Meta(ge=1, le=10)] = 2.0
    jitter: bool = True
    max_delay_ms: PositiveMs = 30_000.0
    budget_ratio: Share = 0.2
    budget_min_per_s: Annotated[float, Meta(ge=0, le=_MOST)] = 1.0


class Cache(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whole answers, given again for exactly the same request.

    Args:
        enabled: whether answers are kept.
        ttl_s: how long one is kept.
        max_bytes: memory for all of them.
    """

    enabled: bool = False
    ttl_s: PositiveS = 300.0
    max_bytes: SizeBytes = 67_108_864


class LedgerKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every attempt cost.

    Args:
        path: SQLite file; left out, `ledger.sqlite` under `home`.
    """

    path: Path | None = None


class Telemetry(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is told about requests.

    Args:
        log_level: the least a line must be to be logged.
        otlp_endpoint: URL of an OpenTelemetry collector; left out, no traces are sent.
        request_log_size: requests kept in memory for `/providers/logs`.
    """

    log_level: LogLevel = "info"
    otlp_endpoint: Name | None = None
    request_log_size: SomeCount = 1000


class Document(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole configuration.

    Args:
        home: folder for models and the ledger; left out, `$POINTSMAN_HOME` or else `~/.pointsman`.
        server: where clients are heard.
        providers: who answers, by a name of your choice.
        failover: what holds for every public name.
        failover_groups: public names for several targets.
        breaker: when a failing target is left alone.
        retry: how often and how soon the same target is asked again.
        cache: whole answers, given again.
        ledger: what every attempt cost.
        telemetry: what is told about requests.
    """

    home: Path = Path("~/.pointsman")
    server: Server = Server()
    providers: dict[ProviderName, ProviderKeys] = {}
    failover: Failover = Failover()
    failover_groups: dict[GroupName, GroupKeys] = {}
    breaker: Breaker = Breaker()
    retry: Retry = Retry()
    cache: Cache = Cache()
    ledger: LedgerKeys = LedgerKeys()
    telemetry: Telemetry = Telemetry()


LOCAL_KEYS = frozenset(LocalKeys.__struct_fields__)
"""Keys that only a local kind takes."""

REMOTE_KEYS = frozenset({"api_key", "base_url", "headers", "query"})
"""Keys that a local kind does not take."""
