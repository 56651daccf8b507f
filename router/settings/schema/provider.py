"""Who answers: a provider, its models, its clocks, and what a local kind takes beside."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, field

from router.settings.schema.grants import AwsKeys, EntraKeys, GoogleKeys
from router.settings.schema.keys import (
    MOST,
    Count,
    HeaderName,
    KeyName,
    Keys,
    KindName,
    Name,
    ParameterName,
    PositiveS,
    SomeCount,
    Weight,
)
from router.settings.secret import Secret

Dispatch = Literal["off", "exclusive", "pooled", "fallback"]
Operation = Literal["chat", "embeddings", "rerank", "moderations", "images"]
Adaptive = Literal["off", "aimd", "gradient"]
OnDisconnect = Literal["cancel", "drain"]
PrefixStyle = Literal["off", "turn", "marked", "final"]
AbilityName = Literal["vision", "tools", "json_schema", "reasoning", "documents", "audio", "prefill"]
CacheType = Literal["f32", "f16", "bf16", "q8_0", "q4_0"]


Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}\Z", extra={"form": "a date, as in 2026-11-01"})]


class RateKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What tokens and other things cost.

    Args:
        input_per_mtok: prompt tokens that were not read from a cache.
        output_per_mtok: tokens of the answer.
        cache_read_per_mtok: prompt tokens read from the provider's cache; left out, as `input_per_mtok`.
        cache_write_per_mtok: prompt tokens written to the provider's cache; left out, as `input_per_mtok`.
        cache_write_1h_per_mtok: those written to the cache for an hour; left out, as `cache_write_per_mtok`.
        reasoning_per_mtok: thinking tokens; left out, as `output_per_mtok`.
        audio_input_per_mtok: sound in the prompt; left out, as `input_per_mtok`.
        audio_output_per_mtok: sound in the answer; left out, as `output_per_mtok`.
        request_usd: each answer, beside its tokens.
        image_usd: each picture of a model that is not billed by tokens; left out, unknown.
        search_unit_usd: each search of a model that ranks and is not billed by tokens; left out, unknown.
    """

    input_per_mtok: Decimal
    output_per_mtok: Decimal
    cache_read_per_mtok: Decimal | None = None
    cache_write_per_mtok: Decimal | None = None
    cache_write_1h_per_mtok: Decimal | None = None
    reasoning_per_mtok: Decimal | None = None
    audio_input_per_mtok: Decimal | None = None
    audio_output_per_mtok: Decimal | None = None
    request_usd: Decimal = Decimal(0)
    image_usd: Decimal | None = None
    search_unit_usd: Decimal | None = None


