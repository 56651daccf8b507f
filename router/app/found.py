"""Models that providers listed themselves: which names lead to them, and what follows from what was published."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from actors.edition import ProviderView
from actors.runtime import Snapshot
from router.canon.target import Target
from router.policy.catalog import found_targets

S = TypeVar("S")
T = TypeVar("T")


def targets_found(providers: Mapping[str, ProviderView], name: str) -> tuple[Target, ...]:
    """What stands behind a name that only a provider's own list has."""
    found = {
        provider: view.found.value for provider, view in providers.items() if view.found is not None and not view.absent
    }
    if not found:
        return ()
    return found_targets(name, found, {provider for provider in found if providers[provider].pooled})


def by_reference(read: Snapshot[S], derive: Callable[[S], T]) -> Callable[[], T]:
    """What follows from a snapshot, derived anew only when another one is published."""
    last: list[tuple[S, T]] = []

    def derived() -> T:
        value = read.value
        if not last or last[0][0] is not value:
            last[:] = [(value, derive(value))]
        return last[0][1]

    return derived
