"""The two services that speak this dialect, and where they differ in what a request may hold."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace


class Surface(Struct, frozen=True, kw_only=True):
    """A service.

    Args:
        family: whose thought signatures it takes; one service refuses those of the other.
        sends_ids: whether calls and results may carry ids; Vertex refuses them for some of its models.
        takes_service_tier: whether the body may name a tier; Vertex takes it in a header.
        takes_labels: whether the body may carry labels for billing.
        stores: whether it keeps prompts and answers unless it is told not to. Projects made since 2026-10-26 do; only
            this service takes the word (google-genai 3.6.1, `models.py`; ai.google.dev/gemini-api/docs/logs-datasets,
            read 2026-11).
    """

    family: str
    sends_ids: bool
    takes_service_tier: bool
    takes_labels: bool
    stores: bool


GEMINI = Surface(family="gemini", sends_ids=True, takes_service_tier=True, takes_labels=False, stores=True)
RESOLD = replace(GEMINI, stores=False)
"""The Gemini API behind somebody else, whose own account decides what is kept, or Vertex, which refuses the word."""
VERTEX = Surface(family="vertex", sends_ids=False, takes_service_tier=False, takes_labels=True, stores=False)
