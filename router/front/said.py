"""What is said to operators: JSON of Structs, in which money is a number and a measured one has no more digits than
anybody measured, and the queries they may send."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct
from msgspec import inspect as kinds

from router.errors import Refused

_ENCODER = msgspec.json.Encoder(decimal_format="number")
Q = TypeVar("Q", bound=Struct)

_PLACES = (("_ms", 1), ("_s", 3), ("_usd", 9), ("_rate", 4), ("_score", 4), ("share", 4))
"""How a name ends -> the decimal places of its floats. Instants (`at`) are left whole: an act's digest is over it."""


class NoQuery(Struct, frozen=True, kw_only=True):
    """Takes no parameters."""


def said(answer: Struct, status: int = 200) -> web.Response:
    """An answer that no cache keeps."""
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return web.Response(body=encoded(answer), headers=headers, status=status)


def encoded(answer: Struct) -> bytes:
    """JSON, every float rounded by the unit in its name."""
    return _ENCODER.encode(_rounded(msgspec.to_builtins(answer, builtin_types=(Decimal,)), None))


def _rounded(value: object, places: int | None) -> object:
    match value:
        case float():
            return value if places is None else round(value, places)
        case Mapping():
            return {name: _rounded(inner, _places_of(name)) for name, inner in value.items()}
        case list() | tuple():
            return [_rounded(inner, places) for inner in value]
    return value


def _places_of(name: str) -> int | None:
    return next((places for ending, places in _PLACES if name.endswith(ending)), None)


def queried(request: web.Request, query: type[Q]) -> Q:
    """The query of a request. Raises `Refused` for a name that is not in it, one given twice, and a value that is not
    what it must be."""
    given = dict(request.query)
    known = query.__struct_fields__
    for name in request.query:
        if name not in known:
            taken = f"known are {', '.join(known)}" if known else "this path takes none"
            raise Refused(f"there is no parameter of that name; {taken}", param=name)
        if len(request.query.getall(name)) > 1:
            raise Refused("a parameter is given once", param=name)
    try:
        return msgspec.convert(given, query, strict=False)
    except msgspec.ValidationError as error:
        name = _named(str(error))
        raise Refused(f"{name} must be {_phrase(_types(query)[name])}", param=name) from error


def _types(query: type[Struct]) -> dict[str, kinds.Type]:
    read = kinds.type_info(query)
    assert isinstance(read, kinds.StructType)
    return {field.name: field.type for field in read.fields}


def _phrase(type_: kinds.Type) -> str:
    """What a parameter may be, in words."""
    match type_:
        case kinds.UnionType(types):
            return " or ".join(_phrase(each) for each in types if not isinstance(each, kinds.NoneType))
        case kinds.Metadata(inner):
            return _phrase(inner)
        case kinds.EnumType(cls):
            return f"one of {', '.join(str(each.value) for each in cls)}"
        case kinds.LiteralType(values):
            return f"one of {', '.join(map(str, values))}"
        case kinds.IntType(ge=low, le=high):
            return f"a whole number from {low} to {high}"
        case kinds.DateTimeType():
            return "a time with its zone, as 2026-01-31T00:00:00Z, or epoch seconds"
    return "text, and not empty"


def _named(error: str) -> str:
    """The parameter that an error is about: where it is, as in "at `$.limit`", or which is missing."""
    return error.rpartition("`$." if "`$." in error else " `")[2].strip("`")
