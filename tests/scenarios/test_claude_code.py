"""Lines 77 to 79, 84 and 85 as Claude Code meets them: its turns before a Claude, and before a model like OpenAI's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from anthropic import AsyncAnthropic

from tests.fakes.claude import HIDDEN, LONG, MEANT, SENT, SIGNATURE, body, claude, counted, said, speaking
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import calling, speak, status
from tests.fakes.served import GROUP, Caller, remote, routed, served
from tests.fakes.turn import Turn
from tests.replay.fronts import MESSAGES
from tests.replay.hearing import hear
from tests.scenarios.scene import FIRST, both, scenario

OVERLOADED = status(529, body={"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})


class Told:
    """Status, headers and bytes of one answer."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def lost(self) -> list[str]:
        """What the headers say was left out."""
        return str(self.headers.get("x-router-lost", "")).split(", ")


async def turn_of(router: Caller, streamed: bool) -> Told:
    """One turn, at the address that Claude Code asks."""
    url = f"{router.url}/v1/messages?beta=true"
    async with router.http.post(url, data=body(GROUP, streamed=streamed), headers=SENT) as response:
        return Told(response.status, response.headers, await response.read())


def openai(provider: ScriptedProvider) -> dict[str, Any]:
    """A provider of OpenAI's own kind."""
    return remote(provider, kind="openai", api_key="sk-operator")


@pytest.mark.shows(77, 78, 79, 84)
@both
@scenario
async def test_a_claude_gets_the_turn_as_it_was_sent(streamed: bool, tmp_path: Path) -> None:
    """Bytes equal but for the model: cache markers, seals, unknown fields; so are the answer's; only keys change."""
    async with ScriptedProvider(claude()) as one, served(routed(speaking(one)), tmp_path) as router:
        told = await turn_of(router, streamed)
        (asked,) = one.turns
    assert told.status == 200
    assert asked.body == body("up", streamed=streamed)
    assert asked.headers["anthropic-beta"] == SENT["anthropic-beta"]
    assert asked.headers["anthropic-version"] == SENT["anthropic-version"]
    assert "key-of-the-caller" not in str(asked.headers)
    assert told.body == said(streamed=streamed)
    assert "x-router-lost" not in told.headers


@pytest.mark.shows(79)
@both
@scenario
async def test_failover_among_claudes_touches_nothing(streamed: bool, tmp_path: Path) -> None:
    """The second reads what the first was sent."""
    async with ScriptedProvider(OVERLOADED) as one, ScriptedProvider(claude()) as two:
        async with served(routed(speaking(one), speaking(two)), tmp_path) as router:
            told = await turn_of(router, streamed)
        assert one.turns[-1].body == two.turns[0].body == body("up", streamed=streamed)
    assert told.body == said(streamed=streamed)


@pytest.mark.shows(77, 79)
@both
@scenario
async def test_failover_to_another_family_removes_sealed_thinking_and_says_so(streamed: bool, tmp_path: Path) -> None:
    """The seals were whole at the first; the second hears of neither, and of no beta; the caller hears of both."""
    async with ScriptedProvider(OVERLOADED) as one, ScriptedProvider(speak(FIRST)) as two:
        async with served(routed(speaking(one), openai(two)), tmp_path) as router:
            told = await turn_of(router, streamed)
        first, second = one.turns[-1], two.turns[0]
    heard = hear(MESSAGES, told.status, told.body, streamed=streamed, passed=False)
    assert (heard.first.text, heard.first.finish) == (FIRST, "stop")
    for seal in (SIGNATURE.encode(), HIDDEN.encode()):
        assert seal in first.body
        assert seal not in second.body
    assert "anthropic-beta" not in second.headers
    assert {"messages[2].parts[0]", "messages[2].parts[1]", "extra.context_management"} <= set(told.lost)


async def call_last(turn: Turn) -> None:
    """Calls the last tool it was offered, by the name it was told."""
    await calling(turn.asked()["tools"][-1]["function"]["name"])(turn)


