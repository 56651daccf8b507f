"""Schemas as clients write them, lowered: always valid for Google, inner properties kept, losses named."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from router.wire.gemini.lower import DEEPEST, Lowered, lower_parameters, lower_schema
from router.wire.gemini.subset import json_subset

TEXT = {"type": "string"}

SCHEMA_WORDS = frozenset(
    {"type", "format", "title", "description", "nullable", "enum", "items", "minItems", "maxItems", "properties"}
    | {"required", "propertyOrdering", "minLength", "maxLength", "pattern", "minimum", "maximum", "anyOf", "default"}
    | {"example", "minProperties", "maxProperties"}
)
"""Every member of Google's Schema; any other is refused with a 400."""


def lowered(schema: object) -> Lowered:
    """The parameters of a tool, lowered."""
    return lower_parameters(Raw(json.dumps(schema).encode()), "p")


def one(schema: object, **root: object) -> tuple[object, tuple[str, ...]]:
    """What becomes of the schema of one property `x`, and what was lost of it."""
    said = lowered({"type": "object", "properties": {"x": schema}, **root})
    assert said.schema is not None
    properties = said.schema["properties"]
    assert isinstance(properties, dict)
    return properties["x"], said.lost


def faults(schema: object, path: str = "$") -> Iterator[str]:
    """Where a lowered schema is not as Google demands, by a reader that knows only its rules."""
    if not isinstance(schema, dict):
        yield f"{path} is no schema"
        return
    broken = {
        "an unknown word": not schema.keys() <= SCHEMA_WORDS,
        "neither a type nor anyOf": ("anyOf" in schema) == ("type" in schema),
        "anyOf does not stand alone": "anyOf" in schema and len(schema) > 1,
        "a list of types": not isinstance(schema.get("type", ""), str),
        "a list of nothing": schema.get("type") == "array" and "items" not in schema,
        "choices that are no text": not all(isinstance(word, str) and word for word in schema.get("enum", [])),
        "required, and not there": not set(schema.get("required", [])) <= set(schema.get("properties", {})),
    }
    yield from (f"{path}: {fault}" for fault, is_broken in broken.items() if is_broken)
    inside = [*schema.get("properties", {}).values(), *schema.get("anyOf", []), schema.get("items", TEXT)]
    yield from (fault for inner in inside if inner != TEXT for fault in faults(inner, f"{path}/"))


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param(
            {"$ref": "#/$defs/A", "description": "d"}, {"type": "string", "description": "d"}, id="a reference"
        ),
        pytest.param({"allOf": [{"$ref": "#/$defs/A"}], "title": "T"}, {"type": "string", "title": "T"}, id="in allOf"),
        pytest.param(
            {"anyOf": [TEXT, {"type": "null"}], "default": None, "title": "T"},
            {"type": "string", "title": "T", "nullable": True},
            id="optional, as pydantic writes it",
        ),
        pytest.param(
            {"type": ["string", "null"]}, {"type": "string", "nullable": True}, id="optional, as zod writes it"
        ),
        pytest.param(
            {"type": ["object", "null"], "properties": {"a": TEXT}, "additionalProperties": False},
            {"type": "object", "nullable": True, "properties": {"a": TEXT}},
            id="a nullable object keeps its properties",
        ),
        pytest.param(
            {"anyOf": [{"type": "object", "properties": {"a": TEXT}}, {"type": "null"}]},
            {"type": "object", "nullable": True, "properties": {"a": TEXT}},
            id="the same as a union",
        ),
        pytest.param(
            {"oneOf": [TEXT, {"type": "integer"}], "description": "d"},
            {"anyOf": [{"type": "string", "description": "d"}, {"type": "integer", "description": "d"}]},
            id="oneOf, and what stood beside it",
        ),
        pytest.param(
            {"type": ["string", "integer", "null"]},
            {"anyOf": [{"type": "string", "nullable": True}, {"type": "integer", "nullable": True}]},
            id="several types",
        ),
        pytest.param(
            {"anyOf": [TEXT, {"anyOf": [{"type": "integer"}, TEXT]}]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            id="a union inside a union",
        ),
        pytest.param({"const": "k"}, {"type": "string", "enum": ["k"], "format": "enum"}, id="a constant"),
        pytest.param(
            {"enum": ["a", "b", None]},
            {"type": "string", "enum": ["a", "b"], "format": "enum", "nullable": True},
            id="choices and null",
        ),
        pytest.param(
            {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 9},
            {"type": "integer", "minimum": 1, "maximum": 8},
            id="bounds that exclude themselves",
        ),
        pytest.param(
            {"type": "array", "items": {"$ref": "#/$defs/A"}, "minItems": 1},
            {"type": "array", "items": TEXT, "minItems": 1},
            id="a list",
        ),
        pytest.param({"properties": {"a": TEXT}}, {"type": "object", "properties": {"a": TEXT}}, id="a type not said"),
        pytest.param(
            {"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}, id="a format"
        ),
        pytest.param({"type": "STRING"}, TEXT, id="Google's own spelling"),
        pytest.param({"type": "null"}, {"type": "string", "nullable": True}, id="null alone"),
        pytest.param(
            {"type": "object", "$schema": "x", "$comment": "y", "x-vendor": 1, "examples": [{}]},
            {"type": "object"},
            id="words that say nothing",
        ),
        pytest.param(
            {
                "allOf": [{"type": "object", "properties": {"a": TEXT}, "required": ["a"]}],
                "properties": {"b": TEXT},
                "required": ["b"],
            },
            {"type": "object", "properties": {"b": TEXT, "a": TEXT}, "required": ["b", "a"]},
            id="two objects at once",
        ),
    ],
)
def test_what_google_can_say_is_said_without_loss(schema: object, expected: object) -> None:
    """In its own form."""
    assert one(schema, **{"$defs": {"A": TEXT}}) == (expected, ())


