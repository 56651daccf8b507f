"""Requests as tests ask them, and what they become: sound by AWS's own description, each time."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Raw

from router.canon.request import CacheMark, ChatRequest, Message, Part, Role, Source, Text, Tool, ToolCall, ToolResult
from router.wire.bedrock_converse import DIALECT
from tests.wire.bedrock_converse.sound import faults_of

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
CLAUDE_4 = "anthropic.claude-opus-4-20250514-v1:0"
CLAUDE_NEW = "global.anthropic.claude-opus-4-8"
CLAUDE_NEWEST = "us.anthropic.claude-sonnet-5-5"
NOVA = "amazon.nova-pro-v1:0"
NOVA_2 = "us.amazon.nova-2-lite-v1:0"
LLAMA = "us.meta.llama3-3-70b-instruct-v1:0"
MISTRAL = "mistral.mistral-large-2407-v1:0"
GPT = "openai.gpt-oss-120b-1:0"
HIDDEN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"

HELLO = Message(role=Role.USER, parts=(Text(text="hi"),))
PNG = Source(data="iVBORw0KGgo=", media_type="image/png")
PDF = Source(data="JVBERi0=", media_type="application/pdf")
WEATHER = Tool(name="weather", description="tells it", parameters=Raw(b'{"type":"object","properties":{"a":{}}}'))
CALLED = (
    Message(role=Role.ASSISTANT, parts=(ToolCall(id="call_1", name="weather", arguments='{"a":1.0}'),)),
    Message(role=Role.TOOL, parts=(ToolResult(call_id="call_1", parts=(Text(text="sun"),)),)),
)
MARK = CacheMark()
POINT = {"cachePoint": {"type": "default"}}


def request(*messages: Message, **members: Any) -> ChatRequest:
    """A request of these turns."""
    return ChatRequest(model="m", messages=messages or (HELLO,), **members)


def said(asked: ChatRequest, model: str = CLAUDE, *, lost: tuple[str, ...] = ()) -> Any:
    """What is sent for it: sound by AWS's own description, with just this lost."""
    encoded = DIALECT.encode_request(asked, model)
    assert faults_of(encoded.body) == ""
    assert encoded.lost == lost
    return json.loads(encoded.body)


def blocks(*parts: Part, role: Role = Role.USER, model: str = CLAUDE, lost: tuple[str, ...] = ()) -> list[Any]:
    """The blocks that these parts of the last turn become."""
    before = () if role is Role.USER else (HELLO,)
    found: list[Any] = said(request(*before, Message(role=role, parts=parts)), model, lost=lost)["messages"][-1][
        "content"
    ]
    return found
