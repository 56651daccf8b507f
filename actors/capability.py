"""The Capability actor: what each target's model can do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import assert_never

from msgspec.structs import replace

from actors.messages import FactsLearned, PrefixRefused, TargetsChanged
from actors.runtime import Actor, Snapshot
from router.canon.ability import UNSAID, Ability, Traits, merged
from router.canon.target import Target
from router.policy.capability import FactSource, ModelFacts, choose_facts

Facts = Mapping[Target, ModelFacts]
Said = Callable[[Target], Mapping[FactSource, Traits]]
"""What operators, the price list and the kinds' own tables say of a target."""

_UNWILLING = Traits(cannot=(Ability.PREFILL,))

_AT_ONCE = 16
"""Targets looked up before others get their turn: a look into the price list takes a tenth of a millisecond."""


class Capability(Actor):
    """Publishes `ModelFacts` by target for planning: configured, learned from the provider, from the price list, known.

    Accepts the facts `FactsLearned`, whose models become targets of their own where no configured one stands for them,
    `PrefixRefused` and `TargetsChanged`.

    A restart loses nothing: what was learned is read back from what was published, all else is given.

    Args:
        targets: every target of the configuration in force, with its provider's own name for its model.
        said: all that does not come from the provider itself.
        continuing: the targets that are known to go on with the beginning of an answer.
    """

    def __init__(
        self,
        *,
        targets: Callable[[], Mapping[Target, str]],
        said: Said,
        continuing: Callable[[], frozenset[Target]] = frozenset,
        published: Snapshot[Facts],
    ) -> None:
        super().__init__()
        self._targets = targets
        self._said = said
        self._continuing = continuing
        self._published = published

    async def on_start(self) -> None:
        """Look up each configured target once, and publish."""
        self._learned: dict[str, dict[str, Traits]] = {}
        names = self._targets()
        for target, facts in self._published.value.items():
            if not facts.learned.silent():
                learned = self._learned.setdefault(target.provider, {})
                learned[names.get(target, target.model)] = facts.learned
        self._begin()
        await self._publish()

    async def on_receive(self, message: FactsLearned | PrefixRefused | TargetsChanged) -> None:
        """Take it in where it is news."""
        match message:
            case TargetsChanged():
                self._begin()
                await self._publish()
            case PrefixRefused():
                self._unwilling.add(message.target)
                await self._publish()
            case FactsLearned():
                if self._learned.get(message.provider) != message.models:
                    self._learned[message.provider] = message.models
                    await self._publish()
            case _:
                assert_never(message)

    def _begin(self) -> None:
        before = self._published.value
        self._able = self._continuing()
        self._unwilling = {target for target in self._able if target in before and not before[target].continues}

    async def _publish(self) -> None:
        targets = self._targets()
        standing = {(target.provider, name) for target, name in targets.items()}
        names = dict(targets)
        for provider, learned_models in self._learned.items():
            for name in learned_models:
                if (provider, name) not in standing:
                    names.setdefault(Target(provider=provider, model=name), name)
        facts: dict[Target, ModelFacts] = {}
        for rank, (target, name) in enumerate(names.items()):
            if rank and rank % _AT_ONCE == 0:
                await asyncio.sleep(0)
            learned = self._learned.get(target.provider, {}).get(name, UNSAID)
            chosen = choose_facts({**self._said(target), FactSource.LEARNED: learned})
            if target in self._unwilling:
                chosen = replace(chosen, traits=merged((_UNWILLING, chosen.traits)))
            willing = target in self._able and target not in self._unwilling
            facts[target] = replace(chosen, continues=willing) if willing else chosen
        self._published.publish(facts)
