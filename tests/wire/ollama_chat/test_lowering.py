"""Schemas of tools' parameters as far as Ollama reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from router.wire.ollama_chat.lowering import lower_parameters


def lowered(schema: object) -> Any:
    """A schema, lowered and read without our code."""
    found = lower_parameters(Raw(json.dumps(schema).encode()))
    return None if found is None else json.loads(bytes(found))


def of_a(inner: object, **members: object) -> dict[str, object]:
    """An object whose one property has this schema."""
    return {"type": "object", "properties": {"a": inner}, **members}


@pytest.mark.parametrize(
    "inner",
    [
        {"type": "string", "enum": ["x", 1], "description": "d"},
        {"type": ["string", "null"]},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"type": "array", "items": of_a({"type": "integer"})},
        of_a({"type": "number"}, required=["a"]),
    ],
    ids=str,
)
def test_what_ollama_reads_stays_as_it_is(inner: dict[str, object]) -> None:
    """Every inner property with it."""
    assert lowered(of_a(inner, required=["a"])) == of_a(inner, required=["a"])


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ({"type": "integer", "minimum": 1}, {"type": "integer", "description": '{"minimum":1}'}),
        ({"description": "d", "default": 3}, {"description": 'd\n\n{"default":3}'}),
        ({"const": "x"}, {"enum": ["x"]}),
        ({"oneOf": [{"type": "string"}, True]}, {"anyOf": [{"type": "string"}, {}]}),
        (True, {}),
        ({"type": "string", "title": "A", "$comment": "c"}, {"type": "string"}),
        ({"type": 7}, {"description": '{"type":7}'}),
        ({"items": [{"type": "string"}]}, {"description": '{"items":[{"type":"string"}]}'}),
        ({"required": "a"}, {"description": '{"required":"a"}'}),
        (
            {"allOf": [of_a({"type": "string"}, required=["a"]), {"properties": {"b": {}}, "required": ["b", "a"]}]},
            {"properties": {"a": {"type": "string"}, "b": {}}, "type": "object", "required": ["a", "b"]},
        ),
    ],
    ids=str,
)
def test_what_ollama_forgets_is_told_in_words_and_what_it_refuses_is_mended(inner: object, expected: object) -> None:
    """The model reads descriptions; a wrong type is a 400 for the whole request."""
    assert lowered(of_a(inner)) == of_a(expected)


@pytest.mark.parametrize("word", ["$defs", "definitions"])
def test_references_are_put_in_place(word: str) -> None:
    """The server keeps definitions but drops what refers to them; members beside a reference go before it."""
    schema = of_a(
        {"$ref": f"#/{word}/T", "description": "mine"},
        **{
            word: {
                "T": {"type": "object", "description": "its", "properties": {"b": {"$ref": f"#/{word}/U~1V"}}},
                "U/V": {"type": "string"},
            }
        },
    )
    assert lowered(schema) == of_a({"type": "object", "description": "mine", "properties": {"b": {"type": "string"}}})


def test_a_schema_that_is_only_a_reference_is_what_it_refers_to() -> None:
    """As pydantic writes a model that holds itself."""
    node = of_a({"type": "string"}, required=["a"])
    assert lowered({"$ref": "#/$defs/Node", "$defs": {"Node": node}}) == node


def test_a_reference_that_leads_back_or_nowhere_is_told_in_words() -> None:
    """A tree of nodes has no end; another document is not fetched."""
    tree = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    schema = of_a({"$ref": "#/$defs/Node"}, **{"$defs": {"Node": tree}})
    assert lowered(schema) == of_a(
        {"type": "object", "properties": {"next": {"description": '{"$ref":"#/$defs/Node"}'}}}
    )
    assert lowered(of_a({"$ref": "https://x.test/s"})) == of_a({"description": '{"$ref":"https://x.test/s"}'})


def test_references_that_double_at_every_step_are_bounded() -> None:
    """Thirty definitions that each name the next twice would unfold to a thousand million schemas."""
    defs = {
        f"T{n}": {"properties": {"a": {"$ref": f"#/$defs/T{n + 1}"}, "b": {"$ref": f"#/$defs/T{n + 1}"}}}
        for n in range(30)
    }
    found = lower_parameters(Raw(json.dumps({"type": "object", "$ref": "#/$defs/T0", "$defs": defs}).encode()))
    assert found is not None
    assert len(bytes(found)) < 1 << 20


@pytest.mark.parametrize("schema", [{"type": "array"}, {"anyOf": []}, [], "x", True, {}], ids=str)
def test_only_an_objects_schema_has_parameters(schema: object) -> None:
    """The caller is told that it was lost."""
    assert lowered(schema) is None


def test_a_schema_nested_without_end_does_not_exhaust_the_stack() -> None:
    """Cut or whole."""
    assert lower_parameters(Raw(b'{"type":"object","properties":{"a":' * 50_000)) is None
    deep = b'{"type":"object","properties":{"a":' * 150 + b"{}" + b"}}" * 150
    assert lower_parameters(Raw(deep)) is not None
