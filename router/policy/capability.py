"""What is known of a target's model, and who said so. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct

from router.canon.target import Target


class FactSource(StrEnum):
    """Who says so, the most believed first: the operator, the target itself, the price list."""

    CONFIGURED = "configured"
    LEARNED = "learned"
    LISTED = "listed"


class ModelFacts(Struct, frozen=True, kw_only=True):
    """What a target's model can do.

    Args:
        context_window: tokens that prompt and answer may have together; None when nobody said.
        source: who said so; None as well then.
        continues: whether it goes on with the beginning of an answer.
    """

    context_window: int | None = None
    source: FactSource | None = None
    continues: bool = False


UNKNOWN = ModelFacts()
"""What is known of a target that nobody said anything about."""


def choose_facts(said: Mapping[FactSource, int | None]) -> ModelFacts:
    """The most believed of what was said. A window that is not positive is no statement."""
    for source in FactSource:
        window = said.get(source)
        if window is not None and window > 0:
            return ModelFacts(context_window=window, source=source)
    return UNKNOWN


def known_windows(facts: Mapping[Target, ModelFacts]) -> dict[str, int]:
    """Context windows by public target name, as the retry policy reads them; targets of unknown window are left out."""
    return {str(target): fact.context_window for target, fact in facts.items() if fact.context_window is not None}


def larger_window(facts: Mapping[Target, ModelFacts], than: Target, among: Iterable[Target]) -> tuple[Target, ...]:
    """Those of `among`, in their order, that are known to have a larger window than `than`.

    A request that was too long for one target goes only there. Larger than an unknown window is known of none.
    """
    floor = facts.get(than, UNKNOWN).context_window
    if floor is None:
        return ()
    return tuple(target for target in among if (facts.get(target, UNKNOWN).context_window or 0) > floor)
