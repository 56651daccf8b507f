"""What people use of the official SDKs beside a call: tool loops, raw answers, clocks and classes of errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from anthropic import AsyncAnthropic, beta_async_tool
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI
from pydantic import BaseModel, SecretStr

from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer, event, speak, stall_after
from tests.fakes.served import GROUP, Served, routed, served, until
from tests.fakes.turn import Script, Turn

_ASKED: Any = [{"role": "user", "content": "What is the weather in Rome?"}]


async def _looping(turn: Turn) -> None:
    """Calls the tool that it was offered, and says what the tool answered."""
    asked = turn.asked()
    results = [message["content"] for message in asked["messages"] if message["role"] == "tool"]
    head = {"id": "chatcmpl-1", "created": 1, "model": asked["model"]}
    said: dict[str, Any]
    if results:
        said, finish = {"role": "assistant", "content": f"It is {results[-1]}."}, "stop"
    else:
        function = {"name": asked["tools"][0]["function"]["name"], "arguments": '{"city": "Rome"}'}
        call = {"index": 0, "id": "call_1", "type": "function", "function": function}
        said, finish = {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    if not asked.get("stream"):
        choice = {"index": 0, "message": said, "finish_reason": finish}
        body = json.dumps({**head, "object": "chat.completion", "usage": usage, "choices": [choice]}).encode()
        await turn.head(200, {"content-type": "application/json", "content-length": str(len(body))})
        await turn.send(body)
        return
    chunk = {**head, "object": "chat.completion.chunk"}
    await turn.head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
    for delta, why in ((said, None), ({}, finish)):
        await turn.chunk(event({**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": why}]}))
    await turn.chunk(event({**chunk, "choices": [], "usage": usage}))
    await turn.chunk(b"data: [DONE]\n\n")
    await turn.chunk(b"")


@asynccontextmanager
async def _router(home: Path, *scripts: Script, **sections: Any) -> AsyncIterator[tuple[Served, ScriptedProvider]]:
    async with ScriptedProvider(*scripts) as provider, served(routed(provider, **sections), home) as router:
        yield router, provider


# Tool loops.


@beta_async_tool
async def weather(city: str) -> str:
    """Tells the weather.

    Args:
        city: where.
    """
    return f"fine in {city}"


async def runner_whole(client: AsyncAnthropic) -> str:
    """Anthropic's tool runner."""
    runner = client.beta.messages.tool_runner(model=GROUP, max_tokens=64, messages=_ASKED, tools=[weather])
    return _text(await runner.until_done())


async def runner_streamed(client: AsyncAnthropic) -> str:
    """The same with streams, each put together by its accumulator."""
    runner = client.beta.messages.tool_runner(model=GROUP, max_tokens=64, messages=_ASKED, tools=[weather], stream=True)
    last: Any = None
    async for stream in runner:
        last = await stream.get_final_message()
    return _text(last)


