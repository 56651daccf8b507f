"""Hostile bytes at a served router's two sides: never a 500, never a crash, and the next caller is answered."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from router.app.dialects import CODECS
from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak, status
from tests.fakes.served import Served, log_of, remote, routed, served
from tests.fakes.turn import Turn
from tests.fuzz.cases import sound, spoiled_answer
from tests.fuzz.questions import QUESTIONS
from tests.fuzz.spoiling import spoil, spoiled
from tests.replay.fronts import CHAT, FRONTS, Front, asked
from tests.replay.hearing import Wrong, hear
from tests.replay.recordings import ABSENT
from tests.replay.replay import model_of, replaying

PATHS = {
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
    "anthropic-messages": "/v1/messages",
    "anthropic-count": "/v1/messages/count_tokens",
    "openai-embeddings": "/v1/embeddings",
    "openai-images": "/v1/images/generations",
    "openai-moderations": "/v1/moderations",
    "cohere-rerank": "/v1/rerank",
}
"""Where each operation is asked for."""

KINDS = ("openai-compatible", "anthropic-compatible", "gemini", "cohere", "bedrock", "ollama", "openai-responses")
ALL = ["chat", "embeddings", "images", "moderations", "rerank"]
ROUNDS = 12


async def judges(turn: Turn) -> None:
    """Answers what is JSON, and refuses everything else as providers do."""
    try:
        whole = isinstance(json.loads(turn.body), dict)
    except (ValueError, RecursionError):
        whole = False
    await (speak() if whole else status(400))(turn)


async def post(router: Served, path: str, body: bytes) -> tuple[int, bytes]:
    """Status and body of one request."""
    headers = {"content-type": "application/json"}
    async with router.http.post(router.url + path, data=body, headers=headers) as response:
        return response.status, await response.read()


def no_bug(router: Served) -> None:
    """Nothing crashed, whoever was told what."""
    assert log_of(router.log.read, "job crashed") == []
    assert log_of(router.log.read, "handler failed") == []


def test_every_operation_is_asked_for_here() -> None:
    """One that is added is fuzzed too."""
    assert set(PATHS) == set(QUESTIONS) == set(CODECS)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", PATHS)
@on_real_loops
async def test_a_hostile_request_is_answered_in_its_protocol(name: str, tmp_path: Path) -> None:
    """Streamed or not, to a target of each dialect: what it says is a status of the caller's or of the provider's."""
    async with ScriptedProvider(judges) as provider:
        models = [{"name": f"m{number}", "upstream": "m", "operations": ALL} for number in range(ROUNDS)]
        keys = {kind: remote(provider, kind=kind, models=models, api_key="k") for kind in KINDS}
        config = {"providers": keys, "retry": {"max_attempts": 1}, "breaker": {"failure_threshold": 10_000}}
        async with served(config, tmp_path) as router:
            for number, kind in enumerate(KINDS * ROUNDS):
                rng = Random(number)
                question = {**rng.choice(QUESTIONS[name]), "model": f"{kind}:m{number % ROUNDS}"}
                body = spoil(rng, {**question, **({"stream": True} if rng.random() < 0.5 else {})})
                code, said = await post(router, PATHS[name], body)
                assert code not in (500, 501), (number, body)
                assert code == 200 or {"error", "message"} & set(json.loads(said)), (number, body)
            no_bug(router)


@pytest.mark.skipif(not sound(), reason=ABSENT)
@pytest.mark.timeout(60)
@pytest.mark.parametrize("front", FRONTS, ids=lambda front: front.name)
def test_a_hostile_answer_is_told_in_the_callers_protocol(front: Front, tmp_path: Path) -> None:
    """Held to the rules that clients crash on: a whole answer, or an honest error."""
    rng = Random(front.name)
    # A list of pieces is framed anew as it is replayed, which what is no JSON cannot be.
    whole = [one for one in sound() if not one.body.startswith(b"[")]
    chosen = [rng.choice(whole) for _ in range(60)]
    hostile = [one._replace(body=spoiled_answer(rng, one)) for one in chosen]

    async def told() -> None:
        async with replaying(hostile, tmp_path) as router:
            for number, one in enumerate(hostile):
                body = asked(front, model_of(number), streamed=one.streamed)
                code, said = await post(router, front.path, body)
                assert code not in (500, 501), one
                # Bytes of the caller's own protocol are passed on as they came, so only errors are held to it there.
                if one.api not in front.apis or code != 200:
                    _heard(front, code, said, one.streamed)
            no_bug(router)

    asyncio.run(told())


def _heard(front: Front, code: int, said: bytes, streamed: bool) -> None:
    hear(front, code, said, streamed=streamed, passed=False)


@pytest.mark.parametrize("front", FRONTS, ids=lambda front: front.name)
@on_real_loops
async def test_text_that_is_no_utf_8_is_the_callers_fault(front: Front, tmp_path: Path) -> None:
    """Where it must be translated: in a schema, which nothing reads on the way, no target is asked."""
    name = next(name for name, path in PATHS.items() if path == front.path)
    body: dict[str, Any] = {**QUESTIONS[name][0], "model": "chat"}
    async with (
        ScriptedProvider(speak()) as one,
        served(routed(remote(one, kind="bedrock", api_key="k")), tmp_path) as router,
    ):
        code, said = await post(router, front.path, spoiled(body, ("tools", 0), b'{"type":"\xff"}'))
        no_bug(router)
    assert (code, one.turns) == (400, []), said
    assert b"is not UTF-8" in said


@pytest.mark.skipif(not sound(), reason=ABSENT)
@pytest.mark.parametrize("front", FRONTS, ids=lambda front: front.name)
def test_an_answer_that_is_no_utf_8_reaches_no_client(front: Front, tmp_path: Path) -> None:
    """Whole, it is a failure that another target may mend; in a stream its event is left out and the answer goes on,
    but where it named a tool: what is left of that call is none."""
    chats = [one for one in sound() if one.api == "openai.chat" and b'"logprobs"' in one.body]
    whole = next(one for one in chats if not one.streamed)
    streamed = next(one for one in chats if one.streamed and b'"tool_calls"' not in one.body)
    hostile = [one._replace(body=one.body.replace(b'"logprobs"', b'"logprob\xff"', 1)) for one in (whole, streamed)]

    async def told() -> list[tuple[int, bytes]]:
        async with replaying(hostile, tmp_path) as router:
            ways = enumerate((False, True))
            return [await post(router, front.path, asked(front, model_of(n), streamed=way)) for n, way in ways]

    (failed, _), (code, said) = asyncio.run(told())
    assert (failed, code) == (502, 200)
    assert said.decode().count(": x-router-skipped 1") == 1


def test_the_check_of_what_clients_hear_can_fail() -> None:
    """Or the test above would pass whatever was said."""
    with pytest.raises(Wrong):
        _heard(CHAT, 200, b'{"object":"completion"}', False)
