"""Schemas as far as Cohere's constrained decoding goes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from router.wire.cohere_v2.lowering import lower_schema


def lowered(schema: object) -> Any:
    """A schema, lowered and read without our code."""
    found = lower_schema(Raw(json.dumps(schema).encode()))
    return None if found is None else json.loads(bytes(found))


def of_a(inner: object) -> dict[str, object]:
    """An object whose one property has this schema."""
    return {"type": "object", "properties": {"a": inner}, "required": ["a"]}


@pytest.mark.parametrize(
    "inner",
    [
        {"type": "string", "enum": ["x"], "description": "d"},
        {"const": 1},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"type": "array", "items": of_a({"type": "integer"})},
        {"type": "string", "format": "date-time"},
        {"type": "string", "pattern": "(?:[0-9]{3})+"},
        {"type": "object", "properties": {"b": {"type": "number"}}, "required": ["b"], "additionalProperties": False},
        {"$ref": "#/$defs/T"},
    ],
    ids=lambda inner: next(iter(inner)),
)
def test_what_cohere_knows_stays_as_it_is(inner: dict[str, object]) -> None:
    """Every inner property with it."""
    schema = of_a(inner) | {"$defs": {"T": {"type": "string"}}}
    assert lowered(schema) == schema


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ({"type": "integer", "minimum": 1}, {"type": "integer", "description": '{"minimum":1}'}),
        ({"minLength": 1, "description": "d"}, {"description": 'd\n\n{"minLength":1}'}),
        ({"type": "string", "format": "email"}, {"type": "string", "description": '{"format":"email"}'}),
        ({"type": "string", "pattern": "^a+$"}, {"type": "string", "pattern": "a+"}),
        ({"pattern": "[^a]"}, {"pattern": "[^a]"}),
        ({"pattern": "^a|b$|c^"}, {"description": '{"pattern":"^a|b$|c^"}'}),
        ({"pattern": "a(?=b)"}, {"description": '{"pattern":"a(?=b)"}'}),
        ({"pattern": "a\\$"}, {"pattern": "a\\$"}),
        ({"oneOf": [{"type": "string"}]}, {"anyOf": [{"type": "string"}]}),
        ({"not": {"type": "string"}}, {"description": '{"not":{"type":"string"}}'}),
        (True, {}),
        ({"$schema": "s", "type": "string"}, {"type": "string"}),
    ],
    ids=str,
)
def test_what_cohere_refuses_is_told_in_words(inner: object, expected: object) -> None:
    """The model reads descriptions; a whole request would be refused otherwise."""
    assert lowered(of_a(inner)) == of_a(expected)


def test_an_object_that_requires_nothing_requires_its_first_property() -> None:
    """Cohere refuses it otherwise; what fits the narrower schema fits the caller's."""
    assert lowered({"type": "object", "properties": {"b": {}, "a": {}}})["required"] == ["b"]
    assert lowered({"properties": {"b": {}}, "required": []}) == {
        "type": "object",
        "properties": {"b": {}},
        "required": ["b"],
    }


@pytest.mark.parametrize("schema", [{"type": "array"}, [], "x", True, {}], ids=str)
def test_only_an_objects_schema_can_be_held_to(schema: object) -> None:
    """The caller is told that it was lost."""
    assert lowered(schema) is None


def test_a_schema_nested_without_end_is_not_held_to() -> None:
    """Nor does it exhaust the stack."""
    assert lower_schema(Raw(b'{"type":"object","properties":{"a":' * 50_000)) is None
    assert lower_schema(None) is None
