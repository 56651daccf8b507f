"""JSON Schemas as far as Anthropic's constrained decoding goes. What it cannot hold to is told to the model in words.

Only schemas that the answer is held to pass here: `output_config.format` and strict tools. Other tools' schemas are the
caller's own words to the model and stay untouched, and so do tools' answers.

Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs and anthropic-sdk-python 0.121.0,
`lib/_parse/_transform.py`, read 2026-11.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from router.wire.members import UNREADABLE

_KEPT = frozenset({"type", "enum", "title", "description", "required"})
_NAMED_SCHEMAS = {"properties": "properties", "$defs": "$defs", "definitions": "$defs"}
_LISTED_SCHEMAS = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf"}
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"})
_SILENT = frozenset({"$schema", "$id", "$comment", "examples"})
"""Members whose absence the model need not be told of."""

_DEEPEST = 200
"""Nesting past this is nobody's schema, and would exhaust the stack."""


def lower_schema(schema: Raw) -> Raw:
    """The schema in the words constrained decoding knows, every property kept; as it came when it is no object."""
    try:
        whole: object = msgspec.json.decode(schema)
    except UNREADABLE:
        return schema
    return Raw(msgspec.json.encode(_lowered(whole, 0))) if isinstance(whole, dict) else schema


def _lowered(schema: object, depth: int) -> object:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return schema
    lowered: dict[str, object] = {}
    told: dict[str, object] = {}
    for name, value in schema.items():
        kept = _member(name, value, depth)
        if kept is not None:
            lowered[kept[0]] = kept[1]
        elif name not in _SILENT and not (name == "additionalProperties" and isinstance(value, bool)):
            told[name] = value
    if "properties" in lowered or _is_object(lowered.get("type")):
        lowered["additionalProperties"] = False
    if told:
        words = msgspec.json.encode(told).decode()
        lowered["description"] = f"{lowered['description']}\n\n{words}" if "description" in lowered else words
    return lowered


def _member(name: str, value: object, depth: int) -> tuple[str, object] | None:
    """One member of a schema as it may stand; None for one that only words can tell."""
    match name, value:
        case (("properties" | "$defs" | "definitions"), dict()):
            return _NAMED_SCHEMAS[name], {key: _lowered(inner, depth + 1) for key, inner in value.items()}
        case (("anyOf" | "oneOf" | "allOf"), list()):
            return _LISTED_SCHEMAS[name], [_lowered(inner, depth + 1) for inner in value]
        case "items", dict():
            return name, _lowered(value, depth + 1)
        case "$ref", str():
            return name, value.replace("#/definitions/", "#/$defs/", 1)
        case "const", _:
            return "enum", [value]
        case "minItems", 0 | 1:
            return name, value
        case "format", str() if value in _FORMATS:
            return name, value
    return (name, value) if name in _KEPT else None


def _is_object(kind: object) -> bool:
    return kind == "object" or (isinstance(kind, list) and "object" in kind)
