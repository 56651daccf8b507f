"""Routing wishes in `x-router-*` headers: for clients that cannot put a `router` object into the body."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from router.errors import Refused
from router.front.drill import HEADER
from router.wire.dialect import Ask, Requirements

_PREFIX = "x-router-"
_LISTS = frozenset({"fallbacks_on", "requires", "resume"})
"""Wishes of several words; in a header, commas stand between them."""

_FIELDS = {name.replace("_", "-"): name for name in Requirements.__struct_fields__}


def as_text(name: str, value: str) -> str:
    """A header's value that is kept or compared. Raises `Refused` for one that is not UTF-8: the server hands it on
    with halves of surrogates, which can be written nowhere."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise Refused(f"the header {name} is not UTF-8", param=name) from error
    return value


def with_headers(ask: Ask, headers: Mapping[str, str]) -> Ask:
    """The request with the wishes of its headers added; the body's own win. Raises `Refused` naming a header it cannot
    read."""
    said = {
        lower: as_text(lower, value) for name, value in headers.items() if (lower := name.lower()).startswith(_PREFIX)
    }
    said.pop(HEADER, None)  # no wish of the routing
    if not said:
        return ask
    body = msgspec.to_builtins(ask.requirements)
    defaults = msgspec.to_builtins(Requirements())
    merged: dict[str, object] = dict(body)
    for header, value in said.items():
        field = _FIELDS.get(header.removeprefix(_PREFIX))
        if field is None:
            raise Refused(
                f"unknown header {header}; known are {', '.join(_PREFIX + name for name in _FIELDS)}", param=header
            )
        if body[field] == defaults[field]:
            merged[field] = value if field not in _LISTS or value == "off" else value.replace(" ", "").split(",")
    try:
        return msgspec.structs.replace(ask, requirements=msgspec.convert(merged, Requirements, strict=False))
    except msgspec.ValidationError as error:
        raise Refused(f"an x-router header cannot be read: {error}", param="router") from error
