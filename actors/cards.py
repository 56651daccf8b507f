"""What the desk tells of models: every name a caller may ask for, and what each model can do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from actors.edition import Edition, ProviderView
from actors.messages import ModelAbilities, ModelCard, ProviderAbilities
from router.canon.ability import Ability, Traits
from router.canon.target import Target
from router.policy.capability import UNKNOWN, ModelFacts

Facts = Mapping[Target, ModelFacts]


def cards_of(edition: Edition, facts: Facts) -> tuple[ModelCard, ...]:
    """The configured names, then `provider:model` of all that providers listed themselves."""
    cards = [_card(route.name, route.targets, facts) for route in edition.routes]
    named = {card.id for card in cards}
    found = (target for target in _found(edition) if str(target) not in named)
    return (*cards, *(_card(str(target), (target,), facts) for target in found))


def abilities_of(edition: Edition, facts: Facts) -> dict[str, ProviderAbilities]:
    """What each model of each provider can do, as far as it is known."""
    return {name: _abilities(name, seen, facts) for name, seen in edition.providers.items()}


def _card(name: str, targets: tuple[Target, ...], facts: Facts) -> ModelCard:
    """What is known of all targets alike: what fits everywhere fits wherever the request ends up."""
    known = [facts.get(target, UNKNOWN) for target in targets]
    providers = {target.provider for target in targets}
    can = (ability for ability in Ability if known and all(ability in fact.traits.can for fact in known))
    cannot = (ability for ability in Ability if known and all(ability in fact.traits.cannot for fact in known))
    return ModelCard(
        id=name,
        owner=providers.pop() if len(providers) == 1 else "pointsman",
        targets=tuple(str(target) for target in targets if target.model),
        context_window=_least(fact.context_window for fact in known),
        traits=Traits(
            can=tuple(can), cannot=tuple(cannot), max_output=_least(fact.traits.max_output for fact in known)
        ),
    )


def _least(numbers: Iterable[int | None]) -> int | None:
    """The smallest; None where one is not known."""
    given = list(numbers)
    known = [number for number in given if number is not None]
    return min(known, default=None) if len(known) == len(given) else None


def _found(edition: Edition) -> Iterator[Target]:
    for name, seen in edition.providers.items():
        for model in seen.found.value if seen.found is not None else ():
            yield Target(provider=name, model=model)


def _abilities(name: str, seen: ProviderView, facts: Facts) -> ProviderAbilities:
    found = None if seen.found is None else seen.found.value
    models = dict.fromkeys((*seen.models, *(found or ())))
    known = {model: facts.get(Target(provider=name, model=model), UNKNOWN) for model in models}
    return ProviderAbilities(
        models={
            model: ModelAbilities(
                traits=replace(fact.traits, context_window=fact.context_window), window_source=fact.source
            )
            for model, fact in known.items()
        },
        found=None if found is None else len(found),
    )
