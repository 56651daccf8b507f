"""Which models can be asked for what: by the operator's word, or else by the provider and the model's name. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum

from router.canon.operation import Operation
from router.canon.target import Target

_NAMES: tuple[tuple[Operation, re.Pattern[str]], ...] = (
    (Operation.RERANK, re.compile(r"rerank", re.I)),
    (Operation.MODERATIONS, re.compile(r"moderation", re.I)),
    (
        Operation.EMBEDDINGS,
        re.compile(
            r"embed|minilm|(?:^|[/_-])(?:bge|gte|e5)-|(?:^|/)voyage-|(?:^|/)jina-clip|(?:^|/)paraphrase-|(?:^|/)m2-bert",
            re.I,
        ),
    ),
    (
        Operation.IMAGES,
        re.compile(r"dall-e|(?:^|[/-])gpt-image|chatgpt-image|flux|imagen-|stable-diffusion|sdxl|cogview", re.I),
    ),
)
"""What the names of models that do nothing else have in common; the first match counts, since some rank by vectors."""

_ANSWERED_HERE = frozenset({Operation.COUNT_TOKENS})
"""What can be answered with an estimate where a provider has no words for it."""


class Fitness(StrEnum):
    """Whether a target can be asked for an operation. Unlikely: its model's name says that it is made for another."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    UNLIKELY = "unlikely"
    NONE = "none"


def fitness_of(operation: Operation, model: str, *, stated: Collection[str] | None, offered: bool) -> Fitness:
    """What can be told of one target.

    Args:
        model: as its provider calls it.
        stated: the operations that an operator wrote; None when none were written.
        offered: whether its provider has the operation at all.
    """
    if operation in _ANSWERED_HERE:
        # Counted is what can be talked to.
        operation, offered = Operation.CHAT, True
    if not offered:
        return Fitness.NONE
    if stated is not None:
        return Fitness.KNOWN if operation in stated else Fitness.NONE
    special = next((special for special, pattern in _NAMES if pattern.search(model)), None)
    if special is not None:
        return Fitness.KNOWN if operation is special else Fitness.UNLIKELY
    return Fitness.KNOWN if operation is Operation.CHAT else Fitness.UNKNOWN


def choose_able(told: tuple[tuple[Target, Fitness], ...], *, guess: bool) -> tuple[Target, ...]:
    """The targets that may be asked, in their order.

    Args:
        guess: whether those that nobody knows about may be: the caller named them. Where nothing better stands behind
            a name, even an unlikely one is asked, and says itself that it cannot.
    """
    known = tuple(target for target, ability in told if ability is Fitness.KNOWN)
    if known or not guess:
        return known
    unknown = tuple(target for target, ability in told if ability is Fitness.UNKNOWN)
    return unknown or tuple(target for target, ability in told if ability is Fitness.UNLIKELY)
