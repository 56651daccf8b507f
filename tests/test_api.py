"""The router inside another program: what it gives, and what it leaves alone."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from msgspec import Raw

from router.api import Router
from router.canon.embedding import EmbedRequest
from router.canon.event import Ended, Finished, Started, TextDelta, UsageReported
from router.canon.image import ImageRequest
from router.canon.moderation import ModerationRequest
from router.canon.ranking import RankRequest
from router.canon.request import ChatRequest, Message, Role, Text
from router.errors import Limited, Reason, Refused, Unavailable, UpstreamFailed
from router.settings import ConfigInvalid
from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import cut_after, paused_stream, silence, speak, stall_after, status
from tests.fakes.served import ASKED, GROUP, remote, routed, until
from tests.fakes.stream import ChatStream
from tests.fakes.turn import Gate, Script

_ASK: dict[str, Any] = {"model": GROUP, "messages": list(ASKED)}
_PIECES = ["red, ", "green, ", "blue"]


def _router(home: Path, *providers: ScriptedProvider, **sections: Any) -> Router:
    """A router over these providers, as `routed` says; nothing of this process's environment reaches it."""
    return Router.from_config({"home": str(home), **routed(*providers, **sections)}, environ={})


@on_real_loops
async def test_a_stream_is_canon_events_and_ends_once(tmp_path: Path) -> None:
    """Usage is in it without being asked for: an embedding program has no wire to keep narrow."""
    async with ScriptedProvider(speak("red, green")) as one, _router(tmp_path, one) as router:
        events = [event async for event in router.stream(_ASK)]
        assert [event.text for event in events if isinstance(event, TextDelta)] == ["red,", " green"]
        assert [type(event) for event in events if not isinstance(event, TextDelta)] == [
            Started,
            Finished,
            UsageReported,
            Ended,
        ]
        assert isinstance(events[0], Started) and isinstance(events[-1], Ended)
        assert one.turns[0].asked()["stream"] is True


@on_real_loops
async def test_complete_gives_the_whole_answer(tmp_path: Path) -> None:
    """Whatever the request says of `stream`."""
    async with ScriptedProvider(speak("red, green")) as one, _router(tmp_path, one) as router:
        for said in ({}, {"stream": True}, {"stream": False}):
            reply = await router.complete({**_ASK, **said})
            assert reply.choices[0].parts == (Text(text="red, green"),)
            assert reply.usage is not None and reply.usage.output == 2
        assert {turn.asked().get("stream", False) for turn in one.turns} == {False}


@on_real_loops
async def test_a_request_in_no_dialect_is_taken_too(tmp_path: Path) -> None:
    """Streamed and whole."""
    request = ChatRequest(model=GROUP, messages=(Message(role=Role.USER, parts=(Text(text="Three colours?"),)),))
    async with ScriptedProvider(speak("red")) as one, _router(tmp_path, one) as router:
        assert (await router.complete(request)).choices[0].parts == (Text(text="red"),)
        said = [event.text async for event in router.stream(request) if isinstance(event, TextDelta)]
        assert said == ["red"]
        for turn in one.turns:
            [message] = turn.asked()["messages"]
            assert message["role"] == "user" and "Three colours?" in str(message["content"])


_VERDICT = {"flagged": True, "categories": {"hate": True}, "category_scores": {"hate": 0.9}}

