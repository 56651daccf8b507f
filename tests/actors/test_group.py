"""A group orders its targets by what others published, and asks nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal

import pytest

from actors.group import FailoverGroup, GroupSpec, Readers
from actors.messages import BreakerState, Plan, Planned
from actors.pulses import PulseView
from actors.runtime import Ref, run_virtual
from router.canon.target import Target
from router.canon.usage import Usage
from router.policy.choose import ChoiceRules, Strategy
from router.policy.pulse import Latency, Pulse
from router.wire.dialect import Ask, Requirements
from tests.fakes.crowd import staged

A = Target(provider="a", model="m")
B = Target(provider="b", model="m")
CLOSED = BreakerState(state="closed")


class World:
    """What the group reads; tests change it."""

    def __init__(self) -> None:
        self.breakers: dict[str, Mapping[str, BreakerState]] = {}
        self.cooling: dict[str, float] = {}
        self.windows: dict[str, int] = {}
        self.pulses: dict[str, PulseView] = {}
        self.health: dict[str, float] = {}
        self.per_token_usd: dict[str, Decimal] = {}

    def group(self, strategy: Strategy = Strategy.PRIORITY) -> FailoverGroup:
        """A group of A and B with three attempts, that reads this world."""
        readers = Readers(
            breakers=lambda provider: self.breakers.get(provider, {}),
            cool_until_s=lambda provider: self.cooling.get(provider, 0.0),
            windows=lambda: self.windows,
            pulses=lambda provider: self.pulses.get(provider, PulseView()),
            health=lambda provider: self.health.get(provider, 1.0),
            usd=self._usd,
        )
        spec = GroupSpec(targets=(A, B), rules=ChoiceRules(strategy=strategy), max_attempts=3)
        return FailoverGroup(spec=spec, readers=readers)

    def _usd(self, target: Target, usage: Usage) -> Decimal | None:
        rate = self.per_token_usd.get(target.provider)
        return None if rate is None else rate * usage.total


def asked(requirements: Requirements, *, stream: bool = True) -> Ask:
    """A request with these wishes and nothing else that matters."""
    return Ask(model="chat", stream=stream, include_usage=None, requirements=requirements, fields={})


async def planned(ref: Ref, requirements: Requirements | None = None) -> Planned:
    """Its answer."""
    answer = await ref.ask(Plan(ask=asked(requirements or Requirements())))
    assert isinstance(answer, Planned)
    return answer


@pytest.mark.parametrize(
    ("state", "order"),
    [
        (CLOSED, (A, B)),
        (BreakerState(state="open", retry_at_s=5.0), (B, A)),
        (BreakerState(state="half_open", retry_at_s=5.0), (B, A)),
    ],
    ids=["closed", "open", "half_open"],
)
def test_a_target_that_rests_goes_last_until_its_time(state: BreakerState, order: tuple[Target, ...]) -> None:
    """And is back in its place, to be probed, the moment it may be asked."""

    async def main() -> None:
        world = World()
        world.breakers["a"] = {"m": state, "another": BreakerState(state="open", retry_at_s=99.0)}
        async with staged(world.group) as ref:
            assert (await planned(ref)).targets == order
            await asyncio.sleep(5.0)
            assert (await planned(ref)).targets == (A, B)

    run_virtual(main())


def test_a_provider_that_wants_quiet_goes_last() -> None:
    """The later of breaker and quiet counts."""

    async def main() -> None:
        world = World()
        world.cooling = {"a": 9.0, "b": 3.0}
        world.breakers["b"] = {"m": BreakerState(state="open", retry_at_s=20.0)}
        async with staged(world.group) as ref:
            assert (await planned(ref)).targets == (A, B)
            world.cooling["a"] = 60.0
            assert (await planned(ref)).targets == (B, A)

    run_virtual(main())


def test_turns_are_taken_over_exchanges() -> None:
    """The cursor is the group's state."""

    async def main() -> None:
        async with staged(lambda: World().group(Strategy.ROUND_ROBIN)) as ref:
            firsts = [(await planned(ref)).targets[0].provider for _ in range(4)]
            assert firsts == ["a", "b", "a", "b"]

    run_virtual(main())


@pytest.mark.parametrize(("asked", "given"), [(None, 3), (1, 1), (9, 3)], ids=["silent", "fewer", "more"])
def test_a_caller_may_ask_for_fewer_attempts_but_not_for_more(asked: int | None, given: int) -> None:
    """The route's bound is the operator's."""

    async def main() -> None:
        async with staged(World().group) as ref:
            assert (await planned(ref, Requirements(max_attempts=asked))).max_attempts == given

    run_virtual(main())


def test_requirements_reach_the_choice() -> None:
    """A window too small is left out; no fallback leaves one target."""

    async def main() -> None:
        world = World()
        world.windows = {"a:m": 8_000, "b:m": 200_000}
        async with staged(world.group) as ref:
            assert (await planned(ref, Requirements(min_context=100_000))).targets == (B,)
            assert (await planned(ref, Requirements(fallback=False))).targets == (A,)

    run_virtual(main())


def test_what_units_and_telemetry_publish_reaches_the_choice() -> None:
    """Attempts under way and the provider's health make a target heavier."""

    async def main() -> None:
        world = World()
        even = Pulse(streamed=Latency(peak_s=0.2, typical_s=0.2))
        world.pulses = {"a": PulseView(models={"m": even}), "b": PulseView(models={"m": even, "other": Pulse()})}
        async with staged(lambda: world.group(Strategy.LOAD_BALANCED)) as ref:
            assert {(await planned(ref)).targets for _ in range(50)} == {(A, B), (B, A)}
            world.health = {"a": 0.5}
            assert {(await planned(ref)).targets for _ in range(50)} == {(B, A)}
            busy = Pulse(in_flight=4, streamed=even.streamed)
            world.pulses["b"] = PulseView(models={"m": busy})
            answer = await planned(ref)
            assert answer.targets == (A, B)
            assert answer.strategy == "load_balanced"

    run_virtual(main())


def test_prices_are_asked_for_the_request_as_it_is() -> None:
    """The cheaper is first, whoever has no price is last."""

    async def main() -> None:
        world = World()
        async with staged(lambda: world.group(Strategy.CHEAPEST)) as ref:
            world.per_token_usd = {"b": Decimal("0.1")}
            assert (await planned(ref)).targets == (B, A)
            world.per_token_usd["a"] = Decimal("0.01")
            assert (await planned(ref)).targets == (A, B)

    run_virtual(main())


def test_a_target_that_just_came_back_gets_little_at_first() -> None:
    """By what its breaker publishes, or its unit; ten seconds later it has its turns again."""

    async def main() -> None:
        world = World()
        await asyncio.sleep(100.0)
        now = asyncio.get_running_loop().time()
        world.breakers["a"] = {"m": BreakerState(state="closed", closed_since_s=now)}
        async with staged(lambda: world.group(Strategy.ROUND_ROBIN)) as ref:
            early = [(await planned(ref)).targets[0] for _ in range(400)].count(A)
            assert 2 <= early <= 50
            await asyncio.sleep(10.0)
            assert [(await planned(ref)).targets[0] for _ in range(400)].count(A) == 200
            world.pulses["a"] = PulseView(since_s=asyncio.get_running_loop().time())
            assert [(await planned(ref)).targets[0] for _ in range(400)].count(A) <= 50

    run_virtual(main())
