"""What may be said of the response cache, for a client key, a group or the whole server alike."""

from __future__ import annotations

from msgspec import Struct


class CacheScope(Struct, frozen=True, kw_only=True):
    """What one scope says; None leaves it to the next wider one.

    Args:
        on: whether requests are answered from kept answers, and their own are kept.
        tool_calls: whether answers that call tools are kept too.
    """

    on: bool | None = None
    tool_calls: bool | None = None


UNSAID = CacheScope()
"""Leaves both to others."""
