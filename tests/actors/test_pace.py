"""Slots of one provider: never one too many, never one lost, nobody left waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import pytest

from actors.messages import (
    Acquire,
    Acquired,
    AttemptMeasured,
    Busy,
    Grant,
    KeyChanged,
    LimitsRead,
    PaceView,
    ReopenKeys,
)
from actors.pace import Pace
from actors.runtime import ActorDead, AskTimeout, Exit, Job, Ref, Snapshot, Tasks, run_virtual
from router.canon.allowance import Allowance, Counted
from router.errors import Reason
from router.policy.adapt import Adaptive
from router.policy.bucket import Rate
from router.policy.lanes import Lane, LaneRules, Shut, Told
from router.policy.pace import PaceRules
from router.policy.throttle import ThrottleRules
from tests.fakes.crowd import ENDS, Crowd, End, breathe, crash, staged_with

LONG_S = 1_000.0
TWO = PaceView(lanes=(Lane(name="a"), Lane(name="b")))


def made(
    rules: PaceRules,
    view: Snapshot[PaceView] | None = None,
    live: Callable[[], Iterable[tuple[Job, Grant | None]]] = tuple,
) -> Callable[[Ref], Pace]:
    """A maker of paces that tell the recorder."""
    shown = view or Snapshot(PaceView())
    return lambda recorder: Pace(
        provider="p", rules=rules, published=shown, breakers=Snapshot({}), telemetry=recorder, live=live
    )


def pace(max_parallel: int | None, max_queue: int = 100) -> Callable[[Ref], Pace]:
    """A pace that waits up to 30 s for a slot."""
    return made(PaceRules(max_parallel=max_parallel, max_queue=max_queue, max_wait_s=30.0))


async def acquire(
    ref: Ref, job: Job, deadline_s: float = LONG_S, *, tokens: int = 0, caller: str = ""
) -> Acquired | Busy:
    """Ask for a slot for `job`."""
    wish = Acquire(job=job, deadline_s=deadline_s, model="m", tokens=tokens, caller=caller)
    answer = await ref.ask(wish, timeout_s=LONG_S)
    assert isinstance(answer, (Acquired, Busy))
    return answer


def measured(reason: Reason | None, key: str = "default", **fields: object) -> AttemptMeasured:
    """An attempt's end."""
    return AttemptMeasured(key=key, told=Told(model="m", reason=reason, **fields))  # type: ignore[arg-type]


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

        async with staged_with(pace(5)) as ref:
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
        async with staged_with(pace(1)) as ref:
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
        async with staged_with(pace(1, max_queue=0)) as ref:
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
        async with staged_with(pace(2)) as ref:
            job = crowd.job()
            assert await acquire(ref, job) == await acquire(ref, job) == Acquired()
            assert await acquire(ref, crowd.job()) == Acquired()

    run_virtual(main())


def test_one_who_leaves_the_queue_does_not_take_a_slot_along() -> None:
    """The slot goes to the next who is still there."""

    async def main() -> None:
        crowd = Crowd()
        async with staged_with(pace(1)) as ref:
            holder, gone, patient = (crowd.job() for _ in range(3))
            await acquire(ref, holder)
            first = asyncio.gather(acquire(ref, gone))
            second = asyncio.gather(acquire(ref, patient))
            await breathe()
            await crowd.cancel(gone)
            assert (await first)[0] == Busy(retry_after_s=0.0, why=Shut.SLOTS)
            await crowd.finish(holder)
            assert (await second)[0] == Acquired()

    run_virtual(main())


def test_an_asker_that_gave_up_does_not_take_a_slot() -> None:
    """Its job goes on elsewhere and would hold the slot unused to its end."""

    async def main() -> None:
        crowd = Crowd()
        async with staged_with(pace(1)) as ref:
            holder, impatient, patient = (crowd.job() for _ in range(3))
            await acquire(ref, holder)
            with pytest.raises(AskTimeout):
                await ref.ask(Acquire(job=impatient, deadline_s=LONG_S, model="m"), timeout_s=1.0)
            second = asyncio.gather(acquire(ref, patient))
            await breathe()
            await crowd.finish(holder)
            assert (await asyncio.wait_for(second, 5.0))[0] == Acquired()

    run_virtual(main())


def test_who_cannot_be_served_in_time_is_told_at_that_time() -> None:
    """Its own deadline or the bound on waiting, whichever is sooner; nobody hangs on a slot that never comes."""

    async def main() -> None:
        crowd, now = Crowd(), asyncio.get_running_loop().time
        async with staged_with(pace(1)) as ref:
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
        crowd, quiet = Crowd(), Snapshot(PaceView())
        async with staged_with(made(PaceRules(max_parallel=1), quiet)) as ref:
            holder = crowd.job()
            await acquire(ref, holder)
            waiting = asyncio.gather(acquire(ref, crowd.job()))
            await breathe()
            for wait_s in (20.0, 40.0, 10.0):
                ref.tell(measured(Reason.THROTTLED, retry_after_s=wait_s))
            assert isinstance((await waiting)[0], Busy)
            await crowd.finish(holder)
            answer = await acquire(ref, crowd.job())
            assert isinstance(answer, Busy)
            assert answer.retry_after_s == pytest.approx(40.0, abs=0.01)
            assert quiet.value.shut_until_s == pytest.approx(40.0, abs=0.01)
            await asyncio.sleep(40.0)
            assert await acquire(ref, crowd.job()) == Acquired()

    run_virtual(main())


