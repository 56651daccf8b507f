"""Official SDKs as clients of a served router, each against recorded answers of four kinds of upstream, over sockets.

What an SDK puts together is compared with a reading of the recording that shares nothing with the router. The SDKs are
as they are installed: nothing in them is patched.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pydantic import BaseModel, create_model

from tests.replay.fronts import CHAT, MESSAGES, RESPONSES, Front, sayable
from tests.replay.reading import read
from tests.replay.recordings import ABSENT, Recording, recordings
from tests.replay.replay import model_of, replaying
from tests.replay.said import Answer, Said, Usage

UPSTREAMS = {
    "OpenAI": ("openai", ("openai.chat",)),
    "OpenAI Responses": ("openai", ("openai.responses",)),
    "Anthropic": ("anthropic", ("anthropic.messages",)),
    "Gemini": ("gemini", ("gemini.generateContent", "gemini.streamGenerateContent")),
    "Bedrock": ("bedrock", ("bedrock.converse", "bedrock.converse_stream")),
}
"""Upstream -> whose recordings, and of which protocols."""

Heard = tuple[str, list[tuple[str, Any]], str | None, Usage | None]
"""Text with any refusal, calls with parsed arguments, the word for the ending, counts: what an SDK holds at the end."""

Ask = Callable[[Any, str, Answer], Awaitable[Heard]]

_GO: Any = [{"role": "user", "content": "Go on."}]

pytestmark = pytest.mark.skipif(not recordings(), reason=ABSENT)


def of(upstream: str, *, streamed: bool | None, failed: bool = False) -> list[Recording]:
    """The recordings of an upstream: answers, or errors."""
    provider, apis = UPSTREAMS[upstream]
    found = (one for one in recordings() if one.provider == provider and one.api in apis)
    return [
        one
        for one in found
        if (read(one).fault is not None) == failed and (streamed is None or one.streamed == streamed)
    ]


# What each SDK is asked for, and what it made of the answer.


def _tools(answer: Answer) -> list[dict[str, Any]]:
    """Definitions of the tools that the answer will call."""
    names = dict.fromkeys(call.name for call in answer.calls)
    return [{"name": name, "parameters": {"type": "object", "properties": {}}} for name in names]


def _chat_tools(answer: Answer) -> Any:
    return [{"type": "function", "function": tool} for tool in _tools(answer)] or openai.omit


async def chat_create(client: AsyncOpenAI, model: str, answer: Answer) -> Heard:
    """`chat.completions.create`."""
    return _chat(await client.chat.completions.create(model=model, messages=_GO, tools=_chat_tools(answer)))


async def chat_stream(client: AsyncOpenAI, model: str, answer: Answer) -> Heard:
    """The helper `chat.completions.stream`, whose own accumulator makes the whole.

    Of an answer that is not whole it makes an exception, which holds what there is.
    """
    said: list[str] = []
    options: Any = {"include_usage": True}
    try:
        async with client.chat.completions.stream(
            model=model, messages=_GO, tools=_chat_tools(answer), stream_options=options
        ) as events:
            said += [event.delta async for event in events if event.type in ("content.delta", "refusal.delta")]
            heard = _chat(await events.get_final_completion())
    except (openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError) as error:
        heard = _chat(error.completion)
    assert heard[0] == "".join(said)
    return heard


def _chat(reply: Any) -> Heard:
    choice, usage = reply.choices[0], reply.usage
    calls = [(call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls or ()]
    text = (choice.message.content or "") + (choice.message.refusal or "")
    counted = usage and Usage(usage.prompt_tokens, usage.total_tokens - usage.prompt_tokens)
    return text, calls, choice.finish_reason, counted


def _responses_tools(answer: Answer) -> Any:
    return [{"type": "function", "strict": False, **tool} for tool in _tools(answer)] or openai.omit


async def responses_create(client: AsyncOpenAI, model: str, answer: Answer) -> Heard:
    """`responses.create`."""
    return _response(await client.responses.create(model=model, input=_GO, tools=_responses_tools(answer)))


async def responses_stream(client: AsyncOpenAI, model: str, answer: Answer) -> Heard:
    """The helper `responses.stream`, which throws where an event is missing or out of order.

    It keeps no final response of an answer that is not whole, but its last event does.
    """
    async with client.responses.stream(model=model, input=_GO, tools=_responses_tools(answer)) as stream:
        events: list[Any] = [event async for event in stream]
        last = events[-1].response
        final = last if last.status == "incomplete" else await stream.get_final_response()
    kinds = ("response.output_text.delta", "response.refusal.delta")
    heard = _response(final)
    assert heard[0] == "".join(event.delta for event in events if event.type in kinds)
    return heard


def _response(reply: Any) -> Heard:
    parts = [part for item in reply.output if item.type == "message" for part in item.content]
    text = "".join(part.text if part.type == "output_text" else part.refusal for part in parts)
    calls = [(item.name, json.loads(item.arguments)) for item in reply.output if item.type == "function_call"]
    word = reply.incomplete_details.reason if reply.incomplete_details else reply.status
    return text, calls, word, Usage(reply.usage.input_tokens, reply.usage.output_tokens)


def _messages_tools(answer: Answer) -> Any:
    tools = [{"name": tool["name"], "input_schema": tool["parameters"]} for tool in _tools(answer)]
    return tools or anthropic.omit


async def messages_create(client: AsyncAnthropic, model: str, answer: Answer) -> Heard:
    """`messages.create`."""
    tools = _messages_tools(answer)
    return _message(await client.messages.create(model=model, messages=_GO, max_tokens=1024, tools=tools))


async def messages_stream(client: AsyncAnthropic, model: str, answer: Answer) -> Heard:
    """The helper `messages.stream`, whose own accumulator makes the whole."""
    tools = _messages_tools(answer)
    async with client.messages.stream(model=model, messages=_GO, max_tokens=1024, tools=tools) as stream:
        said = "".join([text async for text in stream.text_stream])
        final = await stream.get_final_message()
    heard = _message(final)
    assert heard[0] == said
    return heard


def _message(reply: Any) -> Heard:
    text = "".join(block.text for block in reply.content if block.type == "text")
    calls = [(block.name, block.input) for block in reply.content if block.type == "tool_use"]
    usage = reply.usage
    cached = (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
    return text, calls, reply.stop_reason, Usage(usage.input_tokens + cached, usage.output_tokens)


_ASKS: dict[str, tuple[Front, bool, Ask]] = {
    "openai chat.create": (CHAT, False, chat_create),
    "openai chat.stream": (CHAT, True, chat_stream),
    "openai responses.create": (RESPONSES, False, responses_create),
    "openai responses.stream": (RESPONSES, True, responses_stream),
    "anthropic messages.create": (MESSAGES, False, messages_create),
    "anthropic messages.stream": (MESSAGES, True, messages_stream),
}


@pytest.mark.shows(84)
# OpenAI's own search answers name a kind of source that the types of its own SDK lack.
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
@pytest.mark.parametrize(("front", "streamed", "ask"), _ASKS.values(), ids=_ASKS)
@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_an_sdk_holds_what_the_upstream_said(
    upstream: str, front: Front, streamed: bool, ask: Ask, tmp_path: Path
) -> None:
    """Text, tool calls with arguments it can parse, the ending in its own words, and the counts."""
    found = of(upstream, streamed=streamed)
    assert found
    heard = asyncio.run(_all(found, front, ask, tmp_path))
    assert [pair for pair in zip(found, heard, strict=True) if pair[1] != _expected(front, read(pair[0]))] == []


async def _all(found: list[Recording], front: Front, ask: Ask, home: Path) -> list[Heard]:
    async with replaying(found, home) as router, _client(front, router.url) as client:
        return [await ask(client, model_of(n), read(one).first) for n, one in enumerate(found)]


@asynccontextmanager
async def _client(front: Front, url: str) -> AsyncIterator[Any]:
    """The SDK of this front end's clients, as anybody would make it."""
    if front is MESSAGES:
        async with AsyncAnthropic(base_url=url, api_key="unused") as claude:
            yield claude
    else:
        async with AsyncOpenAI(base_url=f"{url}/v1", api_key="unused") as client:
            yield client


