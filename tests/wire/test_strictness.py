"""Schemas for OpenAI's strict mode: what is written by the new one fits the old one, and nothing within is lost."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from router.canon.request import ChatRequest, Message, OutputFormat, Role, Text, Tool
from router.wire.dialect import Dialect
from router.wire.openai_chat import DIALECT as CHAT
from router.wire.openai_responses import DIALECT as RESPONSES
from router.wire.strictness import MOST_LEVELS, strict_schema

TEXT = {"type": "string"}
NONE = {"type": "null"}
NODE = {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, NONE]}}}


def thing(properties: dict[str, Any], *required: str, **more: Any) -> dict[str, Any]:
    """An object schema."""
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {}), **more}


def closed(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One as strict mode wants it."""
    return {**thing(properties, **more), "required": list(properties), "additionalProperties": False}


def nested(levels: int) -> dict[str, Any]:
    """Objects within objects."""
    return thing({"a": TEXT if levels <= 1 else nested(levels - 1)}, "a")


_LOWERED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "an object that speaks of no others": (thing({"a": TEXT}, "a"), closed({"a": TEXT})),
    "an optional property that may be null": (
        thing({"a": TEXT, "b": {"anyOf": [TEXT, NONE], "default": None}}, "a"),
        closed({"a": TEXT, "b": {"anyOf": [TEXT, NONE]}}),
    ),
    "a type of two": (thing({"a": {"type": ["string", "null"]}}), closed({"a": {"type": ["string", "null"]}})),
    "objects in lists in objects": (
        thing({"a": {"type": "array", "items": {"type": "array", "items": thing({"b": TEXT}, "b")}}}, "a"),
        closed({"a": {"type": "array", "items": {"type": "array", "items": closed({"b": TEXT})}}}),
    ),
    "alternatives": (
        thing({"a": {"oneOf": [thing({"b": TEXT}, "b"), TEXT]}}, "a"),
        closed({"a": {"anyOf": [closed({"b": TEXT}), TEXT]}}),
    ),
    "definitions of the older name": (
        thing({"a": {"$ref": "#/definitions/B"}}, "a", definitions={"B": thing({"b": TEXT}, "b")}),
        closed({"a": {"$ref": "#/$defs/B"}}, **{"$defs": {"B": closed({"b": TEXT})}}),
    ),
    "words beside a reference": (
        thing({"a": {"$ref": "#/$defs/B", "description": "the b"}}, "a", **{"$defs": {"B": thing({"b": TEXT}, "b")}}),
        closed({"a": closed({"b": TEXT}, description="the b")}, **{"$defs": {"B": closed({"b": TEXT})}}),
    ),
    "a reference that leads into itself": (
        {"$ref": "#/$defs/Node", "$defs": {"Node": NODE}},
        {**closed(NODE["properties"]), "$defs": {"Node": closed(NODE["properties"])}},  # type: ignore[arg-type]
    ),
    "an intersection of one": (thing({"a": {"allOf": [TEXT]}}, "a"), closed({"a": TEXT})),
    "values without a type": (
        thing({"a": {"enum": ["x", 1, None]}, "b": {"const": True}}, "a", "b"),
        closed(
            {
                "a": {"enum": ["x", 1, None], "type": ["string", "integer", "null"]},
                "b": {"const": True, "type": "boolean"},
            }
        ),
    ),
    "constraints, kept and told": (
        thing({"a": {**TEXT, "pattern": "x", "minLength": 2, "format": "uri", "description": "an a"}}, "a"),
        closed({"a": {**TEXT, "pattern": "x", "description": 'an a\n\n{"minLength":2,"format":"uri"}'}}),
    ),
    "a property called like a member": (
        thing({"allOf": TEXT, "$ref": TEXT, "default": TEXT}, "allOf", "$ref", "default"),
        closed({"allOf": TEXT, "$ref": TEXT, "default": TEXT}),
    ),
    "as deep as may be": (nested(MOST_LEVELS), json.loads(json.dumps(nested(MOST_LEVELS)))),
}

_LOOSE: dict[str, object] = {
    "an optional property that may not be null": thing({"a": TEXT}),
    "an optional value among others": thing({"a": {"type": ["string", "null"], "enum": ["x"]}}),
    "a map": thing({"a": {"type": "object", "additionalProperties": TEXT}}, "a"),
    "further properties": thing({"a": TEXT}, "a", additionalProperties=True),
    "any object": {"type": "object"},
    "no object": {"type": "array", "items": TEXT},
    "one of several objects": {"anyOf": [thing({"a": TEXT}, "a"), thing({"b": TEXT}, "b")]},
    "any value": thing({"a": {}}, "a"),
    "a yes": thing({"a": True}, "a"),
    "an intersection": thing({"a": {"allOf": [TEXT, {"pattern": "x"}]}}, "a"),
    "a tuple": thing({"a": {"type": "array", "prefixItems": [TEXT]}}, "a"),
    "a condition": thing({"a": TEXT}, "a", **{"if": {}, "then": {}}),
    "a reference to nowhere": thing({"a": {"$ref": "#/$defs/x", "description": "x"}}, "a"),
    "too deep": nested(MOST_LEVELS + 2),
    "no schema": [],
}