def test_quiet_holds_without_a_bound_on_slots_too() -> None:
    """Otherwise an unlimited provider could never ask for it."""

    async def main() -> None:
        crowd = Crowd()
        async with staged_with(pace(None)) as ref:
            assert [await acquire(ref, crowd.job()) for _ in range(20)] == [Acquired()] * 20
            ref.tell(measured(Reason.THROTTLED, retry_after_s=5.0))
            assert isinstance(await acquire(ref, crowd.job()), Busy)

    run_virtual(main())


def test_a_restart_tells_who_waited_and_finds_who_holds() -> None:
    """The queue is lost, the slots in use are not."""

    async def main() -> None:
        crowd, rules = Crowd(), PaceRules(max_parallel=1)
        own = Grant(key="default", model="m")
        async with staged_with(made(rules, live=lambda: [(job, own) for job in crowd.jobs])) as ref:
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
        crowd, quiet = Crowd(), Snapshot(PaceView())
        async with staged_with(made(PaceRules(), quiet)) as ref:
            ref.tell(measured(Reason.THROTTLED, retry_after_s=50.0))
            await breathe()
            await crash(ref)
            assert isinstance(await acquire(ref, crowd.job()), Busy)

    run_virtual(main())


def test_a_429_on_one_key_leaves_the_other() -> None:
    """And both are there again when the quiet is over."""

    async def main() -> None:
        crowd, view = Crowd(), Snapshot(TWO)
        async with staged_with(made(PaceRules(), view)) as ref:
            ref.tell(measured(Reason.THROTTLED, "a", retry_after_s=10.0))
            assert [await acquire(ref, crowd.job()) for _ in range(4)] == [Acquired(key="b")] * 4
            assert view.value.shut_until_s == 0.0
            await asyncio.sleep(10.0)
            assert await acquire(ref, crowd.job()) == Acquired(key="a")

    run_virtual(main())


def test_a_refused_key_is_told_and_stays_out_over_a_restart() -> None:
    """No request goes by it any more; when it was the only one, callers hear that waiting is of no use."""

    async def main() -> None:
        crowd, view, heard = Crowd(), Snapshot(TWO), list[object]()
        async with staged_with(made(PaceRules(), view), heard=heard) as ref:
            ref.tell(measured(Reason.CREDENTIAL, "a", status=401))
            ref.tell(measured(Reason.CREDENTIAL, "a", status=401))
            await breathe()
            await crash(ref)
            assert [await acquire(ref, crowd.job()) for _ in range(3)] == [Acquired(key="b")] * 3
            ref.tell(measured(Reason.CREDENTIAL, "b", status=401))
            assert await acquire(ref, crowd.job()) == Busy(retry_after_s=float("inf"), why=Shut.REFUSED)
        changes = [(fact.key, fact.before, fact.after) for fact in heard if isinstance(fact, KeyChanged)]
        assert changes == [("a", "ready", "refused"), ("b", "ready", "refused")]

    run_virtual(main())


def test_who_waits_gets_a_key_that_is_tried_again() -> None:
    """At once, and not only when the limit of another key lets it go."""

    async def main() -> None:
        crowd = Crowd()
        rules = PaceRules(max_wait_s=100.0, lane=LaneRules(requests=Rate(amount=1)))
        async with staged_with(made(rules, Snapshot(TWO))) as ref:
            for _ in range(2):
                ref.tell(measured(Reason.CREDENTIAL, "b", status=401))
            assert await acquire(ref, crowd.job()) == Acquired(key="a")
            waiting = asyncio.gather(acquire(ref, crowd.job()))
            await breathe()
            assert not waiting.done()
            assert (await ref.ask(ReopenKeys())).keys == ("b",)
            async with asyncio.timeout(1.0):
                assert (await waiting)[0] == Acquired(key="b")

    run_virtual(main())


def test_an_empty_account_is_ready_again_with_its_next_answer() -> None:
    """Somebody paid: it is asked once a minute, and told when it answers."""

    async def main() -> None:
        crowd, heard = Crowd(), list[object]()
        async with staged_with(made(PaceRules(), Snapshot(TWO)), heard=heard) as ref:
            ref.tell(measured(Reason.QUOTA_EXHAUSTED, "a"))
            assert await acquire(ref, crowd.job()) == Acquired(key="b")
            await asyncio.sleep(60.0)
            assert await acquire(ref, crowd.job()) == Acquired(key="a")
            ref.tell(measured(None, "a", sent_s=60.0))
        changes = [(fact.key, fact.before, fact.after) for fact in heard if isinstance(fact, KeyChanged)]
        assert changes == [("a", "ready", "exhausted"), ("a", "exhausted", "ready")]

    run_virtual(main())


