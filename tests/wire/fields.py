"""Which words a grid has rows for, told from the Structs themselves: a field nobody wrote a row for fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import msgspec
from msgspec import Struct


def fields_of(*kinds: Any) -> frozenset[str]:
    """Every field of these types and of the Structs in them, as `Struct.field`."""
    structs: dict[str, type[Struct]] = {}
    for kind in kinds:
        _gather(kind, structs)
    return frozenset(f"{name}.{field}" for name, struct in structs.items() for field in struct.__struct_fields__)


def members_of(*kinds: Any) -> frozenset[str]:
    """The names on the wire of those fields."""
    structs: dict[str, type[Struct]] = {}
    for kind in kinds:
        _gather(kind, structs)
    return frozenset(name for struct in structs.values() for name in struct.__struct_encode_fields__)


def set_in(*values: object) -> frozenset[str]:
    """The fields that any of these values sets, those of the Structs in them too."""
    return frozenset(name for value in values for name in _set_in(value))


def keys_in(value: object) -> Iterator[str]:
    """Every member's name in a body."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from keys_in(inner)


def _set_in(value: object) -> Iterator[str]:
    if isinstance(value, tuple):
        for inner in value:
            yield from _set_in(inner)
    if not isinstance(value, Struct):
        return
    for field in msgspec.structs.fields(value):
        said = getattr(value, field.name)
        if field.required or said != field.default:
            yield f"{type(value).__name__}.{field.name}"
        yield from _set_in(said)


def _gather(kind: Any, structs: dict[str, type[Struct]]) -> None:
    for inner in get_args(kind):
        _gather(inner, structs)
    if isinstance(kind, type) and issubclass(kind, Struct) and kind.__name__ not in structs:
        structs[kind.__name__] = kind
        for hint in get_type_hints(kind).values():
            _gather(hint, structs)
