"""JSON Schemas as OpenAI's strict mode takes them: what it writes fits the caller's schema too, or it is not asked for.

Strict mode writes every property of an object and no other. A property that may be left out is demanded where it may be
null as well, and an object that does not speak of further properties gets none. A schema that wants more freedom than
that (a map, an optional property that may not be null) cannot be held to: then the model is asked without strictness,
by the schema as it came. Constraints that strict mode refuses are told in the description instead.

Source: https://platform.openai.com/docs/guides/structured-outputs, "Supported schemas", and openai-python 3.52,
`lib/_pydantic.py`, read 2026-11.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from router.wire.members import UNREADABLE

Schema = dict[str, object]

MOST_LEVELS = 10
MOST_PROPERTIES = 5_000
MOST_LOOKS = 10_000
"""Schemas within one that are looked at, each as often as it is referred to: in a few hundred bytes they can refer to
each other a thousand million times."""

_KEPT = frozenset({"type", "title", "description", "enum", "const", "pattern", "multipleOf", "minItems", "maxItems"})
_BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")
_SILENT = frozenset({"$schema", "$id", "$comment", "examples", "default", "deprecated", "readOnly", "writeOnly"})
"""Members that hold nothing to anything."""

_SHAPING = frozenset(
    {
        "allOf",
        "patternProperties",
        "prefixItems",
        "additionalItems",
        "if",
        "then",
        "else",
        "dependentSchemas",
        "dependentRequired",
        "unevaluatedProperties",
        "unevaluatedItems",
    }
)
"""Members that decide which shape a value has: left out, another shape would be held to."""

_HANDLED = frozenset({"$ref", "$defs", "definitions", "properties", "required", "additionalProperties", "items"})
_ALTERNATIVES = ("anyOf", "oneOf")
_TYPES: tuple[tuple[type, str], ...] = ((bool, "boolean"), (str, "string"), (int, "integer"), (float, "number"))


class _Loose(Exception):
    """The schema allows what strict mode cannot write."""


def strict_schema(schema: Raw) -> Raw | None:
    """The schema for strict mode, byte for byte as it came where it is one already; None where there is none."""
    try:
        whole = msgspec.json.decode(schema)
        lowered = _Lowering(whole).root() if isinstance(whole, dict) else None
    except (*UNREADABLE, _Loose):
        return None
    return schema if lowered == whole else None if lowered is None else Raw(msgspec.json.encode(lowered))


def held_to(schema: Raw | None, strict: bool | None, path: str, lost: list[str]) -> tuple[Raw | None, bool | None]:
    """A schema and whether to hold the model to it; strictness that it leaves no room for is added to `lost`."""
    if not strict or schema is None:
        return schema, strict
    lowered = strict_schema(schema)
    if lowered is None:
        lost.append(f"{path}.strict")
        return schema, False
    return lowered, True


def _told(schema: Schema) -> Schema:
    """The members that only words can tell."""
    known = _KEPT | _BOUNDS | _SILENT | _HANDLED | {*_ALTERNATIVES, "format"}
    told = {name: value for name, value in schema.items() if name not in known}
    if schema.get("format") is not None and schema["format"] not in _FORMATS:
        told["format"] = schema["format"]
    return told


class _Lowering:
    """One schema on its way. `_unfolding` holds the references that are being put in place."""

    def __init__(self, whole: Schema) -> None:
        self._whole = whole
        self._properties = self._looks = 0
        self._unfolding: tuple[str, ...] = ()

    def root(self) -> Schema:
        """The whole; it must be an object, and not one of several."""
        whole = self._whole
        ref = whole.get("$ref")
        if ref is not None:
            whole = {**self._target(ref), **{name: value for name, value in whole.items() if name != "$ref"}}
        lowered = self._of(whole, 0)
        if lowered.get("type") != "object" or "anyOf" in lowered:
            raise _Loose
        return lowered

    def _of(self, schema: object, level: int) -> Schema:
        self._look()
        if not isinstance(schema, dict) or level > MOST_LEVELS:
            raise _Loose
        if "$ref" in schema:
            return self._placed(schema, level)
        schema = _merged(schema)
        if not _SHAPING.isdisjoint(schema):
            raise _Loose
        lowered = {name: schema[name] for name in schema if name in _KEPT or name in _BOUNDS}
        if schema.get("format") in _FORMATS:
            lowered["format"] = schema["format"]
        lowered |= self._parts(schema, level)
        if not lowered.keys() & {"type", "anyOf"}:
            lowered["type"] = _type_of(schema)
        if told := _told(schema):
            words = msgspec.json.encode(told).decode()
            lowered["description"] = f"{lowered['description']}\n\n{words}" if "description" in lowered else words
        return lowered

    def _look(self) -> None:
        self._looks += 1
        if self._looks > MOST_LOOKS:
            raise _Loose

    def _parts(self, schema: Schema, level: int) -> Schema:
        """The schemas within."""
        parts: Schema = {}
        for name in ("$defs", "definitions"):
            if isinstance(held := schema.get(name), dict):
                parts["$defs"] = {key: self._of(inner, 0) for key, inner in held.items()}
        if "items" in schema:
            parts["items"] = self._of(schema["items"], level + 1)
        found = [schema[name] for name in _ALTERNATIVES if name in schema]
        if len(found) > 1 or any(not isinstance(one, list) for one in found):
            raise _Loose
        if found:
            parts["anyOf"] = [self._of(inner, level) for inner in found[0]]  # type: ignore[attr-defined]  # a list, as seen above
        if "properties" in schema or _holds(schema.get("type"), "object"):
            parts |= self._object(schema, level)
        return parts

    def _object(self, schema: Schema, level: int) -> Schema:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        further = schema.get("additionalProperties", False if properties else None)
        if not isinstance(properties, dict) or not isinstance(required, list) or further is not False:
            raise _Loose
        if not all(isinstance(name, str) and name in properties for name in required):
            raise _Loose
        self._properties += len(properties)
        optional = (inner for name, inner in properties.items() if name not in required)
        if self._properties > MOST_PROPERTIES or not all(self._may_be_null(inner, 0) for inner in optional):
            raise _Loose
        return {
            "properties": {name: self._of(inner, level + 1) for name, inner in properties.items()},
            "required": [
                *(name for name in required if name in properties),
                *(n for n in properties if n not in required),
            ],
            "additionalProperties": False,
        }

    def _placed(self, schema: Schema, level: int) -> Schema:
        """A reference alone; one with words beside it, which it may not have, in its target's place."""
        ref = schema["$ref"]
        beside = {name: value for name, value in schema.items() if name != "$ref" and name not in _SILENT}
        if not isinstance(ref, str):
            raise _Loose
        if not beside or ref in self._unfolding:
            return {"$ref": ref.replace("#/definitions/", "#/$defs/", 1)}
        before, self._unfolding = self._unfolding, (*self._unfolding, ref)
        try:
            return self._of({**self._target(ref), **beside}, level)
        finally:
            self._unfolding = before

    def _may_be_null(self, schema: object, depth: int) -> bool:
        self._look()
        if not isinstance(schema, dict) or depth > MOST_LEVELS:
            return False
        if "$ref" in schema:
            return self._may_be_null(self._target(schema["$ref"]), depth + 1)
        among = [one for name in _ALTERNATIVES if isinstance(one := schema.get(name), list)]
        alternatives = [inner for one in among for inner in one]
        values = schema.get("enum")
        if isinstance(values, list) and None not in values:
            return False
        return _holds(schema.get("type"), "null") or any(self._may_be_null(one, depth + 1) for one in alternatives)

    def _target(self, ref: object) -> Schema:
        """What a reference within the schema points at."""
        found: object = self._whole
        steps = ref[2:].split("/") if isinstance(ref, str) and ref.startswith("#/") else ()
        for step in steps:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        if not isinstance(found, dict) or not steps:
            raise _Loose
        return found


def _merged(schema: Schema) -> Schema:
    """Without an `allOf` of one, which says no more than what is in it."""
    all_of = schema.get("allOf")
    if isinstance(all_of, list) and len(all_of) == 1 and isinstance(all_of[0], dict) and "$ref" not in all_of[0]:
        return {**all_of[0], **{name: value for name, value in schema.items() if name != "allOf"}}
    return schema


def _holds(kind: object, name: str) -> bool:
    return kind == name or (isinstance(kind, list) and name in kind)


def _type_of(schema: Schema) -> object:
    """The type that must be said, where the values or the shape show it."""
    if "properties" in schema:
        return "object"
    if "items" in schema:
        return "array"
    values = schema["enum"] if isinstance(schema.get("enum"), list) else [schema["const"]] if "const" in schema else []
    assert isinstance(values, list)
    kinds = list(dict.fromkeys(_kind(value) for value in values))
    if not kinds:
        raise _Loose
    return kinds[0] if len(kinds) == 1 else kinds


def _kind(value: object) -> str:
    if value is None:
        return "null"
    found = next((name for kind, name in _TYPES if isinstance(value, kind)), None)
    if found is None:
        raise _Loose
    return found
