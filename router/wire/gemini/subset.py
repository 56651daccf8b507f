"""JSON Schema without the keywords Google does not read, for the models that take JSON Schema itself.

It says what the lowered form cannot: maps, tuples, choices that are no text, recursion.

Source: https://ai.google.dev/api/generate-content#GenerationConfig, responseJsonSchema, read 2026-11.
"""

from __future__ import annotations

from msgspec import Raw

from router.wire.gemini.lower import Lowered, Schema, is_annotation, read_schema

_KEPT = frozenset(
    {"$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items", "prefixItems"}
    | {"minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties"}
    | {"required", "propertyOrdering"}
)
_RENAMED = {"definitions": "$defs", "const": "enum"}


def json_subset(raw: Raw, path: str) -> Lowered:
    """The schema as JSON Schema, without the keywords Google does not read.

    None where that would lose properties, or where the whole is not plainly an object, as a tool's parameters must be.
    """
    root = read_schema(raw)
    if root is None or root.get("type") != "object" or b'"allOf"' in bytes(raw):
        return Lowered(schema=None)
    lost: list[str] = []
    return Lowered(schema=_subset(root, path, lost), lost=tuple(lost))


def _subset(said: object, path: str, lost: list[str]) -> Schema:
    if not isinstance(said, dict):
        return {}
    ref = said.get("$ref")
    if isinstance(ref, str):
        # Beside a reference only other words that begin with $ may stand.
        said = {key: value for key, value in said.items() if key.startswith("$")}
        said["$ref"] = ref.replace("#/definitions/", "#/$defs/", 1)
    kept: Schema = {}
    for key, value in said.items():
        word = "prefixItems" if key == "items" and isinstance(value, list) else _RENAMED.get(key, key)
        if word not in _KEPT:
            lost += [] if is_annotation(key) else [f"{path}.{key}"]
            continue
        here = f"{path}.{key}"
        match value:
            case dict() if word in ("properties", "$defs"):
                kept[word] = {name: _subset(inner, f"{here}.{name}", lost) for name, inner in value.items()}
            case dict():
                kept[word] = _subset(value, here, lost)
            case list() if word in ("anyOf", "oneOf", "prefixItems"):
                kept[word] = [_subset(inner, f"{here}[{place}]", lost) for place, inner in enumerate(value)]
            case _:
                kept[word] = [value] if key == "const" else value
    return kept
