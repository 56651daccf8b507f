"""What is said of an attempt, whatever happened to it."""

from __future__ import annotations

import pytest
from msgspec import Raw

from actors.messages import Order
from actors.runtime import Crashed, Exit, Job, Killed, Normal, Shutdown, run_virtual, virtual_ports
from actors.tally import Tally, stop_for
from router.canon.event import Ended
from router.canon.outcome import End, UsageSource
from router.canon.target import Target
from router.canon.usage import Usage
from router.errors import Reason, WireFault
from router.wire.dialect import Ask, Requirements


def tally(job: Job) -> Tally:
    """Of an attempt of the exchange that `job` is."""
    ask = Ask(model="m", stream=True, include_usage=None, requirements=Requirements(), fields={"model": Raw(b'"m"')})
    order = Order(
        exchange="req-1",
        attempt="req-1.1",
        job=job,
        number=1,
        first=True,
        ask=ask,
        spoken="openai-chat",
        target=Target(provider="one", model="m"),
        deadline_s=60.0,
        trace_id="0" * 32,
    )
    return Tally(order, "one", virtual_ports())


def ended(reason: Exit | None) -> Job:
    """A job that ended so; None has not."""
    job = Job("exchange")
    if reason is not None:
        job.ended.settle(reason)
    return job


def test_a_fault_goes_before_the_terminal_event() -> None:
    """An empty answer has its terminal event and is a failure all the same: booked completed, its provider looks
    well."""

    async def act() -> None:
        kept = tally(ended(None))
        kept.take((Ended(),))
        kept.fault = WireFault(Reason.EMPTY_ANSWER, "nothing")
        assert kept.reason(Normal()) is Reason.EMPTY_ANSWER
        assert kept.entry(Reason.EMPTY_ANSWER).end is End.FAILED

    run_virtual(act())


def test_an_empty_whole_answer_keeps_its_count() -> None:
    """The prompt was read and is billed."""

    async def act() -> None:
        kept = tally(ended(None))
        kept.whole(Usage(input=1000))
        kept.fault = WireFault(Reason.EMPTY_ANSWER, "nothing")
        entry = kept.entry(kept.reason(Normal()))
        assert (entry.usage, entry.usage_source) == (Usage(input=1000), UsageSource.PARTIAL)

    run_virtual(act())


@pytest.mark.parametrize(
    ("exchange", "reason"),
    [
        pytest.param(stop_for(Reason.CLIENT_GONE), Reason.CLIENT_GONE, id="the caller left"),
        pytest.param(Normal(), Reason.CLIENT_GONE, id="the exchange needs it no more"),
        pytest.param(Shutdown(), Reason.SHUTTING_DOWN, id="stopped in order"),
        pytest.param(Killed(), Reason.INTERNAL, id="the front crashed"),
        pytest.param(Crashed(RuntimeError()), Reason.INTERNAL, id="the exchange crashed"),
        pytest.param(None, Reason.CRASHED, id="its provider's unit crashed"),
    ],
)
def test_an_attempt_that_is_stopped_knows_for_whom(exchange: Exit | None, reason: Reason) -> None:
    """Only a caller that left is booked as one: the crash of the front is ours."""

    async def act() -> None:
        assert tally(ended(exchange)).reason(Killed()) is reason

    run_virtual(act())