@pytest.mark.parametrize(
    ("schema", "expected", "lost"),
    [
        pytest.param({"type": "string", "format": "uuid"}, TEXT, "format", id="a format it refuses"),
        pytest.param(
            {"type": "array", "items": TEXT, "uniqueItems": True},
            {"type": "array", "items": TEXT},
            "uniqueItems",
            id="a keyword it refuses",
        ),
        pytest.param(
            {"type": "integer", "enum": [1, 2]},
            {"type": "integer", "description": "One of: 1, 2"},
            "enum",
            id="numbers",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": TEXT}, {"type": "object"}, "additionalProperties", id="a map"
        ),
        pytest.param(
            {"type": "array", "prefixItems": [TEXT, {"type": "integer"}]},
            {"type": "array", "items": {"anyOf": [TEXT, {"type": "integer"}]}},
            "prefixItems",
            id="a tuple",
        ),
        pytest.param({}, TEXT, "type", id="anything"),
        pytest.param({"$ref": "https://x.test/s.json"}, {"type": "object"}, "", id="a reference elsewhere"),
        pytest.param({"$ref": "#/$defs/none"}, {"type": "object"}, "", id="a reference to nothing"),
        pytest.param(
            {"type": "number", "exclusiveMinimum": 0},
            {"type": "number", "minimum": 0},
            "exclusiveMinimum",
            id="a bound",
        ),
        pytest.param(
            {"type": "object", "anyOf": [{"properties": {"a": TEXT}}, {"properties": {"b": TEXT}}]},
            {"type": "object", "properties": {"a": TEXT, "b": TEXT}},
            "anyOf",
            id="an object of several shapes",
        ),
    ],
)
def test_what_google_cannot_say_is_named(schema: object, expected: object, lost: str) -> None:
    """By its path, and told as well as can be."""
    assert one(schema) == (expected, (f"p.properties.x.{lost}".removesuffix("."),))


@pytest.mark.shows(83)
@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(None, id="none"),
        pytest.param({}, id="an empty schema"),
        pytest.param({"type": "object"}, id="an object of nothing"),
        pytest.param({"type": "object", "properties": {}, "required": [], "additionalProperties": False}, id="as zod"),
    ],
)
def test_parameters_without_properties_are_left_out(schema: object) -> None:
    """An empty object is refused."""
    assert lowered(schema) == Lowered(schema=None)


def test_names_of_properties_are_never_taken_for_keywords() -> None:
    """A tool may well take `type`, `$ref`, `enum` or `required`."""
    names = ("type", "$ref", "enum", "required", "properties", "anyOf", "default", "format")
    said = lowered({"type": "object", "properties": {name: TEXT for name in names}, "required": list(names)})
    assert said.schema == {"type": "object", "properties": {name: TEXT for name in names}, "required": list(names)}
    assert said.lost == ()


def test_required_names_that_are_not_there_are_left_out() -> None:
    """They are refused."""
    assert one({"type": "object", "properties": {"a": TEXT}, "required": ["a", "z"]})[0] == {
        "type": "object",
        "properties": {"a": TEXT},
        "required": ["a"],
    }


def test_a_schema_that_holds_itself_is_cut_where_it_begins_again() -> None:
    """Its own properties stay, and the place is named."""
    tree = {"type": "object", "properties": {"v": TEXT, "next": {"$ref": "#/$defs/T"}}}
    said = lowered({"$defs": {"T": tree}, "$ref": "#/$defs/T"})
    assert said.schema == {"type": "object", "properties": {"v": TEXT, "next": {"type": "object"}}}
    assert (said.lost, said.rough) == (("p.properties.next",), True)


