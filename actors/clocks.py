"""The clocks of one attempt. Whichever runs out first ends the attempt's waiting, with a reason of its own.

All clocks share one timer. It is set anew only for one that is due earlier, and looks, when it rings, who is: a stream
of a thousand pieces costs two timers. While the attempt waits for its own reader, no provider's clock runs.
"""

from __future__ import annotations

import asyncio

from router.canon.target import Timeouts
from router.errors import Reason, WireFault

_WORDS: dict[Reason, str] = {
    Reason.FIRST_BYTE_TIMEOUT: "sent no answer within {0:g} s",
    Reason.FIRST_TOKEN_TIMEOUT: "sent no content within {0:g} s",
    Reason.IDLE_TIMEOUT: "fell silent for {0:g} s in the middle of the answer",
    Reason.TOTAL_TIMEOUT: "did not finish within {0:g} s",
    Reason.TOO_SLOW: "was slower than it may be for {0:g} s in the middle of the answer",
    Reason.DEADLINE: "the request's deadline passed before it had answered",
}

BYTES_PER_TOKEN = 4
"""Of an answer's text, for the floor. A token of a script with three bytes a letter has about as many."""

_INNER = (Reason.FIRST_BYTE_TIMEOUT, Reason.FIRST_TOKEN_TIMEOUT, Reason.IDLE_TIMEOUT, Reason.TOO_SLOW)
"""The clocks that run for a provider alone."""


