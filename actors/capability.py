"""The Capability actor: what each target's model can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

from msgspec.structs import replace

from actors.messages import FactsLearned, PrefixRefused, TargetsChanged
from actors.runtime import Actor, Snapshot
from router.canon.target import Target
from router.policy.capability import UNKNOWN, FactSource, ModelFacts, choose_facts

Facts = Mapping[Target, ModelFacts]


class Capability(Actor):
    """Publishes `ModelFacts` by target for planning: configured, learned from the target, or from the price list.

    Accepts the facts `FactsLearned`, of which what is said of a target that is not configured is dropped,
    `PrefixRefused` and `TargetsChanged`.

    A restart loses nothing: what was learned is read back from what was published, all else is given.

    Args:
        configured: every target of the configuration in force, with the window it says, or None.
        listed: the price list's window of a target, or None.
        continuing: the targets that are known to go on with the beginning of an answer.
    """

    def __init__(
        self,
        *,
        configured: Callable[[], Mapping[Target, int | None]],
        listed: Callable[[Target], int | None],
        continuing: Callable[[], frozenset[Target]] = frozenset,
        published: Snapshot[Facts],
    ) -> None:
        super().__init__()
        self._configured = configured
        self._listed = listed
        self._continuing = continuing
        self._published = published

    async def on_start(self) -> None:
        """Ask the list once for each target, and publish."""
        self._begin()

    def on_receive(self, message: FactsLearned | PrefixRefused | TargetsChanged) -> None:
        """Take it in where it is news."""
        match message:
            case TargetsChanged():
                self._begin()
            case FactsLearned():
                said = self._said.get(message.target)
                if said is not None and said[FactSource.LEARNED] != message.context_window:
                    said[FactSource.LEARNED] = message.context_window
                    self._publish()
            case PrefixRefused():
                self._unwilling.add(message.target)
                self._publish()
            case _:
                assert_never(message)

    def _begin(self) -> None:
        before = self._published.value
        self._said: dict[Target, dict[FactSource, int | None]] = {
            target: {
                FactSource.CONFIGURED: window,
                FactSource.LEARNED: _learned(before.get(target, UNKNOWN)),
                FactSource.LISTED: self._listed(target),
            }
            for target, window in self._configured().items()
        }
        self._able = self._continuing()
        self._unwilling = {target for target in self._able if target in before and not before[target].continues}
        self._publish()

    def _publish(self) -> None:
        willing = self._able - self._unwilling
        self._published.publish(
            {target: replace(choose_facts(said), continues=target in willing) for target, said in self._said.items()}
        )


def _learned(facts: ModelFacts) -> int | None:
    return facts.context_window if facts.source is FactSource.LEARNED else None
