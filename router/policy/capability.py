"""What is known of a target's model, and who said so. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct

from router.canon.ability import UNSAID, Ability, Traits, merged
from router.canon.target import Target


class FactSource(StrEnum):
    """Who says so, the most believed first: the operator, the target itself, the price list, the kind's own table."""

    CONFIGURED = "configured"
    LEARNED = "learned"
    LISTED = "listed"
    KNOWN = "known"


class ModelFacts(Struct, frozen=True, kw_only=True):
    """What a target's model can do.

    Args:
        context_window: tokens that prompt and answer may have together; None when nobody said.
        source: who said so; None as well then.
        continues: whether it goes on with the beginning of an answer.
        traits: all that was said, of each thing the most believed word.
        learned: of it, what the target itself said.
    """

    context_window: int | None = None
    source: FactSource | None = None
    continues: bool = False
    traits: Traits = UNSAID
    learned: Traits = UNSAID


UNKNOWN = ModelFacts()
"""What is known of a target that nobody said anything about."""


def choose_facts(said: Mapping[FactSource, Traits]) -> ModelFacts:
    """The most believed of what was said. A window that is not positive is no statement."""
    traits = merged(said[source] for source in FactSource if source in said)
    learned = said.get(FactSource.LEARNED, UNSAID)
    for source in FactSource:
        window = said.get(source, UNSAID).context_window
        if window is not None and window > 0:
            return ModelFacts(context_window=window, source=source, traits=traits, learned=learned)
    return ModelFacts(traits=traits, learned=learned)


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


def able_targets(
    targets: tuple[Target, ...],
    facts: Mapping[Target, ModelFacts],
    needs: tuple[Ability, ...],
    requires: tuple[Ability, ...],
) -> tuple[Target, ...]:
    """The targets that a request of these abilities may go to, in their order.

    What a caller requires is a condition: a target known to be unable is out, and those known to be able come before
    those of whom nobody knows. What a request only shows to need (`needs`: an image, tools, a schema) keeps the
    operator's order: a target known to be unable is out while any other is left, and the rest stay where they stand,
    since of most servers of one's own nobody has said what they can.
    """
    allowed = tuple(target for target in targets if not _lacks(facts, target, requires))
    if requires:
        allowed = tuple(sorted(allowed, key=lambda target: not _has(facts, target, requires)))
    fit = tuple(target for target in allowed if not _lacks(facts, target, needs))
    return fit or allowed


def _lacks(facts: Mapping[Target, ModelFacts], target: Target, abilities: tuple[Ability, ...]) -> bool:
    cannot = facts.get(target, UNKNOWN).traits.cannot
    return any(ability in cannot for ability in abilities)


def _has(facts: Mapping[Target, ModelFacts], target: Target, abilities: tuple[Ability, ...]) -> bool:
    can = facts.get(target, UNKNOWN).traits.can
    return all(ability in can for ability in abilities)
