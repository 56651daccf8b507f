"""JSON Schema lowered to what Google takes: the subset of OpenAPI 3.0 that every one of its models reads.

References are put in place, unions with null become `nullable`, `allOf` is merged, `oneOf` becomes `anyOf`. Inner
properties are kept whatever surrounds them. What cannot be said is named by path; where that changes what the values
may be (a map, a tuple, a recursion), the schema is `rough`, and `subset.py` has the better form for models that take
it. Property names are never mistaken for keywords.

Source: https://ai.google.dev/api/caching#Schema and generate-content#GenerationConfig, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Raw, Struct

from router.wire.gemini.schema import UNREADABLE

Schema = dict[str, object]

MOST_NODES = 5_000
DEEPEST = 60
"""Bounds on what references may unfold to: nested ones double with each step."""

_KEPT: dict[str, tuple[str, ...]] = {
    "string": ("minLength", "maxLength", "pattern"),
    "number": ("minimum", "maximum"),
    "integer": ("minimum", "maximum"),
    "boolean": (),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties", "propertyOrdering"),
}
"""Type -> the keywords that pass as they are; its keys are all the types there are but null."""

_FORMATS: dict[str, frozenset[str]] = {
    "string": frozenset({"date-time"}),
    "number": frozenset({"float", "double"}),
    "integer": frozenset({"int32", "int64"}),
}
_ABOUT = ("title", "description", "default", "example")

ANNOTATIONS = frozenset(
    {"$schema", "$comment", "default", "example", "examples", "deprecated", "readOnly", "writeOnly", "discriminator"}
    | {"contentEncoding", "contentMediaType", "strict"}
)
"""Keywords that say nothing about the values."""

_READ = frozenset(
    {"$id", "$anchor", "$defs", "definitions", "$ref", "allOf", "anyOf", "oneOf", "type", "nullable", "enum", "const"}
    | {"format", "properties", "required", "items", "prefixItems", "additionalProperties"}
    | {"exclusiveMinimum", "exclusiveMaximum"}
)
"""Keywords that are read by name below."""


class _Place(Struct, frozen=True):
    """Where a lowering is: the path in canon, the references that led there, and how deep that is."""

    path: str
    refs: tuple[str, ...] = ()
    depth: int = 0

    def below(self, step: str) -> _Place:
        """One level further down."""
        return _Place(self.path + step, self.refs, self.depth + 1)

    def through(self, ref: str) -> _Place:
        """The same place, reached by one more reference."""
        return _Place(self.path, (*self.refs, ref), self.depth)


class Lowered(Struct, frozen=True, kw_only=True):
    """A schema in Google's words; None when there is nothing to say. `lost` are paths below the one given."""

    schema: Schema | None
    lost: tuple[str, ...] = ()
    rough: bool = False


def lower_schema(raw: Raw, path: str) -> Lowered:
    """A schema for an answer. `path` is where it stands in canon."""
    root = read_schema(raw)
    if root is None:
        return Lowered(schema=None, lost=(path,))
    lowering = _Lowering(root)
    schema = lowering.lower(root, _Place(path))
    return Lowered(schema=schema, lost=tuple(lowering.lost), rough=lowering.rough)


def lower_parameters(raw: Raw | None, path: str) -> Lowered:
    """A tool's parameters: an object whatever was written, or None for one without properties, which Google refuses."""
    if raw is None or raw == Raw(b"null"):
        return Lowered(schema=None)
    root = read_schema(raw)
    if root is None:
        return Lowered(schema=None, lost=(path,))
    lowering = _Lowering(root)
    schema = lowering.lower({**root, "type": "object"}, _Place(path))
    schema.pop("nullable", None)
    said = schema if schema.get("properties") else None
    return Lowered(schema=said, lost=tuple(lowering.lost), rough=lowering.rough)


def read_schema(raw: Raw) -> Schema | None:
    """The schema as an object; None for what is none, or is nested deeper than can be read."""
    try:
        read = msgspec.json.decode(raw)
    except UNREADABLE:
        return None
    return read if isinstance(read, dict) and not _is_deep(read) else None


def _is_deep(schema: Schema) -> bool:
    """Whether walking the schema could end the stack."""
    level: list[object] = [schema]
    for _ in range(DEEPEST * 2):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


