"""Who may go, and where: limits, groups, pace, breaker and retry."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from actors.runtime import Job
from router.canon.allowance import Allowance
from router.canon.operation import Operation
from router.canon.target import Target
from router.errors import Reason, Standing
from router.policy.bounds import Bounds
from router.policy.breaker import Judged
from router.policy.course import Course
from router.policy.lanes import ONLY, Lane, Shut, Told
from router.wire.dialect import Ask


class Draw(Struct, frozen=True, kw_only=True):
    """What a request may use at most, and what bounds its caller. `usd` None: nobody knows the price of a target."""

    bounds: Bounds
    tokens: int = 0
    usd: Decimal | None = None


class Admit(Struct, frozen=True, kw_only=True):
    """Ask Limits to let an exchange in. Answer: `Admitted` or `Turned`. Given back when `job` ends, whatever its
    end."""

    exchange: str
    job: Job
    deadline_s: float
    draw: Draw | None = None


class Admitted(Struct, frozen=True, kw_only=True):
    """The exchange is in; `standings` are its caller's limits now."""

    standings: tuple[Standing, ...] = ()


class Turned(Struct, frozen=True, kw_only=True):
    """The exchange is not let in; nothing was taken. Come back after `retry_after_s`; None: not before somebody acts.

    `reason` is BUSY where the gateway is full, THROTTLED for a limit of the caller's and QUOTA_EXHAUSTED for a budget.
    """

    retry_after_s: float | None
    why: str
    reason: Reason = Reason.BUSY
    standings: tuple[Standing, ...] = ()


class BoundsChanged(Struct, frozen=True, kw_only=True):
    """Fact for Limits: another configuration is in force since `at`, epoch seconds, with other budgets perhaps."""

    at: float


class Plan(Struct, frozen=True, kw_only=True):
    """Ask a group for the order of its targets for this request. Answer: `Planned`."""

    ask: Ask
    operation: Operation = Operation.CHAT


class Planned(Struct, frozen=True, kw_only=True):
    """Targets in the order to try them. The same target may be tried again where the retry verdict says so.

    `strategy` is what made the order. `late_s`: after so long without a word of one of them a second may be asked;
    empty where the route does not hedge, or does not know yet when that is.
    """

    targets: tuple[Target, ...]
    max_attempts: int
    strategy: str
    course: Course = Course()
    late_s: Mapping[Target, float] = {}


READY = "ready"
"""The state of a key that may be used; the others are words of `Shut`."""


class Grant(Struct, frozen=True, kw_only=True):
    """What an attempt was let go with; it is asked for after a restart of Pace."""

    key: str
    model: str


class SpendHedge(Struct, frozen=True, kw_only=True):
    """Ask a group whether a second target may be asked beside one that is late. Answer: `HedgeGranted` or
    `HedgeDenied`."""

    ask: Ask
    target: Target


class HedgeGranted(Struct, frozen=True, kw_only=True):
    """Go on; it is paid for."""


class HedgeDenied(Struct, frozen=True, kw_only=True):
    """The route's share of second requests, or its money for them, is spent."""


class Acquire(Struct, frozen=True, kw_only=True):
    """Ask Pace for a key and a slot. Answer: `Acquired`, or `Busy`. Given back when `job` ends, whatever its end.

    Args:
        tokens: what the attempt will use, by estimate; 0 where nothing limits them.
        caller: who it is for: turns in the queue are between callers.
        avoid: keys by which this exchange has failed on this target.
    """

    job: Job
    deadline_s: float
    model: str
    tokens: int = 0
    caller: str = ""
    avoid: tuple[str, ...] = ()


class Acquired(Struct, frozen=True, kw_only=True):
    """A slot is held by the job that asked, and it goes by this key."""

    key: str = ONLY


class ReopenKeys(Struct, frozen=True, kw_only=True):
    """Ask Pace to try keys again that the provider refused, or whose account it called empty. Answer:
    `KeysReopened`."""


class KeysReopened(Struct, frozen=True, kw_only=True):
    """These were out, and the next attempt may go by them."""

    keys: tuple[str, ...]


class Busy(Struct, frozen=True, kw_only=True):
    """Not now, and waiting here is of no use. Where no time is known at which it will be, it is infinite."""

    retry_after_s: float
    why: Shut


class AttemptMeasured(Struct, frozen=True, kw_only=True):
    """Fact for Pace: how an attempt that went by `key` ended."""

    key: str
    told: Told


class LimitsRead(Struct, frozen=True, kw_only=True):
    """Fact for Pace: an answer that goes on said that little is left of a limit."""

    key: str
    model: str
    allowances: tuple[Allowance, ...]


class PaceView(Struct, frozen=True, kw_only=True):
    """What Pace publishes: its keys, and the monotonic moment until which none of them is open; 0: one is."""

    lanes: tuple[Lane, ...] = (Lane(name=ONLY),)
    shut_until_s: float = 0.0


class KeyChanged(Struct, frozen=True, kw_only=True):
    """Fact for Telemetry: a key was refused by its provider, or its account is empty, or it is `ready` again."""

    provider: str
    key: str
    before: str
    after: str
    at: float


class Knock(Struct, frozen=True, kw_only=True):
    """Ask the Breaker whether an attempt may go. Answer: `LetThrough` or `Open`. A probe is given back when `job`
    ends."""

    job: Job
    model: str
    key: str = ONLY


class LetThrough(Struct, frozen=True, kw_only=True):
    """Go. `epoch` comes back with the outcome: a result of an older state moves nothing."""

    epoch: int
    probe: bool


class Open(Struct, frozen=True, kw_only=True):
    """Do not go before `retry_after_s`."""

    retry_after_s: float


class AttemptJudged(Judged, frozen=True, kw_only=True):
    """Fact for the Breaker: how an attempt it let through ended, at which model and by which key."""

    model: str
    key: str = ONLY


class BreakerState(Struct, frozen=True, kw_only=True):
    """What a breaker publishes of a model: closed, open or half_open; `retry_at_s` when open; `closed_since_s` once it
    was open and its target is back.

    `keys` has the circuit of each key that was used; the model's own state is that of its best key.
    """

    state: str
    retry_at_s: float | None = None
    closed_since_s: float | None = None
    keys: Mapping[str, BreakerState] = {}


class BreakerChanged(Struct, frozen=True, kw_only=True):
    """Fact for Telemetry: the circuit of a model by one key went from one state to another; `model_state` is the
    model's by its best key."""

    provider: str
    model: str
    before: str
    after: str
    why: str
    at: float
    key: str = ONLY
    model_state: str | None = None


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
