"""Whom a path is for, as far as keys go."""

from __future__ import annotations

_OPERATIONAL = (
    "/config",
    "/health/",
    "/metrics",
    "/providers",
    "/costs",
    "/audit",
    "/ledger",
    "/keys",
    "/cache",
    "/dashboard",
)
"""Where paths begin that are for those who run the router. Whoever merely asks whether it lives needs none of them."""


def is_keyed(path: str) -> bool:
    """Whether a path is for callers with keys. Whoever merely asks whether the router lives needs none."""
    return path.startswith(("/v1/", "/v2/"))


def is_operational(path: str) -> bool:
    """Whether a path belongs to the listener of administration, where that is one of its own."""
    return path.startswith(_OPERATIONAL)
