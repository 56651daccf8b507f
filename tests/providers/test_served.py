"""Kinds under a served router, against scripted providers that answer as theirs are documented to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.fakes.loops import on_real_loops
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


@on_real_loops
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
