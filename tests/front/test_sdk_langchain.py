"""LangChain's classes for OpenAI and Anthropic as clients of a served router, each against four kinds of upstream."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessageChunk
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from tests.front.test_sdk_matrix import UPSTREAMS, of
from tests.replay.fronts import CHAT, MESSAGES, Front, sayable
from tests.replay.reading import read
from tests.replay.recordings import ABSENT, Recording, recordings
from tests.replay.replay import model_of, replaying
from tests.replay.said import Answer

Heard = tuple[str, list[tuple[str, Any]]]
"""Text, and calls with parsed arguments."""

pytestmark = pytest.mark.skipif(not recordings(), reason=ABSENT)


def _said(front: Front, answer: Answer, *, streamed: bool) -> Heard:
    """What it can hold: ChatOpenAI takes a refusal from a whole answer and looks for none in a stream, whoever serves.

    Source: langchain-openai 1.7, `chat_models/base.py`, `_convert_delta_to_message_chunk`, read 2026-11-28.
    """
    refusal = "" if front is CHAT and streamed else answer.refusal
    return answer.text + refusal, [(call.name, call.arguments) for call in answer.calls]


def _client(front: Front, url: str, model: str) -> BaseChatModel:
    """As a program would make it: a base URL, and a key that nobody asks for."""
    key = SecretStr("unused")
    if front is CHAT:
        return ChatOpenAI(base_url=f"{url}/v1", api_key=key, model=model, stream_usage=True)
    made: Any = ChatAnthropic
    return made(base_url=url, api_key=key, model=model, max_tokens=1024)  # type: ignore[no-any-return]


async def _ask(client: BaseChatModel, answer: Answer, *, streamed: bool) -> Any:
    """The whole message; a stream is put together as LangChain does. The tools that will be called are offered."""
    parameters = {"type": "object", "properties": {}}
    names = dict.fromkeys(call.name for call in answer.calls)
    tools = [{"name": name, "description": name, "parameters": parameters} for name in names]
    asked: Any = client.bind_tools(tools) if tools else client
    if not streamed:
        return await asked.ainvoke("Go on.")
    whole: BaseMessageChunk | None = None
    async for piece in asked.astream("Go on."):
        whole = piece if whole is None else whole + piece
    return whole


def _heard(message: Any) -> Heard:
    assert isinstance(message, AIMessage)
    refusal = message.additional_kwargs.get("refusal") or ""
    return message.text + refusal, [(call["name"], call["args"]) for call in message.tool_calls]


async def _all(found: list[Recording], front: Front, streamed: bool, home: Path) -> list[Heard]:
    async with replaying(found, home) as router:
        clients = [_client(front, router.url, model_of(number)) for number in range(len(found))]
        answers = [read(one).first for one in found]
        return [_heard(await _ask(*pair, streamed=streamed)) for pair in zip(clients, answers, strict=True)]


@pytest.mark.shows(84)
# ChatAnthropic warns of hidden thinking and of the provider's own tools in a stream where the caller offered no tool.
@pytest.mark.filterwarnings("ignore:Received unexpected tool content block:UserWarning")
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("front", [CHAT, MESSAGES], ids=["ChatOpenAI", "ChatAnthropic"])
@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_langchain_holds_what_the_upstream_said(upstream: str, front: Front, streamed: bool, tmp_path: Path) -> None:
    """Text, and tool calls with arguments it has parsed."""
    found = of(upstream, streamed=streamed)
    assert found
    heard = asyncio.run(_all(found, front, streamed, tmp_path))
    said = [_said(front, sayable(front, read(one))[0], streamed=streamed) for one in found]
    assert [(one.id, a, b) for one, a, b in zip(found, heard, said, strict=True) if a != b] == []
