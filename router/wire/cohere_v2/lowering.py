"""JSON Schemas as far as Cohere's constrained decoding goes. What it cannot hold to is told to the model in words.

Only schemas that the answer is held to pass here: `response_format` and the parameters of strict tools. Other tools'
schemas stay untouched, and so do tools' answers. Every answer that fits a lowered schema fits what the words leave of
the caller's.

Source: https://docs.cohere.com/v2/docs/structured-outputs, read 2026-11.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw

from router.wire.members import UNREADABLE

_KEPT = frozenset({"type", "enum", "const", "title", "description", "default", "required", "$ref"})
_FORMATS = frozenset({"date-time", "date", "time", "uuid"})
_SILENT = frozenset({"$schema", "$id", "$comment", "examples"})
"""Members whose absence the model need not be told of."""

_ANCHORED = re.compile(r"\^?(?P<inner>.*?)(?<!\\)\$?", re.S)
_UNMATCHED = re.compile(r"(?<!\\)(?:\\\\)*(?:\$|(?<!\[)\^)|\(\?[=!<]")
"""What is not understood inside a regular expression: anchors, and looking ahead or behind."""

_DEEPEST = 200
"""Nesting past this is nobody's schema, and would exhaust the stack."""


def lower_schema(schema: Raw | None) -> Raw | None:
    """The schema in the words constrained decoding knows, every property kept; None where it is not an object's."""
    try:
        whole: object = None if schema is None else msgspec.json.decode(schema)
    except UNREADABLE:
        return None
    if not isinstance(whole, dict) or not ("properties" in whole or whole.get("type") == "object"):
        return None
    lowered = _lowered({"type": "object"} | whole, 0)
    return Raw(msgspec.json.encode(lowered))


def has_required(schema: Raw | None) -> bool:
    """Whether a schema, lowered, asks for a property at least: one that does not is refused."""
    return schema is not None and bool(msgspec.json.decode(schema).get("required"))


def _lowered(schema: object, depth: int) -> object:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return {} if isinstance(schema, bool) else schema
    lowered: dict[str, object] = {}
    told: dict[str, object] = {}
    for name, value in schema.items():
        kept = _member(name, value, depth)
        if kept is not None:
            lowered[kept[0]] = kept[1]
        elif name not in _SILENT:
            told[name] = value
    properties = lowered.get("properties")
    if isinstance(properties, dict) and properties and not lowered.get("required"):
        # An object in which nothing is required is refused; asking for its first property narrows least.
        lowered["required"] = [next(iter(properties))]
    if told:
        words = msgspec.json.encode(told).decode()
        lowered["description"] = f"{lowered['description']}\n\n{words}" if "description" in lowered else words
    return lowered


def _member(name: str, value: object, depth: int) -> tuple[str, object] | None:
    """One member of a schema as it may stand; None for one that only words can tell."""
    match name, value:
        case (("properties" | "$defs" | "definitions"), dict()):
            return name, {key: _lowered(inner, depth + 1) for key, inner in value.items()}
        case (("anyOf" | "oneOf"), list()):
            return "anyOf", [_lowered(inner, depth + 1) for inner in value]
        case (("items" | "additionalProperties"), dict()):
            return name, _lowered(value, depth + 1)
        case "additionalProperties", bool():
            return name, value
        case "format", str() if value in _FORMATS:
            return name, value
        case "pattern", str():
            return _pattern(value)
    return (name, value) if name in _KEPT else None


def _pattern(pattern: str) -> tuple[str, object] | None:
    """The whole text is matched here, so anchors around a pattern say nothing; anchors inside it cannot be said."""
    match = _ANCHORED.fullmatch(pattern)
    inner = match["inner"] if match else pattern
    return None if _UNMATCHED.search(inner) else ("pattern", inner)
