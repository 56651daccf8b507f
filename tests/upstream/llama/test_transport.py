"""The embedded model, answering."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from router.upstream.llama.transport import LlamaTransport
from router.upstream.transport import UpstreamReply, UpstreamRequest
from tests.fakes.llama import READ_BYTES, Bench, chat, fresh, of_what_is_said, whole

pytestmark = [pytest.mark.model, pytest.mark.process]


async def events(reply: UpstreamReply) -> list[bytes]:
    """What stands behind `data:` in a stream, and that nothing else does."""
    body = b"".join([block async for block in reply.blocks()])
    assert body.endswith(b"\n\n")
    lines = body.removesuffix(b"\n\n").split(b"\n\n")
    assert all(line.startswith(b"data: ") for line in lines)
    return [line.removeprefix(b"data: ") for line in lines]


def test_an_answer_streams_token_by_token_and_its_usage_adds_up(
    bench: Bench, llama: LlamaTransport, real_model: Path
) -> None:
    """Role, text in many blocks, finish, usage, done: in this order."""

    async def scene() -> None:
        request = chat(real_model.stem, max_tokens=12, stream=True, stream_options={"include_usage": True})
        async with llama.send(request) as reply:
            assert reply.status == 200
            assert reply.headers["content-type"] == "text/event-stream"
            *said, done = await events(reply)
        assert done == b"[DONE]"
        chunks = [json.loads(each) for each in said]
        assert {chunk["model"] for chunk in chunks} == {real_model.stem}
        assert len({chunk["id"] for chunk in chunks}) == 1
        *spoken, finish, usage = chunks
        assert spoken[0]["choices"][0]["delta"]["role"] == "assistant"
        assert sum(bool(chunk["choices"][0]["delta"]["content"]) for chunk in spoken) > 5
        assert finish["choices"][0]["finish_reason"] == "length"
        assert usage["choices"] == []
        counted = usage["usage"]
        assert counted["completion_tokens"] == 12
        assert counted["total_tokens"] == counted["prompt_tokens"] + counted["completion_tokens"]

    bench.run(scene())


@of_what_is_said
def test_the_same_request_has_the_same_answer_streamed_or_whole(
    bench: Bench, llama: LlamaTransport, real_model: Path
) -> None:
    """With a seed, sampling repeats; without `include_usage` no chunk has empty choices."""

    async def scene() -> None:
        asked: dict[str, Any] = {"seed": 42, "max_tokens": 16}
        status, body = await whole(llama, chat(real_model.stem, **asked))
        assert (status, body["object"]) == (200, "chat.completion")
        async with llama.send(chat(real_model.stem, stream=True, **asked)) as reply:
            *said, _ = await events(reply)
        choices = [choice for each in said for choice in json.loads(each)["choices"]]
        assert len(choices) == len(said)
        text = "".join(choice["delta"].get("content", "") for choice in choices)
        assert text == body["choices"][0]["message"]["content"] != ""

    bench.run(scene())


@of_what_is_said
def test_a_schema_holds_the_answer(bench: Bench, llama: LlamaTransport, real_model: Path) -> None:
    """The grammar made of it leaves the model nothing else to say."""
    schema = {"type": "object", "properties": {"sum": {"enum": [7, 12]}}, "required": ["sum"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}

    async def scene() -> None:
        _, body = await whole(llama, chat(real_model.stem, response_format=wanted, max_tokens=60))
        assert json.loads(body["choices"][0]["message"]["content"])["sum"] in (7, 12)
        assert body["choices"][0]["finish_reason"] == "stop"

    bench.run(scene())


@of_what_is_said
def test_a_required_tool_is_called_with_arguments_of_its_schema(
    bench: Bench, llama: LlamaTransport, real_model: Path
) -> None:
    """Streamed: one call whose arguments, put together, are JSON."""
    schema = {"type": "object", "properties": {"city": {"enum": ["Oslo", "Rome"]}}, "required": ["city"]}
    tools = [{"type": "function", "function": {"name": "weather", "parameters": schema}}]

    async def scene() -> None:
        request = chat(real_model.stem, tools=tools, tool_choice="required", stream=True, max_tokens=60)
        async with llama.send(request) as reply:
            *said, _ = await events(reply)
        choices = [json.loads(each)["choices"][0] for each in said]
        calls = [call for choice in choices for call in choice["delta"].get("tool_calls", ())]
        assert [call["function"].get("name") for call in calls if "id" in call] == ["weather"]
        assert json.loads("".join(call["function"]["arguments"] for call in calls))["city"] in ("Oslo", "Rome")
        assert choices[-1]["finish_reason"] == "tool_calls"

    bench.run(scene())


@of_what_is_said
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_too_long_a_prompt_is_the_callers_fault(
    bench: Bench, llama: LlamaTransport, real_model: Path, stream: bool
) -> None:
    """In the words that OpenAI's clients and our own fault reader know."""
    messages = [{"role": "user", "content": "hello world " * 2000}]

    async def scene() -> None:
        status, body = await whole(llama, chat(real_model.stem, messages=messages, stream=stream))
        assert (status, body["error"]["code"]) == (400, "context_length_exceeded")

    bench.run(scene())