_OTHERS: dict[str, tuple[str, dict[str, Any], Any, dict[str, Any], Callable[[Any], object], object]] = {
    "embed": (
        "/v1/embeddings",
        {"input": ["a", "b"], "stream": True},
        EmbedRequest(model=GROUP, inputs=("a", "b"), extra=(("own", Raw(b"1")),)),
        {
            "data": [{"index": 1, "embedding": [2]}, {"index": 0, "embedding": [1]}],
            "usage": {"prompt_tokens": 4, "total_tokens": 4},
        },
        lambda said: (tuple(map(bytes, said.vectors)), said.usage.input),
        ((b"[1]", b"[2]"), 4),
    ),
    "moderate": (
        "/v1/moderations",
        {"input": "a"},
        ModerationRequest(model=GROUP, inputs=("a",), extra=(("own", Raw(b"1")),)),
        {"id": "modr-1", "model": "m", "results": [_VERDICT]},
        lambda said: [one.flagged for one in said.results],
        [True],
    ),
    "rerank": (
        "/v1/rerank",
        {"query": "q", "documents": ["a", "b"], "top_n": 1},
        RankRequest(model=GROUP, query="q", documents=("a", "b"), top=1, extra=(("own", Raw(b"1")),)),
        {"results": [{"index": 1, "relevance_score": 0.5}]},
        lambda said: [(one.index, one.score) for one in said.results],
        [(1, 0.5)],
    ),
    "images": (
        "/v1/images/generations",
        {"prompt": "a cat", "stream": True},
        ImageRequest(model=GROUP, prompt="a cat", extra=(("own", Raw(b"1")),)),
        {"created": 7, "data": [{"b64_json": "AAA="}]},
        lambda said: [bytes(one.base64) for one in said.images],
        [b'"AAA="'],
    ),
}


@pytest.mark.parametrize(("call", "case"), _OTHERS.items(), ids=_OTHERS)
@on_real_loops
async def test_what_is_not_chat_is_asked_and_answered_too(call: str, case: Any, tmp_path: Path) -> None:
    """As a mapping in the form of its endpoint and as canon, never streamed; a failure is raised as it is."""
    path, body, canon, answer, read, expected = case
    async with ScriptedProvider(status(200, body=answer), status(200, body=answer), status(500)) as one:
        operations = ["embeddings", "moderations", "rerank", "images"]
        config = routed(remote(one, models=[{"name": "m", "operations": operations}]), failover={"max_attempts": 1})
        async with Router.from_config({"home": str(tmp_path), **config}, environ={}) as router:
            ask = getattr(router, call)
            assert read(await ask({"model": GROUP, **body})) == expected
            assert read(await ask(canon)) == expected
            assert [turn.path for turn in one.turns] == [path, path]
            named, own = (turn.asked() for turn in one.turns)
            assert {**named, **{name: value for name, value in body.items() if name != "stream"}} == named
            assert (named["model"], "stream" in named, "stream" in own) == ("m", False, False)
            assert [
                name for name in ("input", "prompt", "query", "documents") if own.get(name) != named.get(name)
            ] == []
            # Ranking has another name at this provider than at its callers, so that it is translated.
            assert own.get("own") == (None if call == "rerank" else 1)
            with pytest.raises(UpstreamFailed) as failed:
                await ask({"model": GROUP, **body})
            assert failed.value.reason is Reason.SERVER_ERROR
            with pytest.raises(Refused):
                await ask({"model": GROUP})


@on_real_loops
async def test_a_prompt_is_counted_in_the_words_it_would_be_answered_in(tmp_path: Path) -> None:
    """By the provider where it counts, with the system prompt; by estimate, which says so, where it does not."""
    chat = {"model": GROUP, "max_tokens": 5, "messages": [{"role": "system", "content": "Be brief."}, *ASKED]}
    canon = ChatRequest(model=GROUP, messages=(Message(role=Role.USER, parts=(Text(text="Three colours?"),)),))
    async with ScriptedProvider(status(200, body={"totalTokens": 14})) as one:
        base_url = f"http://127.0.0.1:{one.port}"
        google = {"kind": "gemini", "api_key": "k", "base_url": base_url, "models": ["m"]}
        async with Router.from_config({"home": str(tmp_path / "a"), **routed(google)}, environ={}) as router:
            for request in (chat, canon):
                counted = await router.count_tokens(request)
                assert (counted.tokens, counted.estimated) == (14, False)
            assert b"Be brief." in one.turns[0].body and b"Three colours?" in one.turns[1].body
    async with ScriptedProvider(speak()) as one, _router(tmp_path / "b", one) as router:
        guessed = await router.count_tokens(chat)
        assert guessed.tokens > 0 and guessed.estimated
        assert not one.turns


