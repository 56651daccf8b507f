"""A provider's breakers: one probe, no late result, no wedge, every change told once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from actors.breaker import Breaker
from actors.messages import AttemptJudged, BreakerChanged, BreakerState, Knock, LetThrough, Open
from actors.runtime import Job, Ref, Snapshot, run_virtual
from router.errors import Reason
from router.policy.breaker import BreakerRules
from tests.fakes.crowd import ENDS, Crowd, End, breathe, crash, staged_with

RULES = BreakerRules(failure_threshold=3, recovery_timeout_s=5.0, max_open_s=20.0, probe_timeout_s=60.0)
Published = Snapshot[Mapping[str, BreakerState]]


def breaker(published: Published | None = None, keys: tuple[str, ...] = ("default",)) -> Callable[[Ref], Breaker]:
    """The breaker of provider "p", telling the recorder of its changes."""
    shown: Published = published or Snapshot({})
    return lambda recorder: Breaker(provider="p", rules=RULES, published=shown, telemetry=recorder, keys=keys)


async def knock(ref: Ref, job: Job, model: str = "m") -> LetThrough | Open:
    """Ask whether `job` may go."""
    answer = await ref.ask(Knock(job=job, model=model))
    assert isinstance(answer, (LetThrough, Open))
    return answer


def judge(ref: Ref, job: Job, epoch: int, reason: Reason | None, model: str = "m") -> None:
    """Tell how `job` ended."""
    ref.tell(AttemptJudged(model=model, epoch=epoch, reason=reason))


async def fail(ref: Ref, crowd: Crowd, times: int, model: str = "m") -> int:
    """So many attempts that fail; returns the epoch they ran in."""
    epoch = -1
    for _ in range(times):
        job = crowd.job()
        answer = await knock(ref, job, model)
        assert isinstance(answer, LetThrough)
        epoch = answer.epoch
        judge(ref, job, epoch, Reason.SERVER_ERROR, model)
    await breathe()
    return epoch


async def probe(ref: Ref, job: Job) -> LetThrough:
    """Let `job` go as the probe."""
    answer = await knock(ref, job)
    assert isinstance(answer, LetThrough)
    assert answer.probe
    return answer


def test_two_hundred_at_half_open_are_one_probe_and_its_success_closes() -> None:
    """Scenario 63."""

    async def main() -> None:
        crowd = Crowd()
        async with staged_with(breaker()) as ref:
            await fail(ref, crowd, 3)
            assert isinstance(await knock(ref, crowd.job()), Open)
            await asyncio.sleep(5.0)
            jobs = [crowd.job() for _ in range(200)]
            answers = await asyncio.gather(*(knock(ref, job) for job in jobs))
            let_through = [(job, a) for job, a in zip(jobs, answers, strict=True) if isinstance(a, LetThrough)]
            assert [a.probe for _, a in let_through] == [True]
            judge(ref, let_through[0][0], let_through[0][1].epoch, None)
            assert isinstance(await knock(ref, crowd.job()), LetThrough)

    run_virtual(main())


@pytest.mark.parametrize("end", ENDS)
def test_a_probe_that_ends_without_a_result_is_given_back(end: End) -> None:
    """Scenario 64: whatever became of it, the next may probe at once."""

    async def main() -> None:
        crowd = Crowd()
        async with staged_with(breaker()) as ref:
            await fail(ref, crowd, 3)
            await asyncio.sleep(5.0)
            job = crowd.job()
            await probe(ref, job)
            assert isinstance(await knock(ref, crowd.job()), Open)
            await end(crowd, job)
            await probe(ref, crowd.job())

    run_virtual(main())


@pytest.mark.parametrize(("reason", "passes"), [(None, True), (Reason.CUT_STREAM, False)], ids=["success", "failure"])
def test_a_result_told_in_the_moment_its_job_ends_still_counts(reason: Reason | None, passes: bool) -> None:
    """Ends go before messages in an actor's attention; the probe must not be given back over its own result."""

    async def main() -> None:
        crowd, epochs = Crowd(), list[int]()
        async with staged_with(breaker()) as ref:
            await fail(ref, crowd, 3)
            await asyncio.sleep(5.0)
            job = crowd.job(on_exit=lambda job: judge(ref, job, epochs[0], reason))
            epochs.append((await probe(ref, job)).epoch)
            await crowd.finish(job)
            assert isinstance(await knock(ref, crowd.job()), LetThrough if passes else Open)

    run_virtual(main())


def test_a_probe_that_hangs_does_not_wedge_it() -> None:
    """After its deadline the breaker opens again, and later there is another probe; the hung one's result is late."""

    async def main() -> None:
        crowd = Crowd()
        async with staged_with(breaker()) as ref:
            await fail(ref, crowd, 3)
            await asyncio.sleep(5.0)
            hung = crowd.job()
            permit = await probe(ref, hung)
            await asyncio.sleep(60.0)
            assert isinstance(await knock(ref, crowd.job()), Open)
            await asyncio.sleep(10.0)
            await probe(ref, crowd.job())
            judge(ref, hung, permit.epoch, None)
            assert isinstance(await knock(ref, crowd.job()), Open)

    run_virtual(main())


