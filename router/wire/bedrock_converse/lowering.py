"""JSON Schemas of tools as Converse takes them: an object at the root, and no alternatives there.

Alternatives at the root become one object with the properties of all; what all of them demand stays demanded. Some
models want a root of properties and nothing else: there references are put in place. Everything below the root is the
caller's own words to the model and stays as it is, and so do tools' answers.

Source: https://docs.aws.amazon.com/nova/latest/userguide/tool-use-definition.html and API_runtime_ToolInputSchema,
read 2026-11.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from router.wire.members import UNREADABLE

Schema = dict[str, object]

_EMPTY: Schema = {"type": "object", "properties": {}}
_BARE = ("type", "properties", "required")
_ALTERNATIVES = ("anyOf", "oneOf")

MOST_NODES = 5_000
DEEPEST = 60
"""Bounds on what references may unfold to: nested ones double with each step."""


def lower_schema(schema: Raw | None, *, bare: bool = False) -> Raw:
    """The schema with an object at its root; byte for byte as it came when it had one.

    Args:
        schema: the caller's; None for a tool that takes nothing.
        bare: nothing but `type`, `properties` and `required` at the root.
    """
    try:
        whole = msgspec.json.decode(schema) if schema is not None else None
    except UNREADABLE:
        whole = None
    if not isinstance(whole, dict):
        return Raw(msgspec.json.encode(_EMPTY))
    root = _rooted(whole, whole, 0)
    if bare:
        unfolded = _Unfolding(root)
        root = {name: unfolded.of(root[name], (), 0) for name in _BARE if name in root}
    return schema if root == whole and schema is not None else Raw(msgspec.json.encode(root))


def _rooted(schema: Schema, whole: Schema, depth: int) -> Schema:
    """An object schema that allows what this one allows, or more."""
    target = _target(schema.get("$ref"), whole)
    if target is not None and depth < DEEPEST:
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        return _rooted({**target, **rest}, whole, depth + 1)
    branches = {key: schema[key] for key in ("allOf", *_ALTERNATIVES) if isinstance(schema.get(key), list)}
    root = {name: value for name, value in schema.items() if name not in branches}
    root["type"] = "object"
    if not branches or depth >= DEEPEST:
        return root
    properties: Schema = {}
    required = _names(root.get("required"))
    for key, found in branches.items():
        assert isinstance(found, list)
        inner = [_rooted(one, whole, depth + 1) for one in found if isinstance(one, dict)]
        for one in inner:
            _merge(properties, one.get("properties"), either=key in _ALTERNATIVES)
        demanded = [_names(one.get("required")) for one in inner]
        required += _demanded(demanded, by_all=key in _ALTERNATIVES)
    own = root.get("properties")
    root["properties"] = {**properties, **own} if isinstance(own, dict) else properties
    if required:
        root["required"] = list(dict.fromkeys(required))
    return root


def _merge(into: Schema, properties: object, *, either: bool) -> None:
    """Add a branch's properties; one that branches tell differently may be either, or must be both."""
    for name, schema in (properties if isinstance(properties, dict) else {}).items():
        if name not in into or into[name] == schema:
            into[name] = schema
        else:
            into[name] = {"anyOf" if either else "allOf": [into[name], schema]}


def _demanded(demanded: list[list[str]], *, by_all: bool) -> list[str]:
    """The names that every branch demands, or that any does."""
    if not by_all:
        return [name for names in demanded for name in names]
    return [name for name in demanded[0] if all(name in names for names in demanded)] if demanded else []


def _names(required: object) -> list[str]:
    return [name for name in required if isinstance(name, str)] if isinstance(required, list) else []


def _target(ref: object, whole: Schema) -> Schema | None:
    """What a reference within the schema points at; None for any other."""
    if not isinstance(ref, str) or not ref.startswith("#/"):
        return None
    found: object = whole
    for step in ref[2:].split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


class _Unfolding:
    """References put in place. One that leads into itself, or that would unfold without bound, becomes any value."""

    def __init__(self, whole: Schema) -> None:
        self._whole = whole
        self._nodes = 0

    def of(self, value: object, refs: tuple[str, ...], depth: int) -> object:
        """A schema, or a list or map of them, without references; names of properties are never taken for one."""
        self._nodes += 1
        if self._nodes > MOST_NODES or depth > DEEPEST:
            return {}
        if isinstance(value, list):
            return [self.of(inner, refs, depth + 1) for inner in value]
        if not isinstance(value, dict):
            return value
        ref = value.get("$ref")
        if not isinstance(ref, str):
            return {name: self.of(inner, refs, depth + 1) for name, inner in value.items()}
        target = _target(ref, self._whole)
        if target is None or ref in refs:
            return {}
        rest = {name: inner for name, inner in value.items() if name != "$ref"}
        return self.of({**target, **rest}, (*refs, ref), depth + 1)