def test_the_first_refusal_begins_to_bound_what_is_under_way() -> None:
    """Ten at once and a 429: nine may be, and the ten under way are known without having been counted."""

    async def main() -> None:
        crowd = Crowd()
        own = Grant(key="default", model="m")
        async with staged_with(made(PaceRules(), live=lambda: [(job, own) for job in crowd.jobs])) as ref:
            jobs = [crowd.job() for _ in range(10)]
            for job in jobs:
                await acquire(ref, job)
            refused = jobs.pop()
            await crowd.finish(refused)
            ref.tell(measured(Reason.THROTTLED))
            await breathe()
            waiting = asyncio.gather(acquire(ref, crowd.job()))
            await breathe()
            assert not waiting.done()
            await crowd.finish(jobs[0])
            assert (await waiting)[0] == Acquired()

    run_virtual(main())


def test_one_found_before_it_asked_is_asked_like_any_other() -> None:
    """A job that a restart found holds nothing yet, though it was counted."""

    async def main() -> None:
        crowd = Crowd()
        async with staged_with(
            made(PaceRules(max_parallel=2), live=lambda: [(job, None) for job in crowd.jobs])
        ) as ref:
            job = crowd.job()
            await breathe()
            await crash(ref)
            await breathe()
            assert await acquire(ref, job) == Acquired(key="default")
            assert await acquire(ref, crowd.job()) == Acquired(key="default")

    run_virtual(main())


def test_a_limit_of_requests_lets_the_next_one_go_when_it_is_due() -> None:
    """Two a minute: the third waits for half of it, without anybody's slot coming back."""

    async def main() -> None:
        crowd, now = Crowd(), asyncio.get_running_loop().time
        rules = PaceRules(max_wait_s=100.0, lane=LaneRules(requests=Rate(amount=2)))
        async with staged_with(made(rules)) as ref:
            begun = now()
            assert [await acquire(ref, crowd.job()) for _ in range(3)] == [Acquired()] * 3
            assert now() - begun == pytest.approx(30.0, abs=0.01)

    run_virtual(main())


def test_a_limit_of_tokens_is_set_right_by_the_answer() -> None:
    """Estimated at all of it and used a tenth: the next one goes at once."""

    async def main() -> None:
        crowd = Crowd()
        rules = PaceRules(max_queue=0, lane=LaneRules(tokens=Rate(amount=1_000)))
        async with staged_with(made(rules)) as ref:
            assert await acquire(ref, crowd.job(), tokens=1_000) == Acquired()
            assert isinstance(await acquire(ref, crowd.job(), tokens=500), Busy)
            ref.tell(measured(None, reserved=1_000, used=100))
            assert await acquire(ref, crowd.job(), tokens=500) == Acquired()

    run_virtual(main())


def test_what_an_answer_says_is_left_holds_before_it_ends() -> None:
    """A stream of ten minutes said at its head that nothing is left: others wait for the reset."""

    async def main() -> None:
        crowd, now = Crowd(), asyncio.get_running_loop().time
        async with staged_with(made(PaceRules(max_queue=0))) as ref:
            none = Allowance(counts=Counted.REQUESTS, limit=60, left=0, at_s=now(), full_at_s=now() + 20.0, steps=True)
            ref.tell(LimitsRead(key="default", model="m", allowances=(none,)))
            answer = await acquire(ref, crowd.job())
            assert isinstance(answer, Busy)
            assert answer.why is Shut.RATE
            assert answer.retry_after_s == pytest.approx(20.0, abs=0.01)

    run_virtual(main())


def test_a_crowd_of_one_caller_lets_others_have_their_turn() -> None:
    """Who came fifth but first for itself is second, not fifth."""

    async def main() -> None:
        crowd, order = Crowd(), list[str]()

        async def ask(caller: str) -> None:
            job = crowd.job()
            await acquire(ref, job, caller=caller)
            order.append(caller)
            await asyncio.sleep(1.0)
            await crowd.finish(job)

        async with staged_with(pace(1)) as ref, asyncio.TaskGroup() as group:
            for caller in ("a", "a", "a", "a", "b"):
                group.create_task(ask(caller))
                await breathe()
        assert order == ["a", "a", "b", "a", "a"]

    run_virtual(main())


def test_most_requests_are_held_back_from_who_mostly_refuses() -> None:
    """After two hundred refusals nine of ten are not sent; what it accepts again brings it back."""

    async def main() -> None:
        crowd = Crowd()
        rules = PaceRules(throttle=ThrottleRules(), lane=LaneRules(adaptive=Adaptive.OFF))
        async with staged_with(made(rules)) as ref:
            for _ in range(200):
                ref.tell(measured(Reason.OVERLOADED))
            answers = [await acquire(ref, crowd.job()) for _ in range(200)]
            held_back = sum(isinstance(one, Busy) and one.why is Shut.HELD_BACK for one in answers)
            assert 150 < held_back < 200
            await asyncio.sleep(121.0)
            assert isinstance(await acquire(ref, crowd.job()), Acquired)

    run_virtual(main())
