"""Lines 82 and 83 over sockets: what Gemini signs comes back to it, and what its schemas cannot say is lowered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.provider import ScriptedProvider
from tests.fakes.served import remote, routed, served
from tests.fakes.turn import Turn
from tests.scenarios.scene import ask, both, scenario

SIGNATURE = "c2lnbmVkLWJ5LWdlbWluaQ=="
GO: dict[str, Any] = {"role": "user", "content": "Name three colours."}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


async def gemini(turn: Turn) -> None:
    """Calls `look` with a signature; once it was answered, says so."""
    called = {"functionCall": {"name": "look", "args": {"n": 1}}, "thoughtSignature": SIGNATURE}
    answered = any("functionResponse" in part for said in turn.asked()["contents"] for part in said["parts"])
    part = {"text": "seen"} if answered else called
    candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
    counts = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
    said = json.dumps({"candidates": [candidate], "usageMetadata": counts, "modelVersion": "m"}).encode()
    streamed = "stream" in turn.path
    body = b"data: %b\r\n\r\n" % said if streamed else said
    kind = "text/event-stream" if streamed else "application/json"
    await turn.head(200, {"content-type": kind, "content-length": str(len(body))})
    await turn.send(body)


def google(provider: ScriptedProvider) -> dict[str, Any]:
    """Its configuration."""
    return remote(provider, kind="gemini", api_key="k-1")


def whole(pieces: list[dict[str, Any]]) -> dict[str, Any]:
    """The call that these pieces make; in a stream its arguments come later."""
    first, *later = pieces
    told = "".join(piece["function"].get("arguments", "") for piece in pieces)
    assert all(piece["index"] == first["index"] for piece in later)
    return {**first, "function": {**first["function"], "arguments": told}}


def bare(call: dict[str, Any]) -> dict[str, Any]:
    """A call as a client keeps it that knows OpenAI's members alone."""
    return {
        "id": call["id"],
        "type": "function",
        "function": {name: call["function"][name] for name in ("name", "arguments")},
    }


@pytest.mark.shows(82)
@pytest.mark.parametrize("kept", [True, False], ids=["extra_fields_kept", "extra_fields_dropped"])
@both
@scenario
async def test_a_signature_is_upstream_again_when_its_call_is_replayed(
    streamed: bool, kept: bool, tmp_path: Path
) -> None:
    """Behind the call it signed, whatever the client kept of it; nothing of ours goes with it."""
    async with ScriptedProvider(gemini) as one, served(routed(google(one)), tmp_path) as router:
        first = await ask(router, streamed, tools=[TOOL])
        call = whole([piece for said in first.said for piece in said.get("tool_calls") or ()])
        call = call if kept else bare(call)
        turns = [{"role": "assistant", "content": None, "tool_calls": [call]}]
        turns.append({"role": "tool", "tool_call_id": call["id"], "content": "red"})
        second = await ask(router, streamed, tools=[TOOL], messages=[GO, *turns])
        asked = one.turns[1].asked()["contents"]
    assert (second.status, second.text) == (200, "seen")
    (again,) = (part for said in asked for part in said["parts"] if "functionCall" in part)
    assert (again["thoughtSignature"], again["functionCall"]["args"]) == (SIGNATURE, {"n": 1})
    assert b"psig-" not in one.turns[1].body


SCHEMAS: dict[str, Any] = {
    "refers": {
        "type": "object",
        "properties": {"who": {"$ref": "#/$defs/Person"}},
        "$defs": {"Person": {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}},
    },
    "closed": {"type": "object", "properties": {"deep": {"type": "object", "properties": {"in": {"type": "string"}}}}},
    "nullable": {
        "type": "object",
        "properties": {"may": {"type": ["object", "null"], "properties": {"be": {"type": "boolean"}}}},
    },
    "empty": {"type": "object", "properties": {}},
}
SCHEMAS["closed"]["additionalProperties"] = False
INNER = {"refers": {"who", "name", "age"}, "closed": {"deep", "in"}, "nullable": {"may", "be"}, "empty": set[str]()}


def inner(schema: Any) -> Iterator[str]:
    """The names of all properties, however deep."""
    if isinstance(schema, dict):
        properties = schema.get("properties", {})
        yield from properties
        for value in (*properties.values(), *(schema.get("anyOf") or ()), schema.get("items")):
            yield from inner(value)


def keywords(schema: Any) -> Iterator[str]:
    """Every keyword of a schema, those of its properties too."""
    if isinstance(schema, dict):
        for word, value in schema.items():
            yield word
            for below in value.values() if word == "properties" else value if isinstance(value, list) else (value,):
                yield from keywords(below)


@pytest.mark.shows(83)
@both
@scenario
async def test_schemas_are_lowered_for_gemini_and_results_are_not(streamed: bool, tmp_path: Path) -> None:
    """All properties are there and no word it refuses; a result that holds `$ref` is words, and stays as it is."""
    tools = [{"type": "function", "function": {"name": name, "parameters": one}} for name, one in SCHEMAS.items()]
    result = {"$ref": "#/$defs/Person", "additionalProperties": False}
    call = {"id": "c1", "type": "function", "function": {"name": "refers", "arguments": "{}"}}
    turns = [{"role": "assistant", "content": None, "tool_calls": [call]}]
    turns.append({"role": "tool", "tool_call_id": "c1", "content": json.dumps(result)})
    async with ScriptedProvider(gemini) as one, served(routed(google(one)), tmp_path) as router:
        heard = await ask(router, streamed, tools=tools, messages=[GO, *turns])
        asked = one.turns[0].asked()
    assert (heard.status, heard.text) == (200, "seen")
    told = {tool["name"]: tool for group in asked["tools"] for tool in group["functionDeclarations"]}
    assert {name: set(inner(tool.get("parameters"))) for name, tool in told.items()} == INNER
    assert "parameters" not in told["empty"]
    refused = {"$ref", "$defs", "additionalProperties"}
    assert refused.isdisjoint(word for tool in told.values() for word in keywords(tool.get("parameters")))
    (answered,) = (part for said in asked["contents"] for part in said["parts"] if "functionResponse" in part)
    assert answered["functionResponse"]["response"] == {"output": json.dumps(result)}
