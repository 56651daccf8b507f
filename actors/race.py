"""One try of an exchange as a race: a first attempt, and a second beside it where the first is late.

The first that says anything wins; the other is let go at once. As long as one runs the other's failure ends nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from actors.messages import AttemptStarted, Complete, Flow, Part, Whole
from actors.runtime import Channel, ChannelClosed, Clock, first_ready
from actors.tally import stop_for
from router.canon.event import CONTENT, Ended
from router.canon.target import Target
from router.errors import Reason, WireFault


class Runner:
    """An attempt in a race. `held` are the parts it gave before it was clear who wins."""

    def __init__(self, target: Target, started: AttemptStarted) -> None:
        self.target = target
        self.job = started.job
        self.feed: Channel[Part] = started.feed
        self.used = started.used
        self.held: list[Part] = []


class Race:
    """Runs one race. `lost` is told of each that is out while another still runs, in the order that happened.

    Args:
        second: starts a second attempt where that is allowed; None where not.
    """

    def __init__(
        self,
        clock: Clock,
        second: Callable[[Runner], Awaitable[Runner | None]],
        lost: Callable[[Runner, WireFault], None],
    ) -> None:
        self._clock = clock
        self._second = second
        self._lost = lost

    async def run(self, first: Runner, late_s: float) -> tuple[Runner, WireFault | None]:
        """The winner; or the last to fail, and why.

        Args:
            late_s: the second attempt starts when the first has said nothing for so long.
        """
        running = [first]
        late_at_s: float | None = self._clock.now() + late_s
        while True:
            left_s = None if late_at_s is None else max(0.0, late_at_s - self._clock.now())
            feed = await first_ready(tuple(runner.feed for runner in running), left_s)
            if feed is None:
                late_at_s = None
                beside = await self._second(first)
                running += [beside] if beside is not None else []
                continue
            runner = next(each for each in running if each.feed is feed)
            fault = await _read(runner)
            if fault is not None:
                running.remove(runner)
                if not running:
                    return runner, fault
                self._lost(runner, fault)
            elif _decides(runner.held[-1]):
                for other in running:
                    if other is not runner:
                        self._let_go(other)
                return runner, None

    def _let_go(self, runner: Runner) -> None:
        """Its request is ended now: what it says later nobody needs, and somebody pays for."""
        runner.job.stop(stop_for(Reason.SUPERSEDED))
        self._lost(runner, WireFault(Reason.SUPERSEDED, "another target was sooner"))


async def _read(runner: Runner) -> WireFault | None:
    """Its next part, into `held`; or why there is none."""
    try:
        runner.held.append(await runner.feed.get())
    except WireFault as fault:
        return fault
    except ChannelClosed:
        return WireFault(Reason.CRASHED, "its unit crashed while it was answering")
    return None


def _decides(part: Part) -> bool:
    """Whether a part is an answer's first word, or its last."""
    if isinstance(part, Flow):
        return any(type(event) in CONTENT or type(event) is Ended for event in part.events)
    return isinstance(part, Whole | Complete)