def raw(schema: object) -> Raw:
    """As it came."""
    return Raw(msgspec.json.encode(schema))


@pytest.mark.parametrize(("schema", "strict"), _LOWERED.values(), ids=_LOWERED)
def test_a_schema_is_told_as_strict_mode_takes_it(schema: dict[str, Any], strict: dict[str, Any]) -> None:
    """Whatever it holds, at any depth; a second time nothing changes, not even a byte."""
    lowered = strict_schema(raw(schema))
    assert lowered is not None
    if schema != strict:
        assert json.loads(bytes(lowered)) == strict
    assert strict_schema(lowered) is lowered


@pytest.mark.parametrize("schema", _LOOSE.values(), ids=_LOOSE)
def test_a_schema_with_more_freedom_is_not_held_to(schema: object) -> None:
    """Strict mode would make the model say what the caller's program does not expect."""
    assert strict_schema(raw(schema)) is None


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES], ids=["chat", "responses"])
@pytest.mark.parametrize("held", [True, False], ids=["held to", "only told"])
def test_answers_and_tools_are_held_to_what_can_be(dialect: Dialect, held: bool) -> None:
    """Where it cannot be, the schema goes as it came, without strictness, and that is named."""
    schema = thing({"a": TEXT}, "a") if held else thing({"a": TEXT})
    request = ChatRequest(
        model="m",
        messages=(Message(role=Role.USER, parts=(Text(text="x"),)),),
        tools=(Tool(name="f", parameters=raw(schema), strict=True),),
        output=OutputFormat(mode="schema", schema=raw(schema), strict=True),
    )
    encoded = dialect.encode_request(request, "m")
    body = json.loads(encoded.body)
    tool, form = body["tools"][0], body.get("response_format", {}).get("json_schema") or body["text"]["format"]
    tool = tool.get("function", tool)
    assert (tool["strict"], tool["parameters"]) == (held, closed({"a": TEXT}) if held else schema)
    assert (form["strict"], form["schema"]) == (held, closed({"a": TEXT}) if held else schema)
    assert encoded.lost == (() if held else ("tools[0].strict", "output.strict"))


def _looping() -> dict[str, Any]:
    """One that may be null if itself may be, asked thirty times over."""
    return thing({"a": {"$ref": "#/$defs/A"}}, **{"$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}] * 30}}})


def _growing() -> dict[str, Any]:
    """One that is a million times as long once every reference is in its place."""
    steps = {
        f"A{n}": {"anyOf": [{"$ref": f"#/$defs/A{n + 1}", "description": str(m)} for m in range(4)]} for n in range(10)
    }
    return thing({"a": {"$ref": "#/$defs/A0"}}, "a", **{"$defs": {**steps, "A10": TEXT}})


@pytest.mark.parametrize("schema", [_looping(), _growing()], ids=["looping", "growing"])
def test_a_small_schema_that_unfolds_without_end_is_not_held_to(schema: dict[str, Any]) -> None:
    """No caller's few hundred bytes may take the loop's time for minutes."""
    assert strict_schema(Raw(json.dumps(schema).encode())) is None


_WORDS = (
    *("$ref", "$defs", "type", "properties", "required", "items", "anyOf", "oneOf", "allOf"),
    *("enum", "const", "format", "description", "additionalProperties", "a"),
)


def hostile(chance: Random, level: int = 0) -> object:
    """A member of any kind, in the words of schemas."""
    kind = chance.randrange(8 if level < 4 else 4)
    if kind < 4:
        return chance.choice([None, True, 1, "object", "null", "#/$defs/a", "date", "a", "array"])
    if kind == 4:
        return [hostile(chance, level + 1) for _ in range(chance.randrange(3))]
    return {chance.choice(_WORDS): hostile(chance, level + 1) for _ in range(chance.randrange(5))}


def test_whatever_a_caller_sends_is_lowered_or_given_up() -> None:
    """A member of another kind than it should be is no crash."""
    for seed in range(3000):
        chance = Random(seed)
        schema = {"type": "object"} | {chance.choice(_WORDS): hostile(chance) for _ in range(5)}
        strict_schema(Raw(json.dumps(schema).encode()))
