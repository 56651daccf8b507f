"""JSON Schemas of tools' parameters as far as Ollama reads them. What it does not read is told to the model in words.

The server reads a few members of each property and forgets the rest without a word, references among them, so those
are put in place. Only tools' parameters pass here: the format of an answer is held to whole, and tools' answers are
never touched.

Source: github.com/ollama/ollama at 2026-08-21, `api/types.go`, ToolFunctionParameters and ToolProperty.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from router.wire.members import UNREADABLE

_SILENT = frozenset({"$schema", "$id", "$comment", "$defs", "definitions", "title", "examples"})
"""Members whose absence the model need not be told of."""

_DEEPEST = 60
_MOST_SCHEMAS = 5000
"""Bounds on what references may unfold to: a few that name each other twice double at every step."""


def lower_parameters(parameters: Raw) -> Raw | None:
    """The schema as Ollama reads it, every property kept; None for one that is not an object's."""
    try:
        whole: object = msgspec.json.decode(parameters)
    except UNREADABLE:
        return None
    if not isinstance(whole, dict):
        return None
    lowered = _Lowering(whole).schema(whole, 0, frozenset())
    if "properties" not in lowered and lowered.get("type") != "object":
        return None
    kept = {name: value for name, value in lowered.items() if name in ("properties", "required")}
    return Raw(msgspec.json.encode({"type": "object", "properties": {}} | kept))


class _Lowering:
    """One schema on its way; counts what it unfolds to."""

    def __init__(self, root: dict[str, object]) -> None:
        self._root = root
        self._schemas = 0

    def schema(self, said: object, depth: int, above: frozenset[str]) -> dict[str, object]:
        """A schema inside another.

        Args:
            said: as the caller wrote it; `true` and whatever else is no object allows everything.
            depth: how many schemas it is inside of.
            above: the references that led here; one that leads to itself is not followed again.
        """
        self._schemas += 1
        if not isinstance(said, dict) or self._schemas > _MOST_SCHEMAS or depth > _DEEPEST:
            return {}
        members, above = self._opened(said, depth, above)
        lowered: dict[str, object] = {}
        told: dict[str, object] = {}
        for name, value in members.items():
            kept = self._member(name, value, depth + 1, above)
            if kept is not None:
                lowered[kept[0]] = kept[1]
            elif name not in _SILENT:
                told[name] = value
        if told:
            words = msgspec.json.encode(told).decode()
            lowered["description"] = f"{lowered['description']}\n\n{words}" if "description" in lowered else words
        return lowered

    def _member(self, name: str, value: object, depth: int, above: frozenset[str]) -> tuple[str, object] | None:
        """One member as it may stand; None for one that only words can tell."""
        match name, value:
            case "properties", dict():
                return name, {key: self.schema(inner, depth, above) for key, inner in value.items()}
            case (("anyOf" | "oneOf"), list()):
                return "anyOf", [self.schema(inner, depth, above) for inner in value]
            case "items", dict() | bool():
                return name, self.schema(value, depth, above)
            case "const", _:
                return "enum", [value]
            case ("description" | "type", str()) | ("enum", list()):
                return name, value
            case (("type" | "required"), list()) if all(isinstance(word, str) for word in value):
                return name, value
        return None

    def _opened(
        self, said: dict[str, object], depth: int, above: frozenset[str]
    ) -> tuple[dict[str, object], frozenset[str]]:
        """The members of a schema with those it refers to and joins, its own first; and what it referred to.

        A reference that leads nowhere, or back, is left to be told in words.
        """
        members = {name: value for name, value in said.items() if name not in ("$ref", "allOf")}
        reference, joined = said.get("$ref"), said.get("allOf")
        inner = list(joined) if isinstance(joined, list) else []
        found = self._found(reference) if isinstance(reference, str) and reference not in above else None
        if isinstance(reference, str) and isinstance(found, dict):
            inner.append(found)
            above |= {reference}
        elif reference is not None:
            members["$ref"] = reference
        for other in inner:
            if isinstance(other, dict) and depth <= _DEEPEST:
                opened, above = self._opened(other, depth + 1, above)
                members = _merged(members, opened)
        return members, above

    def _found(self, reference: str) -> object:
        """What a reference within the schema names; None for any other."""
        found: object = self._root
        for step in reference.removeprefix("#/").split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if isinstance(found, dict) else None
        return found


def _merged(own: dict[str, object], other: dict[str, object]) -> dict[str, object]:
    """Two schemas that must both hold, as one; where they disagree the first is kept."""
    merged = other | own
    mine, theirs = own.get("properties"), other.get("properties")
    if isinstance(mine, dict) and isinstance(theirs, dict):
        merged["properties"] = theirs | mine
    needs, also = own.get("required"), other.get("required")
    if isinstance(needs, list) and isinstance(also, list):
        merged["required"] = [*needs, *(name for name in also if name not in needs)]
    return merged
