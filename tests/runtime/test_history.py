"""Supervisors against a reference model: any history of ends and pauses leaves the same children in the same lives."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime import (
    Actor,
    ActorSystem,
    ChildSpec,
    Intensity,
    Restart,
    Strategy,
    SupervisorSpec,
    run_virtual,
    virtual_ports,
)

NAMES = ("a", "b", "c")
LIMIT = Intensity(restarts=3, period_s=5.0)
RESTARTS = tuple(Restart)


class Mortal(Actor):
    """Ends as it is told: in order, or by a crash."""

    def on_receive(self, message: str) -> None:
        if message == "crash":
            raise RuntimeError("on purpose")
        self.stop()


class Model:
    """OTP's rules as one would say them. `lives` counts the starts; 0 in `alive` is a child that is gone."""

    def __init__(self, strategy: Strategy, restarts: tuple[Restart, ...]) -> None:
        self.strategy, self.restarts = strategy, restarts
        self.lives = [1, 1, 1]
        self.alive = [True, True, True]
        self.times: list[float] = []
        self.over = False

    def end(self, child: int, crashes: bool, now: float) -> None:
        if self.over or not self.alive[child]:
            return
        kind = self.restarts[child]
        if kind is Restart.TEMPORARY or (kind is Restart.TRANSIENT and not crashes):
            self.alive[child] = False
            return
        self.times = [at for at in self.times if at >= now - LIMIT.period_s] + [now]
        if len(self.times) > LIMIT.restarts:
            self.alive, self.over = [False] * 3, True
            return
        first = {Strategy.ONE_FOR_ONE: child, Strategy.ONE_FOR_ALL: 0, Strategy.REST_FOR_ONE: child}[self.strategy]
        last = child if self.strategy is Strategy.ONE_FOR_ONE else len(NAMES) - 1
        for other in range(first, last + 1):
            if other != child and self.restarts[other] is Restart.TEMPORARY:
                self.alive[other] = False  # stopped with the others, and never brought back
            elif other == child or self.alive[other] or self.strategy is not Strategy.ONE_FOR_ONE:
                self.lives[other] += 1
                self.alive[other] = True


Step = tuple[str, Any]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["crash", "leave"]), st.integers(0, 2)),
        st.tuples(st.just("wait"), st.sampled_from([0.5, 2.0, 6.0])),
    ),
    max_size=14,
)


async def live(strategy: Strategy, restarts: tuple[Restart, ...], steps: list[Step]) -> tuple[Any, Any]:
    """What became of the real tree and of the model after the same history."""
    loop = asyncio.get_running_loop()
    system = ActorSystem(virtual_ports(), on_report=lambda _: None)
    children = tuple(
        ChildSpec(name=name, start=Mortal, restart=kind) for name, kind in zip(NAMES, restarts, strict=True)
    )
    await system.start(SupervisorSpec(children=children, strategy=strategy, intensity=LIMIT))
    model = Model(strategy, restarts)
    refs = [system.ref(f"root/{name}") for name in NAMES]
    for what, which in steps:
        if what == "wait":
            await asyncio.sleep(which)
            continue
        refs[which].tell(what)
        await asyncio.sleep(0.001)
        model.end(which, what == "crash", loop.time() - 0.001)
    await asyncio.sleep(0.1)
    real = [ref.alive for ref in refs], [ref.incarnation for ref in refs], system.ended is not None
    await system.stop()
    return real, (model.alive, model.lives, model.over)


@pytest.mark.parametrize("strategy", Strategy, ids=str)
@settings(deadline=None, max_examples=60)
@given(restarts=st.tuples(*[st.sampled_from(RESTARTS)] * 3), steps=STEPS)
def test_a_tree_lives_as_the_model_says(strategy: Strategy, restarts: tuple[Restart, ...], steps: list[Step]) -> None:
    """Whoever is alive, in which life, and whether the supervisor gave up."""
    real, expected = run_virtual(live(strategy, restarts, steps))
    assert real == expected