class _Lowering:
    """One schema on its way down: its root for references, and what could not be said."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._nodes = 0
        self.lost: list[str] = []
        self.rough = False

    def lower(self, said: object, at: _Place) -> Schema:
        """One schema and all below it."""
        schema, at = self._resolved(said, at)
        if schema is None or at.depth > DEEPEST:
            return self._give_up(at.path, {"type": "object"})
        self.lost += [f"{at.path}.{key}" for key in schema if _says_more(key)]
        kinds, nullable = _kinds(schema)
        variants = _schemas(schema.get("anyOf")) or _schemas(schema.get("oneOf"))
        if variants and kinds == ("object",):
            schema, variants = self._joined(schema, variants, at), ()
        if not variants and len(kinds) > 1:
            variants = tuple({**schema, "type": kind} for kind in kinds)
            schema = {key: schema[key] for key in ("description", "title") if key in schema}
        if variants:
            return self._union(schema, variants, nullable, at)
        lowered = self._typed(schema, kinds[0] if kinds else "", at)
        return {**lowered, "nullable": True} if nullable else lowered

    def _give_up(self, path: str, instead: Schema) -> Schema:
        self.rough = True
        self.lost.append(path)
        return instead

    def _resolved(self, said: object, at: _Place) -> tuple[Schema | None, _Place]:
        """A schema with its reference and `allOf` put in place; None where a reference leads back, or nowhere."""
        self._nodes += 1
        if self._nodes > MOST_NODES or len(at.refs) > DEEPEST:
            return None, at
        if not isinstance(said, dict):
            return {}, at
        ref = said.get("$ref")
        if isinstance(ref, str):
            target = self._target(ref)
            if target is None or ref in at.refs:
                return None, at
            beside = {key: value for key, value in said.items() if key != "$ref"}
            return self._resolved({**target, **beside}, at.through(ref))
        merged: Schema = {key: value for key, value in said.items() if key != "allOf"}
        for member in _schemas(said.get("allOf")):
            inner, at = self._resolved(member, at)
            if inner is None:
                self._give_up(f"{at.path}.allOf", {})
            merged = _merged(merged, inner or {})
        return merged, at

    def _target(self, ref: str) -> Schema | None:
        """What a reference into this very schema points at."""
        if not ref.startswith("#"):
            return None
        here: object = self._root
        for step in ref[1:].split("/")[1:]:
            if not isinstance(here, dict):
                return None
            here = here.get(step.replace("~1", "/").replace("~0", "~"))
        return here if isinstance(here, dict) else None

    def _joined(self, schema: Schema, variants: tuple[object, ...], at: _Place) -> Schema:
        """An object that may have one of several shapes, as one object that may have the properties of all."""
        shapes = [self._resolved(variant, at)[0] or {} for variant in variants]
        joined = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
        always = [name for name in _names(shapes[0]) if all(name in _names(shape) for shape in shapes)]
        for shape in shapes:
            joined = _merged(joined, {"properties": shape.get("properties", {})})
        self._give_up(f"{at.path}.anyOf", {})
        return {**joined, "required": [*_names(schema), *(name for name in always if name not in _names(schema))]}

    def _union(self, schema: Schema, variants: tuple[object, ...], nullable: bool, at: _Place) -> Schema:
        """One of several: `anyOf` must stand alone, so what stood beside it moves into each variant."""
        real = [variant for variant in variants if not _is_null(variant)]
        nullable = nullable or len(real) < len(variants)
        shared = ("title", "description", "type") if len(real) > 1 else ("type", *_ABOUT)
        about = {key: schema[key] for key in shared if key in schema}
        lowered: list[Schema] = []
        for number, variant in enumerate(real):
            whole = {**about, **variant} if isinstance(variant, dict) else about
            one = self.lower(whole, at.below("" if len(real) == 1 else f".anyOf[{number}]"))
            lowered += [{**inner, "nullable": True} if nullable else inner for inner in _flattened(one)]
        if not lowered:
            return {"type": "string", "nullable": True}
        different = [one for number, one in enumerate(lowered) if one not in lowered[:number]]
        return different[0] if len(different) == 1 else {"anyOf": different}

    def _typed(self, schema: Schema, kind: str, at: _Place) -> Schema:
        """A schema of one type, which Google wants to be said."""
        if not kind:
            self._give_up(f"{at.path}.type", {})
            kind = "string"
        lowered: Schema = {"type": kind}
        lowered |= {key: schema[key] for key in (*_ABOUT, *_KEPT[kind]) if _is_said(schema, key)}
        self._add_enum(schema, lowered, at)
        self._add_bounds(schema, lowered, at)
        said = schema.get("format")
        if isinstance(said, str) and said in _FORMATS.get(kind, ()):
            lowered["format"] = said
        elif said is not None:
            self.lost.append(f"{at.path}.format")
        if kind == "object":
            self._add_properties(schema, lowered, at)
        if kind == "array":
            lowered["items"] = self._items(schema, at)
        return lowered

    def _add_enum(self, schema: Schema, lowered: Schema, at: _Place) -> None:
        """Choices, of which Google knows only texts that are not empty; others are told to the model in words."""
        choices = [choice for choice in _choices(schema) if choice is not None]
        if not choices:
            return
        texts = [choice for choice in choices if isinstance(choice, str) and choice]
        if lowered["type"] == "string" and texts == choices:
            lowered |= {"enum": texts, "format": "enum"}
            return
        self._give_up(f"{at.path}.enum", {})
        words = f"One of: {', '.join(msgspec.json.encode(choice).decode() for choice in choices)}"
        about = lowered.get("description")
        lowered["description"] = f"{about} {words}" if about else words

    def _add_bounds(self, schema: Schema, lowered: Schema, at: _Place) -> None:
        """Bounds that exclude their own number: the next one for integers, a looser one else."""
        for word, bound, step in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
            number = schema.get(word)
            if number is None:
                continue
            if lowered["type"] == "integer" and isinstance(number, int):
                lowered.setdefault(bound, number + step)
                continue
            self.lost.append(f"{at.path}.{word}")
            if lowered["type"] in ("integer", "number") and isinstance(number, int | float):
                lowered.setdefault(bound, number)

    def _add_properties(self, schema: Schema, lowered: Schema, at: _Place) -> None:
        properties = schema.get("properties")
        said = properties if isinstance(properties, dict) else {}
        kept = {
            name: self.lower(inner, at.below(f".properties.{name}"))
            for name, inner in said.items()
            if inner is not False
        }
        if kept:
            lowered["properties"] = kept
        required = [name for name in _names(schema) if name in kept]
        if required:
            lowered["required"] = required
        if isinstance(schema.get("additionalProperties"), dict) and schema["additionalProperties"]:
            self._give_up(f"{at.path}.additionalProperties", {})

    def _items(self, schema: Schema, at: _Place) -> Schema:
        """What a list holds. A tuple becomes a list of any of its members."""
        items = schema.get("items")
        members = _schemas(schema.get("prefixItems")) or _schemas(items)
        if members:
            self._give_up(f"{at.path}.prefixItems", {})
            return self.lower({"anyOf": list(members)}, at.below(".prefixItems"))
        return self.lower(items, at.below(".items"))


def is_annotation(key: str) -> bool:
    """Whether a keyword says nothing about the values."""
    return key in ANNOTATIONS or key.startswith("x-")


def _says_more(key: str) -> bool:
    """Whether a keyword constrains the values in a way that nothing here can say."""
    known = key in _READ or key in _ABOUT or any(key in words for words in _KEPT.values())
    return not known and not is_annotation(key)


def _kinds(schema: Schema) -> tuple[tuple[str, ...], bool]:
    """The types a value may have, as said or as the other keywords tell, and whether it may be null."""
    said = schema.get("type")
    words = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    named = [word.lower() for word in words if isinstance(word, str)]
    choices = _choices(schema)
    nullable = schema.get("nullable") is True or "null" in named or None in choices
    kinds = tuple(word for word in dict.fromkeys(named) if word in _KEPT)
    if kinds or (named and not choices):
        return kinds or ("string",), nullable
    return _told(schema, choices), nullable


def _is_said(schema: Schema, key: str) -> bool:
    """Whether a keyword is there, and is text where it must be."""
    value = schema.get(key)
    return value is not None and (key not in ("title", "description", "pattern") or isinstance(value, str))


def _choices(schema: Schema) -> list[object]:
    """The values that are listed; a constant is a list of one."""
    listed = schema.get("enum")
    return listed if isinstance(listed, list) else [schema["const"]] if "const" in schema else []


def _told(schema: Schema, choices: list[object]) -> tuple[str, ...]:
    """The type that is not said but shown."""
    if "properties" in schema or "additionalProperties" in schema:
        return ("object",)
    if "items" in schema or "prefixItems" in schema:
        return ("array",)
    kinds = dict.fromkeys(_kind_of(choice) for choice in choices if choice is not None)
    return tuple(kinds) if len(kinds) == 1 else ("string",) if kinds else ()


def _kind_of(value: object) -> str:
    for types, kind in ((bool, "boolean"), (int, "integer"), (float, "number"), (list, "array"), (dict, "object")):
        if isinstance(value, types):
            return kind
    return "string"


def _is_null(schema: object) -> bool:
    return isinstance(schema, dict) and (
        schema.get("type") == "null" or schema.get("enum") == [None] or ("const" in schema and schema["const"] is None)
    )


def _schemas(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, list) else ()


def _names(schema: Schema) -> list[str]:
    required = schema.get("required")
    return [name for name in required if isinstance(name, str)] if isinstance(required, list) else []


def _flattened(schema: Schema) -> list[Schema]:
    """A union inside a union is one union."""
    inner = schema.get("anyOf")
    return [one for one in inner if isinstance(one, dict)] if isinstance(inner, list) else [schema]


def _merged(one: Schema, other: Schema) -> Schema:
    """Both at once: the properties of both, the requirements of both, and else what `one` says first."""
    merged: Schema = {**one, **{key: value for key, value in other.items() if key not in one}}
    mine, theirs = one.get("properties"), other.get("properties")
    if isinstance(mine, dict) and isinstance(theirs, dict):
        merged["properties"] = _both(mine, theirs)
    required = [*_names(one), *(name for name in _names(other) if name not in _names(one))]
    return {**merged, "required": required} if required else merged


def _both(mine: Schema, theirs: Schema) -> Schema:
    """Properties of two objects; one that both have is either of what they say."""
    joined = {**mine, **theirs}
    for name in mine.keys() & theirs.keys():
        joined[name] = mine[name] if mine[name] == theirs[name] else {"anyOf": [mine[name], theirs[name]]}
    return joined
