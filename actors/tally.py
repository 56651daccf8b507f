"""What is known about one attempt so far. It lives outside the attempt's coroutine, so that it can be settled whatever
happened to that: answer, error, cancellation before the first step, or a kill."""

from __future__ import annotations

from actors.messages import AttemptEnded, AttemptJudged, EntryClosed, Order
from actors.reading import BYTES_OF
from actors.runtime import Crashed, Exit, Normal, Ports, Shutdown
from router.canon.allowance import Allowance
from router.canon.drill import Drill
from router.canon.event import CONTENT, Ended, Event, Skipped, UsageReported
from router.canon.outcome import End, UsageSource
from router.canon.usage import Usage, added
from router.errors import TIMEOUTS, Reason, WireFault
from router.policy.gauge import Gauge, estimate_usage, guess_prompt
from router.policy.lanes import ONLY, Told
from router.wire.needs import DATA, needs_of

_ENDS: dict[Reason, End] = {
    Reason.CUT_STREAM: End.CUT,
    Reason.CRASHED: End.CRASHED,
    Reason.CLIENT_GONE: End.CLIENT_GONE,
    Reason.SHUTTING_DOWN: End.STOPPED,
    Reason.REJECTED: End.REFUSED,
    Reason.TOO_LARGE: End.REFUSED,
    Reason.UNKNOWN_MODEL: End.REFUSED,
    Reason.CONTEXT_LENGTH: End.REFUSED,
    Reason.CONTENT_POLICY: End.REFUSED,
    Reason.INEXPRESSIBLE: End.REFUSED,
    Reason.THREAD_MISSING: End.REFUSED,
    Reason.KEY_REUSED: End.REFUSED,
    Reason.BUSY: End.LIMITED,
    Reason.SUPERSEDED: End.SUPERSEDED,
    Reason.DIVERGED: End.SUPERSEDED,
} | dict.fromkeys(TIMEOUTS, End.TIMEOUT)

_UNNAMED: dict[type, Reason] = {Normal: Reason.CLIENT_GONE, Shutdown: Reason.SHUTTING_DOWN}
"""Why an attempt stops with an exchange whose exit names no reason; one that crashed or was killed is our fault."""

_NAMES = frozenset(reason.value for reason in Reason)


def end_of(reason: Reason | None) -> End:
    """How an attempt or exchange that stopped for `reason` ended; None is a complete answer."""
    return End.COMPLETED if reason is None else _ENDS.get(reason, End.FAILED)


def stop_for(reason: Reason) -> Shutdown:
    """The exit that tells a job why it is stopped; `reason_of` reads it."""
    return Shutdown(reason.value)


def reason_of(exit: Exit) -> Reason | None:
    """The reason a job was stopped for; None when its exit names none."""
    named = exit.detail if isinstance(exit, Shutdown) else ""
    return Reason(named) if named in _NAMES else None


def left_by_caller(exit: Exit) -> bool:
    """Whether an exchange with this exit ended because nobody reads it any more."""
    return (reason_of(exit) or _UNNAMED.get(type(exit))) is Reason.CLIENT_GONE


