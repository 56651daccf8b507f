"""Where secrets stand in a configuration as it was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import inspect as kinds

from router.settings.references import is_reference
from router.settings.schema.keys import Keys
from router.settings.secret import MASK, Secret
from router.settings.words import bare, not_none, type_of

Change = Callable[[str, str], object]
"""(place of a secret inside the value, what is written there) -> what shall be written."""


def veiled(tree: object, cls: type) -> Any:
    """The tree with a mask for every secret that is written out; what names one may be seen."""
    return change_secrets(tree, type_of(cls), lambda _place, text: text if is_reference(text) else MASK)


def masked_in(tree: object, cls: type) -> tuple[str, ...]:
    """The places of a veiled tree where a secret was written out, and is to be filled in."""
    places: list[str] = []

    def note(place: str, text: str) -> str:
        if text == MASK:
            places.append(place)
        return text

    change_secrets(tree, type_of(cls), note)
    return tuple(places)


def change_secrets(value: object, type_: kinds.Type, change: Change, place: str = "") -> Any:
    """The value, written for this type, with every secret in it as `change` wants it."""
    inner, _ = bare(type_)
    match inner:
        case kinds.UnionType() if value is not None:
            return change_secrets(value, not_none(inner), change, place)
        case kinds.CustomType(cls) if cls is Secret and isinstance(value, str):
            return change(place, value)
        case kinds.StructType() if isinstance(value, Mapping):
            types = {field.name: field.type for field in inner.fields}
            return {
                key: change_secrets(item, types[key], change, _inside(place, key)) if key in types else item
                for key, item in value.items()
            }
        case kinds.StructType(cls) if isinstance(value, str) and issubclass(cls, Keys) and cls.shorthand:
            # Plain text in a section's place stands for one of its keys, and that may be a secret.
            meant = {field.name: field.type for field in inner.fields}[cls.shorthand]
            return change_secrets(value, meant, change, place)
        case kinds.DictType() if isinstance(value, Mapping):
            return {
                key: change_secrets(item, inner.value_type, change, _inside(place, key)) for key, item in value.items()
            }
        case kinds.VarTupleType() if isinstance(value, list | tuple):
            return [
                change_secrets(item, inner.item_type, change, _inside(place, index)) for index, item in enumerate(value)
            ]
    return value


def _inside(place: str, key: object) -> str:
    return f"{place}.{key}" if place else str(key)
