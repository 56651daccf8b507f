"""Targets that cannot be told the whole request: passed over, or asked without and the loss named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import status
from tests.fakes.served import remote, routed, served
from tests.fakes.turn import Turn
from tests.scenarios.scene import SECOND, WELL, ask, both, scenario
from tests.scenarios.tongues import Front, every_front, tell

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
FORCED: Mapping[str, Any] = {"tools": [TOOL], "tool_choice": "required"}
"""What Ollama's own dialect has no word for."""


async def hello(turn: Turn) -> None:
    """A whole answer in Ollama's own words."""
    message = {"role": "assistant", "content": "from ollama"}
    said = {"model": "m", "message": message, "done": True, "done_reason": "stop", "eval_count": 2}
    body = json.dumps(said).encode() + b"\n"
    kind = "application/x-ndjson" if turn.asked()["stream"] else "application/json"
    await turn.head(200, {"content-type": kind, "content-length": str(len(body))})
    await turn.send(body)


def native(provider: ScriptedProvider) -> dict[str, Any]:
    """A provider that speaks Ollama's own dialect."""
    return remote(provider, kind="ollama", base_url=f"http://127.0.0.1:{provider.port}")


@both
@scenario
async def test_a_target_that_cannot_force_a_tool_is_passed_over(streamed: bool, tmp_path: Path) -> None:
    """Nothing is sent to it and no attempt is counted; who can answers."""
    async with ScriptedProvider(hello) as one, ScriptedProvider(WELL) as two:
        async with served(routed(native(one), two), tmp_path) as router:
            heard = await ask(router, streamed, **FORCED)
        assert (len(one.turns), len(two.turns)) == (0, 1)
    assert heard.is_from(SECOND)
    assert heard.headers["x-router-attempts"] == "1"
    assert "x-router-lost" not in heard.headers


@both
@scenario
async def test_with_warn_it_is_asked_and_the_loss_is_named(streamed: bool, tmp_path: Path) -> None:
    """By the request's own wish, in the body or as a header."""
    async with ScriptedProvider(hello) as one, ScriptedProvider(WELL) as two:
        async with served(routed(native(one), two), tmp_path) as router:
            body = await ask(router, streamed, **FORCED, router={"on_loss": "warn"})
            header = await ask(router, streamed, **FORCED, headers={"x-router-on-loss": "warn"})
        assert (len(one.turns), len(two.turns)) == (2, 0)
    for heard in (body, header):
        assert heard.text == "from ollama"
        assert heard.headers["x-router-lost"] == "tool_choice"


@pytest.mark.parametrize("where", ["failover", "group"])
@scenario
async def test_an_operator_may_warn_for_all_or_for_a_group(where: str, tmp_path: Path) -> None:
    """And a request may still refuse."""
    async with ScriptedProvider(hello) as one:
        config = routed(native(one))
        if where == "failover":
            config["failover"] = {"on_loss": "warn"}
        else:
            config["failover_groups"]["chat"]["on_loss"] = "warn"
        async with served(config, tmp_path) as router:
            warned = await ask(router, **FORCED)
            refused = await ask(router, **FORCED, router={"on_loss": "refuse"})
    assert warned.headers["x-router-lost"] == "tool_choice"
    assert refused.status == 400


@both
@scenario
async def test_where_no_target_can_the_caller_is_told_what_it_was(streamed: bool, tmp_path: Path) -> None:
    """A 400 that names it, and that SDKs do not try again; nothing was sent."""
    async with ScriptedProvider(hello) as one:
        async with served(routed(native(one)), tmp_path) as router:
            heard = await ask(router, streamed, **FORCED, n=2)
        assert not one.turns
    assert heard.status == 400
    assert heard.error is not None
    assert (heard.error["code"], heard.error["type"]) == ("unsupported_parameter", "invalid_request_error")
    assert "tool_choice, sampling.choices" in heard.error["message"]
    assert heard.headers["x-should-retry"] == "false"


