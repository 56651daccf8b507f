"""From plain mappings, lists and scalars to the schema's Structs, with a fault for each value that does not fit.

msgspec's own conversion stops at the first fault and names types; an operator wants all of them, in plain words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar, cast

from msgspec import inspect as kinds

from router.settings.expand import Expanded
from router.settings.faults import INVALID, Findings, Invalid, Where, suggest_any
from router.settings.references import References
from router.settings.scalar import read_scalar, read_secret
from router.settings.schema import Keys
from router.settings.secret import MASK, Secret
from router.settings.words import bare, not_none, phrase, refusal, type_of

K = TypeVar("K", bound=Keys)

_MASKED = "is the mask of a secret, not one: fill it in, or write ${NAME}, file:PATH or secret:NAME"

_EMPTY: dict[type, object] = {kinds.StructType: {}, kinds.DictType: {}, kinds.VarTupleType: []}
"""What nothing at all stands for, so that a section whose keys are all commented out is one with its defaults."""


class Shaper:
    """Fits values to types, and keeps the faults.

    `references` finds what stands for a secret; None takes every text as one.

    Args:
        folder: what relative paths are relative to.
        user_home: what `~` stands for.
    """

    def __init__(self, findings: Findings, folder: Path, user_home: Path) -> None:
        self._findings = findings
        self._folder = folder
        self._user_home = user_home
        self.references: References | None = None

    def shape(self, tree: object, cls: type[K]) -> K:
        """A Struct, of defaults and blanks where there are faults: good for finding more of them, not for use."""
        type_ = type_of(cls)
        shaped = self._read(tree, type_, ())
        return cast(K, _blank(type_) if isinstance(shaped, Invalid) else shaped)

    def _read(self, value: object, type_: kinds.Type, where: Where) -> object:
        if isinstance(value, Invalid):
            return INVALID
        inner, extra = bare(type_)
        if value is None or ("none" in extra and value == extra["none"]):
            value = _EMPTY.get(type(inner))
        match inner:
            case kinds.UnionType():
                nothing = value is None or (isinstance(value, Expanded) and not value)
                return None if nothing else self._read(value, not_none(inner), where)
            case kinds.StructType():
                return self._struct(value, inner, where)
            case kinds.DictType():
                return self._mapping(value, inner, where)
            case kinds.VarTupleType():
                return self._sequence(value, inner, where)
        return self._single(value, inner, where)

    def _struct(self, value: object, type_: kinds.StructType, where: Where) -> object:
        shorthand = cast(type[Keys], type_.cls).shorthand
        if shorthand and isinstance(value, str):
            value = {shorthand: value}
        if not isinstance(value, Mapping):
            return self._refuse(value, type_, where)
        fields = {field.name: field for field in type_.fields}
        for key in value:
            if key not in fields:
                self._findings.add((*where, str(key)), f"unknown key{suggest_any(key, fields)}")
        taken: dict[str, object] = {}
        for name, field in fields.items():
            place = (*where, name)
            if field.required and value.get(name) is None:
                self._findings.add(place, f"is missing; give {phrase(field.type)}")
            elif name in value:
                taken[name] = self._read(value[name], field.type, place)
        return _built(type_, {name: read for name, read in taken.items() if not isinstance(read, Invalid)})

    def _mapping(self, value: object, type_: kinds.DictType, where: Where) -> object:
        if not isinstance(value, Mapping):
            return self._refuse(value, type_, where)
        taken: dict[str, object] = {}
        for key, item in value.items():
            place = (*where, str(key))
            if not isinstance(key, str):
                self._findings.add(place, "the name must be text; put it in quotes")
            elif not _matches(key, type_.key_type):
                self._findings.add(place, f"the name must be {phrase(type_.key_type)}")
            read = self._read(item, type_.value_type, place)
            taken[str(key)] = _blank(type_.value_type) if isinstance(read, Invalid) else read
        return taken

    def _sequence(self, value: object, type_: kinds.VarTupleType, where: Where) -> object:
        if not isinstance(value, list | tuple):
            return self._refuse(value, type_, where)
        read = [self._read(item, type_.item_type, (*where, index)) for index, item in enumerate(value)]
        return tuple(_blank(type_.item_type) if isinstance(item, Invalid) else item for item in read)

    def _single(self, value: object, type_: kinds.Type, where: Where) -> object:
        read: object
        match type_:
            case kinds.LiteralType(values):
                read = str(value) if isinstance(value, str) and value in values else INVALID
            case kinds.CustomType(cls) if cls is Secret:
                read = self._secret(value, where)
                if read is None:
                    return INVALID
            case kinds.CustomType(cls) if cls is Path:
                read = self._path(value)
            case _:
                read = read_scalar(value, type_)
        return self._refuse(value, type_, where) if isinstance(read, Invalid) else read

    def _secret(self, value: object, where: Where) -> Secret | Invalid | None:
        """A secret, or what is named instead of it; None where that has its fault already."""
        if value == MASK:
            self._findings.add(where, _MASKED)
            return None
        read = read_secret(value)
        if isinstance(read, Invalid) or self.references is None:
            return read
        found = self.references.find(read.reveal())
        if isinstance(found, str):
            self._findings.add(where, found)
            return None
        return read if found is None else found

    def path_of(self, text: str) -> Path:
        """Where a path leads that was written as text."""
        path = self._path(text)
        return Path(text) if isinstance(path, Invalid) else path

    def _path(self, value: object) -> Path | Invalid:
        if isinstance(value, Path):
            return self._folder / value
        if not isinstance(value, str) or not value or "\0" in value:
            return INVALID
        if value == "~" or value.startswith("~/"):
            return self._user_home / value[2:]
        return self._folder / value

    def _refuse(self, value: object, type_: kinds.Type, where: Where) -> Invalid:
        self._findings.add(where, refusal(value, type_))
        return INVALID


def _built(type_: kinds.StructType, taken: Mapping[str, object]) -> object:
    blanks = {field.name: _blank(field.type) for field in type_.fields if field.required and field.name not in taken}
    return type_.cls(**taken, **blanks)


def _blank(type_: kinds.Type) -> object:
    """Something of the type that no rule stumbles over."""
    inner, _ = bare(type_)
    match inner:
        case kinds.StructType():
            return _built(inner, {})
        case kinds.VarTupleType():
            return ()
        case kinds.StrType():
            return ""
    return Secret("") if isinstance(inner, kinds.CustomType) else None


def _matches(key: str, type_: kinds.Type) -> bool:
    inner, _ = bare(type_)
    pattern = inner.pattern if isinstance(inner, kinds.StrType) else None
    return pattern is None or re.search(pattern, key) is not None
