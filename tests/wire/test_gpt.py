"""What OpenAI's own models are told, and what is taken out because they would refuse it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from router.canon.request import ChatRequest, Message, Role, Sampling, Text, Thinking
from router.wire.gpt import admitted
from router.wire.openai_chat import DIALECT as CHAT
from router.wire.openai_responses import DIALECT as RESPONSES

DRAWN = Sampling(
    max_tokens=5,
    temperature=0.5,
    top_p=0.9,
    logprobs=True,
    top_logprobs=2,
    frequency_penalty=0.1,
    presence_penalty=0.1,
    logit_bias=Raw(b'{"5":1}'),
    stop=("a", "b", "c", "d", "e"),
)
USUAL = Sampling(temperature=1.0, top_p=1, frequency_penalty=0, presence_penalty=0.0, stop=("a",))

DRAWING = {"temperature", "top_p", "logprobs", "top_logprobs"}
LEANING = {"frequency_penalty", "presence_penalty", "logit_bias"}


def request(sampling: Sampling, effort: str | None = None) -> ChatRequest:
    """A request of a caller who says much of how to draw."""
    thinking = None if effort is None else Thinking(effort=effort)
    return ChatRequest(
        model="public",
        messages=(Message(role=Role.USER, parts=(Text(text="hi"),)),),
        sampling=sampling,
        thinking=thinking,
    )


@pytest.mark.parametrize(
    ("model", "effort", "refused", "stops"),
    [
        ("gpt-4o-mini", None, set(), 4),
        ("gpt-5", None, DRAWING | LEANING, 0),
        ("gpt-5-mini", "none", DRAWING | LEANING, 0),
        ("gpt-5-chat-latest", None, set(), 4),
        ("openai/gpt-5.2", "low", DRAWING | LEANING, 4),
        ("gpt-5.2-pro", "none", LEANING, 4),
        ("gpt-6", "none", LEANING, 4),
        ("o1", None, DRAWING | LEANING, 4),
        ("o3-2025-04-16", None, DRAWING | LEANING, 0),
        ("o3-mini", None, DRAWING | LEANING, 4),
        ("o4-mini", None, DRAWING | LEANING, 0),
        ("openai/gpt-oss-120b", None, set(), 5),
        ("llama-3.3-70b", None, set(), 5),
        ("meta/o", None, set(), 5),
    ],
)
def test_a_model_is_told_what_it_takes_and_the_rest_is_named(
    model: str, effort: str | None, refused: set[str], stops: int
) -> None:
    """Newer ones draw where they do not think; of stop sequences four are taken, and by some none."""
    told, lost = admitted(request(DRAWN, effort), model)
    named = refused | ({"stop"} if stops < 5 else set())
    assert set(lost) == {f"sampling.{name}" for name in named} and len(set(lost)) == len(lost)
    assert len(told.sampling.stop) == stops
    unsaid = Sampling()
    for name in DRAWING | LEANING:
        assert getattr(told.sampling, name) == getattr(unsaid if name in refused else DRAWN, name)
    assert told.sampling.max_tokens == 5


def test_what_a_model_does_unasked_is_not_lost() -> None:
    """Clients write defaults out; a thinking model refuses even some of these."""
    told, lost = admitted(request(USUAL), "o1")
    assert (told.sampling, lost) == (Sampling(stop=("a",)), [])


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES], ids=lambda dialect: dialect.name)
def test_both_protocols_of_theirs_are_held_to_it(dialect: Any) -> None:
    """What is said there is what was admitted; an answer of Responses has a least bound beside."""
    encoded = dialect.encode_request(request(DRAWN), "gpt-5")
    said = msgspec.json.decode(encoded.body)
    assert not said.keys() & (DRAWING | LEANING | {"stop"})
    assert {"sampling.temperature", "sampling.stop", "sampling.logprobs"} <= set(encoded.lost)
    least = dialect is RESPONSES
    assert said.get("max_output_tokens", said.get("max_completion_tokens")) == (16 if least else 5)
    assert ("sampling.max_tokens" in encoded.lost) is least
