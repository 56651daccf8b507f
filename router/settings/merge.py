"""The difference between two entries as a JSON merge patch, and such a patch laid over an entry again.

Source: https://www.rfc-editor.org/rfc/rfc7396, read 2026-11. A member of null is no member, here as there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from router.settings.faults import Where

Entry = dict[str, Any]

_DIGITS = 8


def without_nulls(value: object) -> Any:
    """The same with no member of null in any mapping; those of lists stay, for their places count."""
    if isinstance(value, Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return value


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Entry:
    """The patch that makes `before` into `after`; empty where they are the same. Neither may have members of null."""
    patch: Entry = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            inner = difference(old, value)
            if inner:
                patch[key] = inner
        elif key not in before or not is_same(old, value):
            patch[key] = value
    return patch


def merged(entry: Mapping[str, Any], patch: Mapping[str, Any]) -> Entry:
    """The entry with the patch over it: its members in their old place, new ones last."""
    both = dict(entry)
    for key, value in patch.items():
        old = both.get(key)
        if value is None:
            both.pop(key, None)
        elif isinstance(value, Mapping):
            both[key] = merged(old if isinstance(old, Mapping) else {}, value)
        else:
            both[key] = value
    return both


def leaves(patch: Mapping[str, Any], where: Where = ()) -> Iterator[Where]:
    """The places that a patch gives or takes away."""
    for key, value in patch.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*where, key))
        else:
            yield (*where, key)


def found_at(entry: object, where: Where) -> Any:
    """What stands at a place; None for nothing."""
    for key in where:
        entry = entry.get(key) if isinstance(entry, Mapping) else None
    return entry


def is_same(one: object, other: object) -> bool:
    """Whether two values are written alike. `True` is not 1 here."""
    return _written(one) == _written(other)


def digest(value: object) -> str:
    """Of a value as it is written: tells that it is another one, and is too short to find a secret by."""
    return hashlib.sha256(_written(value).encode()).hexdigest()[:_DIGITS]


def _written(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)