@on_real_loops
async def test_a_count_keeps_what_the_caller_wishes_of_the_routing(tmp_path: Path) -> None:
    """The second provider would count, and is not asked."""
    async with ScriptedProvider(status(500)) as one, ScriptedProvider(status(200, body={"totalTokens": 14})) as two:
        google = [
            {"kind": "gemini", "api_key": "k", "base_url": f"http://127.0.0.1:{each.port}", "models": ["m"]}
            for each in (one, two)
        ]
        async with Router.from_config({"home": str(tmp_path), **routed(*google)}, environ={}) as router:
            assert (await router.count_tokens(_ASK)).tokens == 14
            with pytest.raises(UpstreamFailed):
                await router.count_tokens({**_ASK, "router": {"fallback": False}})
        assert len(one.turns) > 1 and len(two.turns) == 1


@on_real_loops
async def test_a_loop_that_is_left_early_closes_the_provider(tmp_path: Path) -> None:
    """A plain `break` does: the generator is dropped with it. Its slot is free for the next."""
    async with ScriptedProvider(stall_after(["red"]), speak()) as one:
        config = routed(remote(one, max_parallel=1))
        async with Router.from_config({"home": str(tmp_path), **config}, environ={}) as router:
            async for event in router.stream(_ASK):
                if isinstance(event, TextDelta):
                    break
            async with asyncio.timeout(1):
                await one.turns[0].over.wait()
            assert one.turns[0].ended == "left"
            assert (await router.complete(_ASK)).usage is not None


@pytest.mark.parametrize("streamed", [True, False], ids=["stream", "complete"])
@on_real_loops
async def test_a_task_that_is_cancelled_closes_the_provider(streamed: bool, tmp_path: Path) -> None:
    """As the exit of a client's connection does."""
    async with ScriptedProvider(stall_after(["red"])) as one, _router(tmp_path, one) as router:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(_heard(router, _ASK, streamed=streamed))
            await one.until(lambda: one.running == 1)
            task.cancel()
            async with asyncio.timeout(1):
                await one.until(lambda: one.running == 0)
        assert one.left == 1


@pytest.mark.parametrize("streamed", [True, False], ids=["stream", "complete"])
@on_real_loops
async def test_errors_are_raised_as_what_they_are(streamed: bool, tmp_path: Path) -> None:
    """One class for each who must act."""
    async with (
        ScriptedProvider(status(500)) as one,
        _router(tmp_path, one, server={"max_exchanges": 1}, failover={"max_attempts": 1}) as router,
    ):
        with pytest.raises(UpstreamFailed) as failed:
            await _heard(router, _ASK, streamed=streamed)
        assert (failed.value.reason, failed.value.target) == (Reason.SERVER_ERROR, "one:m")
        with pytest.raises(Refused) as refused:
            await _heard(router, {**_ASK, "model": "gpt-none"}, streamed=streamed)
        assert refused.value.reason is Reason.UNKNOWN_MODEL
        with pytest.raises(Refused, match="model"):
            await _heard(router, {"messages": []}, streamed=streamed)
        one.play(stall_after(["red"]))
        async with aclosing(router.stream(_ASK)) as events:
            await anext(events)
            with pytest.raises(Limited):
                await _heard(router, _ASK, streamed=streamed)


@on_real_loops
async def test_an_answer_that_is_cut_raises_after_what_came(tmp_path: Path) -> None:
    """No `Finished` and no `Ended` before it."""
    async with ScriptedProvider(cut_after(["re", "d"])) as one, _router(tmp_path, one) as router:
        events: list[object] = []
        with pytest.raises(UpstreamFailed) as failed:
            async for event in router.stream(_ASK):
                events.append(event)
        assert failed.value.reason is Reason.CUT_STREAM
        assert [event.text for event in events if isinstance(event, TextDelta)] == ["re", "d"]
        assert not any(isinstance(event, Finished | Ended) for event in events)


