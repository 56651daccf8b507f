"""Who may go, and where: limits, groups, pace, breaker and retry."""

from __future__ import annotations

from msgspec import Struct

from actors.runtime import Job
from router.canon.operation import Operation
from router.canon.target import Target
from router.errors import Reason
from router.policy.course import Course
from router.wire.dialect import Ask


class Admit(Struct, frozen=True, kw_only=True):
    """Ask Limits to let an exchange in. Answer: `Admitted` or `Turned`. Given back when `job` ends, whatever its
    end."""

    exchange: str
    job: Job
    deadline_s: float


class Admitted(Struct, frozen=True, kw_only=True):
    """The exchange is in."""


class Turned(Struct, frozen=True, kw_only=True):
    """The exchange is not let in; nothing was taken. Come back after `retry_after_s`."""

    retry_after_s: float
    why: str


class Plan(Struct, frozen=True, kw_only=True):
    """Ask a group for the order of its targets for this request. Answer: `Planned`."""

    ask: Ask
    operation: Operation = Operation.CHAT


class Planned(Struct, frozen=True, kw_only=True):
    """Targets in the order to try them. The same target may be tried again where the retry verdict says so.

    `strategy` is what made the order.
    """

    targets: tuple[Target, ...]
    max_attempts: int
    strategy: str
    course: Course = Course()


class Acquire(Struct, frozen=True, kw_only=True):
    """Ask Pace for a slot. Answer: `Acquired`, or `Busy`. The slot is given back when `job` ends, whatever its end."""

    job: Job
    deadline_s: float


class Acquired(Struct, frozen=True, kw_only=True):
    """A slot is held by the job that asked."""


class Busy(Struct, frozen=True, kw_only=True):
    """No slot: the queue is full, the wait would outlast the deadline, or (`cooling`) the provider asked for quiet."""

    retry_after_s: float
    cooling: bool = False


class CooledDown(Struct, frozen=True, kw_only=True):
    """Fact for Pace: the provider asked for quiet until `until_s` (a 429's Retry-After). The later of two wins."""

    until_s: float


class Knock(Struct, frozen=True, kw_only=True):
    """Ask the Breaker whether an attempt may go. Answer: `LetThrough` or `Open`. A probe is given back when `job`
    ends."""

    job: Job
    model: str


class LetThrough(Struct, frozen=True, kw_only=True):
    """Go. `epoch` comes back with the outcome: a result of an older state moves nothing."""

    epoch: int
    probe: bool


class Open(Struct, frozen=True, kw_only=True):
    """Do not go before `retry_after_s`."""

    retry_after_s: float


class AttemptJudged(Struct, frozen=True, kw_only=True):
    """Fact for the Breaker: how an attempt it let through ended. `reason` None is a success."""

    job: Job
    model: str
    epoch: int
    reason: Reason | None
    retry_after_s: float | None
    duration_s: float


class BreakerState(Struct, frozen=True, kw_only=True):
    """What a breaker publishes: closed, open or half_open; `retry_at_s` when open; `closed_since_s` once it was open
    and its target is back."""

    state: str
    retry_at_s: float | None = None
    closed_since_s: float | None = None
    failures: int = 0
    successes: int = 0


class BreakerChanged(Struct, frozen=True, kw_only=True):
    """Fact for Telemetry: a breaker went from one state to another."""

    provider: str
    model: str
    before: str
    after: str
    why: str
    at: float


class SpendRetry(Struct, frozen=True, kw_only=True):
    """Ask Retry whether one more try is within budget. Answer: `RetryGranted` or `RetryDenied`."""

    provider: str


class RetryGranted(Struct, frozen=True, kw_only=True):
    """Go on."""


class RetryDenied(Struct, frozen=True, kw_only=True):
    """The budget is spent: end here and tell the caller not to try again at once."""


class AttemptCounted(Struct, frozen=True, kw_only=True):
    """Fact for Retry: a first try went out to a provider; it earns its share of retries."""

    provider: str
