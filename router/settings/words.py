"""Types in plain words: what is wanted, and what was given instead."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import inspect as kinds

from router.settings.expand import Expanded
from router.settings.secret import Secret

_KINDS: dict[type, str] = {
    kinds.BoolType: "true or false",
    kinds.IntType: "a number",
    kinds.FloatType: "a number",
    kinds.DecimalType: "a number",
    kinds.StructType: "keys with values",
    kinds.DictType: "keys with values",
    kinds.VarTupleType: "a list",
}
_NUMBERS: dict[type, str] = {kinds.IntType: "a whole number", kinds.FloatType: "a number"}
_PLAIN: dict[type, str] = {**_KINDS, kinds.StrType: "text", kinds.DecimalType: "a number from 0"}
_CUSTOM: dict[type, str] = {Secret: "text", Path: "the path of a file or a folder"}
_GIVEN: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "true or false"),
    ((int, float, Decimal), "a number"),
    ((str, Secret, Path), "text"),
    (Mapping, "keys with values"),
    ((list, tuple), "a list"),
    (type(None), "empty"),
)


@cache
def type_of(cls: type) -> kinds.Type:
    """Once for each schema: it takes as long as all the rest of reading, and a reload asks again."""
    return kinds.type_info(cls)


def bare(type_: kinds.Type) -> tuple[kinds.Type, Mapping[str, Any]]:
    """The type without what `Meta(extra=...)` says of it, and what it says."""
    extra: dict[str, Any] = {}
    while isinstance(type_, kinds.Metadata):
        extra |= type_.extra or {}
        type_ = type_.type
    return type_, extra


def not_none(union: kinds.UnionType) -> kinds.Type:
    """The one type of an optional value."""
    (given,) = (each for each in union.types if not isinstance(each, kinds.NoneType))
    return given


def phrase(type_: kinds.Type) -> str:
    """What is wanted: `a whole number from 0 to 65535`."""
    inner, extra = bare(type_)
    match inner:
        case _ if "form" in extra:
            return str(extra["form"])
        case kinds.UnionType():
            return phrase(not_none(inner))
        case kinds.LiteralType():
            return f"one of {', '.join(map(str, inner.values))}"
        case kinds.IntType() | kinds.FloatType():
            return _NUMBERS[type(inner)] + _range(inner)
        case kinds.StrType(min_length) if min_length:
            return "text that is not empty"
        case kinds.CustomType(cls):
            return _CUSTOM[cls]
    return _PLAIN[type(inner)]


def refusal(value: object, type_: kinds.Type) -> str:
    """Why `value` is not what is wanted. Tells its kind, never the value."""
    wanted = _KINDS.get(type(bare(type_)[0]), "text")
    given = _given(value)
    said = f"must be {phrase(type_)}" + (f", not {given}" if given not in (wanted, "") else "")
    quotes = wanted == "text" and given in ("a number", "true or false", "a date")
    return said + "; put it in quotes" if quotes else said


def _given(value: object) -> str:
    if isinstance(value, Expanded):
        return "" if value else "empty"
    return next((word for types, word in _GIVEN if isinstance(value, types)), "a date")


def _range(type_: kinds.IntType | kinds.FloatType) -> str:
    low = f" from {_shown(type_.ge)}" if type_.ge is not None else ""
    if type_.gt is not None:
        low = f" above {_shown(type_.gt)}"
        return f"{low} and up to {_shown(type_.le)}" if type_.le is not None else low
    return f"{low} to {_shown(type_.le)}" if type_.le is not None else low


def _shown(bound: float) -> str:
    return f"{int(bound):,}" if bound == int(bound) else f"{bound:g}"
