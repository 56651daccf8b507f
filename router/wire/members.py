"""A request body by its top-level members: what every front half reads first, and puts together again untouched."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TypeVar

import msgspec
from msgspec import Raw
from msgspec.json import Decoder, Encoder

from router.errors import Refused
from router.wire.dialect import Requirements

T = TypeVar("T")

NULL = Raw(b"null")
Unchecked = object
"""A member that is only told: one of an odd type must not fail the answer it stands in."""
ENCODER = Encoder()
MEMBERS = Decoder(dict[str, Raw])
TEXT = Decoder(str)
FLAG = Decoder(bool | None)
COUNT = Decoder(int | None)

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading JSON of others may raise; the last for nesting deeper than any message has reason to be."""

_FIRST_OF_LIST = re.compile(rb"\[\s*(\S)")
_AT = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?$", re.S)
_MISSING = re.compile(r"missing required field `(\w+)`")


_ROUTER = Decoder(Requirements | None)
_NO_WISHES = Requirements()


def read_members(body: bytes) -> dict[str, Raw]:
    """The members in order, values untouched. Raises `Refused` for anything but a JSON object."""
    try:
        return MEMBERS.decode(body)
    except msgspec.ValidationError as error:
        raise Refused("the body must be a JSON object") from error
    except UNREADABLE as error:
        raise Refused(f"the body is not valid JSON: {error}") from error


def is_text(body: bytes) -> bool:
    """Whether these bytes are UTF-8, as JSON must be. Readers do not look into values that they pass over."""
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def check_text(fields: Mapping[str, Raw]) -> None:
    """Refuse a member that is no UTF-8: who translates it would fail on it, or the provider would. Raises `Refused`."""
    for name, raw in fields.items():
        if not is_text(bytes(raw)):
            raise Refused(f"`{name}` is not UTF-8", param=name)


def take_requirements(fields: dict[str, Raw]) -> Requirements:
    """The caller's wishes; `router` is taken out of `fields`, since no provider may see it. Raises `Refused`."""
    raw = fields.pop("router", None)
    return _NO_WISHES if raw is None else read_member(_ROUTER, raw, "router") or _NO_WISHES


def read_model(fields: Mapping[str, Raw]) -> str:
    """The model's name. Raises `Refused` when it is missing, empty or no text."""
    model = read_member(TEXT, required(fields, "model"), "model")
    if not model:
        raise Refused("`model` must not be empty", param="model")
    return model


def read_member(decoder: Decoder[T], raw: Raw, name: str) -> T:
    """Decode one member of the body; what does not fit is the caller's fault, at a path below `name`."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise _refused(error, name) from error
    except UNREADABLE as error:
        raise Refused(f"`{name or 'body'}` is not valid JSON: {error}", param=name or None) from error


def read_optional(decoder: Decoder[T | None], fields: Mapping[str, Raw], name: str) -> T | None:
    """The same of a member that may be left out, as most are."""
    raw = fields.get(name)
    return None if raw is None else read_member(decoder, raw, name)


def unread(raw: Raw, known: Collection[str], path: str) -> list[tuple[str, Raw]]:
    """What an object's members say that canon has no word for, by path; of null, nothing."""
    members = {} if raw == NULL else read_member(MEMBERS, raw, path)
    return [(f"{path}.{name}", value) for name, value in members.items() if name not in known and value != NULL]


def required(fields: Mapping[str, Raw], name: str) -> Raw:
    """A member that must be there. Raises `Refused`."""
    if name not in fields:
        raise Refused(f"`{name}` is missing", param=name)
    return fields[name]


def check_objects(raw: Raw, name: str) -> None:
    """Refuse what is no list of objects, by its beginning only: it may be megabytes, and who translates it reads it."""
    match = _FIRST_OF_LIST.match(raw)
    if match is None:
        raise Refused(f"`{name}` must be an array of objects", param=name)
    if match[1] == b"]":
        raise Refused(f"`{name}` must not be empty", param=name)
    if match[1] != b"{":
        raise Refused(f"`{name}[0]` must be an object", param=f"{name}[0]")


def no_arguments(said: str, *, custom: bool = False) -> bool:
    """Whether a call's arguments are none: empty, or the `null` that some models write for `{}`.

    Args:
        custom: they are text of a tool's own form, in which `null` is a word.
    """
    text = said.strip()
    return not text or (text == "null" and not custom)


def joined(members: Mapping[str, object]) -> bytes:
    """The members as one JSON object, those that are `Raw` byte for byte."""
    return ENCODER.encode(members)


def _refused(error: msgspec.ValidationError, name: str) -> Refused:
    match = _AT.match(str(error))
    what, path = (match["what"], match["path"] or "") if match else (str(error), "")
    missing = _MISSING.search(what)
    steps = [step for step in (name, path, missing[1] if missing else "") if step]
    param = ".".join(steps).replace(".[", "[")
    return Refused(f"`{param}`: {what}", param=param or None)