class Clocks:
    """Cancels the task that made it when a clock runs out; `verdict` then turns that cancellation into a `WireFault`.

    Args:
        timeouts: the limits, in seconds.
        remaining_s: seconds left of the whole exchange.
        streamed: an answer that is not streamed has `whole_s` where a streamed one has first byte and first token.
    """

    def __init__(self, timeouts: Timeouts, *, remaining_s: float, streamed: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._timeouts = timeouts
        self._streamed = streamed
        self.has_floor = timeouts.min_tokens_per_s is not None
        """Whether the speed of content matters: only then need its size be told."""
        self._due_s: dict[Reason, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._ring_s = 0.0
        self._limits: dict[Reason, float] = {}
        self._last_content: float | None = None
        self._window_since = 0.0
        self._window_bytes = 0
        self._reader_since: float | None = None
        self.fired: Reason | None = None
        # Of a whole answer the head comes last.
        self._answer_s = timeouts.first_byte_s if streamed else timeouts.whole_s
        now_s = self._loop.time()
        self._deadline_s = now_s + max(0.0, remaining_s)
        self._due_s[Reason.DEADLINE] = self._deadline_s
        self._limits[Reason.DEADLINE] = remaining_s
        # For whichever clock will be due first, most of which are not set yet: to ring for nobody costs less than to be
        # set anew by each.
        self._set_timer(min(self._deadline_s, now_s + min(timeouts.idle_s, self._answer_s)))

    def sent(self, first_token_s: float) -> None:
        """The request goes out now: the provider's time begins, and with it the wait for first byte and first token,
        for the latter so long when streamed."""
        timeouts, now_s = self._timeouts, self._loop.time()
        limits = {
            Reason.FIRST_BYTE_TIMEOUT: self._answer_s,
            Reason.FIRST_TOKEN_TIMEOUT: first_token_s if self._streamed else timeouts.whole_s,
        }
        if now_s + timeouts.total_s < self._deadline_s:
            self._disarm(Reason.DEADLINE)
            limits[Reason.TOTAL_TIMEOUT] = timeouts.total_s
        self._limits.update(limits)
        soonest_s = self._ring_s
        for reason, seconds in limits.items():
            self._due_s[reason] = due_s = now_s + seconds
            soonest_s = min(soonest_s, due_s)
        if soonest_s < self._ring_s:
            self._set_timer(soonest_s)

    def again(self) -> None:
        """The next request of the same attempt goes out, not streamed: the outer clocks bound all of them together."""
        for reason in _INNER:
            self._disarm(reason)
        self._last_content = None
        now = self._loop.time()
        self._arm(Reason.FIRST_BYTE_TIMEOUT, self._timeouts.whole_s, now)
        self._arm(Reason.FIRST_TOKEN_TIMEOUT, self._timeouts.whole_s, now)

    def head(self) -> None:
        """The head of the answer is here."""
        self._due_s.pop(Reason.FIRST_BYTE_TIMEOUT, None)

    def content(self, size_bytes: int = 0) -> None:
        """So much content came: the idle clock starts again. Pings and comments must not be told here."""
        now = self._loop.time()
        if self._last_content is None:
            self._disarm(Reason.FIRST_TOKEN_TIMEOUT)
            self._arm(Reason.IDLE_TIMEOUT, self._timeouts.idle_s, now)
            if self.has_floor:
                self._window_since = now
                self._arm(Reason.TOO_SLOW, self._timeouts.slow_window_s, now)
        self._last_content = now
        self._window_bytes += size_bytes

    def piece(self) -> None:
        """A piece of a whole answer came: the idle clock starts again, beside the one for all of it."""
        now = self._loop.time()
        if self._last_content is None:
            self._arm(Reason.IDLE_TIMEOUT, self._timeouts.idle_s, now)
        self._last_content = now

    def reader_waits(self) -> None:
        """The attempt hands a piece to its reader and may have to wait: not the provider's time."""
        self._reader_since = self._loop.time()

    def reader_took(self) -> None:
        """The reader took the piece: the provider's time goes on."""
        if self._reader_since is not None and self._last_content is not None:
            waited_s = self._loop.time() - self._reader_since
            self._last_content += waited_s
            self._window_since += waited_s
        self._reader_since = None

    @property
    def waits_for_reader(self) -> bool:
        """Whether a piece is on its way to a reader who has not taken it: what rang then found it undelivered."""
        return self._reader_since is not None

    def ending(self, seconds: float) -> None:
        """All is said but what ends it: silence is waited for so long and no longer. The outer clocks run on."""
        for reason in _INNER:
            self._disarm(reason)
        self._last_content = self._loop.time()
        self._arm(Reason.IDLE_TIMEOUT, seconds, self._last_content)

    def only(self, seconds: float) -> None:
        """From now on nothing bounds the attempt but this: the answer is delivered, and only its bytes' end awaited."""
        self.stop()
        self._arm(Reason.TOTAL_TIMEOUT, seconds, self._loop.time())

    def stop(self) -> None:
        """No clock runs from now on."""
        self._due_s.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def verdict(self) -> WireFault | None:
        """In `except CancelledError`: the fault if a clock did it, None if somebody else wants this task to end."""
        fired, self.fired = self.fired, None
        if fired is None or self._task is None or self._task.uncancel() > 0:
            return None
        if self.waits_for_reader and fired is Reason.TOTAL_TIMEOUT:
            self._limits[fired := Reason.DEADLINE] = 0.0  # the provider was done: it is the reader who was not
        return WireFault(fired, _WORDS[fired].format(self._limits[fired]))

    def _arm(self, reason: Reason, seconds: float, now: float) -> None:
        self._limits[reason] = seconds
        self._due_s[reason] = due_s = now + seconds
        if self._timer is None or due_s < self._ring_s:
            self._set_timer(due_s)

    def _disarm(self, reason: Reason) -> None:
        self._due_s.pop(reason, None)

    def _set_timer(self, due_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._ring_s = due_s
        self._timer = self._loop.call_at(due_s, self._ring)

    def _ring(self) -> None:
        """Fire for who is due, unless content came since or it is our own reader who is slow: then look again when it
        may be due."""
        self._timer = None
        for reason in [reason for reason, due_s in self._due_s.items() if due_s <= self._ring_s]:
            again_s = self._left_s(reason)
            if again_s > 0:
                self._due_s[reason] = self._loop.time() + again_s
            elif self.fired is None and self._task is not None:
                self.fired = reason
                self.stop()
                self._task.cancel()
                return
        if self._due_s:
            self._set_timer(min(self._due_s.values()))

    def _left_s(self, reason: Reason) -> float:
        """Seconds until `reason` may be due; 0 when it is due now. The two outer clocks run for slow readers too."""
        if reason in (Reason.TOTAL_TIMEOUT, Reason.DEADLINE):
            return 0.0
        if self._reader_since is not None:
            return self._limits[reason]
        if reason is Reason.TOO_SLOW:
            return self._window_left_s()
        if reason is not Reason.IDLE_TIMEOUT or self._last_content is None:
            return 0.0
        return _due_s(self._last_content + self._limits[reason] - self._loop.time())

    def _window_left_s(self) -> float:
        """What is left of this window, or the next one whole where this one brought enough. Windows follow each other:
        slowness is seen between one and two of them after it began."""
        timeouts, now = self._timeouts, self._loop.time()
        left_s = _due_s(self._window_since + timeouts.slow_window_s - now)
        least_bytes = (timeouts.min_tokens_per_s or 0.0) * timeouts.slow_window_s * BYTES_PER_TOKEN
        if left_s or self._window_bytes < least_bytes:
            return left_s
        self._window_since, self._window_bytes = now, 0
        return timeouts.slow_window_s


def _due_s(left_s: float) -> float:
    """Under a millisecond counts as due: uvloop's clock has no finer steps, and a zero wait would spin."""
    return left_s if left_s > 0.001 else 0.0