def _expected(front: Front, recorded: Said) -> Heard:
    answer = sayable(front, recorded)[0]
    ending = "stop" if front is CHAT and answer.finish == "refused" else answer.finish
    calls = [(call.name, call.arguments) for call in answer.calls]
    return answer.text + answer.refusal, calls, front.endings[ending], recorded.usage and Usage(*recorded.usage[:2])


# Parsed output.


def _model(value: dict[str, Any]) -> type[BaseModel]:
    """A model of this object, as a caller would have written it before the answer came."""
    fields: Any = {name: (type(member), ...) for name, member in value.items()}
    return create_model("Wanted", **fields)


def _objects(upstream: str, *, streamed: bool) -> list[tuple[Recording, dict[str, Any]]]:
    """The recordings whose text is a flat JSON object."""
    texts = [(one, read(one).first.text.strip()) for one in of(upstream, streamed=streamed)]
    found = [(one, json.loads(text)) for one, text in texts if text.startswith("{") and text.endswith("}")]
    return [(one, value) for one, value in found if all(isinstance(member, str | int) for member in value.values())]


async def chat_parse(client: AsyncOpenAI, model: str, wanted: type[BaseModel]) -> object:
    """`chat.completions.parse`."""
    reply = await client.chat.completions.parse(model=model, messages=_GO, response_format=wanted)
    return reply.choices[0].message.parsed


