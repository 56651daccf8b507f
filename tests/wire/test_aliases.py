"""Older names for members, in each protocol: understood, told of, and never stronger than the real ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from router.canon.operation import Operation
from router.errors import Refused
from router.wire.aliases import WINDOW, Aliases
from router.wire.anthropic_messages import DIALECT as MESSAGES
from router.wire.anthropic_messages.request import ALIASES as MESSAGES_ALIASES
from router.wire.dialect import Ask, Codec, FrontHalf
from router.wire.ollama_chat.request import encode_request as encode_ollama
from router.wire.openai_chat import DIALECT as CHAT
from router.wire.openai_chat.request import ALIASES as CHAT_ALIASES
from router.wire.openai_responses import DIALECT as RESPONSES
from router.wire.openai_responses.request import ALIASES as RESPONSES_ALIASES

USER = [{"role": "user", "content": "hi"}]
FRONTS: Mapping[str, tuple[Codec, Aliases, Mapping[str, Any]]] = {
    "chat": (CHAT, CHAT_ALIASES, {"model": "m", "messages": USER}),
    "responses": (RESPONSES, RESPONSES_ALIASES, {"model": "m", "input": USER}),
    "messages": (MESSAGES, MESSAGES_ALIASES, {"model": "m", "messages": USER}),
    "count": (MESSAGES.codecs[Operation.COUNT_TOKENS], MESSAGES_ALIASES, {"model": "m", "messages": USER}),
}
LENGTH = {"chat": "max_tokens", "responses": "max_output_tokens", "messages": "max_tokens", "count": "max_tokens"}
EACH = [(front, alias) for front, (_, aliases, _) in FRONTS.items() for alias in aliases.real]

every_front = pytest.mark.parametrize("front", FRONTS)


def half_of(front: str) -> FrontHalf:
    """What hears it."""
    half = FRONTS[front][0].front
    assert half is not None
    return half


def ask(front: str, **members: object) -> Ask:
    """A request with these members before those that every one needs."""
    bound = {"max_tokens": 7} if front == "messages" and "max_length" not in members else {}
    return half_of(front).peek(json.dumps({**members, **FRONTS[front][2], **{**bound, **members}}).encode())


def sent(front: str, asked: Ask) -> dict[str, Any]:
    """What a target of the same dialect is sent of it."""
    body: dict[str, Any] = json.loads(FRONTS[front][0].patch_request(asked, "m"))
    return body


@pytest.mark.parametrize(("front", "alias"), EACH)
def test_an_alias_reaches_the_same_dialect_under_its_real_name(front: str, alias: str) -> None:
    """In its place among the members, its value byte for byte."""
    base = json.dumps(FRONTS[front][2])[1:].encode()
    real = FRONTS[front][1].real[alias][0]
    bound = b"" if real == "max_tokens" or front != "messages" else b'"max_tokens":7,'
    asked = half_of(front).peek(b'{"%b": 5 ,%b%b' % (alias.encode(), bound, base))
    assert FRONTS[front][0].patch_request(asked, "m").startswith(b'{"%b":5,' % real.encode())
    assert asked.aliases == (f"{alias}={real}",)


@every_front
def test_canon_hears_what_the_old_names_say(front: str) -> None:
    """So does every target of another dialect."""
    asked = ask(front, temp=0.5, nucleus_sampling=0.25, max_length=9, ctx_size=4096)
    said = half_of(front).decode_request(asked)
    sampling = said.sampling
    assert (sampling.temperature, sampling.top_p, sampling.max_tokens) == (0.5, 0.25, 9)
    assert sampling.context_tokens == 4096
    assert not said.extra
    assert json.loads(encode_ollama(said, "m").body)["options"]["num_ctx"] == 4096


@pytest.mark.parametrize(("front", "alias"), EACH)
@pytest.mark.parametrize("alias_first", [True, False], ids=["alias_first", "alias_last"])
def test_the_real_name_wins(front: str, alias: str, alias_first: bool) -> None:
    """Every real name, wherever it stands, and the caller is told."""
    for real in FRONTS[front][1].real[alias]:
        pair = {alias: 1, real: 2}
        asked = ask(front, **(pair if alias_first else dict(reversed(pair.items()))))
        body = sent(front, asked)
        assert body[real] == 2 and alias not in body
        assert asked.aliases == (f"{alias} ignored",)


@every_front
def test_of_two_aliases_of_one_name_the_first_counts(front: str) -> None:
    """A body must not say one thing twice."""
    asked = ask(front, max_length=1, max_new_tokens=2, ctx_size=3, context_length=4)
    assert sent(front, asked) == {**FRONTS[front][2], LENGTH[front]: 1}
    assert asked.aliases == (
        f"max_length={LENGTH[front]}",
        "max_new_tokens ignored",
        "ctx_size=context_tokens",
        "context_length ignored",
    )


@every_front
def test_an_alias_without_a_value_says_nothing(front: str) -> None:
    """Old clients write null for what they leave to the server."""
    asked = ask(front, temp=None, ctx_size=None)
    assert not {"temp", "temperature", "ctx_size"} & sent(front, asked).keys()
    assert (asked.context_tokens, asked.unsaid) == (None, ())


@every_front
@pytest.mark.parametrize("name", WINDOW)
def test_the_window_is_for_those_who_let_a_request_choose_it(name: str, front: str) -> None:
    """Ollama does; servers of these dialects would refuse the member, so it is not sent to them and named as lost."""
    asked = ask(front, **{name: 8192})
    assert name not in sent(front, asked)
    assert asked.unsaid == ("sampling.context_tokens",)
    with pytest.raises(Refused) as caught:
        ask(front, **{name: "large"})
    assert caught.value.param == name


def test_ollamas_own_word_for_the_window_passes_as_any_unknown_member() -> None:
    """It is no alias: some servers of OpenAI's dialect may take it."""
    asked = ask("chat", num_ctx=8192, stop_sequences=["x"])
    assert (sent("chat", asked)["num_ctx"], sent("chat", asked)["stop"]) == (8192, ["x"])
    assert half_of("chat").decode_request(asked).sampling.context_tokens == 8192
    assert asked.aliases == ("stop_sequences=stop",)
