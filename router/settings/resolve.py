"""From what was written to what holds: one key's default is often another's value."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import asdict, replace

from router.settings.kinds import KindRules
from router.settings.pricefile import PriceRows
from router.settings.rules import AUTO, find_target, key_name, needs_keys
from router.settings.schema import (
    Document,
    Failover,
    GroupKeys,
    LedgerKeys,
    LocalKeys,
    ModelKeys,
    ProviderKeys,
    TimeoutKeys,
)
from router.settings.settings import (
    ApiKey,
    FailoverGroup,
    Ledger,
    LocalModels,
    Model,
    Prices,
    Provider,
    Settings,
    Timeouts,
)

_FIRST_BYTE_S = 30.0
_FIRST_TOKEN_S = 60.0
_WHOLE_S = 300.0
_LOCAL_PARALLEL = 1
_ONLY_KEY = "default"


def resolve(document: Document, kinds: Mapping[str, KindRules], table: PriceRows) -> Settings:
    """The settings of a document without faults, with the table of prices that it names."""
    retry, breaker = document.retry, document.breaker
    return Settings(
        home=document.home,
        server=replace(document.server, keys_required=needs_keys(document)),
        keys=document.keys,
        budgets=document.budgets,
        providers={
            name: _provider(name, provider, kinds[provider.kind], document.home)
            for name, provider in document.providers.items()
        },
        failover=document.failover,
        failover_groups={
            name: _group(group, document.failover, document.providers)
            for name, group in document.failover_groups.items()
        },
        breaker=replace(breaker, max_open_s=max(breaker.max_open_s, breaker.recovery_timeout_s)),
        retry=replace(retry, max_delay_ms=max(retry.max_delay_ms, retry.base_delay_ms)),
        cache=replace(document.cache, path=document.cache.path or document.home / "cache.sqlite"),
        idempotency=document.idempotency,
        conversations=document.conversations,
        ledger=_ledger(document.ledger, document.home),
        audit=document.audit,
        prices=Prices(basis=document.prices.basis, file=document.prices.file, table=table),
        transcripts=document.transcripts,
        telemetry=document.telemetry,
        admin=document.admin,
        reload=document.reload,
        secrets=document.secrets,
    )


def resolve_timeouts(written: TimeoutKeys) -> Timeouts:
    """An explicit `first_byte_s` holds for every answer; left out, answers that are not streamed have far longer,
    because nothing of them is sent before all of it exists."""
    first_byte_s = written.first_byte_s or _FIRST_BYTE_S
    return Timeouts(
        connect_s=written.connect_s,
        first_byte_s=first_byte_s,
        first_token_s=written.first_token_s or max(_FIRST_TOKEN_S, first_byte_s),
        idle_s=written.idle_s,
        total_s=written.total_s,
        whole_s=written.first_byte_s or _WHOLE_S,
        min_tokens_per_s=written.min_tokens_per_s,
        slow_window_s=written.slow_window_s,
        learn=written.learn,
    )


def _ledger(written: LedgerKeys, home: Path) -> Ledger:
    return Ledger(
        path=written.path or home / "ledger.sqlite",
        url=written.url or None,
        journal=written.journal or home / "journal",
        keep_days=written.keep_days,
    )


def _provider(name: str, written: ProviderKeys, kind: KindRules, folder: Path) -> Provider:
    home = folder if kind.local else None
    named = tuple(model for model in written.models if kind.local or model.name != AUTO)
    return Provider(
        name=name,
        kind=written.kind,
        api_key=written.api_key or None,
        keys=_keys(written),
        base_url=written.base_url.rstrip("/") if written.base_url else None,
        models=tuple(_model(model) for model in named),
        discovers=kind.lists and (not named or len(named) < len(written.models)),
        models_every_s=written.models_every_s,
        dispatch=written.dispatch,
        max_parallel=written.max_parallel or (_LOCAL_PARALLEL if home else None),
        max_queue=written.max_queue,
        max_wait_s=written.max_wait_s,
        on_disconnect=written.on_disconnect,
        drain_s=written.drain_s,
        max_drains=written.max_drains,
        requests_per_min=written.limits.requests_per_min,
        tokens_per_min=written.limits.tokens_per_min,
        adaptive=written.adaptive,
        timeouts=resolve_timeouts(written.timeouts),
        headers=written.headers,
        query=written.query,
        entra=written.entra,
        google=written.google,
        aws=written.aws,
        local=_local(written, home) if home else None,
    )


def _keys(written: ProviderKeys) -> tuple[ApiKey, ...]:
    """Several keys by name, or the one that stands alone."""
    several = tuple(
        ApiKey(name=each.name or key_name(place), key=each.key, weight=each.weight)
        for place, each in enumerate(written.keys)
    )
    return several or (ApiKey(name=_ONLY_KEY, key=written.api_key or None),)


def _model(written: ModelKeys) -> Model:
    return Model(
        name=written.name,
        upstream=written.upstream or written.name,
        context_window=written.context_window,
        price=written.price,
        operations=written.operations,
        prefix=written.prefix,
        can=written.can,
        cannot=written.cannot,
    )


def _local(written: LocalKeys, home: Path) -> LocalModels:
    keys = {name: getattr(written, name) for name in LocalModels.__struct_fields__}
    return LocalModels(**{**keys, "models_dir": written.models_dir or home / "models"})


def _group(written: GroupKeys, failover: Failover, providers: Mapping[str, ProviderKeys]) -> FailoverGroup:
    refs = (find_target(each.target, providers) for each in written.targets)
    chosen = {**asdict(failover), **{key: value for key, value in asdict(written).items() if value is not None}}
    return FailoverGroup(
        targets=tuple(ref for ref in refs if ref is not None),
        weights=tuple(each.weight for each in written.targets),
        strategy=chosen["strategy"],
        max_attempts=chosen["max_attempts"],
        fallbacks_on=chosen["fallbacks_on"],
        on_loss=chosen["on_loss"],
        affinity=chosen["affinity"],
        resume=chosen["resume"],
        hold_tokens=chosen["hold_tokens"],
        hold_ms=chosen["hold_ms"],
        cache=written.cache,
        cache_tool_calls=written.cache_tool_calls,
        hedge=written.hedge,
    )