async def chat_parse_streamed(client: AsyncOpenAI, model: str, wanted: type[BaseModel]) -> object:
    """`chat.completions.stream` with a model to parse into."""
    async with client.chat.completions.stream(model=model, messages=_GO, response_format=wanted) as events:
        return (await events.get_final_completion()).choices[0].message.parsed


async def responses_parse(client: AsyncOpenAI, model: str, wanted: type[BaseModel]) -> object:
    """`responses.parse`."""
    return (await client.responses.parse(model=model, input=_GO, text_format=wanted)).output_parsed


async def responses_parse_streamed(client: AsyncOpenAI, model: str, wanted: type[BaseModel]) -> object:
    """`responses.stream` with a model to parse into."""
    async with client.responses.stream(model=model, input=_GO, text_format=wanted) as events:
        return (await events.get_final_response()).output_parsed


async def messages_parse(client: AsyncAnthropic, model: str, wanted: type[BaseModel]) -> object:
    """`messages.parse`."""
    reply = await client.messages.parse(model=model, messages=_GO, max_tokens=64, output_format=wanted)
    return reply.parsed_output


async def messages_parse_streamed(client: AsyncAnthropic, model: str, wanted: type[BaseModel]) -> object:
    """`messages.stream` with a model to parse into."""
    async with client.messages.stream(model=model, messages=_GO, max_tokens=64, output_format=wanted) as stream:
        return (await stream.get_final_message()).parsed_output


_PARSES: dict[str, tuple[Front, bool, Callable[[Any, str, type[BaseModel]], Awaitable[object]]]] = {
    "openai chat.parse": (CHAT, False, chat_parse),
    "openai chat.stream": (CHAT, True, chat_parse_streamed),
    "openai responses.parse": (RESPONSES, False, responses_parse),
    "openai responses.stream": (RESPONSES, True, responses_parse_streamed),
    "anthropic messages.parse": (MESSAGES, False, messages_parse),
    "anthropic messages.stream": (MESSAGES, True, messages_parse_streamed),
}


@pytest.mark.parametrize(("front", "streamed", "parse"), _PARSES.values(), ids=_PARSES)
def test_an_sdk_parses_structured_output(
    front: Front,
    streamed: bool,
    parse: Callable[[Any, str, type[BaseModel]], Awaitable[object]],
    tmp_path: Path,
) -> None:
    """Of every upstream that was recorded answering with an object."""
    found = [pair for upstream in UPSTREAMS for pair in _objects(upstream, streamed=streamed)]
    assert len({one.provider for one, _ in found}) >= (3 if streamed else 1)

    async def parsed() -> list[object]:
        async with replaying([one for one, _ in found], tmp_path) as router, _client(front, router.url) as client:
            return [await parse(client, model_of(n), _model(value)) for n, (_, value) in enumerate(found)]

    heard = asyncio.run(parsed())
    assert [one.model_dump() for one in heard if isinstance(one, BaseModel)] == [value for _, value in found]


# Errors.


_CLASSES: dict[int, str] = {
    400: "BadRequestError",
    413: "RequestTooLargeError",
    429: "RateLimitError",
    502: "InternalServerError",
    503: "InternalServerError",
}
"""Status -> the class both SDKs raise; a status of the router that the provider's 401 or 404 may never become."""


async def _raised(ask: Ask, client: Any, number: int) -> Any:
    try:
        await ask(client, model_of(number), Answer())
    except (openai.APIStatusError, anthropic.APIStatusError) as error:
        return error
    return None


@pytest.mark.parametrize(("front", "ask"), [(one[0], one[2]) for one in _ASKS.values()], ids=_ASKS)
@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_an_upstreams_error_is_the_sdks_own(upstream: str, front: Front, ask: Ask, tmp_path: Path) -> None:
    """By class and status, with a request id, and never tried again by the SDK on top of the router."""
    found = [one for one in of(upstream, streamed=None, failed=True) if not one.streamed]

    async def raised() -> list[Any]:
        async with replaying(found, tmp_path) as router, _client(front, router.url) as client:
            return [await _raised(ask, client, n) for n in range(len(found))]

    for one, error in zip(found, asyncio.run(raised()), strict=True):
        reason = read(one).fault or ""
        status = front.statuses.get(reason, 502)
        assert (one.id, error.status_code, type(error).__name__) == (one.id, status, _CLASSES[status])
        assert error.response.headers["x-should-retry"] == "false"
        assert error.request_id and reason in error.response.text
