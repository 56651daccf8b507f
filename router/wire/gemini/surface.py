"""The two services that speak this dialect, and where they differ in what a request may hold."""

from __future__ import annotations

from msgspec import Struct


class Surface(Struct, frozen=True, kw_only=True):
    """A service.

    Args:
        family: whose thought signatures it takes; one service refuses those of the other.
        sends_ids: whether calls and results may carry ids; Vertex refuses them for some of its models.
        takes_service_tier: whether the body may name a tier; Vertex takes it in a header.
        takes_labels: whether the body may carry labels for billing.
    """

    family: str
    sends_ids: bool
    takes_service_tier: bool
    takes_labels: bool


GEMINI = Surface(family="gemini", sends_ids=True, takes_service_tier=True, takes_labels=False)
VERTEX = Surface(family="vertex", sends_ids=False, takes_service_tier=False, takes_labels=True)
