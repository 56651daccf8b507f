"""The embedded model under a served router: it answers, its process is killed, and the router never notices."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI

from router.canon.outcome import End
from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak
from tests.fakes.served import Served, log_of, routed, served, until

pytestmark = [pytest.mark.model, pytest.mark.process]

_LONG: Mapping[str, Any] = {"max_tokens": 400}
_SHORT: Mapping[str, Any] = {"max_tokens": 4}


def _local(model: Path, **keys: Any) -> dict[str, Any]:
    """The real model, small; its first request waits for it to be loaded."""
    own = {"n_ctx": 512, "n_threads": 1, "n_threads_batch": 1, "timeouts": {"connect_s": 9}}
    return {"kind": "llama-cpp", "models_dir": str(model.parent), "models": ["m"], **own, **keys}


@asynccontextmanager
async def _with_fallback(model: Path, home: Path) -> AsyncIterator[tuple[Served, ScriptedProvider]]:
    """The local model first, a scripted provider after it."""
    local = _local(model, models=[{"name": "m", "upstream": model.stem}])
    async with ScriptedProvider(speak("from afar")) as two, served(routed(local, two), home) as router:
        yield router, two


def _workers() -> list[int]:
    """The processes that this one has started and that run a model."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(") ")[2].split()[1])
            if parent == os.getpid() and b"llama.worker" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue  # it ended while we looked
    return found


def _signal(number: signal.Signals) -> None:
    """Send it to the one worker there is; one that was stopped must go on to heed any signal but SIGKILL."""
    [pid] = _workers()
    os.kill(pid, number)
    if number is signal.SIGSEGV:
        os.kill(pid, signal.SIGCONT)


async def _answered_by(router: Served, **fields: Any) -> str:
    """Who answers a short chat."""
    async with router.chat(**_SHORT, **fields) as response:
        assert response.status == 200, await response.text()
        return response.headers["x-router-provider"]


_SIGNALS = [signal.SIGKILL, signal.SIGSEGV]


@pytest.mark.parametrize("number", _SIGNALS, ids=["SIGKILL", "SIGSEGV"])
def test_a_worker_killed_in_the_middle_of_an_answer_ends_it_honestly(
    number: signal.Signals, real_model: Path, tmp_path: Path
) -> None:
    """No finish reason and no `[DONE]`; nobody else is asked, and a moment later the model answers again."""

    async def scene() -> None:
        async with _with_fallback(real_model, tmp_path) as (router, two):
            async with router.stream(**_LONG) as heard:
                await heard.begin()
                _signal(number)
                await heard.rest()
                assert heard.broken_off and heard.error is not None
                assert heard.error["code"] == "provider_crashed"
            assert two.turns == []
            assert await _answered_by(router) == "one"
            crashed, answered = await router.entries(2)
            assert (crashed.end, answered.end) == (End.CRASHED, End.COMPLETED)
            assert router.ref("providers/one/provider").incarnation == 1
            assert log_of(router.log.read, "actor restarted") == []

    asyncio.run(scene())


def test_a_killed_worker_takes_no_other_with_it(real_model: Path, tmp_path: Path) -> None:
    """Of two models that answer at once, each in its process, the other's answer goes on to its end."""

    async def scene() -> None:
        local = _local(real_model, models=[{"name": "m", "upstream": real_model.stem}])
        async with served(routed(local, local), tmp_path) as router:
            assert await _answered_by(router, model="one:m") == "one"
            [first] = _workers()
            assert await _answered_by(router, model="two:m") == "two"
            async with (
                router.stream(**_LONG, model="one:m") as doomed,
                router.stream(max_tokens=60, model="two:m") as other,
            ):
                await doomed.begin()
                await other.begin()
                os.kill(first, signal.SIGKILL)
                assert (await doomed.rest()).broken_off
                assert (await other.rest()).complete
            assert first not in _workers()
            ends = {(row.provider, row.end) for row in (await router.entries(4))[2:]}
            assert ends == {("one", End.CRASHED), ("two", End.COMPLETED)}

    asyncio.run(scene())


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("number", _SIGNALS, ids=["SIGKILL", "SIGSEGV"])
def test_a_worker_killed_before_its_first_token_is_failed_over(
    number: signal.Signals, streamed: bool, real_model: Path, tmp_path: Path
) -> None:
    """The fallback's answer is the answer; a moment later the model answers again."""

    async def scene() -> None:
        async with _with_fallback(real_model, tmp_path) as (router, two), asyncio.TaskGroup() as group:
            assert await _answered_by(router) == "one"
            _signal(signal.SIGSTOP)
            asking = group.create_task(_answered_by(router, stream=streamed))
            await router.opened(2)
            _signal(number)
            assert await asking == "two"
            assert len(two.turns) == 1
            assert await _answered_by(router) == "one"
            ends = [(row.provider, row.end) for row in await router.entries(4)]
            assert ends == [
                ("one", End.COMPLETED),
                ("one", End.CRASHED),
                ("two", End.COMPLETED),
                ("one", End.COMPLETED),
            ]

    asyncio.run(scene())


