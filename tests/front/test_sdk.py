"""OpenAI's own Python SDK against a served router: what it reads, which errors it raises, how often it asks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import DONE, answer, cut_after, delta, error_event, speak, stall_after, status, stream
from tests.fakes.served import GROUP, routed, served
from tests.fakes.turn import Script, Turn

_ASKED: Any = [{"role": "user", "content": "Name three colours."}]
_WEATHER: Any = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


@asynccontextmanager
async def _sdk(home: Path, *scripts: Script, **sections: Any) -> AsyncIterator[tuple[AsyncOpenAI, ScriptedProvider]]:
    """A client with the SDK's own retries, of a router over one provider."""
    async with (
        ScriptedProvider(*scripts) as provider,
        served(routed(provider, **sections), home) as router,
        AsyncOpenAI(base_url=f"{router.url}/v1", api_key="unused") as client,
    ):
        yield client, provider


@on_uvloop
async def test_a_chat_that_is_not_streamed(tmp_path: Path) -> None:
    """Text, finish reason, usage and our request id, where the SDK shows them."""
    async with _sdk(tmp_path, speak("red, green, blue")) as (client, provider):
        reply = await client.chat.completions.create(model=GROUP, messages=_ASKED, temperature=0.5, seed=7)
        assert reply.choices[0].message.content == "red, green, blue"
        assert reply.choices[0].finish_reason == "stop"
        assert reply.usage is not None and reply.usage.total_tokens == 7
        assert reply._request_id is not None and reply._request_id.startswith("req-")
        asked = provider.turns[0].asked()
        assert (asked["temperature"], asked["seed"], asked["messages"]) == (0.5, 7, _ASKED)


@on_uvloop
async def test_a_chat_that_is_streamed(tmp_path: Path) -> None:
    """The SDK's own accumulator ends with the whole answer; without being asked, nobody tells it usage."""
    async with _sdk(tmp_path, speak("red, green, blue")) as (client, _):
        async with client.chat.completions.stream(model=GROUP, messages=_ASKED) as events:
            said = [event.delta async for event in events if event.type == "content.delta"]
            final = await events.get_final_completion()
        assert [text for text in said if text] == ["red,", " green,", " blue"]
        assert final.choices[0].message.content == "red, green, blue"
        assert final.choices[0].finish_reason == "stop"
        assert final.usage is None


async def _with_a_hole(turn: Turn) -> None:
    """A stream with an event that is no JSON."""
    await turn.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
    for block in (
        delta(turn, {"role": "assistant", "content": "red,"}),
        b'data: {"id": "c", "choi\n\n',
        delta(turn, {"content": " blue"}),
        delta(turn, {}, "stop"),
        DONE,
        b"",
    ):
        await turn.chunk(block)


@on_uvloop
async def test_the_note_of_a_hole_in_an_answer_is_passed_over(tmp_path: Path) -> None:
    """It is a comment: only who looks for it sees it."""
    async with _sdk(tmp_path, _with_a_hole) as (client, _):
        async with client.chat.completions.stream(model=GROUP, messages=_ASKED) as events:
            final = await events.get_final_completion()
        assert final.choices[0].message.content == "red, blue"


@on_uvloop
async def test_usage_comes_once_and_last_where_it_was_asked_for(tmp_path: Path) -> None:
    """One chunk without choices; none before it tells usage."""
    async with _sdk(tmp_path, speak()) as (client, _):
        chunks = [
            chunk
            async for chunk in await client.chat.completions.create(
                model=GROUP, messages=_ASKED, stream=True, stream_options={"include_usage": True}
            )
        ]
        assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
        assert chunks[-1].choices == []
        assert chunks[-1].usage is not None and chunks[-1].usage.total_tokens == 7
        assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1


async def _two_calls(turn: Turn) -> None:
    """Two tool calls whose arguments come interleaved, as OpenAI streams them."""

    def call(index: int, arguments: str, **first: Any) -> bytes:
        function = {**first.pop("function", {}), "arguments": arguments}
        return delta(turn, {"tool_calls": [{"index": index, **first, "function": function}]})

    await turn.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
    named: dict[str, Any] = {"type": "function", "function": {"name": "weather"}}
    for block in (
        delta(turn, {"role": "assistant", "content": None}),
        call(0, "", id="call_a", **named),
        call(1, "", id="call_b", **named),
        call(0, '{"city": "Pa'),
        call(1, '{"city": "Bern"}'),
        call(0, 'ris"}'),
        delta(turn, {}, "tool_calls"),
        DONE,
        b"",
    ):
        await turn.chunk(block)


@on_uvloop
async def test_tool_calls_are_streamed_whole(tmp_path: Path) -> None:
    """Parallel ones too: ids, names and arguments are the provider's."""
    async with _sdk(tmp_path, _two_calls) as (client, provider):
        async with client.chat.completions.stream(model=GROUP, messages=_ASKED, tools=[_WEATHER]) as events:
            final = await events.get_final_completion()
        calls = final.choices[0].message.tool_calls or []
        assert [(call.id, call.function.name, json.loads(call.function.arguments)) for call in calls] == [
            ("call_a", "weather", {"city": "Paris"}),
            ("call_b", "weather", {"city": "Bern"}),
        ]
        assert final.choices[0].finish_reason == "tool_calls"
        assert provider.turns[0].asked()["tools"][0]["function"]["name"] == "weather"


