"""The response cache of a configuration: where it is kept, and for whom it is on."""

from __future__ import annotations

from collections.abc import Callable

from actors.cache import Cache, CacheRules
from actors.caching import CacheWiring
from actors.filecache import FileCache
from actors.flights import Flights
from actors.messages import CacheView
from actors.runtime import Ref, Snapshot
from actors.tree import MakeActor
from router.app.dialects import CODECS
from router.canon.caching import CacheScope
from router.settings import Settings
from router.store.answerfile import SqliteAnswers
from router.store.worker import ThreadWorker
from router.wire.dialect import Ask, Relay


def cache_of(started: Settings, rules: Callable[[], CacheRules], published: Snapshot[CacheView]) -> MakeActor:
    """What makes its actor. File and thread outlive a restart of that.

    Args:
        started: where it is kept is read once.
    """
    if started.cache.backend == "memory":
        return lambda: Cache(rules=rules, published=published)
    assert started.cache.path is not None
    answers, worker = SqliteAnswers(started.cache.path), ThreadWorker("pointsman-cache")
    return lambda: FileCache(rules=rules, published=published, answers=answers, worker=worker)


def cache_rules(settings: Settings) -> CacheRules:
    """How long answers are kept, and how many."""
    return CacheRules(ttl_s=settings.cache.ttl_s, size_bytes=settings.cache.max_bytes)


def cache_wiring(settings: Settings, ref: Ref, ledger: Ref, flights: Flights) -> CacheWiring:
    """Who is answered from kept answers, as far as server and groups say."""
    return CacheWiring(
        ref=ref,
        ledger=ledger,
        server=CacheScope(on=settings.cache.enabled, tool_calls=settings.cache.tool_calls),
        groups={
            name: CacheScope(on=group.cache, tool_calls=group.cache_tool_calls)
            for name, group in settings.failover_groups.items()
        },
        max_temperature=settings.cache.max_temperature,
        flights=flights,
        relay=_relay,
    )


def _relay(dialect: str, ask: Ask) -> Relay:
    front = CODECS[dialect].front
    assert front is not None
    return front.relay(ask)
