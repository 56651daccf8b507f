"""Older names for members: understood, told of, and never stronger than the real ones."""

from __future__ import annotations

import json

import pytest

from router.errors import Refused
from router.wire.dialect import Ask
from router.wire.ollama_chat.request import encode_request as encode_ollama
from router.wire.openai_chat.aliases import ALIASES, WINDOW
from router.wire.openai_chat.request import decode_request, patch_request, peek

USER = [{"role": "user", "content": "hi"}]


def ask(**members: object) -> Ask:
    """A request with these members around the two that every one needs."""
    return peek(json.dumps({"model": "m", **members, "messages": USER}).encode())


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_reaches_the_same_dialect_under_its_real_name(alias: str) -> None:
    """In its place among the members, its value byte for byte."""
    asked = peek(b'{"model":"m","%b": 0.50 ,"messages":[{"role":"user","content":"hi"}]}' % alias.encode())
    assert patch_request(asked, "m").startswith(b'{"model":"m","%b":0.50,"messages"' % ALIASES[alias][0].encode())
    assert asked.aliases == (f"{alias}={ALIASES[alias][0]}",)


def test_canon_hears_what_the_old_names_say() -> None:
    """So does every target of another dialect."""
    said = decode_request(ask(temp=0.5, nucleus_sampling=0.25, max_length=9, stop_sequences=["x"], ctx_size=4096))
    sampling = said.sampling
    assert (sampling.temperature, sampling.top_p, sampling.max_tokens) == (0.5, 0.25, 9)
    assert (sampling.stop, sampling.context_tokens) == (("x",), 4096)
    assert not said.extra


@pytest.mark.parametrize("alias", ALIASES)
@pytest.mark.parametrize("alias_first", [True, False], ids=["alias_first", "alias_last"])
def test_the_real_name_wins(alias: str, alias_first: bool) -> None:
    """Every real name, wherever it stands, and the caller is told."""
    for real in ALIASES[alias]:
        pair = {alias: 1, real: 2}
        asked = ask(**(pair if alias_first else dict(reversed(pair.items()))))
        assert json.loads(patch_request(asked, "m")) == {"model": "m", real: 2, "messages": USER}
        assert asked.aliases == (f"{alias} ignored",)


def test_of_two_aliases_of_one_name_the_first_counts() -> None:
    """A body must not say one thing twice."""
    asked = ask(max_length=1, max_new_tokens=2, ctx_size=3, context_length=4)
    assert json.loads(patch_request(asked, "m")) == {"model": "m", "max_tokens": 1, "messages": USER}
    assert asked.aliases == (
        "max_length=max_tokens",
        "max_new_tokens ignored",
        "ctx_size=context_tokens",
        "context_length ignored",
    )


def test_an_alias_without_a_value_says_nothing() -> None:
    """Old clients write null for what they leave to the server."""
    asked = ask(temp=None, ctx_size=None)
    assert json.loads(patch_request(asked, "m")) == {"model": "m", "messages": USER}
    assert (asked.context_tokens, asked.unsaid) == (None, ())


@pytest.mark.parametrize("name", WINDOW)
def test_the_window_is_for_those_who_let_a_request_choose_it(name: str) -> None:
    """Ollama does; servers of this dialect would refuse the member, so they are not sent it and it is named as lost."""
    asked = ask(**{name: 8192})
    assert name not in json.loads(patch_request(asked, "m"))
    assert asked.unsaid == ("sampling.context_tokens",)
    assert json.loads(encode_ollama(decode_request(asked), "m").body)["options"]["num_ctx"] == 8192


def test_ollamas_own_word_for_the_window_passes_as_any_unknown_member() -> None:
    """It is no alias: some servers of this dialect may take it."""
    asked = ask(num_ctx=8192)
    assert json.loads(patch_request(asked, "m"))["num_ctx"] == 8192
    assert decode_request(asked).sampling.context_tokens == 8192
    assert asked.aliases == ()


def test_a_window_that_is_no_number_is_refused_by_name() -> None:
    """As every member that is read."""
    with pytest.raises(Refused) as caught:
        ask(ctx_size="large")
    assert caught.value.param == "ctx_size"