@pytest.mark.shows(77, 84)
@both
@scenario
async def test_a_model_of_openais_kind_takes_the_turn(streamed: bool, tmp_path: Path) -> None:
    """Not a 400: results behind their calls, in order, a system turn in its place, effort; its call comes back."""
    async with ScriptedProvider(call_last) as one, served(routed(openai(one)), tmp_path) as router:
        told = await turn_of(router, streamed)
        asked = one.turns[0].asked()
    names = [tool["function"]["name"] for tool in asked["tools"]]
    calls = asked["messages"][2]["tool_calls"]
    assert [call["function"]["name"] for call in calls] == names
    assert len(set(names)) == 2 and max(map(len, names)) <= 64 < len(LONG)
    results = [message["tool_call_id"] for message in asked["messages"] if message["role"] == "tool"]
    assert results == [call["id"] for call in calls]
    roles = [message["role"] for message in asked["messages"]]
    assert roles[1:5] == ["user", "assistant", "tool", "tool"]
    assert asked["messages"][-2]["content"] == "Be brief."
    assert asked["reasoning_effort"] == "high"
    assert 0 < len(asked["user"]) <= 64
    heard = hear(MESSAGES, told.status, told.body, streamed=streamed, passed=False)
    assert ([call.name for call in heard.first.calls], heard.first.finish) == ([LONG], "calls")


@pytest.mark.shows(85)
@pytest.mark.parametrize("native", [True, False], ids=["claude", "openai"])
@scenario
async def test_its_prompt_is_counted(native: bool, tmp_path: Path) -> None:
    """By the provider that can, in the caller's bytes; else as a guess that is called one."""
    async with ScriptedProvider(status(200, body={"input_tokens": 141})) as one:
        config = routed(speaking(one) if native else openai(one))
        async with served(config, tmp_path) as router:
            url = f"{router.url}/v1/messages/count_tokens?beta=true"
            async with router.http.post(url, data=counted(GROUP), headers=SENT) as response:
                assert response.status == 200
                number = (await response.json())["input_tokens"]
                guessed = response.headers.get("x-router-estimated")
        assert [turn.body for turn in one.turns] == ([counted("up")] if native else [])
    assert (number, guessed) == (141, None) if native else number > 50 and guessed == "true"


@scenario
async def test_it_finds_its_models(tmp_path: Path) -> None:
    """In Anthropic's form at the first try, with the flag that ends paging; its warming probe is answered."""
    async with ScriptedProvider(claude()) as one:
        config = routed(speaking(one), failover_groups={"claude-chat": {"targets": ["one:m"]}})
        async with served(config, tmp_path) as router:
            asking = router.http.get(f"{router.url}/v1/models?limit=1000", headers=SENT, allow_redirects=False)
            async with asking as response:
                listed = await response.json()
            async with router.http.head(f"{router.url}/api/hello", headers=SENT) as response:
                assert response.status < 500
        assert one.turns == []
    assert listed["has_more"] is False
    assert "claude-chat" in [model["id"] for model in listed["data"]]


@pytest.mark.shows(84)
@scenario
async def test_its_sdk_puts_the_turn_together(tmp_path: Path) -> None:
    """Anthropic's own package, through its beta call, holds what the provider meant."""
    async with ScriptedProvider(claude()) as one, served(routed(speaking(one)), tmp_path) as router:
        async with AsyncAnthropic(base_url=router.url, api_key="unused", max_retries=0) as client:
            fields: dict[str, Any] = json.loads(body(GROUP, streamed=False))
            fields.pop("stream")
            async with client.beta.messages.stream(**fields, betas=["claude-code-20250219"]) as stream:
                final = await stream.get_final_message()
        assert one.turns[0].headers["anthropic-beta"] == "claude-code-20250219"
    assert [block.type for block in final.content] == ["thinking", "text", "tool_use"]
    assert (final.stop_reason, final.usage.output_tokens) == ("tool_use", MEANT.usage[1])
