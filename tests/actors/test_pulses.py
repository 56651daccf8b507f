"""What attempts tell of their targets, from a whole router: counted up and down, whatever the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actors.messages import Opened
from actors.runtime import run_virtual
from router.policy.pulse import PENALTY_S, Pulse
from router.upstream.memory import Delay, Fail, Scripted, Silence, Step
from tests.actors.test_clocks import END, provider, said, streamed
from tests.fakes.embedded import Embedded, embedded, read

WHOLE = Scripted(
    headers=(("content-type", "application/json"),),
    steps=(
        Delay(2.0),
        b'{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}',
    ),
)


def pulse(router: Embedded) -> Pulse:
    """What is published of the one target."""
    return router.assembly._edition.value.providers["p0"].pulses.value.models.get("m", Pulse())


def told(script: Scripted, *, stream: bool = True, leave_s: float | None = None, **timeouts: Any) -> Pulse:
    """What one call leaves behind; while it is under way it is counted."""

    async def main() -> Pulse:
        once = {"max_attempts": 1}
        async with embedded(lambda request: script, providers=provider(**timeouts), failover=once) as router:
            opened = router.open(stream=stream)
            await asyncio.sleep(0.001)
            assert pulse(router).in_flight == 1
            await _heard(opened, leave_s)
            await asyncio.sleep(1.0)
            assert pulse(router).in_flight == 0
            return pulse(router)

    return run_virtual(main())


async def _heard(opened: Opened, leave_s: float | None) -> None:
    if leave_s is not None:
        await asyncio.sleep(leave_s)
        opened.leave()
        return
    await read(opened)


def test_a_streamed_answer_is_measured_to_its_first_content() -> None:
    """Not to its end, and not as a whole one."""
    left = told(streamed(Delay(1.5), said("a"), Delay(9.0), *END))
    assert left.streamed.typical_s == pytest.approx(1.5, abs=0.01)
    assert left.whole.typical_s is None
    assert len(left.firsts) == 1


def test_a_whole_answer_is_measured_to_its_end() -> None:
    """Its first content comes with its last."""
    left = told(WHOLE, stream=False)
    assert left.whole.typical_s == pytest.approx(2.0, abs=0.01)
    assert left.streamed.typical_s is None
    assert left.firsts == ()


@pytest.mark.parametrize(
    ("steps", "peak_s"),
    [
        ((Fail(),), PENALTY_S),
        ((said("a"), Delay(30.0), Fail()), PENALTY_S),
        ((Silence(),), 12.0),
    ],
    ids=["at_once", "in_the_middle", "by_silence"],
)
def test_a_failure_is_a_peak(steps: tuple[Step, ...], peak_s: float) -> None:
    """As long as it was waited for with nothing said, and never a light one."""
    left = told(streamed(Delay(0.01), *steps), first_token_s=12.0)
    assert left.streamed.peak_s == pytest.approx(peak_s, abs=0.02)
    assert left.whole.peak_s == pytest.approx(peak_s, abs=0.02)


def test_a_key_that_is_refused_at_once_does_not_look_fast() -> None:
    """Nobody gets an answer there."""
    left = told(Scripted(status=401, steps=(Delay(0.01), b"{}")))
    assert left.streamed.peak_s == PENALTY_S


@pytest.mark.parametrize("status", [400, 413])
def test_what_is_the_callers_fault_says_nothing(status: int) -> None:
    """The target never had a chance."""
    left = told(Scripted(status=status, steps=(Delay(0.01), b"{}")))
    assert left.streamed.peak_s is None


def test_a_caller_who_leaves_is_counted_off_and_says_nothing() -> None:
    """Before anything was said."""
    left = told(streamed(Delay(5.0), said("a"), *END), leave_s=1.0)
    assert left == Pulse()


def test_a_unit_that_is_brought_back_keeps_its_measurements_and_starts_slowly() -> None:
    """Its attempts have ended, each counted off once."""

    async def main() -> None:
        script = lambda request: streamed(said("a"), Silence())  # noqa: E731
        async with embedded(script, providers=provider(), failover={"max_attempts": 1}) as router:
            calls = [router.open() for _ in range(3)]
            await asyncio.sleep(1.0)
            assert pulse(router).in_flight == 3
            router.assembly.system.ref("root/providers/p0/provider").tell(object())
            await asyncio.sleep(60.0)
            for call in calls:
                assert (await read(call)).error is not None
            assert pulse(router).in_flight == 0
            assert pulse(router).streamed.typical_s is not None
            since_s = router.assembly._edition.value.providers["p0"].pulses.value.since_s
            assert since_s is not None and since_s >= 1.0

    run_virtual(main())
