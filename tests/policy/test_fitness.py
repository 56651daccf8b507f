"""Who can be asked for what, by the operator's word, the kind and the model's name."""

from __future__ import annotations

import pytest

from router.canon.operation import Operation
from router.canon.target import Target
from router.policy.fitness import Fitness, choose_able, fitness_of

NAMES = {
    "text-embedding-3-small": Operation.EMBEDDINGS,
    "nomic-embed-text": Operation.EMBEDDINGS,
    "BAAI/bge-m3": Operation.EMBEDDINGS,
    "all-minilm": Operation.EMBEDDINGS,
    "intfloat/e5-mistral-7b-instruct": Operation.EMBEDDINGS,
    "amazon.titan-embed-text-v2:0": Operation.EMBEDDINGS,
    "BAAI/bge-reranker-v2-m3": Operation.RERANK,
    "rerank-v3.5": Operation.RERANK,
    "omni-moderation-latest": Operation.MODERATIONS,
    "gpt-image-1": Operation.IMAGES,
    "dall-e-3": Operation.IMAGES,
    "black-forest-labs/FLUX.1-schnell": Operation.IMAGES,
    "gpt-5-mini": Operation.CHAT,
    "claude-sonnet-5": Operation.CHAT,
    "gemini-3.7-flash": Operation.CHAT,
    "llama3": Operation.CHAT,
    "mistral-large-latest": Operation.CHAT,
}


@pytest.mark.parametrize(("model", "operation"), NAMES.items())
def test_a_name_tells_the_one_thing_a_model_does(model: str, operation: Operation) -> None:
    """What it says is known; the others are unlikely, or unknown for a model that chats."""
    told = {one: fitness_of(one, model, stated=None, offered=True) for one in Operation}
    del told[Operation.COUNT_TOKENS]
    assert told.pop(operation) is Fitness.KNOWN
    assert set(told.values()) == {Fitness.UNKNOWN if operation is Operation.CHAT else Fitness.UNLIKELY}


def test_an_operators_word_goes_before_a_name_and_a_kinds_lack_before_both() -> None:
    """Stated is known and everything else is not; what a provider has no endpoint for it cannot do."""
    assert fitness_of(Operation.CHAT, "my-embedder", stated=("chat",), offered=True) is Fitness.KNOWN
    assert fitness_of(Operation.EMBEDDINGS, "my-embedder", stated=("chat",), offered=True) is Fitness.NONE
    assert fitness_of(Operation.EMBEDDINGS, "my-embedder", stated=("embeddings",), offered=False) is Fitness.NONE


def test_whoever_chats_can_be_counted() -> None:
    """By its provider or by an estimate; what only embeds has no prompt of turns."""
    assert fitness_of(Operation.COUNT_TOKENS, "gpt-5", stated=None, offered=False) is Fitness.KNOWN
    assert fitness_of(Operation.COUNT_TOKENS, "x", stated=("embeddings",), offered=True) is Fitness.NONE


def test_the_known_are_asked_then_the_unknown_then_the_unlikely() -> None:
    """Never two sorts at once, and nothing is guessed where the caller named nobody."""
    a, b, c, d = (Target(provider="p", model=name) for name in "abcd")
    told = ((a, Fitness.UNLIKELY), (b, Fitness.UNKNOWN), (c, Fitness.KNOWN), (d, Fitness.NONE))
    assert choose_able(told, guess=True) == (c,)
    assert choose_able(told[:2], guess=True) == (b,)
    assert choose_able(told[:1], guess=True) == (a,)
    assert choose_able(told[3:], guess=True) == ()
    assert choose_able(told[:2], guess=False) == ()
