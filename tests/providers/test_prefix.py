"""How a model is given the beginning of its own answer, in each provider's own way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.app import CODECS
from router.canon.operation import Operation
from router.providers import find_kinds
from router.providers.deepseek import beta_url
from router.providers.prefix import Prefix, Style, prolonged
from router.wire.dialect import Turn

KINDS = find_kinds()
ASKED = {"role": "user", "content": "Go on."}


def begun(prefix: Prefix, text: str = "So far ", turn: Turn = Turn(), **body: Any) -> dict[str, Any] | None:  # noqa: B008 frozen
    """The request with a beginning."""
    asked = json.dumps({"model": "m", turn.member: [ASKED], "stream": True, **body}).encode()
    said = prolonged(asked, text, turn, prefix)
    return None if said is None else json.loads(said)


@pytest.mark.parametrize(
    ("style", "last", "beside"),
    [
        (Style.TURN, {}, {}),
        (Style.MARKED, {"prefix": True}, {}),
        (Style.FINAL, {}, {"continue_final_message": True, "add_generation_prompt": False}),
    ],
)
def test_each_style_says_it_in_its_own_way(style: Style, last: dict[str, Any], beside: dict[str, Any]) -> None:
    """The rest of the request stays as it was."""
    turn = {"role": "assistant", "content": "So far ", **last}
    assert begun(Prefix(style=style)) == {"model": "m", "messages": [ASKED, turn], "stream": True, **beside}


def test_a_beginning_of_the_callers_own_is_gone_on_with() -> None:
    """Two turns of the model in a row would be two answers."""
    own = {"role": "assistant", "content": "Once "}
    body = begun(Prefix(), "upon", messages=[ASKED, own])
    assert body is not None
    assert body["messages"] == [ASKED, {"role": "assistant", "content": "Once upon"}]


@pytest.mark.parametrize(
    "last",
    [{"role": "assistant", "content": None, "tool_calls": []}, {"role": "assistant", "content": [{"type": "text"}]}],
    ids=["a call", "parts"],
)
def test_a_last_turn_that_is_more_than_words_cannot_be_gone_on_with(last: dict[str, Any]) -> None:
    """Another way must be found."""
    assert begun(Prefix(), messages=[ASKED, last]) is None


def test_blanks_at_the_end_are_left_out_where_they_are_refused() -> None:
    """And a beginning of nothing else is none."""
    body = begun(Prefix(trims=True))
    assert body is not None
    assert body["messages"][-1]["content"] == "So far"
    assert begun(Prefix(trims=True), " \n") is None


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind.prefix], ids=lambda kind: kind.name)
def test_every_kind_that_goes_on_speaks_a_dialect_that_can_say_so(kind: Any) -> None:
    """A beginning is one message of the model's at the end."""
    turn = kind.dialect.turn
    assert turn is not None
    body = begun(kind.prefix, "So far", turn)
    assert body is not None
    last = body[turn.member][-1]
    assert last["role"] == turn.role
    assert last[turn.content] == turn.say("So far")


_CLAUDES = {
    "anthropic": "https://api.anthropic.com/v1",
    "bedrock": "https://bedrock-runtime.us-east-1.amazonaws.com",
    "vertex": "https://aiplatform.googleapis.com/v1/projects/p/locations/global",
    "azure": "https://r.services.ai.azure.com/anthropic",
}


@pytest.mark.parametrize(("name", "base_url"), _CLAUDES.items(), ids=_CLAUDES)
def test_only_older_claudes_go_on_with_a_beginning(name: str, base_url: str) -> None:
    """Wherever they are; the newer ones answer 400. A model nobody has heard of is taken for the newest."""
    prefix = KINDS[name].spoken(base_url, "claude-haiku-4-5").prefix
    assert prefix is not None
    assert prefix.accepts("claude-haiku-4-5-20251001")
    assert prefix.accepts("claude-sonnet-4-5@20250929")
    assert prefix.accepts("us.anthropic.claude-3-5-sonnet-20241022-v2:0")
    assert not prefix.accepts("claude-opus-4-6")
    assert not prefix.accepts("claude-sonnet-5")
    assert not prefix.accepts("claude-nova-7")


@pytest.mark.parametrize("name", ["openai", "openai-compatible", "gemini", "openai-responses", "groq"])
def test_who_is_not_known_to_go_on_is_not_asked_to(name: str) -> None:
    """An operator may say so of a model."""
    assert KINDS[name].prefix is None


@pytest.mark.parametrize(
    "base", ["https://api.deepseek.com", "https://api.deepseek.com/v1", "https://api.deepseek.com/beta"]
)
def test_deepseek_takes_beginnings_at_its_beta_address(base: str) -> None:
    """Whatever address an operator gave."""
    assert beta_url(f"{base}/chat/completions") == "https://api.deepseek.com/beta/chat/completions"


def test_the_dialects_that_are_heard_and_can_say_it() -> None:
    """The Responses protocol has no such turn."""
    assert {name: codec.turn is not None for name, codec in CODECS.items() if codec.operation is Operation.CHAT} == {
        "openai-chat": True,
        "anthropic-messages": True,
        "openai-responses": False,
    }