def _text(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


@pytest.mark.parametrize("run", [runner_whole, runner_streamed], ids=["whole", "streamed"])
@on_uvloop
async def test_anthropics_tool_runner_comes_to_its_end(run: Callable[[AsyncAnthropic], Any], tmp_path: Path) -> None:
    """Over a provider of another protocol: the call is run, its result goes back, and the loop ends with the answer."""
    async with (
        _router(tmp_path, _looping) as (router, provider),
        AsyncAnthropic(base_url=router.url, api_key="unused") as client,
    ):
        assert await run(client) == "It is fine in Rome."
        assert [turn.asked()["messages"][-1]["role"] for turn in provider.turns] == ["user", "tool"]


@tool
def forecast(city: str) -> str:
    """Tells the weather of a city."""
    return f"fine in {city}"


class Colour(BaseModel):
    """A colour."""

    name: str
    red: int


def _langchain(kind: type, url: str) -> BaseChatModel:
    key = SecretStr("unused")
    made: Any = kind
    more = {"base_url": f"{url}/v1"} if kind is ChatOpenAI else {"base_url": url, "max_tokens": 64}
    return made(api_key=key, model=GROUP, **more)  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", [ChatOpenAI, ChatAnthropic])
def test_langchain_runs_tools_and_reads_objects(kind: type, tmp_path: Path) -> None:
    """A bound tool is called and its result answered; an object is read by its schema."""
    # Its clients outlive the loop that they were made in, so each loop is one nobody used before.
    asyncio.run(_run_tools(kind, tmp_path))
    asyncio.run(_read_an_object(kind, tmp_path))


async def _run_tools(kind: type, home: Path) -> None:
    async with _router(home, _looping) as (router, _):
        client = _langchain(kind, router.url).bind_tools([forecast])
        called: Any = await client.ainvoke("What is the weather in Rome?")
        result = await forecast.ainvoke(called.tool_calls[0])
        last = await client.ainvoke([("user", "What is the weather in Rome?"), called, result])
        assert last.text == "It is fine in Rome."


async def _read_an_object(kind: type, home: Path) -> None:
    async with _router(home, answer('{"name": "red", "red": 255}')) as (router, provider):
        wanted = _langchain(kind, router.url).with_structured_output(Colour, method="json_schema")
        assert await wanted.ainvoke("Name a colour.") == Colour(name="red", red=255)
        schema = provider.turns[0].asked()["response_format"]["json_schema"]["schema"]
        assert set(schema["properties"]) == {"name", "red"}


# Raw answers, and clocks.


@on_uvloop
async def test_raw_answers_have_what_the_router_tells(tmp_path: Path) -> None:
    """Its headers beside the parsed answer, of both SDKs, whole and streamed."""
    async with (
        _router(tmp_path, speak("red")) as (router, _),
        AsyncOpenAI(base_url=f"{router.url}/v1", api_key="unused") as openais,
        AsyncAnthropic(base_url=router.url, api_key="unused") as claudes,
    ):
        asked: Any = {"model": GROUP, "messages": _ASKED}
        one: Any = await openais.chat.completions.with_raw_response.create(**asked)
        two: Any = await claudes.messages.with_raw_response.create(**asked, max_tokens=9)
        texts = [one.parse().choices[0].message.content, (await two.parse()).content[0].text]
        async with openais.chat.completions.with_streaming_response.create(**asked, stream=True) as three:
            lines = [line async for line in three.iter_lines()]
        async with claudes.messages.with_streaming_response.create(**asked, max_tokens=9) as four:
            body = await four.json()
        assert [*texts, body["content"][0]["text"]] == ["red"] * 3
        assert lines[-1] == "data: [DONE]" or lines[-2] == "data: [DONE]"
        for raw in (one, two, three, four):
            assert raw.headers["x-router-provider"] == "one"
            assert raw.headers["x-router-attempts"] == "1"
            assert raw.headers["x-request-id"].startswith("req-")
        assert two.headers["request-id"] == two.headers["x-request-id"]


@on_uvloop
async def test_a_clients_own_clock_ends_the_call(tmp_path: Path) -> None:
    """Both SDKs give up with their own error, and the provider is let go of."""
    async with (
        _router(tmp_path, stall_after(["re"])) as (router, provider),
        AsyncOpenAI(base_url=f"{router.url}/v1", api_key="unused", max_retries=0, timeout=0.1) as openais,
        AsyncAnthropic(base_url=router.url, api_key="unused", max_retries=0, timeout=0.1) as claudes,
    ):
        asked: Any = {"model": GROUP, "messages": _ASKED}
        with pytest.raises(openai.APITimeoutError):
            await openais.chat.completions.create(**asked)
        with pytest.raises(anthropic.APITimeoutError):
            await claudes.messages.create(**asked, max_tokens=9)
        await until(lambda: provider.running == 0)


# Classes of errors.

_KEY = "client-key-number-one"
_BOUND = "client-key-number-two"
_CAUSES: Mapping[str, tuple[Mapping[str, Any], str, int]] = {
    "a wrong key": ({"extra_headers": {"authorization": "Bearer no", "x-api-key": "no"}}, "AuthenticationError", 401),
    "a name that is not there": ({"model": "nobody"}, "NotFoundError", 404),
    "a body that cannot be": ({"extra_body": {"router": {"max_attempts": 0}}}, "BadRequestError", 400),
    "a body too large": ({"extra_body": {"x": "y" * 4096}}, "ContentTooLargeError", 413),
    "another body under one key": (
        {"extra_headers": {"Idempotency-Key": "k"}, "extra_body": {"x": 1}},
        "UnprocessableEntityError",
        422,
    ),
    "a limit of its own": (
        {"extra_headers": {"authorization": f"Bearer {_BOUND}", "x-api-key": _BOUND}},
        "RateLimitError",
        429,
    ),
}
"""What makes the router itself refuse -> what is sent, the class that both SDKs raise, the status."""

_LACKING = {"ContentTooLargeError": "APIStatusError"}
"""Classes that OpenAI's SDK does not have, and what it raises instead."""


async def _raised(client: Any, sent: Mapping[str, Any]) -> Any:
    asked: dict[str, Any] = {"model": GROUP, "messages": _ASKED, "max_tokens": 9, **sent}
    call = client.messages.create if isinstance(client, AsyncAnthropic) else client.chat.completions.create
    try:
        await call(**asked)
    except (openai.APIStatusError, anthropic.APIStatusError) as error:
        return error
    return None


@on_uvloop
async def test_what_the_router_refuses_is_the_sdks_own_error(tmp_path: Path) -> None:
    """By class and status, with its request id; only a limit is worth coming back for, and says when."""
    keys = {"one": {"key": _KEY}, "two": {"key": _BOUND, "requests_per_min": 1}}
    async with (
        _router(tmp_path, speak("red"), keys=keys, server={"max_body_bytes": 2048}) as (router, provider),
        AsyncOpenAI(base_url=f"{router.url}/v1", api_key=_KEY, max_retries=0) as openais,
        AsyncAnthropic(base_url=router.url, api_key=_KEY, max_retries=0) as claudes,
    ):
        # What makes one key reused, and one limit spent.
        for client in (openais, claudes):
            first = {**_CAUSES["another body under one key"][0], "extra_body": {"x": 2}}
            assert await _raised(client, first) is None
        assert await _raised(openais, _CAUSES["a limit of its own"][0]) is None
        for client in (openais, claudes):
            for cause, (sent, kind, status) in _CAUSES.items():
                error = await _raised(client, sent)
                name = _LACKING.get(kind, kind) if client is openais else kind
                assert (cause, type(error).__name__, error.status_code) == (cause, name, status)
                assert error.request_id and error.request_id.startswith("req-")
                waits = error.response.headers.get("retry-after")
                assert (waits is not None) == (status == 429)
                assert status != 429 or 0 < int(waits) <= 60
        assert len(provider.turns) == 3
