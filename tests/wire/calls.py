"""Calls as answers hold them."""

from __future__ import annotations

from collections.abc import Iterable

from router.canon.request import ToolCall


def are_apart(parts: Iterable[object]) -> bool:
    """Whether no two calls have one id: of an answer where they have, one would get another."""
    ids = [part.id for part in parts if isinstance(part, ToolCall)]
    return len(set(ids)) == len(ids)