@on_uvloop
async def test_models_are_listed_and_retrieved(tmp_path: Path) -> None:
    """The SDK escapes nothing but what it must."""
    async with _sdk(tmp_path, speak()) as (client, _):
        names = [model.id async for model in client.models.list()]
        assert GROUP in names and "one:m" in names
        assert (await client.models.retrieve("one:m")).owned_by == "one"


_BODY: Mapping[str, Any] = {"error": {"message": "max_tokens is too large", "type": "invalid_request_error"}}
_ERRORS: dict[str, tuple[Script, type[openai.APIStatusError], int, int]] = {
    "what the provider rejects": (status(400, body=_BODY), openai.BadRequestError, 400, 1),
    "a provider's wrong credential": (status(401), openai.InternalServerError, 502, 1),
    "a model the provider lacks": (status(404), openai.InternalServerError, 502, 1),
    "a rate limit": (status(429), openai.RateLimitError, 429, 3),
    "an overload": (status(503), openai.InternalServerError, 503, 3),
    "a failure": (status(500), openai.InternalServerError, 502, 3),
    "an empty answer": (answer("", usage=None), openai.InternalServerError, 502, 3),
}


@pytest.mark.parametrize(("script", "kind", "code", "asked"), _ERRORS.values(), ids=_ERRORS)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@on_uvloop
async def test_errors_are_the_sdks_own_and_it_does_not_try_again(
    script: Script, kind: type[openai.APIStatusError], code: int, asked: int, streamed: bool, tmp_path: Path
) -> None:
    """The provider sees our tries and none of the SDK's: `x-should-retry: false` stops those."""
    retry = {"base_delay_ms": 1, "max_delay_ms": 2, "budget_min_per_s": 100}
    async with _sdk(tmp_path, script, retry=retry) as (client, provider):
        with pytest.raises(kind) as raised:
            await client.chat.completions.create(model=GROUP, messages=_ASKED, stream=streamed)
        assert raised.value.status_code == code
        assert raised.value.response.headers["x-should-retry"] == "false"
        assert raised.value.request_id is not None
        assert len(provider.turns) == asked


@on_uvloop
async def test_an_unknown_model_is_not_found(tmp_path: Path) -> None:
    """Without asking a provider."""
    async with _sdk(tmp_path, speak()) as (client, provider):
        with pytest.raises(openai.NotFoundError) as raised:
            await client.chat.completions.create(model="gpt-none", messages=_ASKED)
        assert (raised.value.code, raised.value.param) == ("model_not_found", "model")
        assert provider.turns == []


@on_uvloop
async def test_a_body_over_the_bound_is_an_error_of_its_status(tmp_path: Path) -> None:
    """The SDK has no class for 413."""
    async with _sdk(tmp_path, speak(), server={"max_body_bytes": 1024}) as (client, _):
        with pytest.raises(openai.APIStatusError) as raised:
            await client.chat.completions.create(model=GROUP, messages=[{"role": "user", "content": "x" * 2000}])
        assert (raised.value.status_code, raised.value.code) == (413, "request_too_large")


_BROKEN: dict[str, tuple[Script, str]] = {
    "cut": (cut_after(["re", "d"]), "provider_cut_stream"),
    "ended without a finish reason": (stream(["re", "d"], finish=None, done=False), "provider_cut_stream"),
    "done without a finish reason": (stream(["re", "d"], finish=None), "provider_cut_stream"),
    "an error inside": (error_event("broke", after=["re", "d"]), "provider_error"),
}


@pytest.mark.parametrize(("script", "code"), _BROKEN.values(), ids=_BROKEN)
@on_uvloop
async def test_an_answer_that_is_cut_raises_where_it_was_cut(script: Script, code: str, tmp_path: Path) -> None:
    """What was said comes first; nothing tells the SDK that this was all."""
    async with _sdk(tmp_path, script) as (client, provider):
        chunks = await client.chat.completions.create(model=GROUP, messages=_ASKED, stream=True)
        heard: list[Any] = []
        with pytest.raises(openai.APIError) as raised:
            async for chunk in chunks:
                heard.append(chunk)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in heard) == "red"
        assert {chunk.choices[0].finish_reason for chunk in heard} == {None}
        assert raised.value.code == code
        assert len(provider.turns) == 1


@on_uvloop
async def test_leaving_a_stream_closes_the_provider(tmp_path: Path) -> None:
    """As an SDK does when its loop is left."""
    async with _sdk(tmp_path, stall_after(["red"])) as (client, provider):
        async with await client.chat.completions.create(model=GROUP, messages=_ASKED, stream=True) as chunks:
            await anext(aiter(chunks))
        async with asyncio.timeout(1):
            await provider.turns[0].over.wait()
        assert provider.turns[0].ended == "left"
