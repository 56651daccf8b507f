"""Jobs in another's task: ending the one leaves the other alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from actors.runtime import Exit, Job, Killed, Normal, Report, Shutdown, Tasks, run_virtual
from tests.fakes.recording import Boom, reason_name
from tests.runtime.test_tasks import Ends, crash, forever, stubborn

Work = Callable[[], Coroutine[Any, Any, Any]]


async def deaf() -> None:
    """Hears of its stop, and returns as if nothing had been said."""
    try:
        await forever()
    except asyncio.CancelledError:
        return


async def lost() -> None:
    """Awaits what somebody else has cancelled."""
    gone = asyncio.get_running_loop().create_future()
    gone.cancel()
    await gone


class House:
    """A host that goes on when its guest has left."""

    def __init__(self, work: Work) -> None:
        self.reports: list[Report] = []
        self.ends = Ends()
        self.owner = Tasks("owner", self.reports.append)
        self.guest: Job | None = None
        self.went_on = False
        self.cancelling = 0
        self.host = Tasks("front").start(self._live(work), name="host")

    async def _live(self, work: Work) -> None:
        self.guest = self.owner.admit(name="j", on_exit=self.ends)
        await self.guest.host(work())
        task = asyncio.current_task()
        assert task is not None
        self.cancelling = task.cancelling()
        await asyncio.sleep(1.0)
        self.went_on = True


@pytest.mark.parametrize(
    ("work", "stop", "ended"),
    [
        pytest.param(lambda: asyncio.sleep(1.0), None, "normal", id="returns"),
        pytest.param(crash, None, "crashed", id="raises"),
        pytest.param(lost, None, "killed", id="awaits-the-cancelled"),
        pytest.param(forever, Shutdown("why"), "shutdown", id="stopped"),
        pytest.param(forever, Killed(), "killed", id="killed"),
        pytest.param(deaf, Shutdown(), "normal", id="deaf"),
        pytest.param(stubborn, Shutdown(), "killed", id="by-force"),
    ],
)
def test_whatever_ends_a_guest_its_host_goes_on(work: Work, stop: Exit | None, ended: str) -> None:
    """Its exit is told once, a crash is reported, and nothing of a stop is felt by the host afterwards."""

    async def main() -> None:
        house = House(work)
        await asyncio.sleep(0.5)
        assert house.guest is not None and house.owner.count == (stop is not None or work.__name__ == "<lambda>")
        if stop is not None:
            house.guest.stop(stop)
            house.guest.stop(stop)
        assert await house.host.wait() == Normal()
        assert (house.went_on, house.cancelling) == (True, 0)
        assert reason_name(await house.guest.wait()) == ended
        assert (house.ends.calls, house.owner.count) == ([("j", ended)], 0)
        assert [report.context.value for report in house.reports] == (["job_crashed"] if ended == "crashed" else [])

    run_virtual(main())


@pytest.mark.parametrize("both", [False, True], ids=["host", "host-and-guest"])
@pytest.mark.parametrize("stop", [Shutdown("left"), Killed()], ids=["stopped", "killed"])
def test_the_end_of_a_host_is_that_of_its_guest(stop: Exit, both: bool) -> None:
    """Also where both are asked in the same moment; the host ends for its own reason."""

    async def main() -> None:
        house = House(forever)
        await asyncio.sleep(0.5)
        assert house.guest is not None
        if both:
            house.guest.stop(Shutdown("its own"))
        house.host.stop(stop)
        assert house.host.asked == stop
        assert (await house.host.wait(), house.went_on) == (stop, False)
        assert house.guest.reason == (Shutdown("its own") if both else Shutdown())
        assert house.ends.calls == [("j", "shutdown")]

    run_virtual(main())


def test_a_host_ended_by_force_takes_its_guest_with_it() -> None:
    """A guest that swallows every cancellation holds up neither."""

    async def main() -> None:
        house = House(stubborn)
        await asyncio.sleep(0.5)
        house.host.stop(Killed())
        assert await house.host.wait() == Killed()
        assert house.ends.calls == [("j", "killed")]

    run_virtual(main())


def test_the_owner_ends_its_guests_and_waits_for_them() -> None:
    """As it does with jobs that have a task: the group is one."""

    async def main() -> None:
        house = House(forever)
        await asyncio.sleep(0.5)
        await house.owner.stop(Shutdown(), 1.0)
        assert house.ends.calls == [("j", "shutdown")]
        assert await house.host.wait() == Normal()
        house.owner.close()
        assert house.owner.closed

    run_virtual(main())


def test_a_stop_that_comes_with_the_end_is_not_felt_by_the_host() -> None:
    """The guest stops itself in its last step: the cancellation would reach whatever its host awaits next."""

    async def main() -> None:
        house = House(forever)
        ended: list[Job] = []

        async def last_step() -> None:
            assert house.guest is not None
            house.guest.stop()
            ended.append(house.guest)

        house = House(last_step)
        assert await house.host.wait() == Normal()
        assert house.went_on and ended == [house.guest]

    run_virtual(main())


@pytest.mark.parametrize("asked", [False, True], ids=["left-alone", "stopped"])
def test_what_a_guest_leaves_to_do_gets_a_task_of_its_own(asked: bool) -> None:
    """Its host goes on at once; the job ends with the rest, unless it was asked to end before that began."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        done: list[float] = []

        async def rest() -> None:
            await asyncio.sleep(5.0)
            done.append(loop.time())

        async def work() -> Coroutine[Any, Any, None]:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(1.0)
            return rest()

        house = House(work)
        await asyncio.sleep(0.5)
        assert house.guest is not None
        if asked:
            house.guest.stop()
        assert await house.host.wait() == Normal()
        assert (house.guest.done, loop.time()) == (asked, 1.5 if asked else 2.0)
        assert reason_name(await house.guest.wait()) == ("normal" if not asked else "shutdown")
        assert done == ([] if asked else [6.0])

    run_virtual(main())


@pytest.mark.parametrize("reason", [Shutdown(), Killed()], ids=reason_name)
@pytest.mark.parametrize("turns", [None, 0, 1], ids=["during", "before-it-begins", "after"])
def test_what_a_guest_leaves_gives_back_whenever_it_is_stopped(turns: int | None, reason: Exit) -> None:
    """Its first step is where it takes things over: a task that is cancelled before that would never take it."""

    async def main() -> None:
        given: list[str] = []

        async def rest() -> None:
            try:
                await asyncio.sleep(5.0)
            finally:
                given.append("back")

        async def work() -> Coroutine[Any, Any, None]:
            if turns is None:
                assert house.guest is not None
                house.guest.stop(reason)
            return rest()

        house = House(work)
        await asyncio.sleep(0)
        assert house.guest is not None
        for _ in range(turns or 0):
            await asyncio.sleep(0)
        house.guest.stop(reason)
        assert await house.guest.wait() == reason
        assert given == ["back"]
        assert await house.host.wait() == Normal()
        assert asyncio.get_running_loop().time() < 1.1

    run_virtual(main())


def test_a_guest_that_raises_holds_no_frames() -> None:
    """Once its crash is reported its traceback is dropped, like any job's."""

    async def main() -> None:
        house = House(crash)
        await house.host.wait()
        assert house.guest is not None
        reason = house.guest.reason
        assert reason_name(await house.guest.wait()) == "crashed"
        error = getattr(reason, "error", None)
        assert isinstance(error, Boom) and error.__traceback__ is None

    run_virtual(main())