@of_what_is_said
@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        pytest.param({"n": 2}, 400, "n", id="two answers"),
        pytest.param({"logprobs": True}, 400, "logprobs", id="logprobs"),
        pytest.param({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, "messages", id="image"),
        pytest.param({"messages": []}, 400, "messages", id="no messages"),
        pytest.param(
            {"response_format": {"type": "json_object", "schema": {"$ref": "#/nowhere"}}},
            400,
            "response_format",
            id="a schema that no grammar can be made of",
        ),
        pytest.param(
            {"response_format": {"type": "json_object", "schema": {"type": "string", "pattern": "^a**$"}}},
            400,
            "response_format",
            id="a schema whose grammar llama.cpp cannot read",
        ),
        pytest.param({"model": "gpt-9"}, 404, "model", id="unknown model"),
    ],
)
def test_what_cannot_be_served_is_said_by_name_and_the_worker_lives(
    bench: Bench, llama: LlamaTransport, real_model: Path, fields: dict[str, Any], status: int, param: str
) -> None:
    """Some of these would end the process if llama.cpp saw them."""

    async def scene() -> None:
        await whole(llama, chat(real_model.stem, max_tokens=1))
        pid = llama.pid_of(real_model.stem)
        got, body = await whole(llama, chat(**{"model": real_model.stem, **fields}))
        assert (got, body["error"]["param"]) == (status, param)
        if status == 404:
            assert real_model.stem in body["error"]["message"]
        assert (await whole(llama, chat(real_model.stem, max_tokens=1)))[0] == 200
        assert llama.pid_of(real_model.stem) == pid

    bench.run(scene())


@pytest.mark.parametrize("long_prompt", [False, True], ids=["between tokens", "in prompt evaluation"])
def test_leaving_frees_the_worker_at_once(
    bench: Bench, llama: LlamaTransport, real_model: Path, long_prompt: bool
) -> None:
    """Evaluating this prompt takes seconds, and so does the answer: the next request waits for neither."""
    words = "".join(f" {number}" for number in range(400)) if long_prompt else "Tell me a long story."

    async def scene() -> None:
        loop = asyncio.get_running_loop()
        full = chat(real_model.stem, stream=True, messages=[{"role": "user", "content": words}])
        async with llama.send(full) as reply:
            assert reply.status == 200
            assert await anext(aiter(reply.blocks()))
        left = loop.time()
        assert (await whole(llama, chat(real_model.stem, max_tokens=1)))[0] == 200
        assert loop.time() - left < 3
        assert llama.pid_of(real_model.stem) is not None

    bench.run(scene())


def test_requests_for_one_model_take_turns(bench: Bench, llama: LlamaTransport, real_model: Path) -> None:
    """A context answers one at a time; each gets its own answer, and one who gives up in the queue is passed over."""

    async def scene() -> None:
        requests = [chat(real_model.stem, seed=number, max_tokens=8) for number in range(3)]
        alone = [await whole(llama, request) for request in requests]
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(whole(llama, request)) for request in requests]
            group.create_task(whole(llama, chat(real_model.stem))).cancel()
        texts = [task.result()[1]["choices"] for task in waiting]
        assert texts == [body["choices"] for _, body in alone]

    bench.run(scene())


def test_a_reader_who_lags_gets_everything_and_holds_nobody_but_himself(
    bench: Bench, llama: LlamaTransport, real_model: Path
) -> None:
    """More blocks than the inbox holds: the next request is answered after them, and nothing is lost."""
    schema = {"type": "array", "items": {"enum": ["yes", "no"]}, "minItems": 60, "maxItems": 60}

    async def scene() -> None:
        wanted = {"type": "json_object", "schema": schema}
        request = chat(real_model.stem, stream=True, response_format=wanted)
        async with asyncio.TaskGroup() as group, llama.send(request) as reply:
            behind = group.create_task(whole(llama, chat(real_model.stem, max_tokens=1)))
            *said, done = await events(reply)
            await behind
        assert (done, len(said) > 64) == (b"[DONE]", True)
        choices = [json.loads(each)["choices"][0] for each in said]
        assert len(json.loads("".join(choice["delta"].get("content", "") for choice in choices))) == 60
        assert behind.result()[0] == 200

    bench.run(scene())


def test_two_models_are_two_processes(bench: Bench, real_model: Path, tmp_path: Path) -> None:
    """One of them dying leaves the other as it was."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.gguf").symlink_to(real_model)

    async def scene() -> None:
        async with fresh(bench, tmp_path) as transport:
            for name in ("one", "two"):
                _, body = await whole(transport, chat(name, max_tokens=1))
                assert body["model"] == name
            one, two = transport.pid_of("one"), transport.pid_of("two")
            assert one and two and one != two
            os.kill(one, signal.SIGKILL)
            await whole(transport, chat("two", max_tokens=1))
            assert transport.pid_of("two") == two

    bench.run(scene())


def test_one_more_than_may_wait_is_turned_away(bench: Bench, real_model: Path) -> None:
    """At once, with the time to come back: somebody else can answer meanwhile."""

    async def scene() -> None:
        async with fresh(bench, real_model.parent, max_waiting=0) as transport:
            first, second = chat(real_model.stem, stream=True), chat(real_model.stem)
            async with transport.send(first), transport.send(second) as reply:
                assert (reply.status, reply.headers["retry-after"]) == (503, "1")
                assert json.loads(await reply.read(READ_BYTES))["error"]["code"] == "overloaded"

    bench.run(scene())


@of_what_is_said
def test_the_models_are_listed(bench: Bench, llama: LlamaTransport, real_model: Path) -> None:
    """In OpenAI's form, so that the same reader serves."""

    async def scene() -> None:
        request = UpstreamRequest(method="GET", url="llama:///v1/models", headers=(), body=b"", connect_s=1)
        status, body = await whole(llama, request)
        assert (status, body["object"]) == (200, "list")
        assert real_model.stem in [row["id"] for row in body["data"]]

    bench.run(scene())