def test_a_worker_that_dies_twice_rests_and_is_asked_again(real_model: Path, tmp_path: Path) -> None:
    """Meanwhile the fallback answers; not a request is lost, and no breaker opens."""

    async def scene() -> None:
        async with _with_fallback(real_model, tmp_path) as (router, _):
            for _ in range(2):
                async with router.stream(**_LONG) as heard:
                    await heard.begin()
                    _signal(signal.SIGKILL)
                    assert (await heard.rest()).broken_off
            answered = [await _answered_by(router)]
            while answered[-1] != "one":
                answered.append(await _answered_by(router))
            assert answered[0] == "two"
            assert (await router.get("/health"))[1]["providers"]["one"]["circuit_state"] == "closed"

    asyncio.run(scene())


def test_a_caller_that_leaves_aborts_the_generation(real_model: Path, tmp_path: Path) -> None:
    """The next answer needs not wait for the four hundred tokens that nobody reads."""

    async def scene() -> None:
        async with _with_fallback(real_model, tmp_path) as (router, two):
            async with router.stream(**_LONG) as heard:
                await heard.begin()
            [before] = _workers()
            async with asyncio.timeout(3):
                assert await _answered_by(router) == "one"
            assert _workers() == [before] and two.turns == []
            left, answered = await router.entries(2)
            assert (left.end, answered.end) == (End.CLIENT_GONE, End.COMPLETED)

    asyncio.run(scene())


@on_uvloop
async def test_the_model_answers_openais_sdk_through_the_whole_tree(real_model: Path, tmp_path: Path) -> None:
    """`auto`, token by token and whole, with usage and a price of nothing; its process ends with the router."""
    async with (
        served({"providers": {"local": _local(real_model, models=[])}}, tmp_path) as router,
        AsyncOpenAI(base_url=f"{router.url}/v1", api_key="unused") as client,
    ):
        asked: Any = {
            "model": "auto",
            "max_tokens": 12,
            "messages": [{"role": "user", "content": "Name three colours."}],
        }
        chunks = [chunk async for chunk in await client.chat.completions.create(**asked, stream=True)]
        said = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content]
        assert len(said) > 3
        assert chunks[-1].choices[0].finish_reason in ("stop", "length")
        reply = await client.chat.completions.create(**asked)
        assert reply.choices[0].message.content
        assert reply.usage is not None and 0 < reply.usage.completion_tokens <= 12
        assert [row.cost_usd for row in await router.entries(2)] == [0, 0]
    await until(lambda: _workers() == [])


@pytest.mark.parametrize("models", [[], ["small"]], ids=["those in the folder", "named ones"])
@pytest.mark.parametrize("size_bytes", [100_000, None], ids=["broken", "missing"])
def test_a_model_that_cannot_be_loaded_is_named_and_not_started(
    models: list[str], size_bytes: int | None, real_model: Path, tmp_path: Path
) -> None:
    """Health and the log name the file, the fallback answers, and nothing is restarted for ever."""

    folder = tmp_path / "models"
    folder.mkdir()
    if size_bytes is not None:
        (folder / "small.gguf").write_bytes(real_model.read_bytes()[:size_bytes])

    async def scene() -> None:
        async with ScriptedProvider(speak()) as two:
            config = routed({"kind": "llama-cpp", "models_dir": str(folder), "models": models}, two)
            config["failover_groups"]["chat"]["targets"] = ["one", "two:m"]
            async with served(config, tmp_path) as router:
                assert await _answered_by(router) == "two"
                _, body = await router.get("/health/providers")
                why = body["providers"]["one"]["last_error"]
                assert ("small.gguf" if size_bytes else str(folder)) in why
                assert [line["why"] for line in log_of(router.log.read, "provider absent")] == [why]
                assert not router.ref("providers/one").alive

    asyncio.run(scene())


def test_one_broken_model_among_sound_ones_is_named(real_model: Path, tmp_path: Path) -> None:
    """The others are served."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "sound.gguf").symlink_to(real_model)
    (folder / "torn.gguf").write_bytes(real_model.read_bytes()[:100_000])
    local = {"kind": "llama-cpp", "models_dir": str(folder)}

    async def scene() -> None:
        async with served({"providers": {"local": local}}, tmp_path) as router:
            [line] = log_of(router.log.read, "model broken")
            assert str(folder / "torn.gguf") in line["why"]
            _, body = await router.get("/v1/models")
            names = {model["id"] for model in body["data"]}
            assert "local:sound" in names and "local:torn" not in names

    asyncio.run(scene())
