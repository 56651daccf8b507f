"""Kinds under a served router, against scripted providers that answer as theirs are documented to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import status
from tests.fakes.served import served
from tests.fakes.turn import Turn

TOOLS: Any = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
PARTS: Any = [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]


async def jamba(turn: Turn) -> None:
    """As AI21 answers: neither model nor time, and usage in the last chunk of content."""
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    choice: dict[str, Any] = {"index": 0, "finish_reason": "stop"}
    if not turn.asked().get("stream"):
        message = {"role": "assistant", "content": "well"}
        await status(200, body={"id": "j", "choices": [{**choice, "message": message}], "usage": usage})(turn)
        return
    chunks: list[dict[str, Any]] = [
        {"id": "j", "choices": [{"index": 0, "delta": {"role": "assistant"}, "finish_reason": None}]},
        {"id": "j", "choices": [{**choice, "delta": {"content": "well"}}], "usage": usage},
    ]
    events = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(events)
    await turn.send(head + events)


@on_uvloop
async def test_openais_client_reads_jamba(tmp_path: Path) -> None:
    """Whole and streamed; tools in a stream, which AI21 cannot do, are refused by name and nobody is asked."""
    async with ScriptedProvider(jamba) as provider:
        config = {"kind": "ai21", "api_key": "k", "base_url": provider.base_url, "models": ["m"]}
        async with (
            served({"providers": {"p": config}}, tmp_path) as router,
            AsyncOpenAI(base_url=f"{router.url}/v1", api_key="unused", max_retries=0) as client,
        ):
            whole = await client.chat.completions.create(
                model="m", messages=PARTS, tools=TOOLS, tool_choice="auto", max_completion_tokens=9000
            )
            assert (whole.model, whole.choices[0].message.content, whole.created > 0) == ("m", "well", True)
            asked = provider.turns[0].asked()
            assert (asked["messages"], asked["max_tokens"]) == ([{"role": "user", "content": "a\nb"}], 4096)
            assert asked["tools"] == TOOLS and "tool_choice" not in asked
            stream = await client.chat.completions.create(
                model="m", messages=PARTS, stream=True, stream_options={"include_usage": True}
            )
            chunks = [chunk async for chunk in stream]
            assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "well"
            assert chunks[-1].usage is not None and chunks[-1].usage.total_tokens == 5
            with pytest.raises(openai.BadRequestError, match="tools"):
                await client.chat.completions.create(model="m", messages=PARTS, stream=True, tools=TOOLS)
            assert len(provider.turns) == 2


PREFERENCES: dict[str, Any] = {
    "models": ["a/one", "b/two"],
    "provider": {"order": ["x", "y/us"], "max_price": {"prompt": 1.50}, "zdr": True},
    "plugins": [{"id": "context-compression", "enabled": False}],
    "reasoning": {"max_tokens": 100},
}
"""What OpenRouter alone understands."""


@on_uvloop
async def test_openrouter_is_told_its_own_words_and_says_what_it_charged(tmp_path: Path) -> None:
    """Preferences arrive as they were written; the cost is in the ledger beside ours."""
    message = {"role": "assistant", "content": "well"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "cost": 0.00125}
    body = {
        "id": "gen-1",
        "object": "chat.completion",
        "created": 1,
        "model": "b/two",
        "provider": "X",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": usage,
    }
    async with ScriptedProvider(status(200, body=body)) as provider:
        config = {"kind": "openrouter", "api_key": "k", "base_url": provider.base_url, "models": ["m"]}
        async with (
            served({"providers": {"p": config}}, tmp_path) as router,
            AsyncOpenAI(base_url=f"{router.url}/v1", api_key="unused", max_retries=0) as client,
        ):
            raw = await client.chat.completions.with_raw_response.create(
                model="m", messages=PARTS, extra_body=PREFERENCES
            )
            asked = provider.turns[0].asked()
            assert {name: asked[name] for name in PREFERENCES} == PREFERENCES
            assert json.loads(raw.text)["usage"]["cost"] == 0.00125
            assert raw.headers["x-router-cost-usd"].rstrip("0") == "0.00125"


ZEN: dict[str, tuple[str, str, bytes]] = {
    "chat": (
        "glm-5.2",
        "/v1/chat/completions",
        b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"glm-5.2","choices":'
        b'[{"index":0,"delta":{"role":"assistant","content":"well"},"finish_reason":"stop"}]}\n\n'
        b'data: [DONE]\n\ndata: {"choices":[],"cost":"0.1"}\n\n',
    ),
    "messages": (
        "claude-sonnet-5",
        "/v1/messages",
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant",'
        b'"model":"c","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}\n\n'
        b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text",'
        b'"text":"well"}}\n\nevent: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
        b'"usage":{"output_tokens":2}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n'
        b'event: ping\ndata: {"type":"ping","cost":"0.1"}\n\n',
    ),
    "generateContent": (
        "gemini-3.7-flash",
        "/v1/models/gemini-3.7-flash:streamGenerateContent?alt=sse",
        b'data: {"candidates":[{"content":{"role":"model","parts":[{"text":"well"}]},"finishReason":"STOP"}]}\r\n\r\n'
        b'data: {"cost":"0.1"}\r\n\r\n',
    ),
}


@pytest.mark.parametrize(("model", "path", "events"), ZEN.values(), ids=ZEN)
@on_uvloop
async def test_zen_is_asked_where_each_family_is_and_says_more_after_the_end(
    model: str, path: str, events: bytes, tmp_path: Path
) -> None:
    """It tells what an answer cost behind the event that ends it, in every protocol."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(events)

    async def zen(turn: Turn) -> None:
        await turn.send(head + events)

    async with ScriptedProvider(zen) as provider:
        config = {"kind": "opencode", "api_key": "k", "base_url": provider.base_url, "models": [model]}
        async with (
            served({"providers": {"p": config}}, tmp_path) as router,
            AsyncOpenAI(base_url=f"{router.url}/v1", api_key="unused", max_retries=0) as client,
        ):
            stream = await client.chat.completions.create(model=model, messages=PARTS, stream=True)
            chunks = [chunk async for chunk in stream]
            assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "well"
            assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]
            assert [turn.path for turn in provider.turns] == [path]
