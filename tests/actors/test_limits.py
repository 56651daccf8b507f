"""How many exchanges are in: counted once, given back whatever their end."""

from __future__ import annotations

import pytest

from actors.limits import Limits
from actors.messages import Admit, Admitted, Turned
from actors.runtime import Job, Ref, run_virtual
from tests.fakes.crowd import ENDS, Crowd, End, crash, staged


async def admit(limits: Ref, job: Job) -> Admitted | Turned:
    """Ask for `job` to be let in."""
    answer = await limits.ask(Admit(exchange="ex", job=job, deadline_s=60.0))
    assert isinstance(answer, (Admitted, Turned))
    return answer


@pytest.mark.parametrize("end", ENDS)
def test_a_place_is_free_again_whatever_the_end(end: End) -> None:
    """Answered, crashed or left by its client: the third gets in when one of two is gone, and only then."""

    async def main() -> None:
        crowd = Crowd()
        async with staged(lambda: Limits(max_exchanges=lambda: 2)) as limits:
            first, second, third = (crowd.job() for _ in range(3))
            assert await admit(limits, first) == await admit(limits, second) == Admitted()
            assert isinstance(await admit(limits, third), Turned)
            await end(crowd, first)
            assert await admit(limits, third) == Admitted()

    run_virtual(main())


def test_an_exchange_counts_once_however_often_it_asks() -> None:
    """An ask repeated after a timeout takes no second place."""

    async def main() -> None:
        crowd = Crowd()
        async with staged(lambda: Limits(max_exchanges=lambda: 2)) as limits:
            first = crowd.job()
            assert await admit(limits, first) == await admit(limits, first) == Admitted()
            assert await admit(limits, crowd.job()) == Admitted()

    run_virtual(main())


def test_an_exchange_that_has_already_ended_takes_no_place() -> None:
    """Its end was before the question; nothing would ever give the place back."""

    async def main() -> None:
        crowd = Crowd()
        async with staged(lambda: Limits(max_exchanges=lambda: 1)) as limits:
            ended = crowd.job()
            await crowd.finish(ended)
            await admit(limits, ended)
            assert await admit(limits, crowd.job()) == Admitted()

    run_virtual(main())


def test_a_restart_finds_who_is_inside() -> None:
    """Otherwise a crash would let a second full house in."""

    async def main() -> None:
        crowd = Crowd()
        inside = crowd.job()
        async with staged(lambda: Limits(max_exchanges=lambda: 1, live_jobs=lambda: (inside,))) as limits:
            await crash(limits)
            assert isinstance(await admit(limits, crowd.job()), Turned)
            await crowd.finish(inside)
            assert await admit(limits, crowd.job()) == Admitted()

    run_virtual(main())