@on_real_loops
async def test_leaving_the_router_waits_for_streams_and_takes_no_more(tmp_path: Path) -> None:
    """What is asked afterwards, or before, is told so."""
    gate = Gate()
    async with ScriptedProvider(paused_stream(_PIECES, gate)) as one, asyncio.TaskGroup() as group:
        router = _router(tmp_path, one)
        with pytest.raises(Unavailable):
            await router.complete(_ASK)
        async with router:
            listening = group.create_task(_heard(router, _ASK, streamed=True))
            await one.until(lambda: one.running == 1)
            asyncio.get_running_loop().call_later(0.05, gate.open)
        assert await listening == "".join(_PIECES)
        with pytest.raises(Unavailable):
            await router.complete(_ASK)


@on_real_loops
async def test_two_routers_in_one_loop_do_not_meet(tmp_path: Path) -> None:
    """The same names in both: each has its own providers, breakers and account, and the end of one is its own."""
    async with (
        ScriptedProvider(status(500)) as ill,
        ScriptedProvider(speak("well")) as well,
        _router(tmp_path / "second", well) as second,
    ):
        async with _router(tmp_path / "first", ill, breaker={"failure_threshold": 1}) as first:
            with pytest.raises(UpstreamFailed):
                await first.complete(_ASK)
            with pytest.raises(UpstreamFailed) as resting:
                await first.complete(_ASK)
            assert resting.value.reason is Reason.BREAKER_OPEN
            assert await _heard(second, _ASK, streamed=True) == "well"
        assert await _heard(second, _ASK, streamed=False) == "well"
        assert len(well.turns) == 2


@on_real_loops
async def test_what_belongs_to_the_host_is_left_alone(tmp_path: Path) -> None:
    """Signal handlers, event loop policy, loggers with their handlers, exception handler: as before, all through."""

    def belongings() -> tuple[object, ...]:
        loop = asyncio.get_running_loop()
        root = logging.getLogger()
        return (
            *(signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)),
            type(asyncio.get_event_loop_policy()),
            tuple(root.handlers),
            root.level,
            logging.getLogger("pointsman").handlers,
            logging.getLogger("pointsman").propagate,
            loop.get_exception_handler(),
            loop.get_debug(),
            gc.get_threshold(),
            gc.get_freeze_count(),
            sys.excepthook,
            threading.excepthook,
        )

    before, tasks = belongings(), len(asyncio.all_tasks())
    async with ScriptedProvider(speak()) as one:
        async with _router(tmp_path, one) as router:
            assert await _heard(router, _ASK, streamed=True) == "well"
            assert belongings() == before
        assert belongings() == before
        await one.until(lambda: one.open_connections == 0)
    await until(lambda: len(asyncio.all_tasks()) == tasks)


@on_real_loops
async def test_its_log_is_the_hosts_to_keep(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """JSON lines at their levels through the logger `pointsman`, and nothing of the key in them."""
    async with ScriptedProvider(speak()) as one:
        config = routed(remote(one, api_key="sk-very-secret"))
        with caplog.at_level(logging.INFO, "pointsman"):
            async with Router.from_config({"home": str(tmp_path), **config}, environ={}) as router:
                await router.complete(_ASK)
        assert one.turns[0].headers["authorization"] == "Bearer sk-very-secret"
    lines = [record for record in caplog.records if record.name == "pointsman"]
    assert any('"event":"exchange ended"' in line.getMessage() for line in lines)
    assert {line.levelno for line in lines} == {logging.INFO}
    assert "sk-very-secret" not in caplog.text


def test_a_router_that_is_never_started_starts_no_thread(tmp_path: Path) -> None:
    """Whoever makes one to read its configuration has nothing to stop; spans have a thread from `start` on."""
    before = set(threading.enumerate())
    local = {"providers": {"main": {"kind": "openai-compatible", "base_url": "http://127.0.0.1:9", "models": ["m"]}}}
    endpoint = {"telemetry": {"otlp_endpoint": "http://127.0.0.1:9/v1/traces"}}
    Router.from_config({"home": str(tmp_path), **local, **endpoint}, environ={})
    assert set(threading.enumerate()) <= before


def test_a_configuration_that_cannot_be_used_is_told_before_anything_starts() -> None:
    """Every fault by its path; from a mapping, a file that is missing, and an environment."""
    with pytest.raises(ConfigInvalid) as mapping:
        Router.from_config({"server": {"port": -1}, "providers": {"one": {"kind": "openai"}}}, environ={})
    assert {fault.path for fault in mapping.value.faults} >= {"server.port", "providers.one.api_key"}
    with pytest.raises(ConfigInvalid):
        Router.from_config("no-such-file.yaml", environ={})
    with pytest.raises(ConfigInvalid) as environment:
        Router.from_config(environ={"RETRY_MAX_ATTEMPTS": "many"})
    assert [fault.path for fault in environment.value.faults] == ["RETRY_MAX_ATTEMPTS"]


@asynccontextmanager
async def _hosted(app: web.Application) -> AsyncIterator[aiohttp.ClientSession]:
    """A host program's application on a free port, run as its author would; a session that knows where."""
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        async with aiohttp.ClientSession(f"http://{host}:{port}") as http:
            yield http
    finally:
        await runner.cleanup()


def _app() -> web.Application:
    """A host with a page of its own."""

    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="mine")

    app = web.Application()
    app.router.add_get("/hello", hello)
    return app