def test_references_that_double_with_each_step_end() -> None:
    """A schema of a kilobyte must not become one of a gigabyte."""
    doubling = {
        f"d{step}": {"type": "object", "properties": {side: {"$ref": f"#/$defs/d{step + 1}"} for side in "ab"}}
        for step in range(40)
    }
    together = {f"d{step}": {"allOf": [{"$ref": f"#/$defs/d{step + 1}"}] * 2} for step in range(40)}
    chain = {f"d{step}": {"$ref": f"#/$defs/d{step + 1}"} for step in range(3_000)}
    for definitions in (doubling, together, chain):
        said = lowered({"$defs": definitions, "properties": {"a": {"$ref": "#/$defs/d0"}}})
        assert said.rough
        assert list(faults(said.schema)) == []


def test_a_schema_nested_deeper_than_can_be_walked_is_lost_as_a_whole() -> None:
    """Never an exception."""
    deep: object = TEXT
    for _ in range(DEEPEST * 4):
        deep = {"type": "array", "items": deep}
    assert lowered({"type": "object", "properties": {"a": deep}}).lost == ("p",)
    assert lower_schema(Raw(b"[" * 50_000), "p").lost == ("p",)
    assert lower_schema(Raw(b"true"), "p").lost == ("p",)


words = st.sampled_from(sorted(SCHEMA_WORDS)) | st.sampled_from(
    ["allOf", "oneOf", "$ref", "$defs", "a", "const", "not", "exclusiveMinimum", "prefixItems", "additionalProperties"]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["string", "object", "null", "array", "#", "#/a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(words, anything, max_size=5))
def test_whatever_is_lowered_is_a_schema_google_takes(schema: object) -> None:
    """Also what is no schema at all."""
    said = lowered(schema)
    assert said.schema is None or list(faults(said.schema)) == []
    json_subset(Raw(json.dumps(schema).encode()), "p")


simple = st.recursive(
    st.sampled_from([TEXT, {"type": "integer"}, {"type": ["boolean", "null"]}, {"enum": ["a", "b"]}]),
    lambda inner: st.one_of(
        inner.map(lambda schema: {"type": "array", "items": schema}),
        inner.map(lambda schema: {"anyOf": [schema, {"type": "null"}]}),
        inner.map(lambda schema: {"allOf": [schema]}),
        st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=3).map(
            lambda properties: {"type": "object", "properties": properties, "additionalProperties": False}
        ),
    ),
    max_leaves=12,
)


def names_in(schema: object) -> list[str]:
    """Every property's name, from the outside in, whatever stands between."""
    if isinstance(schema, list):
        return [name for inner in schema for name in names_in(inner)]
    if not isinstance(schema, dict):
        return []
    own = [name for key, inner in schema.get("properties", {}).items() for name in (key, *names_in(inner))]
    return own + [name for key in ("items", "anyOf", "allOf") for name in names_in(schema.get(key))]


@pytest.mark.shows(83)
@given(simple)
def test_every_inner_property_is_kept(schema: object) -> None:
    """Under unions, lists and objects alike."""
    kept, lost = one(schema)
    assert sorted(names_in(kept)) == sorted(names_in(schema))
    assert lost == ()


def test_json_schema_keeps_what_the_lowered_form_cannot_say() -> None:
    """Maps, tuples, numbers to choose from, recursion; words it does not read are named."""
    schema = {
        "type": "object",
        "$schema": "x",
        "definitions": {"T": {"type": "object", "properties": {"next": {"$ref": "#/definitions/T", "title": "N"}}}},
        "properties": {
            "map": {"type": "object", "additionalProperties": {"type": "integer", "multipleOf": 2}},
            "tuple": {"type": "array", "items": [TEXT, {"const": 3}]},
            "tree": {"$ref": "#/definitions/T"},
            "const": {"enum": [1, 2]},
        },
    }
    said = json_subset(Raw(json.dumps(schema).encode()), "p")
    assert said.schema == {
        "type": "object",
        "$defs": {"T": {"type": "object", "properties": {"next": {"$ref": "#/$defs/T"}}}},
        "properties": {
            "map": {"type": "object", "additionalProperties": {"type": "integer"}},
            "tuple": {"type": "array", "prefixItems": [TEXT, {"enum": [3]}]},
            "tree": {"$ref": "#/$defs/T"},
            "const": {"enum": [1, 2]},
        },
    }
    assert said.lost == ("p.properties.map.additionalProperties.multipleOf",)


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "object", "properties": {"a": {"allOf": [TEXT]}}}, id="properties inside allOf"),
        pytest.param({"anyOf": [{"type": "object"}]}, id="no plain object"),
    ],
)
def test_json_schema_is_not_used_where_it_would_lose_more(schema: object) -> None:
    """The lowered form stays."""
    assert json_subset(Raw(json.dumps(schema).encode()), "p").schema is None
