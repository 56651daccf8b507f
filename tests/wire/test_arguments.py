"""Calls without arguments, which models write as nothing, as `{}` and as `null`: all protocols want an object."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw

from router.canon.request import ChatRequest, Message, Role, Text, Tool, ToolCall, ToolResult
from router.providers import find_kinds

KINDS = find_kinds()


def _asked(arguments: str, *, custom: bool) -> ChatRequest:
    call = ToolCall(id="c1", name="f", arguments=arguments, custom=custom)
    return ChatRequest(
        model="m",
        messages=(
            Message(role=Role.USER, parts=(Text(text="hi"),)),
            Message(role=Role.ASSISTANT, parts=(call,)),
            Message(role=Role.TOOL, parts=(ToolResult(call_id="c1", parts=(Text(text="ok"),)),)),
        ),
        tools=(Tool(name="f", parameters=Raw(b'{"type":"object"}')),),
    )


@pytest.mark.parametrize("kind", ["anthropic", "bedrock", "cohere", "gemini", "ollama", "vertex"])
@pytest.mark.parametrize("arguments", ["", " ", "{}", "null", " null "])
def test_a_call_without_arguments_has_an_empty_object(arguments: str, kind: str) -> None:
    """However its model wrote that, and nothing of it counts as lost."""
    said = KINDS[kind].dialect.encode_request(_asked("{}", custom=False), "m")
    assert KINDS[kind].dialect.encode_request(_asked(arguments, custom=False), "m") == said
    assert b"null" not in said.body and said.lost == ()


@pytest.mark.parametrize("kind", ["anthropic", "bedrock", "cohere", "gemini", "ollama", "vertex"])
def test_null_is_a_word_to_a_tool_of_its_own_form(kind: str) -> None:
    """It is not JSON there, so that it reaches the tool's next turn as it was written."""
    body = KINDS[kind].dialect.encode_request(_asked("null", custom=True), "m").body
    assert b'"null"' in body.replace(b'\\"', b'"')
    msgspec.json.decode(body)
