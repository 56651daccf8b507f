"""The Limits actor: how many exchanges the gateway carries at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import assert_never

from actors.messages import Admit, Admitted, Turned
from actors.runtime import Actor, Down, Job

_COME_BACK_S = 1.0  # exchanges end at any moment; a second spreads callers more than it costs them


class Limits(Actor):
    """Lets exchanges in, or turns them away while it is full.

    Accepts `Admit` -> `Admitted | Turned`. A restart loses the count and rebuilds it from the exchanges still alive.

    Args:
        max_exchanges: in flight at once, as the configuration in force has it.
        live_jobs: the jobs of all exchanges under way.
    """

    def __init__(self, *, max_exchanges: Callable[[], int], live_jobs: Callable[[], Iterable[Job]] = tuple) -> None:
        super().__init__()
        self._max_exchanges = max_exchanges
        self._live_jobs = live_jobs

    async def on_start(self) -> None:
        """Count who is inside already."""
        self._inside: set[Job] = set()
        for job in self._live_jobs():
            self._enter(job)

    def on_receive(self, message: Admit) -> Admitted | Turned:
        """Decide at once; nobody waits here."""
        match message:
            case Admit():
                return self._admit(message)
            case _:
                assert_never(message)

    def on_down(self, down: Down) -> None:
        """An exchange ended: its place is free, whatever its end."""
        if isinstance(down.target, Job):
            self._inside.discard(down.target)

    def _admit(self, message: Admit) -> Admitted | Turned:
        if message.job in self._inside:
            return Admitted()
        most = self._max_exchanges()
        if len(self._inside) >= most:
            return Turned(retry_after_s=_COME_BACK_S, why=f"{most} exchanges are in flight")
        self._enter(message.job)
        return Admitted()

    def _enter(self, job: Job) -> None:
        self._inside.add(job)
        self.monitor(job)