@scenario
async def test_in_anthropics_dialect_too(tmp_path: Path) -> None:
    """With its own words around it."""
    tool = {"name": "look", "input_schema": {"type": "object"}}
    body = {"model": "chat", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "tools": [tool]}
    async with ScriptedProvider(hello) as one, served(routed(native(one)), tmp_path) as router:
        said = {**body, "tool_choice": {"type": "any"}}
        async with router.http.post(f"{router.url}/v1/messages", json=said) as response:
            answer = await response.json()
    assert response.status == 400
    assert answer["error"]["type"] == "invalid_request_error"
    assert "tool_choice" in answer["error"]["message"]


@scenario
async def test_a_failure_that_passes_counts_more_than_what_cannot_be_said(tmp_path: Path) -> None:
    """Who could be told was down: waiting helps, so the caller is not told that its request is wrong."""
    async with ScriptedProvider(hello) as one, ScriptedProvider(status(503)) as two:
        async with served(routed(native(one), two), tmp_path) as router:
            heard = await ask(router, **FORCED)
        assert not one.turns
    assert heard.status == 503


@scenario
async def test_a_provider_that_refuses_a_member_of_its_own_dialect_is_no_other_case(tmp_path: Path) -> None:
    """DeepSeek takes no `n`: one answer is not what two are."""
    async with ScriptedProvider(WELL) as one, ScriptedProvider(WELL) as two:
        keys = {"kind": "deepseek", "api_key": "sk-test"}
        async with served(routed(remote(one, **keys), two), tmp_path) as router:
            heard = await ask(router, n=2)
            hint = await ask(router, seed=7)
        assert (len(one.turns), len(two.turns)) == (1, 1)
    assert heard.provider == "two"
    assert (hint.provider, hint.headers["x-router-lost"]) == ("one", "seed")


@scenario
async def test_names_that_callers_choose_do_no_harm_in_a_header(tmp_path: Path) -> None:
    """A line break would end the header, and a thousand names the head."""
    strangest: dict[str, Any] = {"a\r\nb, ü": 1}
    names: dict[str, Any] = {f"of-{number:04}": 1 for number in range(1000)}
    async with ScriptedProvider(hello) as one, served(routed(native(one)), tmp_path) as router:
        strange = await ask(router, **strangest)
        many = await ask(router, **names)
    assert strange.headers["x-router-lost"] == "extra.a??b???"
    assert len(many.headers["x-router-lost"]) < 2100
    assert many.headers["x-router-lost"].endswith(" more")


@both
@scenario
async def test_older_names_are_understood_and_told_of(streamed: bool, tmp_path: Path) -> None:
    """The provider hears the real name; the caller learns of it, and of the window nobody can choose there."""
    async with ScriptedProvider(WELL) as one, served(routed(one), tmp_path) as router:
        heard = await ask(router, streamed, temp=0.5, max_length=9, temperature=0.25, ctx_size=2048)
        asked = one.turns[0].asked()
    assert (asked["temperature"], asked["max_tokens"]) == (0.25, 9)
    assert not {"temp", "max_length", "ctx_size"} & asked.keys()
    assert heard.headers["x-router-aliases"] == "temp ignored, max_length=max_tokens, ctx_size=context_tokens"
    assert heard.headers["x-router-lost"] == "sampling.context_tokens"


@both
@every_front
@scenario
async def test_older_names_are_understood_in_every_protocol(front: Front, streamed: bool, tmp_path: Path) -> None:
    """A length that only an older name bounds is bounded, and no name is passed over in silence."""
    async with ScriptedProvider(WELL) as one, served(routed(one), tmp_path) as router:
        heard = await tell(router, front, streamed, temp=0.5, nucleus_sampling=0.25, ctx_size=2048)
        asked = one.turns[0].asked()
    assert (asked["temperature"], asked["top_p"]) == (0.5, 0.25)
    assert heard.headers["x-router-aliases"] == "temp=temperature, nucleus_sampling=top_p, ctx_size=context_tokens"
    assert "sampling.context_tokens" in heard.headers["x-router-lost"]
