"""Request headers that a target of the caller's own dialect must see."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import msgspec

from router.front.wishes import as_text
from router.wire.dialect import Ask


def forwarding(ask: Ask, headers: Mapping[str, str], names: frozenset[str]) -> Ask:
    """The request with those of its headers that go on; credentials never are among them. Raises `Refused`."""
    forward = tuple([(name, as_text(name, headers[name])) for name in _in_order(names) if name in headers])
    return msgspec.structs.replace(ask, forward=forward) if forward else ask


@cache
def _in_order(names: frozenset[str]) -> tuple[str, ...]:
    """Of a dialect's, which are always the same."""
    return tuple(sorted(names))