def test_late_results_neither_open_nor_close_nor_prolong() -> None:
    """Stragglers let through before it opened tell about a time that is over."""

    async def main() -> None:
        crowd = Crowd()
        published: Published = Snapshot({})
        async with staged_with(breaker(published)) as ref:
            stragglers = [crowd.job() for _ in range(10)]
            permits = [await knock(ref, job) for job in stragglers]
            await fail(ref, crowd, 3)
            opened = published.value["m"]
            await asyncio.sleep(1.0)
            for number, (job, permit) in enumerate(zip(stragglers, permits, strict=True)):
                assert isinstance(permit, LetThrough)
                judge(ref, job, permit.epoch, None if number % 2 else Reason.SERVER_ERROR)
            await breathe()
            assert published.value["m"] == opened
            assert opened.state == "open"

    run_virtual(main())


def test_each_change_is_told_once_in_order() -> None:
    """What aiobreaker's listener is for; stragglers cause no second telling."""

    async def main() -> None:
        crowd, heard = Crowd(), list[Any]()
        async with staged_with(breaker(), heard=heard) as ref:
            epoch = await fail(ref, crowd, 3)
            judge(ref, crowd.job(), epoch, Reason.SERVER_ERROR)
            await asyncio.sleep(5.0)
            job = crowd.job()
            judge(ref, job, (await probe(ref, job)).epoch, None)
            await breathe()
        assert all(isinstance(change, BreakerChanged) and change.provider == "p" for change in heard)
        assert [(change.model, change.before, change.after, change.why) for change in heard] == [
            ("m", "closed", "open", "server_error"),
            ("m", "open", "half_open", "probe_sent"),
            ("m", "half_open", "closed", "probe_passed"),
        ]

    run_virtual(main())


def test_what_is_published_is_the_state_and_anew_only_when_it_is_another() -> None:
    """Groups and health pages read it and ask nobody; the thousandth answer of a closed circuit is no news to them."""

    async def main() -> None:
        crowd = Crowd()
        published: Published = Snapshot({})
        async with staged_with(breaker(published)) as ref:
            job = crowd.job()
            answer = await knock(ref, job)
            assert isinstance(answer, LetThrough)
            judge(ref, job, answer.epoch, None)
            await fail(ref, crowd, 1)
            own, shown = BreakerState(state="closed"), published.value
            assert shown == {"m": replace(own, keys={"default": own})}
            await fail(ref, crowd, 1)
            assert published.value is shown
            await fail(ref, crowd, 1)
            state = published.value["m"]
            assert state.state == "open"
            assert state.retry_at_s == pytest.approx(4.5, abs=0.6)

    run_virtual(main())


def test_models_break_alone() -> None:
    """One model of a provider being down says nothing about another."""

    async def main() -> None:
        crowd = Crowd()
        async with staged_with(breaker()) as ref:
            await fail(ref, crowd, 3, model="m")
            assert isinstance(await knock(ref, crowd.job(), model="n"), LetThrough)
            assert isinstance(await knock(ref, crowd.job(), model="m"), Open)

    run_virtual(main())


def test_a_thousand_impatient_or_mistaken_callers_open_nothing() -> None:
    """Scenario 65."""

    async def main() -> None:
        crowd = Crowd()
        published: Published = Snapshot({})
        async with staged_with(breaker(published)) as ref:
            answer = await knock(ref, crowd.job())
            assert isinstance(answer, LetThrough)
            for number in range(1_000):
                judge(ref, crowd.job(), answer.epoch, Reason.REJECTED if number % 2 else Reason.DEADLINE)
            assert isinstance(await knock(ref, crowd.job()), LetThrough)
            assert published.value == {}

    run_virtual(main())


def test_a_restart_keeps_what_was_open_and_ignores_results_from_before() -> None:
    """A crash of the breaker sends no flood to a provider that is down, and no old probe closes the new one."""

    async def main() -> None:
        crowd = Crowd()
        async with staged_with(breaker()) as ref:
            await fail(ref, crowd, 3)
            await crash(ref)
            assert isinstance(await knock(ref, crowd.job()), Open)
            await asyncio.sleep(5.0)
            old = crowd.job()
            permit = await probe(ref, old)
            await crash(ref)
            await probe(ref, crowd.job())
            judge(ref, old, permit.epoch, None)
            assert isinstance(await knock(ref, crowd.job()), Open)

    run_virtual(main())


async def fail_by(ref: Ref, crowd: Crowd, key: str, times: int = 3) -> None:
    """So many attempts by one key that fail."""
    for _ in range(times):
        job = crowd.job()
        answer = await ref.ask(Knock(job=job, model="m", key=key))
        assert isinstance(answer, LetThrough)
        ref.tell(AttemptJudged(model="m", epoch=answer.epoch, reason=Reason.SERVER_ERROR, key=key))
    await breathe()


def test_a_model_is_as_well_as_its_best_key() -> None:
    """One circuit is open: groups go on, by the other key; both, and the model rests. A restart keeps that."""

    async def main() -> None:
        crowd, published, heard = Crowd(), Snapshot[Mapping[str, BreakerState]]({}), list[Any]()
        async with staged_with(breaker(published, ("a", "b")), heard=heard) as ref:
            await fail_by(ref, crowd, "a")
            assert isinstance(await ref.ask(Knock(job=crowd.job(), model="m", key="a")), Open)
            assert isinstance(await ref.ask(Knock(job=crowd.job(), model="m", key="b")), LetThrough)
            assert published.value["m"].state == "closed"
            await fail_by(ref, crowd, "b")
            assert published.value["m"].state == "open"
            await crash(ref)
            for key in ("a", "b"):
                assert isinstance(await ref.ask(Knock(job=crowd.job(), model="m", key=key)), Open)
        told = [(fact.key, fact.after, fact.model_state) for fact in heard if isinstance(fact, BreakerChanged)]
        assert told == [("a", "open", "closed"), ("b", "open", "open")]

    run_virtual(main())
