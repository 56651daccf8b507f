"""Recorded answers of every kind that has some, served on a socket and asked for through a router."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from router.providers import find_kinds
from router.providers.kind import Kind
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import raw
from tests.fakes.served import Served, served
from tests.providers.naive import Said, events, read
from tests.providers.recordings import answers_of
from tests.wire.recorded import Recorded, needs_recordings, response_of

KINDS = find_kinds()
REPLAYED = {name: kind for name, kind in sorted(KINDS.items()) if not kind.local and answers_of(kind)}

EXPECTED_KINDS = {
    "anthropic",
    "azure",
    "bedrock",
    "cerebras",
    "cohere",
    "deepseek",
    "gemini",
    "groq",
    "huggingface",
    "llamacpp-server",
    "mistral",
    "ollama",
    "openai",
    "openai-responses",
    "openrouter",
    "perplexity",
    "together",
    "vertex",
    "vllm",
    "xai",
    "zai",
}


@needs_recordings
def test_the_recordings_are_those_of_most_kinds() -> None:
    """Fewer would mean that they are not found any more, and that this file tests nothing."""
    assert set(REPLAYED) >= EXPECTED_KINDS


@needs_recordings
@pytest.mark.parametrize("kind", REPLAYED.values(), ids=REPLAYED)
def test_every_recorded_answer_reaches_a_client_of_openai_as_it_was(kind: Kind, tmp_path: Path) -> None:
    """Text, tool calls, finish reason and counts, as a naive reading of the recording has them; nothing invented."""
    heard = asyncio.run(_replay(kind, tmp_path))
    assert [(name, pair) for name, *pair in heard if pair[0] != pair[1]] == []


async def _replay(kind: Kind, home: Path) -> list[tuple[str, Said, Said]]:
    """Of each recording what a client heard, and what was recorded."""
    async with ScriptedProvider(raw()) as provider:
        config = {
            "kind": kind.name,
            "base_url": provider.base_url,
            "api_key": "k-1",
            "models": [{"name": "m", "upstream": "upstream/m"}],
        }
        async with served({"providers": {"main": config}}, home) as router:
            return [(line.id, await _heard(router, provider, kind, line), _recorded(line)) for line in answers_of(kind)]


def _recorded(line: Recorded) -> Said:
    _, _, body = response_of(line.id)
    return read(line.api, line.stream, body)


async def _heard(router: Served, provider: ScriptedProvider, kind: Kind, line: Recorded) -> Said:
    status, headers, body = response_of(line.id)
    head = f"HTTP/1.1 {status} OK\r\ncontent-type: {headers['content-type']}\r\ncontent-length: {len(body)}\r\n\r\n"
    provider.play(raw(head.encode() + body, then="keep"))
    asked: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}} if line.stream else {}
    async with router.chat(model="main:m", **asked) as response:
        answer = await _whole(response)
    assert response.status == 200, (line.id, answer)
    turn = provider.turns[-1]
    assert f"http://127.0.0.1:{provider.port}{turn.path}" == kind.address(provider.base_url, "upstream/m", line.stream)
    assert {*kind.headers, *kind.auth("k-1")} <= set(turn.headers.items())
    return read("openai.chat", line.stream, answer)


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    body = await response.read()
    assert not response.content_type.endswith("event-stream") or body.rstrip().endswith(b"data: [DONE]"), body[-500:]
    return body


_FOR_SDKS = ("mistral-chat-stream-tool-call-dc7649bc", "mistral-chat-stream-reasoning-d8102bea")


@needs_recordings
def test_what_mistral_leaves_out_is_there_for_clients_of_openai(tmp_path: Path) -> None:
    """An index and a type for every call, text for content: the official SDK takes nothing else."""
    called, thought = asyncio.run(_chunks(_FOR_SDKS, tmp_path))
    calls = [call for delta in called for call in delta.get("tool_calls") or ()]
    assert {call["index"] for call in calls} == {0} and calls[0]["type"] == "function"
    assert {type(delta["content"]) for delta in thought if delta.get("content")} == {str}
    assert "".join(delta.get("reasoning_content") or "" for delta in thought) != ""


async def _chunks(recording_ids: tuple[str, ...], home: Path) -> list[list[Any]]:
    """The deltas that a client hears of each of these streams."""
    async with ScriptedProvider(raw()) as provider:
        config = {"kind": "mistral", "base_url": provider.base_url, "api_key": "k-1", "models": ["m"]}
        async with served({"providers": {"main": config}}, home) as router:
            heard = []
            for recording_id in recording_ids:
                _, _, body = response_of(recording_id)
                head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(body)}\r\n\r\n"
                provider.play(raw(head.encode() + body, then="keep"))
                async with router.chat(model="main:m", stream=True) as response:
                    chunks = list(events(await _whole(response)))
                heard.append([choice["delta"] for chunk in chunks for choice in chunk["choices"]])
            return heard


def test_the_naive_reader_reads() -> None:
    """A reader that finds nothing anywhere would agree with a router that says nothing."""
    answer = {
        "choices": [
            {
                "message": {"content": "hi", "tool_calls": [{"function": {"name": "f", "arguments": '{"a":1}'}}]},
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    }
    assert read("openai.chat", False, json.dumps(answer).encode()) == ("hi", [("f", {"a": 1})], "tool_calls", (3, 2))
