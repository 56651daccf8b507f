"""Who goes on with an answer that broke off, as the exchange asks for it."""

from __future__ import annotations

from actors.rescue import Rescue
from actors.runtime import Actor, run_virtual
from router.canon.event import TextDelta
from router.canon.target import Target
from router.policy.course import Course
from router.policy.rescue import Method
from router.policy.retry import Route
from router.wire.dialect import Ask, Requirements
from tests.fakes.crowd import staged

ONE, TWO = Target(provider="one", model="m"), Target(provider="two", model="m")
ASK = Ask(model="m", stream=True, include_usage=None, requirements=Requirements(), fields={})


class Deaf(Actor):
    """Stands where nothing is told."""


def test_a_target_that_is_learned_to_go_on_with_nothing_has_no_way() -> None:
    """Between the choice and the asking others may learn it: it is chosen no more then (seed 91000508)."""

    async def main() -> None:
        able = {ONE, TWO}
        async with staged(Deaf) as capability:
            rescue = Rescue(Course(resume=(Method.CONTINUE,)), ASK, lambda target: target in able, capability)
            rescue.note((TextDelta(text="so far"),))
            route = Route(targets=(ONE, TWO), max_attempts=3, max_per_target=2, deadline_s=60.0)
            chosen = rescue.route(route, can_hand_over=True)
            assert chosen is not None and chosen.targets == (ONE, TWO)
            way = rescue.way(ONE, None)
            assert way is not None and way.beginning == "so far"
            able.remove(ONE)
            assert rescue.way(ONE, None) is None
            left = rescue.route(route, can_hand_over=True)
            assert left is not None and left.targets == (TWO,)

    run_virtual(main())
