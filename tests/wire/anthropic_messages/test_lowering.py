"""Schemas as constrained decoding takes them: every property stays, and what it cannot hold to is told in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from router.wire.anthropic_messages.lowering import lower_schema


def lowered(schema: object) -> Any:
    """A schema, lowered."""
    return json.loads(bytes(lower_schema(Raw(json.dumps(schema).encode()))))


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param({"type": "string"}, {"type": "string"}, id="what is known stays"),
        pytest.param(
            {"type": "integer", "minimum": 1, "maximum": 9, "description": "a count"},
            {"type": "integer", "description": 'a count\n\n{"minimum":1,"maximum":9}'},
            id="bounds are told",
        ),
        pytest.param(
            {"type": "object", "properties": {"minimum": {"type": "string", "pattern": "x"}}},
            {
                "type": "object",
                "properties": {"minimum": {"type": "string", "description": '{"pattern":"x"}'}},
                "additionalProperties": False,
            },
            id="a property may have any name",
        ),
        pytest.param(
            {"oneOf": [{"type": "null"}, {"$ref": "#/definitions/a"}], "definitions": {"a": {"const": 3}}},
            {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/a"}], "$defs": {"a": {"enum": [3]}}},
            id="other names for the same",
        ),
        pytest.param(
            {"type": "array", "items": {"type": "object"}, "minItems": 1, "uniqueItems": True},
            {
                "type": "array",
                "items": {"type": "object", "additionalProperties": False},
                "minItems": 1,
                "description": '{"uniqueItems":true}',
            },
            id="lists",
        ),
        pytest.param(
            {"type": "array", "minItems": 2}, {"type": "array", "description": '{"minItems":2}'}, id="lists of more"
        ),
        pytest.param(
            {"type": "string", "format": "uuid"}, {"type": "string", "format": "uuid"}, id="a format that is known"
        ),
        pytest.param(
            {"type": "string", "format": "phone"}, {"type": "string", "description": '{"format":"phone"}'}, id="or not"
        ),
        pytest.param(
            {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
            {
                "type": ["object", "null"],
                "additionalProperties": False,
                "description": '{"additionalProperties":{"type":"string"}}',
            },
            id="a map becomes an object of nothing, and is told",
        ),
        pytest.param({"$schema": "x", "$id": "y", "type": "string"}, {"type": "string"}, id="bookkeeping"),
        pytest.param(True, True, id="no object at all"),
    ],
)
def test_each_word_is_kept_renamed_or_told(schema: object, expected: object) -> None:
    """By the list of what constrained decoding knows."""
    assert lowered(schema) == expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "items", "anyOf", "minItems", "format", "const", "$ref", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json_is_lowered_and_lowering_it_again_changes_nothing_more_than_words(schema: object) -> None:
    """Callers send what they like; the keywords left are known ones."""
    once = lowered(schema)
    assert type(once) is type(schema)
    assert structure(lowered(once)) == structure(once)


def structure(schema: object) -> object:
    """A schema without the words for its reader."""
    if isinstance(schema, list):
        return [structure(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: structure(inner) for name, inner in schema.items() if name != "description"}


def test_nesting_past_all_reason_does_not_exhaust_the_stack() -> None:
    """A hostile schema costs its own call and nothing else."""
    schema = b'{"items":' * 900 + b"{}" + b"}" * 900
    assert lower_schema(Raw(schema))
