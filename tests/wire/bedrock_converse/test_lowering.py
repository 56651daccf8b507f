"""Schemas of tools: an object at the root, and below it the caller's own words."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.wire.bedrock_converse.lowering import MOST_NODES, lower_schema

CITY = {"type": "string", "description": "a $ref, anyOf or two", "minLength": 1}


def lowered(schema: object, *, bare: bool = False) -> Any:
    """The lowered schema, read again."""
    return json.loads(bytes(lower_schema(msgspec.Raw(json.dumps(schema).encode()), bare=bare)))


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param({}, {"type": "object"}, id="no type"),
        pytest.param({"type": ["object", "null"]}, {"type": "object"}, id="or null"),
        pytest.param(True, {"type": "object", "properties": {}}, id="no object at all"),
        pytest.param(
            {"anyOf": [{"required": ["a"]}, {"required": ["b"]}], "properties": {"a": CITY, "b": CITY}},
            {"type": "object", "properties": {"a": CITY, "b": CITY}},
            id="one of two demanded",
        ),
        pytest.param(
            {
                "oneOf": [
                    {"type": "object", "properties": {"k": {"const": 1}, "a": CITY}, "required": ["k", "a"]},
                    {"type": "object", "properties": {"k": {"const": 2}}, "required": ["k"]},
                ]
            },
            {
                "type": "object",
                "properties": {"k": {"anyOf": [{"const": 1}, {"const": 2}]}, "a": CITY},
                "required": ["k"],
            },
            id="alternatives",
        ),
        pytest.param(
            {
                "allOf": [{"$ref": "#/$defs/A"}, {"properties": {"b": CITY}, "required": ["b"]}],
                "$defs": {"A": {"type": "object", "properties": {"a": CITY}, "required": ["a"]}},
            },
            {
                "type": "object",
                "properties": {"a": CITY, "b": CITY},
                "required": ["a", "b"],
                "$defs": {"A": {"type": "object", "properties": {"a": CITY}, "required": ["a"]}},
            },
            id="all of two",
        ),
        pytest.param(
            {"$ref": "#/$defs/A", "$defs": {"A": {"type": "object", "properties": {"a": CITY}}}},
            {
                "type": "object",
                "properties": {"a": CITY},
                "$defs": {"A": {"type": "object", "properties": {"a": CITY}}},
            },
            id="a reference",
        ),
    ],
)
def test_the_root_becomes_one_object(schema: object, expected: object) -> None:
    """That demands nothing which the caller's did not."""
    assert lowered(schema) == expected


def test_a_tool_without_parameters_takes_an_empty_object() -> None:
    """The member must be there."""
    assert json.loads(bytes(lower_schema(None))) == {"type": "object", "properties": {}}


def test_a_bare_root_has_its_references_put_in_place() -> None:
    """Also those in lists and maps, one in another, and properties that are named like keywords."""
    defs = {"City": {**CITY, "anyOf": [{"$ref": "#/$defs/Short"}]}, "Short": {"maxLength": 3}}
    schema = {
        "type": "object",
        "title": "T",
        "additionalProperties": False,
        "properties": {
            "city": {"$ref": "#/$defs/City", "description": "where"},
            "$ref": {"type": "array", "items": [{"$ref": "#/$defs/Short"}]},
            "lost": {"$ref": "#/nowhere"},
        },
        "required": ["city"],
        "$defs": defs,
    }
    assert lowered(schema, bare=True) == {
        "type": "object",
        "properties": {
            "city": {**CITY, "description": "where", "anyOf": [{"maxLength": 3}]},
            "$ref": {"type": "array", "items": [{"maxLength": 3}]},
            "lost": {},
        },
        "required": ["city"],
    }
    assert lowered(schema) == schema


def test_a_schema_that_holds_itself_ends() -> None:
    """Once round, then anything; references that double at each step are cut off."""
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}}}
    rooted = {"$ref": "#/$defs/N", "$defs": {"N": node}}
    assert lowered(rooted, bare=True)["properties"]["next"]["properties"]["next"] == {}
    assert lowered({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}})["type"] == "object"
    doubling = {f"D{n}": {"anyOf": [{"$ref": f"#/$defs/D{n + 1}"}] * 2} for n in range(40)}
    bomb = {"type": "object", "properties": {"a": {"$ref": "#/$defs/D0"}}, "$defs": doubling}
    assert len(json.dumps(lowered(bomb, bare=True))) < 40 * MOST_NODES


names = st.sampled_from(["a", "b", "properties", "$ref", "anyOf"])
inner = st.recursive(
    st.sampled_from([CITY, {"type": "integer"}, {"$ref": "#/$defs/X"}]),
    lambda deeper: st.fixed_dictionaries({"type": st.just("object"), "properties": st.dictionaries(names, deeper)}),
    max_leaves=5,
)


@given(st.dictionaries(names, inner))
def test_a_sound_schema_stays_byte_for_byte(properties: dict[str, object]) -> None:
    """Spaces included, so that the provider's prompt cache holds."""
    raw = msgspec.Raw(json.dumps({"type": "object", "properties": properties}, indent=1).encode())
    assert bytes(lower_schema(raw)) == bytes(raw)


@given(st.dictionaries(names, inner), st.dictionaries(names, inner))
def test_no_property_is_lost_among_alternatives(one: dict[str, object], two: dict[str, object]) -> None:
    """Each is there as it was, or among what it may be."""
    root = lowered({"anyOf": [{"properties": one}, {"properties": two}]})["properties"]
    for branch in (one, two):
        for name, schema in branch.items():
            assert root[name] == schema or schema in root[name]["anyOf"]
