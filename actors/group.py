"""The FailoverGroup actor: one public model name and the targets behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import assert_never

from msgspec import Struct

from actors.messages import BreakerState, HedgeDenied, HedgeGranted, Plan, Planned, SpendHedge
from actors.pulses import PulseView
from actors.runtime import Actor
from router.canon.operation import Operation
from router.canon.target import Target
from router.canon.usage import Usage
from router.policy.affinity import Affinity, affinity_of
from router.policy.breaker import Phase
from router.policy.capability import ModelFacts, able_targets
from router.policy.choose import NAMED, Candidate, ChoiceRules, Moment, Strategy, Wishes, choose_order
from router.policy.course import Course
from router.policy.hedge import HedgeRules, Purse, late_after_s, next_exchange, spend_hedge
from router.policy.mix import expected_usage
from router.policy.pulse import Pulse, later_of
from router.wire.dialect import Ask
from router.wire.needs import needs_of

_IDLE = Pulse()


class GroupSpec(Struct, frozen=True, kw_only=True):
    """What an operator says of a group.

    Args:
        targets: in their configured order.
        able: those of them, in that order, that may be asked for an operation; all for one that is not in it.
        weights: of those whose weight is not 1.
        max_attempts: requests one exchange may send, the first included; at least 1.
        course: what is done when a target fails.
    """

    targets: tuple[Target, ...]
    able: Mapping[Operation, tuple[Target, ...]] = {}
    rules: ChoiceRules = ChoiceRules()
    weights: Mapping[Target, float] = {}
    max_attempts: int = 3
    course: Course = Course()


class Readers(Struct, frozen=True, kw_only=True):
    """Where a group looks; each reads a snapshot and asks nobody.

    Args:
        breakers: provider -> its published breakers by model; empty for a provider that is gone.
        cool_until_s: provider -> the monotonic end of the quiet it asked for; 0 for none.
        windows: context window in tokens by public target name, where it is known.
        pulses: provider -> what its unit measures.
        health: provider -> its score, 0 to 1.
        usd: what so much usage costs at a target; None: nobody knows.
        facts: what every target can do, as far as it is known.
        found: a name -> the targets that providers listed themselves under it; "PROVIDER:" is the first one of that
            provider that chats.
    """

    breakers: Callable[[str], Mapping[str, BreakerState]]
    cool_until_s: Callable[[str], float]
    windows: Callable[[], Mapping[str, int]]
    pulses: Callable[[str], PulseView]
    health: Callable[[str], float]
    usd: Callable[[Target, Usage], Decimal | None]
    facts: Callable[[], Mapping[Target, ModelFacts]] = dict
    found: Callable[[str], tuple[Target, ...]] = lambda _name: ()


class FailoverGroup(Actor):
    """Orders its targets for one exchange.

    Accepts `Plan` -> `Planned`, `SpendHedge` -> `HedgeGranted | HedgeDenied`. A restart loses whose turn it was, and
    the last minute's account of hedges: until it is earned anew there are none.
    """

    prompt = True

    def __init__(self, *, spec: GroupSpec, readers: Readers) -> None:
        super().__init__()
        self._spec = spec
        self._readers = readers
        self._names_all = bool(spec.targets) and all(target.model for target in spec.targets)
        self._shares_load = spec.rules.strategy not in NAMED

    async def on_start(self) -> None:
        """Begin with the first target."""
        self._cursor = 0
        self._purse = Purse()

    def on_receive(self, message: Plan | SpendHedge) -> Planned | HedgeGranted | HedgeDenied:
        """Choose, and remember whose turn is next; or pay for a hedge."""
        match message:
            case SpendHedge():
                return self._spend(message)
            case Plan():
                return self._plan(message.ask, self._spec.able.get(message.operation, self._spec.targets))
            case _:
                assert_never(message)

    def _plan(self, ask: Ask, able: tuple[Target, ...]) -> Planned:
        wanted, spec = ask.requirements, self._spec
        fitting = self._fit(ask, able)
        targets = fitting if len(fitting) == 1 and wanted.min_context is None else self._chosen(ask, fitting)
        # a caller may ask for fewer attempts than the group allows, never for more
        attempts = min(wanted.max_attempts or spec.max_attempts, spec.max_attempts)
        return Planned(
            targets=targets,
            max_attempts=max(attempts, 1),
            strategy=spec.rules.strategy,
            course=spec.course,
            late_s={} if spec.course.hedge is None else self._late_s(ask, targets, spec.course.hedge),
        )

    def _chosen(self, ask: Ask, fitting: tuple[Target, ...]) -> tuple[Target, ...]:
        """In the order in which to ask them; where there is but one, nobody needs to look how it is."""
        wanted = ask.requirements
        wishes = Wishes(
            fallback=wanted.fallback,
            min_context=wanted.min_context,
            affinity=self._affinity(ask),
            streamed=ask.stream,
        )
        moment = Moment(cursor=self._cursor, now=self.ports.clock.now(), rng=self.ports.rng)
        choice = choose_order(self._candidates(ask, fitting), self._spec.rules, wishes, moment)
        self._cursor = choice.cursor
        return choice.targets

    def _late_s(self, ask: Ask, targets: tuple[Target, ...], rules: HedgeRules) -> dict[Target, float]:
        """When each target is late, by its own history; and the exchange earns its share of a hedge."""
        self._purse = next_exchange(self._purse, self.ports.clock.now(), rules)
        known: dict[Target, float] = {}
        for target in targets:
            pulse = self._readers.pulses(target.provider).models.get(target.model, _IDLE)
            late_s = late_after_s(pulse.firsts if ask.stream else pulse.wholes, rules)
            if late_s is not None:
                known[target] = late_s
        return known

    def _spend(self, message: SpendHedge) -> HedgeGranted | HedgeDenied:
        rules = self._spec.course.hedge
        if rules is None:
            return HedgeDenied()
        usd = self._readers.usd(message.target, expected_usage(message.ask.fields))
        after = spend_hedge(self._purse, usd, self.ports.clock.now(), rules)
        if after is None:
            return HedgeDenied()
        self._purse = after
        return HedgeGranted()

    def _affinity(self, ask: Ask) -> bytes | None:
        """Looked for only where it is of use: the beginning of a long conversation takes a millisecond to find."""
        if not self._shares_load or len(self._spec.targets) < 2 or self._spec.rules.affinity is Affinity.OFF:
            return None
        return affinity_of(ask.requirements.affinity_key, ask.fields, self._spec.rules.affinity)

    def _candidates(self, ask: Ask, fitting: tuple[Target, ...]) -> tuple[Candidate, ...]:
        windows = self._readers.windows()
        usage = expected_usage(ask.fields) if self._spec.rules.strategy is Strategy.CHEAPEST else None
        return tuple(self._candidate(target, windows, usage) for target in fitting)

    def _fit(self, ask: Ask, able: tuple[Target, ...]) -> tuple[Target, ...]:
        """The targets that the request may go to by what it needs; nobody looks where there is no choice."""
        targets = able if self._names_all else self._targets(ask.model, able)
        requires = ask.requirements.requires
        if len(targets) < 2 and not requires:
            return targets
        return able_targets(targets, self._readers.facts(), needs_of(ask.fields), requires)

    def _targets(self, model: str, able: tuple[Target, ...]) -> tuple[Target, ...]:
        """As configured. A target without a model is the first that its provider listed, and a group without targets
        stands for every name that was found."""
        if not self._spec.targets:
            return self._readers.found(model)
        return tuple(
            chosen for target in able for chosen in ((target,) if target.model else self._readers.found(str(target)))
        )

    def _candidate(self, target: Target, windows: Mapping[str, int], usage: Usage | None) -> Candidate:
        readers, provider = self._readers, target.provider
        state = readers.breakers(provider).get(target.model)
        open_until_s = 0.0 if state is None or state.state == Phase.CLOSED else state.retry_at_s or 0.0
        window_tokens, until_s = windows.get(str(target)), max(open_until_s, readers.cool_until_s(provider))
        if not self._shares_load:
            usd = None if usage is None else readers.usd(target, usage)
            return Candidate(target=target, window_tokens=window_tokens, resting_until_s=until_s, usd=usd)
        view = readers.pulses(provider)
        return Candidate(
            target=target,
            window_tokens=window_tokens,
            resting_until_s=until_s,
            weight=self._spec.weights.get(target, 1.0),
            since_s=later_of(view.since_s, None if state is None else state.closed_since_s),
            pulse=view.models.get(target.model, _IDLE),
            health=readers.health(provider),
        )