class TierKeys(RateKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What they cost in an answer to a long prompt.

    Args:
        above_tokens: these rates are for all tokens of an answer whose prompt, cached parts included, has more.
    """

    above_tokens: Annotated[int, Meta(ge=1, le=1_000_000_000)]


class ServiceKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the same costs in other service tiers, as so many times the rates; which one served is the provider's word.

    Args:
        flex: later and cheaper.
        priority: sooner and dearer.
        scale: capacity that was bought before.
        batch: of a batch.
    """

    flex: Decimal | None = None
    priority: Decimal | None = None
    scale: Decimal | None = None
    batch: Decimal | None = None


class Price(RateKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model costs, where the price table does not know it or is wrong for this contract.

    Args:
        tiers: other rates for long prompts.
        services: other service tiers; one that is left out costs these rates, and the ledger says so of each entry.
        date: from when they hold; told in the ledger beside each cost.
    """

    tiers: tuple[TierKeys, ...] = ()
    services: ServiceKeys = ServiceKeys()
    date: Day | None = None


class ModelKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model of a provider. Its name alone is enough: `- gpt-4o-mini`.

    Args:
        name: what callers ask for.
        upstream: what the provider calls it; left out, the same.
        context_window: prompt and answer together; left out, what the price table or the server says.
        price: what it costs; left out, what the price table says.
        operations: what it can be asked for, and nothing else; left out, what its kind has and its name tells: one that
            embeds, ranks, moderates or draws by its name does only that, any other chats.
        prefix: how it is told to go on with the beginning of an answer: by a last `turn` of its own, by one that is
            `marked` (`prefix: true`), by a `final` one (`continue_final_message: true`), or not at all; left out, what
            is known of its kind.
        can: what it is able to do, whatever else is said of it.
        cannot: what it is not able to do.
    """

    shorthand: ClassVar[str] = "name"

    name: Name
    upstream: Name | None = None
    context_window: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None
    price: Price | None = None
    operations: Annotated[tuple[Operation, ...], Meta(min_length=1)] | None = None
    prefix: PrefixStyle | None = None
    can: tuple[AbilityName, ...] = ()
    cannot: tuple[AbilityName, ...] = ()


class KeyKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of several keys of a provider. The key alone is enough: `- ${FIRST_KEY}`.

    Args:
        key: the key; write `${NAME}` and keep it in the environment.
        name: what logs, metrics and the ledger call it; left out, `key1`, `key2` and so on by its place.
        weight: its share of requests, against those of the others.
    """

    shorthand: ClassVar[str] = "key"

    key: Secret
    name: KeyName | None = None
    weight: Weight = 1.0


class LimitKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be sent by each key of a provider, beside what the provider's own rate-limit headers say.

    Args:
        requests_per_min: requests a minute, as many at once; left out, no limit.
        tokens_per_min: tokens a minute, prompt and answer together, taken by estimate and set right afterwards; left
            out, no limit.
    """

    requests_per_min: Count | None = None
    tokens_per_min: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None


class TimeoutKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The clocks of one attempt. Each ends it with a reason of its own; comments and pings reset none of them.

    Args:
        connect_s: until the connection is open, name lookup and TLS included.
        first_byte_s: until the first byte of any answer; left out, 30 for a streamed one and 300 for one that is not
            streamed, whose first byte comes when all of it exists.
        first_token_s: until the first content of a streamed answer; left out, 60, or `first_byte_s` where that is more.
        idle_s: between two pieces of content.
        total_s: all of an attempt, from its request going out.
        min_tokens_per_s: a streamed answer that has begun and yields fewer for `slow_window_s` is ended; four bytes of
            text count as a token. Left out, any speed will do.
        slow_window_s: how long it may be so slow; longer than any pause in which the model thinks unheard.
        learn: lower `first_token_s` for each target to twice the 99th percentile of its last hundred streamed answers,
            at least 5, once there are thirty; an answer that ran into the limit counts as that long.
    """

    connect_s: PositiveS = 5.0
    first_byte_s: PositiveS | None = None
    first_token_s: PositiveS | None = None
    idle_s: PositiveS = 60.0
    total_s: PositiveS = 600.0
    min_tokens_per_s: Annotated[float, Meta(gt=0, le=MOST)] | None = None
    slow_window_s: PositiveS = 10.0
    learn: bool = False


class LocalKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of a kind that runs models on this machine; no other kind takes them.

    Args:
        models_dir: folder of `*.gguf`; a model's name is its file's without `.gguf`. Left out, `models` under `home`.
        n_ctx: context window, prompt and answer together; 0 takes the length the model was trained with.
        n_threads: threads for generation; left out, half of the processors.
        n_threads_batch: threads for prompt evaluation; left out, all processors but one.
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
        keys: instead of `api_key`, several keys: what the provider refuses to one goes by another.
        base_url: where it listens, up to and with `/v1`; left out, the kind's own, where it has one.
        models: its models, the first one first; left out for a local kind, all files of `models_dir`, and for a kind
            that lists its models, all that it lists. One named `auto` among them stands for all that it lists too.
        models_every_s: how often its list of models is asked for, where it is asked for at all.
        dispatch: when it is chosen for a bare model or `auto`: `off` never and not by its own name either,
            `exclusive` only by its own name, `pooled` with the others, `fallback` after them.
        max_parallel: attempts under way at once; left out, no bound, and 1 for a local kind, whose engine answers one
            after another: whoever waits then waits here, where no clock of an attempt runs.
        max_queue: attempts that may wait for one of them to end, or for a limit; callers have turns.
        max_wait_s: the longest an attempt waits there, before another target is asked.
        on_disconnect: what becomes of an attempt whose caller has left: `cancel` closes its connection at once; `drain`
            reads it on, for the usage that only the provider knows, and keeps its slot meanwhile.
        drain_s: the longest it is read on.
        max_drains: attempts that are read on at once; one more is ended.
        limits: requests and tokens a minute, by key.
        adaptive: how the number of attempts at once is learned, by model and key: `aimd` from refusals (429), nothing
            before the first; `gradient` from the time to the first token, for engines that are yours alone; `off`.
        timeouts: the clocks of an attempt.
        headers: further headers of every request to it; their values are kept like keys.
        query: parameters of every URL of it, as Azure's `api-version`; no place for keys, which it would show.
        entra: tokens of Entra ID in place of a key, for kind azure.
        google: tokens of Google in place of a key, for kind vertex.
        aws: signatures in place of a key, for kind bedrock; with a key, only its `region` counts.
    """

    kind: KindName
    api_key: Secret | None = None
    keys: tuple[KeyKeys, ...] = ()
    base_url: Name | None = None
    models: tuple[ModelKeys, ...] = ()
    models_every_s: PositiveS = 3600.0
    dispatch: Dispatch = "pooled"
    max_parallel: Count | None = None
    max_queue: SomeCount = 100
    max_wait_s: PositiveS = 30.0
    on_disconnect: OnDisconnect = "cancel"
    drain_s: PositiveS = 10.0
    max_drains: Count = 20
    limits: LimitKeys = LimitKeys()
    adaptive: Adaptive = "aimd"
    timeouts: TimeoutKeys = TimeoutKeys()
    headers: dict[HeaderName, Secret] = field(default_factory=dict)
    query: dict[ParameterName, str] = field(default_factory=dict)
    entra: EntraKeys | None = None
    google: GoogleKeys | None = None
    aws: AwsKeys | None = None

    def grant(self, section: str) -> EntraKeys | GoogleKeys | AwsKeys | None:
        """The section of that name, where it is written."""
        return {"entra": self.entra, "google": self.google, "aws": self.aws}.get(section)


LOCAL_KEYS = frozenset(LocalKeys.__struct_fields__)
"""Keys that only a local kind takes."""

GRANTS = ("entra", "google", "aws")
"""Sections of credentials that stand in for a key; each kind takes one at most."""

REMOTE_KEYS = frozenset({"api_key", "keys", "base_url", "headers", "query", "models_every_s", *GRANTS})
"""Keys that a local kind does not take."""
