"""What a model can do beside answering text with text."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct


class Ability(StrEnum):
    """One thing that some models can do and others cannot; the word that callers, operators and listings use."""

    VISION = "vision"
    TOOLS = "tools"
    JSON_SCHEMA = "json_schema"
    REASONING = "reasoning"
    DOCUMENTS = "documents"
    AUDIO = "audio"
    PREFILL = "prefill"


class Traits(Struct, frozen=True, kw_only=True):
    """What somebody says of a model. What is in neither `can` nor `cannot`, and every None, was not said.

    Args:
        context_window: tokens of prompt and answer together.
        max_output: tokens of one answer, reasoning included.
        input_per_mtok: USD, decimal text.
        output_per_mtok: USD, decimal text.
    """

    can: tuple[Ability, ...] = ()
    cannot: tuple[Ability, ...] = ()
    context_window: int | None = None
    max_output: int | None = None
    input_per_mtok: str | None = None
    output_per_mtok: str | None = None

    def silent(self) -> bool:
        """Whether it says nothing at all."""
        return self == UNSAID


UNSAID = Traits()


def merged(said: Iterable[Traits]) -> Traits:
    """The most believed first: of each thing the first word counts."""
    verdicts: dict[Ability, bool] = {}
    numbers: dict[str, object] = {}
    for traits in said:
        for able, abilities in ((True, traits.can), (False, traits.cannot)):
            for ability in abilities:
                verdicts.setdefault(ability, able)
        for name in _NUMBERS:
            if (value := getattr(traits, name)) is not None:
                numbers.setdefault(name, value)
    return Traits(
        can=tuple(ability for ability in Ability if verdicts.get(ability) is True),
        cannot=tuple(ability for ability in Ability if verdicts.get(ability) is False),
        **numbers,  # type: ignore[arg-type]  # by the names of the fields they came from
    )


_NUMBERS = ("context_window", "max_output", "input_per_mtok", "output_per_mtok")


def judged(verdicts: Iterable[tuple[Ability, bool | None]]) -> tuple[tuple[Ability, ...], tuple[Ability, ...]]:
    """What can and what cannot, of flags that may be missing."""
    known = tuple((ability, flag) for ability, flag in verdicts if flag is not None)
    return tuple(a for a, flag in known if flag), tuple(a for a, flag in known if not flag)
