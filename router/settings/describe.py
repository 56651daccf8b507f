"""Every key of the schema with its default, unit and meaning: what the reference file and the documentation show."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any, Final

from msgspec import NODEFAULT, Struct
from msgspec import inspect as kinds

from router.settings.schema import Document
from router.settings.words import bare, not_none, phrase


class Required:
    """The type of `REQUIRED`."""

    def __repr__(self) -> str:
        """As the documentation says it."""
        return "required"


REQUIRED: Final = Required()
"""The default of a key that has none."""

_UNITS = (
    (re.compile(r"_per_mtok$"), "USD per million tokens"),
    (re.compile(r"_usd$"), "USD"),
    (re.compile(r"_per_s$"), "per second"),
    (re.compile(r"_s$"), "s"),
    (re.compile(r"_days$"), "days"),
    (re.compile(r"_ms$"), "ms"),
    (re.compile(r"_bytes$"), "bytes"),
    (re.compile(r"^(context_window|n_ctx|n_batch)$"), "tokens"),
)
_ENTRY = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


class Key(Struct, frozen=True, kw_only=True):
    """One key.

    Args:
        path: as in a fault, with `<name>` for a name of the operator's choice and `[]` for each of a list.
        default: as it would be written; None where leaving it out is its own case; `REQUIRED`.
        unit: empty where it has none.
        wanted: what it may be, in words.
        meaning: one sentence.
    """

    path: str
    default: Any
    unit: str
    wanted: str
    meaning: str


def describe() -> tuple[Key, ...]:
    """Every key that holds a value, sections left out, in the order of the schema."""
    return tuple(_keys(kinds.type_info(Document), ""))


def _keys(type_: kinds.Type, path: str) -> Iterator[Key]:
    inner, _ = bare(type_)
    match inner:
        case kinds.UnionType():
            yield from _keys(not_none(inner), path)
        case kinds.DictType():
            yield from _keys(inner.value_type, f"{path}.<name>")
        case kinds.VarTupleType():
            yield from _keys(inner.item_type, f"{path}[]")
        case kinds.StructType():
            meanings = _meanings(inner.cls)
            for field in sorted(inner.fields, key=lambda field: [*meanings, field.name].index(field.name)):
                place = f"{path}.{field.name}" if path else field.name
                inside = tuple(_keys(field.type, place))
                if not inside or not _is_section(field.type):
                    yield _key(field, place, meanings.get(field.name, ""))
                yield from inside


def _meanings(cls: type) -> dict[str, str]:
    """What the docstrings say of each key, a section's own keys before those it inherits."""
    docs = (inspect.cleandoc(each.__dict__.get("__doc__") or "") for each in cls.__mro__)
    return {name: " ".join(meaning.split()) for doc in docs for name, meaning in _ENTRY.findall(doc)}


def _is_section(type_: kinds.Type) -> bool:
    inner, _ = bare(type_)
    if isinstance(inner, kinds.DictType):
        return isinstance(inner.value_type, kinds.StructType)
    return isinstance(inner, kinds.StructType)


def _key(field: kinds.Field, path: str, meaning: str) -> Key:
    default: object = REQUIRED
    if field.default is not NODEFAULT:
        default = field.default
    elif field.default_factory is not NODEFAULT:
        default = field.default_factory()
    return Key(
        path=path,
        default=default,
        unit=next((unit for pattern, unit in _UNITS if pattern.search(field.name)), ""),
        wanted=phrase(field.type),
        meaning=meaning,
    )