class Tally:
    """Moments, usage and fault of one attempt. Moments are seconds of `Ports.clock`; what its provider is measured by
    is counted from when the request went out, not from when it began to wait for that."""

    def __init__(self, order: Order, provider: str, ports: Ports) -> None:
        self.order = order
        self.provider = provider
        self._ports = ports
        self.started_at = ports.wall.now()
        self._started_s = self._sent_s = ports.clock.now()
        self._first_byte_s: float | None = None
        self._first_token_s: float | None = None
        self.usage: Usage | None = None
        self.asked_bytes = 0
        self.said_bytes = 0
        self.gauge = Gauge()
        self.fault: WireFault | None = None
        self.complete = False
        self.sent = False
        self.gone = False
        self.left = False
        self.skipped = 0
        self.epoch: int | None = None
        self.key = ONLY
        self.reserved = 0
        self.allowances: tuple[Allowance, ...] = ()
        self.drill: Drill | None = None
        """The fault that was injected, once it has happened."""

    def inject(self, drill: Drill) -> None:
        """A fault was injected: what follows is not its provider's doing."""
        self.drill = drill

    def send(self) -> None:
        """The request goes out now."""
        self.sent = True
        self._sent_s = self._ports.clock.now()

    def head(self) -> None:
        """The head of the provider's answer is here; of several, the first."""
        if self._first_byte_s is None:
            self._first_byte_s = self._ports.clock.now() - self._sent_s

    def take(self, events: tuple[Event, ...]) -> bool:
        """Note what the events say; True when one of them bears content."""
        bears = False
        for event in events:
            kind = type(event)
            if kind in CONTENT:
                bears = True
                self.said_bytes += BYTES_OF[kind](event)
            elif kind is UsageReported:
                self.usage = event.usage  # type: ignore[union-attr]  # `kind is` narrows nothing for mypy; isinstance costs twice
            elif kind is Ended:
                self.complete = True
            elif kind is Skipped:
                self.skipped += 1
        if bears and self._first_token_s is None:
            self._first_token_s = self._ports.clock.now() - self._sent_s
        return bears

    def whole(self, usage: Usage | None) -> None:
        """A whole answer came, or the next of several; whether it is one is still to be seen, what it used is not."""
        self._first_token_s = self._ports.clock.now() - self._sent_s
        if usage is not None:
            self.usage = usage if self.usage is None else added(self.usage, usage)

    @property
    def was_billed(self) -> bool:
        """Output tokens were counted: an answer without a word of it was thought in secret, and is no failure."""
        return self.usage is not None and self.usage.output_total > 0

    def reason(self, exit: Exit) -> Reason | None:
        """Why the attempt did not complete, as far as can be known from its own fault and from how its job ended. One
        that was read on did not for anybody."""
        if self.gone:
            return Reason.CLIENT_GONE
        if self.fault is not None:
            return self.fault.reason
        if self.complete:
            return None
        if self.left:
            return Reason.CLIENT_GONE
        own = reason_of(exit)
        if own is not None:
            return own
        ended = self.order.job.reason or self.order.job.asked
        if isinstance(exit, Crashed) or ended is None:
            return Reason.CRASHED
        return reason_of(ended) or _UNNAMED.get(type(ended), Reason.INTERNAL)

    def prompt_guess(self) -> int | None:
        """About how many tokens the prompt has, by its size; None where much of it may be pictures or other data."""
        if not self.asked_bytes or not DATA.isdisjoint(needs_of(self.order.ask.fields)):
            return None
        return guess_prompt(self.gauge, self.asked_bytes)

    def used(self) -> Usage | None:
        """What was used until now, as `entry` would say it now."""
        return self._counted()[0] if self.sent else None

    def judged(self, reason: Reason | None) -> AttemptJudged | None:
        """What the breaker is told; None when it never let the attempt through."""
        if self.epoch is None:
            return None
        return AttemptJudged(
            model=self.order.target.model,
            epoch=self.epoch,
            reason=self.learned(reason),
            retry_after_s=self.fault.retry_after_s if self.fault and not self._hidden else None,
            first_token_s=self._first_token_s if self.order.ask.stream else None,
            key=self.key,
        )

    def told(self, reason: Reason | None) -> Told:
        """What pace is told of the attempt's end."""
        fault = self.fault if self.sent and not self._hidden else None
        return Told(
            model=self.order.target.model,
            reason=self.learned(reason),
            status=fault.status if fault else None,
            # Only what the provider said: a wait for our own slot or breaker is no wish of its for quiet.
            retry_after_s=fault.retry_after_s if fault else None,
            sent=self.sent,
            reserved=self.reserved,
            used=None if self.usage is None else self.usage.input_total + self.usage.output_total,
            sent_s=self._sent_s,
            first_token_s=self._first_token_s if self.order.ask.stream else None,
            allowances=self.allowances,
        )

    def entry(self, reason: Reason | None) -> EntryClosed:
        """What the ledger is told."""
        usage, source = self._counted()
        return EntryClosed(
            attempt=self.order.attempt,
            exchange=self.order.exchange,
            provider=self.provider,
            model=self.order.target.model,
            end=end_of(reason),
            reason=reason,
            usage=usage,
            usage_source=source,
            at=self._ports.wall.now(),
            key=self.key,
            asked_bytes=self.asked_bytes,
            said_bytes=self.said_bytes,
        )

    def ended(self, entry: EntryClosed) -> AttemptEnded:
        """What telemetry is told, beside what the ledger was."""
        return AttemptEnded(
            exchange=self.order.exchange,
            attempt=self.order.attempt,
            trace_id=self.order.trace_id,
            operation=self.order.operation,
            number=self.order.number,
            provider=self.provider,
            model=self.order.target.model,
            end=entry.end,
            reason=entry.reason,
            status=self.fault.status if self.fault else None,
            message=self.fault.message if self.fault else None,
            usage=entry.usage,
            usage_source=entry.usage_source,
            skipped=self.skipped,
            started_at=self.started_at,
            first_byte_s=self._first_byte_s,
            first_token_s=self._first_token_s,
            duration_s=self._ports.clock.now() - self._started_s,
            key=self.key,
            drill=self.drill,
        )

    def learned(self, reason: Reason | None) -> Reason | None:
        """What the attempt's end says of its target: nothing, where a fault was injected that is not to count."""
        return Reason.SUPERSEDED if reason is not None and self._hidden else reason

    @property
    def _hidden(self) -> bool:
        return self.drill is not None and not self.drill.counts

    def _counted(self) -> tuple[Usage | None, UsageSource]:
        """What was used, and who says so. Where the provider did not count to the end of what it said, we estimate."""
        if self.complete and self.usage is not None:
            return self.usage, UsageSource.FINAL
        if self.asked_bytes and self.said_bytes:
            estimated = estimate_usage(self.gauge, self.asked_bytes, self.said_bytes, self.usage)
            if estimated != self.usage:
                return estimated, UsageSource.ESTIMATED
        return self.usage, UsageSource.NONE if self.usage is None else UsageSource.PARTIAL
