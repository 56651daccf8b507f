"""The FailoverGroup actor: one public model name and the targets behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

from msgspec import Struct

from actors.messages import BreakerState, Plan, Planned
from actors.runtime import Actor
from router.canon.target import Target
from router.policy.breaker import Phase
from router.policy.choose import Candidate, Strategy, Wishes, choose_order
from router.policy.course import Course


class GroupSpec(Struct, frozen=True, kw_only=True):
    """What an operator says of a group.

    Args:
        targets: in their configured order.
        max_attempts: requests one exchange may send, the first included; at least 1.
        course: what is done when a target fails.
    """

    targets: tuple[Target, ...]
    strategy: Strategy = Strategy.PRIORITY
    max_attempts: int = 3
    course: Course = Course()


class Readers(Struct, frozen=True, kw_only=True):
    """Where a group looks; each reads a snapshot and asks nobody.

    Args:
        breakers: provider -> its published breakers by model; empty for a provider that is gone.
        cool_until_s: provider -> the monotonic end of the quiet it asked for; 0 for none.
        windows: context window in tokens by public target name, where it is known.
    """

    breakers: Callable[[str], Mapping[str, BreakerState]]
    cool_until_s: Callable[[str], float]
    windows: Callable[[], Mapping[str, int]]


class FailoverGroup(Actor):
    """Orders its targets for one exchange.

    Accepts `Plan` -> `Planned`. A restart loses whose turn it was.
    """

    def __init__(self, *, spec: GroupSpec, readers: Readers) -> None:
        super().__init__()
        self._spec = spec
        self._readers = readers

    async def on_start(self) -> None:
        """Begin with the first target."""
        self._cursor = 0

    def on_receive(self, message: Plan) -> Planned:
        """Choose, and remember whose turn is next."""
        match message:
            case Plan():
                return self._plan(message)
            case _:
                assert_never(message)

    def _plan(self, message: Plan) -> Planned:
        wanted = message.requirements
        wishes = Wishes(fallback=wanted.fallback, min_context=wanted.min_context)
        windows = self._readers.windows()
        candidates = tuple(self._candidate(target, windows) for target in self._spec.targets)
        choice = choose_order(candidates, self._spec.strategy, self._cursor, wishes, self.ports.clock.now())
        self._cursor = choice.cursor
        # a caller may ask for fewer attempts than the group allows, never for more
        attempts = min(wanted.max_attempts or self._spec.max_attempts, self._spec.max_attempts)
        return Planned(targets=choice.targets, max_attempts=max(attempts, 1), course=self._spec.course)

    def _candidate(self, target: Target, windows: Mapping[str, int]) -> Candidate:
        state = self._readers.breakers(target.provider).get(target.model)
        open_until_s = 0.0 if state is None or state.state == Phase.CLOSED else state.retry_at_s or 0.0
        return Candidate(
            target=target,
            window_tokens=windows.get(str(target)),
            resting_until_s=max(open_until_s, self._readers.cool_until_s(target.provider)),
        )
