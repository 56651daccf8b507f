"""A turn of Claude Code as its gateway protocol documents it, and a provider that answers in Anthropic's protocol.

Source: Claude Code, docs/llm-gateway-protocol.md and docs/llm-gateway-connect.md (stored copies of 2026-08-22), and
what its version 2.1.197 sent through a router, headless, on 2026-11-28.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.fakes.turn import Script, Turn
from tests.simulation.answers import messages
from tests.simulation.answers.speech import Meaning, ToolUse

LONG = "mcp__a_server_with_a_rather_long_name__a_tool_whose_name_is_longer_than_openai_takes"
"""Names of MCP tools may pass 64 characters."""

SENT: Mapping[str, str] = {
    "content-type": "application/json",
    "authorization": "Bearer key-of-the-caller",
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14,never-heard-of-2026-11-01",
    "user-agent": "claude-cli/2.2.0 (external, cli)",
    "x-app": "cli",
    "x-claude-code-session-id": "0d9bd8a6-0001-4c5f-9b53-1d1d3c5f7a11",
    "x-stainless-lang": "js",
    "x-stainless-retry-count": "0",
}
"""Its headers, with a beta value that no version of this gateway can know."""

_SESSION = b"0d9bd8a6-0001-4c5f-9b53-1d1d3c5f7a11"
USER = rb"{\"device_id\":\"%b\",\"account_uuid\":\"\",\"session_id\":\"%b\"}" % (b"9e" * 32, _SESSION)
"""Whom it names as its user: an object in a text, of 150 characters."""

SIGNATURE = "EooCCkYIBxgCKkBzaWduZWQ="
HIDDEN = "EmwKAhgBEgx0aG91Z2h0cw=="

SYSTEM = (
    b'[ {"type":"text","text":"x-anthropic-billing-header: cc_version=2.2.0; cc_entrypoint=cli;"},'
    b'{"type":"text","text":"You are Claude Code.","cache_control":{"type":"ephemeral","ttl":"1h"}} ]'
)
TOOLS = (
    b'[{"name":"Read","description":"Reads a file.","input_schema":{"$schema":"http://json-schema.org/draft-07/schema#",'
    b'"type":"object","properties":{"file_path":{"type":"string"}},"required":["file_path"],'
    b'"additionalProperties":false},"eager_input_streaming":true},{"name":"%b","description":"Lists.",'
    b'"input_schema":{"type":"object","properties":{}},"defer_loading":false,"cache_control":{"type":"ephemeral"}}]'
) % LONG.encode()
HISTORY = (
    b'[{"role":"user","content":[{"type":"text","text":"<system-reminder>\\u00e9</system-reminder>"},'
    b'{"type":"text","text":"Look.","cache_control":{"type":"ephemeral"}}]},'
    b'{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"%b"},'
    b'{"type":"redacted_thinking","data":"%b"},{"type":"text","text":"Reading."},'
    b'{"type":"tool_use","id":"toolu_1","name":"Read","input":{"file_path":"a.png"}},'
    b'{"type":"tool_use","id":"toolu_2","name":"%b","input":{}}]},'
    b'{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"seen"},'
    b'{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}]},'
    b'{"type":"tool_result","tool_use_id":"toolu_2","is_error":true,"content":"no such server"}]},'
    b'{"role":"system","content":"Be brief."},{"role":"user","content":"Go on."}]'
) % (SIGNATURE.encode(), HIDDEN.encode(), LONG.encode())


def body(model: str, *, streamed: bool) -> bytes:
    """A turn late in a conversation, as bytes: what is passed on must not be said anew."""
    return (
        b'{"model":"%b","max_tokens":32000,"stream":%b,"system":%b,"tools":%b,"thinking":{"type":"adaptive"},'
        b'"output_config":{"effort":"high"},"context_management":{"edits":[{"type":"clear_thinking_20251015",'
        b'"keep":"all"}]},"metadata":{"user_id":"%b"},"messages":%b}'
    ) % (model.encode(), json.dumps(streamed).encode(), SYSTEM, TOOLS, USER, HISTORY)


def counted(model: str) -> bytes:
    """The same prompt, to be counted."""
    return b'{"model":"%b","system":%b,"tools":%b,"messages":%b}' % (model.encode(), SYSTEM, TOOLS, HISTORY)


MEANT = Meaning(
    words=("Reading", " it."),
    thoughts=("Hm.",),
    calls=(ToolUse(id="toolu_3", name=LONG, pieces=("{", "}")),),
    usage=(40, 7),
    model="up",
    id="1",
)
"""What the provider below answers."""


def said(*, streamed: bool) -> bytes:
    """The bytes of its answer."""
    return b"".join(messages.stream(MEANT)[0]) if streamed else json.dumps(messages.whole(MEANT)).encode()


def claude() -> Script:
    """Answers as it was asked to, whole or streamed, with thinking, words and a call."""

    async def script(turn: Turn) -> None:
        streamed = bool(turn.asked().get("stream"))
        answer = said(streamed=streamed)
        kind = "text/event-stream" if streamed else "application/json"
        await turn.head(200, {"content-type": kind, "content-length": str(len(answer))})
        await turn.send(answer)

    return script


def speaking(provider: Any, **keys: Any) -> dict[str, Any]:
    """The configuration of a provider of Anthropic's protocol, with the model `m` under the name `up`."""
    basis = {"kind": "anthropic-compatible", "base_url": f"http://127.0.0.1:{provider.port}", "api_key": "sk-operator"}
    return {**basis, "models": [{"name": "m", "upstream": "up"}], **keys}
