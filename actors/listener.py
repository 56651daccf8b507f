"""Listens to an attempt that runs in its exchange's own task: what it says goes straight on to the reader."""

from __future__ import annotations

from actors.messages import Part
from actors.runtime import ChannelClosed
from actors.runtime.failures import failure_of
from actors.telling import Telling, not_read
from router.canon.target import Target
from router.errors import Reason, WireFault


class Listener:
    """The exchange's ear. `error` is what the exchange is to be told: the attempt's fault; or what went wrong on this
    side, which is nothing of the attempt's: to that, nobody listens any more."""

    def __init__(self, telling: Telling, target: Target) -> None:
        self._telling = telling
        self._target = target
        self._waits = False
        self.error: BaseException | None = None

    @property
    def is_full(self) -> bool:
        """Whether the reader is behind."""
        return self._telling.outbox.is_full

    async def room(self) -> None:
        """Wait for the reader; the attempt's own clocks bound that."""
        self._waits = True
        await self._telling.outbox.room()
        self._waits = False

    def push(self, *parts: Part) -> None:
        """Tell them. Raises `ChannelClosed`."""
        for part in parts:
            error = failure_of(self._telling.take, part, self._target)
            if error is not None:
                self.error = error
                raise ChannelClosed

    def fail(self, error: BaseException) -> None:
        """It failed; where the time ran out while the reader was waited for, the reader did."""
        late = self._waits and isinstance(error, WireFault) and error.reason is Reason.DEADLINE
        self.error = self.error or (not_read() if late else error)

    def close(self) -> None:
        """Nothing follows: its job has ended, and `run` with it."""

    def leave(self) -> None:
        """The exchange leaves by ending, and what runs in its task with it."""
