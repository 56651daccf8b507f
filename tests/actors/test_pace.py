"""Slots of one provider: never one too many, never one lost, nobody left waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from actors.messages import Acquire, Acquired, Busy, CooledDown
from actors.pace import Pace
from actors.runtime import ActorDead, AskTimeout, Exit, Job, Ref, Snapshot, Tasks, run_virtual
from router.policy.pace import PaceRules
from tests.fakes.crowd import ENDS, Crowd, End, breathe, crash, staged

LONG_S = 1_000.0


def pace(max_parallel: int | None, max_queue: int = 100) -> Callable[[], Pace]:
    """A pace that waits up to 30 s for a slot."""
    rules = PaceRules(max_parallel=max_parallel, max_queue=max_queue, max_wait_s=30.0)
    return lambda: Pace(rules=rules, cool_until_s=Snapshot(0.0))


async def acquire(ref: Ref, job: Job, deadline_s: float = LONG_S) -> Acquired | Busy:
    """Ask for a slot for `job`."""
    answer = await ref.ask(Acquire(job=job, deadline_s=deadline_s), timeout_s=LONG_S)
    assert isinstance(answer, (Acquired, Busy))
    return answer


@pytest.mark.parametrize("shuffle", [False, True], ids=["in_order", "shuffled"])
def test_a_hundred_at_once_never_hold_more_than_five_slots(shuffle: bool) -> None:
    """Scenario 58: and all hundred get their turn."""

    async def main() -> None:
        tasks = Tasks("attempts")
        jobs: list[Job] = []
        under_way, most, served = set[Job](), 0, 0

        async def attempt(number: int) -> None:
            nonlocal most, served
            assert await acquire(ref, jobs[number]) == Acquired()
            under_way.add(jobs[number])
            most = max(most, len(under_way))
            await asyncio.sleep(0.1 + number / 1_000)
            served += 1

        def ended(job: Job, reason: Exit) -> None:
            under_way.discard(job)

        async with staged(pace(5)) as ref:
            for number in range(100):
                jobs.append(tasks.start(attempt(number), name=str(number), on_exit=ended))
            await tasks.drained()
        assert (most, served) == (5, 100)

    run_virtual(main(), shuffle=shuffle)


@pytest.mark.parametrize("end", ENDS)
def test_a_slot_comes_back_whatever_the_end(end: End) -> None:
    """Who waits gets it."""

    async def main() -> None:
        crowd = Crowd()
        async with staged(pace(1)) as ref:
            holder = crowd.job()
            await acquire(ref, holder)
            waiting = asyncio.gather(acquire(ref, crowd.job()))
            await breathe()
            assert not waiting.done()
            await end(crowd, holder)
            assert (await waiting)[0] == Acquired()

    run_virtual(main())


def test_a_rejected_attempt_used_nothing_up() -> None:
    """Scenario 57: A runs, B is refused, A ends, C is accepted."""

    async def main() -> None:
        crowd = Crowd()
        async with staged(pace(1, max_queue=0)) as ref:
            a, b, c = (crowd.job() for _ in range(3))
            assert await acquire(ref, a) == Acquired()
            assert isinstance(await acquire(ref, b), Busy)
            await crowd.finish(a)
            assert await acquire(ref, c) == Acquired()

    run_virtual(main())


def test_a_job_holds_one_slot_however_often_it_asks() -> None:
    """Two asks of one attempt are not two attempts."""

    async def main() -> None:
        crowd = Crowd()
        async with staged(pace(2)) as ref:
            job = crowd.job()
            assert await acquire(ref, job) == await acquire(ref, job) == Acquired()
            assert await acquire(ref, crowd.job()) == Acquired()

    run_virtual(main())


def test_one_who_leaves_the_queue_does_not_take_a_slot_along() -> None:
    """The slot goes to the next who is still there."""

    async def main() -> None:
        crowd = Crowd()
        async with staged(pace(1)) as ref:
            holder, gone, patient = (crowd.job() for _ in range(3))
            await acquire(ref, holder)
            first = asyncio.gather(acquire(ref, gone))
            second = asyncio.gather(acquire(ref, patient))
            await breathe()
            await crowd.cancel(gone)
            assert (await first)[0] == Busy(retry_after_s=0.0)
            await crowd.finish(holder)
            assert (await second)[0] == Acquired()

    run_virtual(main())


def test_an_asker_that_gave_up_does_not_take_a_slot() -> None:
    """Its job goes on elsewhere and would hold the slot unused to its end."""

    async def main() -> None:
        crowd = Crowd()
        async with staged(pace(1)) as ref:
            holder, impatient, patient = (crowd.job() for _ in range(3))
            await acquire(ref, holder)
            with pytest.raises(AskTimeout):
                await ref.ask(Acquire(job=impatient, deadline_s=LONG_S), timeout_s=1.0)
            second = asyncio.gather(acquire(ref, patient))
            await breathe()
            await crowd.finish(holder)
            assert (await asyncio.wait_for(second, 5.0))[0] == Acquired()

    run_virtual(main())


def test_who_cannot_be_served_in_time_is_told_at_that_time() -> None:
    """Its own deadline or the bound on waiting, whichever is sooner; nobody hangs on a slot that never comes."""

    async def main() -> None:
        crowd, now = Crowd(), asyncio.get_running_loop().time
        async with staged(pace(1)) as ref:
            await acquire(ref, crowd.job())
            begun = now()
            patient = asyncio.gather(acquire(ref, crowd.job()))
            await breathe()
            assert isinstance(await acquire(ref, crowd.job(), deadline_s=begun + 5.0), Busy)
            assert now() - begun == pytest.approx(5.0, abs=0.01)
            assert isinstance((await patient)[0], Busy)
            assert now() - begun == pytest.approx(30.0, abs=0.01)

    run_virtual(main())


def test_quiet_sends_everybody_elsewhere_and_the_later_end_wins() -> None:
    """Scenarios 11 and 66: who waits and who comes is refused until the later of two Retry-Afters."""

    async def main() -> None:
        crowd, quiet = Crowd(), Snapshot(0.0)
        async with staged(lambda: Pace(rules=PaceRules(max_parallel=1), cool_until_s=quiet)) as ref:
            holder = crowd.job()
            await acquire(ref, holder)
            waiting = asyncio.gather(acquire(ref, crowd.job()))
            await breathe()
            for until_s in (20.0, 40.0, 10.0):
                ref.tell(CooledDown(until_s=until_s))
            assert isinstance((await waiting)[0], Busy)
            await crowd.finish(holder)
            answer = await acquire(ref, crowd.job())
            assert isinstance(answer, Busy)
            assert answer.retry_after_s == pytest.approx(40.0, abs=0.01)
            assert quiet.value == 40.0
            await asyncio.sleep(40.0)
            assert await acquire(ref, crowd.job()) == Acquired()

    run_virtual(main())


def test_quiet_holds_without_a_bound_on_slots_too() -> None:
    """Otherwise an unlimited provider could never ask for it."""

    async def main() -> None:
        crowd = Crowd()
        async with staged(pace(None)) as ref:
            assert [await acquire(ref, crowd.job()) for _ in range(20)] == [Acquired()] * 20
            ref.tell(CooledDown(until_s=5.0))
            assert isinstance(await acquire(ref, crowd.job()), Busy)

    run_virtual(main())


def test_a_restart_tells_who_waited_and_finds_who_holds() -> None:
    """The queue is lost, the slots in use are not."""

    async def main() -> None:
        crowd, rules = Crowd(), PaceRules(max_parallel=1)
        async with staged(lambda: Pace(rules=rules, cool_until_s=Snapshot(0.0), live_jobs=lambda: crowd.jobs)) as ref:
            holder, waiter = crowd.job(), crowd.job()
            await acquire(ref, holder)
            waiting = asyncio.gather(acquire(ref, waiter), return_exceptions=True)
            await breathe()
            await crash(ref)
            assert isinstance((await waiting)[0], ActorDead)
            await crowd.cancel(waiter)
            late = asyncio.gather(acquire(ref, crowd.job()))
            await breathe()
            assert not late.done()
            await crowd.finish(holder)
            assert (await late)[0] == Acquired()

    run_virtual(main())


def test_a_restart_keeps_the_quiet() -> None:
    """A provider that asked for it must not be asked because we crashed."""

    async def main() -> None:
        crowd, quiet = Crowd(), Snapshot(0.0)
        async with staged(lambda: Pace(rules=PaceRules(), cool_until_s=quiet)) as ref:
            ref.tell(CooledDown(until_s=50.0))
            await breathe()
            await crash(ref)
            assert isinstance(await acquire(ref, crowd.job()), Busy)

    run_virtual(main())