@on_real_loops
async def test_attached_it_answers_under_the_hosts_application(tmp_path: Path) -> None:
    """And ends with it. The host's own pages, and its 404, stay the host's."""
    async with ScriptedProvider(speak("well")) as one:
        router, app = _router(tmp_path, one), _app()
        router.attach(app)
        async with _hosted(app) as http:
            async with http.post("/v1/chat/completions", json={**_ASK, "stream": True}) as response:
                assert (response.status, response.headers["x-router-provider"]) == (200, "one")
                assert (await ChatStream(response).rest()).complete
            async with http.post("/v1/chat/completions", json=_ASK) as response:
                assert (await response.json())["choices"][0]["message"]["content"] == "well"
            async with http.get("/readyz") as response:
                assert response.status == 200
            async with http.post("/v1/chat/completions", data=b"{") as response:
                assert (response.status, (await response.json())["error"]["code"]) == (400, "invalid_request")
            async with http.get("/hello") as response:
                assert await response.text() == "mine"
            async with http.get("/nothing") as response:
                assert (response.status, response.content_type) == (404, "text/plain")
        with pytest.raises(Unavailable):
            await router.complete(_ASK)


@on_real_loops
async def test_attached_while_it_runs_it_outlives_the_application(tmp_path: Path) -> None:
    """Whoever started it stops it."""
    async with ScriptedProvider(speak("well")) as one, _router(tmp_path, one) as router:
        app = _app()
        router.attach(app)
        async with _hosted(app) as http, http.get("/readyz") as response:
            assert response.status == 200
        assert await _heard(router, _ASK, streamed=True) == "well"


@pytest.mark.parametrize(
    ("streamed", "script"),
    [(True, silence()), (True, stall_after(["red"])), (False, silence())],
    ids=["streamed", "begun", "whole"],
)
@on_real_loops
async def test_attached_it_sees_callers_leave_though_the_host_is_not_told(
    streamed: bool, script: Script, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """aiohttp cancels handlers only where the host asked for it; the provider is closed all the same, and nobody calls
    it a bug."""
    async with ScriptedProvider(script) as one:
        router, app = _router(tmp_path, one), _app()
        router.attach(app)
        async with _hosted(app) as http, asyncio.TaskGroup() as group:
            asking = group.create_task(_posted(http, {**_ASK, "stream": streamed}))
            await one.until(lambda: one.running == 1)
            asking.cancel()
            async with asyncio.timeout(1):
                await one.until(lambda: one.running == 0)
        assert one.left == 1
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


async def _posted(http: aiohttp.ClientSession, body: dict[str, Any]) -> None:
    async with http.post("/v1/chat/completions", json=body) as response:
        await response.read()


async def _heard(router: Router, body: dict[str, Any], *, streamed: bool) -> str:
    """The text of an answer, by either call."""
    if not streamed:
        reply = await router.complete(body)
        return "".join(part.text for part in reply.choices[0].parts if isinstance(part, Text))
    return "".join([event.text async for event in router.stream(body) if isinstance(event, TextDelta)])
