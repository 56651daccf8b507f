"""Anthropic's own Python SDK as a client of a router whose provider speaks OpenAI's protocol."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from anthropic import AsyncAnthropic

from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import DONE, calling, delta, speak, status, stream
from tests.fakes.served import GROUP, routed, served
from tests.fakes.turn import Script, Turn

_LONG = "What is the colour of the sky? " * 40
_PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0" + "A" * 4000}}


@asynccontextmanager
async def _sdk(home: Path, *scripts: Script) -> AsyncIterator[tuple[AsyncAnthropic, ScriptedProvider]]:
    async with (
        ScriptedProvider(*scripts) as provider,
        served(routed(provider), home) as router,
        AsyncAnthropic(base_url=router.url, api_key="unused", max_retries=0) as client,
    ):
        yield client, provider


_COUNTED = {
    "prompt_tokens": 312,
    "completion_tokens": 2,
    "total_tokens": 314,
    "prompt_tokens_details": {"cached_tokens": 300, "cache_write_tokens": 4},
}
_COUNTS: dict[str, tuple[Any, Any, range, tuple[int | None, ...]]] = {
    "counted at the end": (_LONG, _COUNTED, range(200, 500), (8, 300, 4, 2)),
    "never counted": (_LONG, None, range(200, 500), (None, 0, 0, 0)),
    "a picture": ([_PICTURE], _COUNTED, range(1600, 1700), (8, 300, 4, 2)),
}
"""Prompt, the provider's count, what the stream may begin with, what it must end with; None is the beginning's."""


@pytest.mark.parametrize(("prompt", "usage", "first", "last"), _COUNTS.values(), ids=_COUNTS)
@on_uvloop
async def test_a_prompt_is_guessed_until_it_is_counted(
    prompt: Any, usage: Mapping[str, Any] | None, first: range, last: tuple[int | None, ...], tmp_path: Path
) -> None:
    """A context meter needs a number before the answer; the SDK's final message has the provider's in every bucket."""
    async with _sdk(tmp_path, stream(["red"], usage=usage)) as (client, _):
        asked: Any = [{"role": "user", "content": prompt}]
        async with client.messages.stream(model=GROUP, max_tokens=64, messages=asked) as events:
            begun = [event.message.usage.input_tokens async for event in events if event.type == "message_start"]
            counted = (await events.get_final_message()).usage
    assert begun[0] in first
    said = (
        counted.input_tokens,
        counted.cache_read_input_tokens,
        counted.cache_creation_input_tokens,
        counted.output_tokens,
    )
    assert said == tuple(begun[0] if number is None else number for number in last)


_TOOL = "mcp__a_server_with_a_rather_long_name__a_tool.whose_name_is_longer_than_openai_takes"


async def _refusing_long_names(turn: Turn) -> None:
    """As OpenAI does, where a name stands; else calls the tool that must be called."""
    asked = turn.asked()
    names = [tool["function"]["name"] for tool in asked["tools"]]
    names += [call["function"]["name"] for turn in asked["messages"] for call in turn.get("tool_calls", ())]
    if not all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in names):
        await status(400, body={"error": {"message": "string too long", "type": "invalid_request_error"}})(turn)
        return
    await calling(asked["tool_choice"]["function"]["name"])(turn)


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@on_uvloop
async def test_a_tool_keeps_its_name_whatever_the_provider_takes(streamed: bool, tmp_path: Path) -> None:
    """Defined, demanded, called before and called now."""
    tools: Any = [{"name": _TOOL, "input_schema": {"type": "object", "properties": {}}}]
    history: Any = [
        {"role": "user", "content": "Go."},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": _TOOL, "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "done"}]},
    ]
    asked: Any = {"model": GROUP, "max_tokens": 64, "messages": history, "tools": tools}
    asked["tool_choice"] = {"type": "tool", "name": _TOOL}
    async with _sdk(tmp_path, _refusing_long_names) as (client, _):
        if streamed:
            async with client.messages.stream(**asked) as events:
                message = await events.get_final_message()
        else:
            message = await client.messages.create(**asked)
    assert [(block.type, getattr(block, "name", None)) for block in message.content] == [("tool_use", _TOOL)]


_SEALED = {"type": "reasoning.text", "text": "Hm.", "signature": "sig==", "format": "anthropic-claude-v1", "index": 0}
_HIDDEN = {"type": "reasoning.encrypted", "data": "b3BhcXVl", "format": "openai-responses-v1", "index": 1}


async def _thinking_first(turn: Turn) -> None:
    """As OpenRouter does: thoughts that were sealed, then a call; their text and their seal come apart in streams."""
    said = {"reasoning": "Hm.", "reasoning_details": [_SEALED, _HIDDEN], "tool_calls": [_CALL]}
    if not turn.asked().get("stream"):
        choice = {"index": 0, "message": {"role": "assistant", "content": None, **said}, "finish_reason": "tool_calls"}
        await status(200, body={"id": "c", "object": "chat.completion", "created": 1, "choices": [choice]})(turn)
        return
    await turn.head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
    pieces: tuple[dict[str, Any], ...] = (
        {"reasoning": "Hm.", "reasoning_details": [{**_SEALED, "signature": None}]},
        {"reasoning_details": [{**_SEALED, "text": None}]},
        {"reasoning_details": [_HIDDEN]},
        {"tool_calls": [_CALL]},
    )
    for piece in pieces:
        await turn.chunk(delta(turn, piece))
    for block in (delta(turn, {}, "tool_calls"), DONE, b""):
        await turn.chunk(block)


_CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@on_uvloop
async def test_what_openrouter_sealed_goes_back_to_it_unchanged(streamed: bool, tmp_path: Path) -> None:
    """In order, with the answer to the call: its models refuse that otherwise."""
    tools: Any = [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]
    asked: Any = {"model": GROUP, "max_tokens": 64, "tools": tools, "messages": [{"role": "user", "content": "Go."}]}
    async with ScriptedProvider(_thinking_first, speak("done")) as provider:
        there = {"kind": "openrouter", "api_key": "k", "base_url": provider.base_url, "models": ["m"]}
        async with (
            served(routed(there), tmp_path) as router,
            AsyncAnthropic(base_url=router.url, api_key="unused", max_retries=0) as client,
        ):
            if streamed:
                async with client.messages.stream(**asked) as events:
                    message = await events.get_final_message()
            else:
                message = await client.messages.create(**asked)
            result = {"type": "tool_result", "tool_use_id": message.content[-1].id, "content": "ok"}  # type: ignore[union-attr]
            asked["messages"] += [
                {"role": "assistant", "content": message.content},
                {"role": "user", "content": [result]},
            ]
            await client.messages.create(**asked)
        back = provider.turns[1].asked()["messages"][1]
    assert [block.type for block in message.content] == ["thinking", "redacted_thinking", "tool_use"]
    assert back["reasoning_details"] == [_SEALED, _HIDDEN]
    assert "reasoning_content" not in back
