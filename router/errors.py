"""What can go wrong, by whose fault, and what happened.

    GatewayError
    ├── Refused          the caller's request cannot be served as it is; changing it may help
    ├── Limited          a budget or a limit of this gateway is spent; waiting `retry_after_s` helps
    ├── UpstreamFailed   providers were asked and none answered
    └── Unavailable      this gateway cannot serve now

A class says who must act. What happened is a `Reason`, a closed set whose members are also the metric labels.
A translator that finds a provider's failure raises `WireFault`; the exchange makes it an `UpstreamFailed` by adding the
target. Which reasons may be tried again stands in `policy/retry.py`; how each is said to a caller in a dialect's
`fault.py`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from msgspec import Struct


class Blame(StrEnum):
    """Whose fault a reason is. Only `PROVIDER` and `CAPACITY` move a breaker."""

    CALLER = "caller"
    GATEWAY = "gateway"
    PROVIDER = "provider"
    CAPACITY = "capacity"


class Reason(StrEnum):
    """What happened, in one word. Closed: a new member needs a row in every table that a test checks for
    completeness."""

    # the caller's
    REJECTED = "rejected"
    TOO_LARGE = "too_large"
    UNKNOWN_MODEL = "unknown_model"
    CONTEXT_LENGTH = "context_length"
    CONTENT_POLICY = "content_policy"
    INEXPRESSIBLE = "inexpressible"
    THREAD_MISSING = "thread_missing"
    KEY_REUSED = "key_reused"
    CLIENT_GONE = "client_gone"
    DEADLINE = "deadline"
    # the gateway's, or its operator's
    CREDENTIAL = "credential"
    MODEL_MISSING = "model_missing"
    BREAKER_OPEN = "breaker_open"
    BUSY = "busy"
    NO_TARGET = "no_target"
    SHUTTING_DOWN = "shutting_down"
    PART_DOWN = "part_down"
    INTERNAL = "internal"
    SUPERSEDED = "superseded"
    DIVERGED = "diverged"
    # a provider's
    CONNECT = "connect"
    CONNECT_TIMEOUT = "connect_timeout"
    FIRST_BYTE_TIMEOUT = "first_byte_timeout"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"
    IDLE_TIMEOUT = "idle_timeout"
    TOTAL_TIMEOUT = "total_timeout"
    TOO_SLOW = "too_slow"
    SERVER_ERROR = "server_error"
    CUT_STREAM = "cut_stream"
    MALFORMED = "malformed"
    EMPTY_ANSWER = "empty_answer"
    CRASHED = "crashed"
    # somebody's capacity
    THROTTLED = "throttled"
    OVERLOADED = "overloaded"
    QUOTA_EXHAUSTED = "quota_exhausted"


_BLAMED: dict[Blame, tuple[Reason, ...]] = {
    Blame.CALLER: (
        Reason.REJECTED,
        Reason.TOO_LARGE,
        Reason.UNKNOWN_MODEL,
        Reason.CONTEXT_LENGTH,
        Reason.CONTENT_POLICY,
        Reason.INEXPRESSIBLE,
        Reason.THREAD_MISSING,
        Reason.KEY_REUSED,
        Reason.CLIENT_GONE,
        Reason.DEADLINE,
    ),
    Blame.GATEWAY: (
        Reason.CREDENTIAL,
        Reason.MODEL_MISSING,
        Reason.BREAKER_OPEN,
        Reason.BUSY,
        Reason.NO_TARGET,
        Reason.SHUTTING_DOWN,
        Reason.PART_DOWN,
        Reason.INTERNAL,
        Reason.SUPERSEDED,
        Reason.DIVERGED,
    ),
    Blame.PROVIDER: (
        Reason.CONNECT,
        Reason.CONNECT_TIMEOUT,
        Reason.FIRST_BYTE_TIMEOUT,
        Reason.FIRST_TOKEN_TIMEOUT,
        Reason.IDLE_TIMEOUT,
        Reason.TOTAL_TIMEOUT,
        Reason.TOO_SLOW,
        Reason.SERVER_ERROR,
        Reason.CUT_STREAM,
        Reason.MALFORMED,
        Reason.EMPTY_ANSWER,
        Reason.CRASHED,
    ),
    Blame.CAPACITY: (Reason.THROTTLED, Reason.OVERLOADED, Reason.QUOTA_EXHAUSTED),
}

BLAME: dict[Reason, Blame] = {reason: blame for blame, reasons in _BLAMED.items() for reason in reasons}
"""Whose fault each reason is; every `Reason` has a row."""

TIMEOUTS: frozenset[Reason] = frozenset(
    {
        Reason.CONNECT_TIMEOUT,
        Reason.FIRST_BYTE_TIMEOUT,
        Reason.FIRST_TOKEN_TIMEOUT,
        Reason.IDLE_TIMEOUT,
        Reason.TOTAL_TIMEOUT,
        Reason.TOO_SLOW,
        Reason.DEADLINE,
    }
)
"""The reasons that are a clock running out."""


FINAL: frozenset[Reason] = frozenset(
    {
        Reason.UNKNOWN_MODEL,
        Reason.THREAD_MISSING,
        Reason.KEY_REUSED,
        Reason.CLIENT_GONE,
        Reason.DEADLINE,
        Reason.NO_TARGET,
        Reason.SHUTTING_DOWN,
        Reason.PART_DOWN,
        Reason.SUPERSEDED,
        Reason.DIVERGED,
    }
)
"""The reasons that end an exchange whatever other targets there are: no route can name them as a way on."""


class WireFault(Exception):
    """A provider said no, or said something that cannot be read. Raised by translators and transports only.

    Args:
        reason: what happened.
        message: the provider's own words where they are safe for a caller to read, else ours. Never a credential.
        status: HTTP status of the provider's answer; None when there was none, or when the error came inside a 200.
        retry_after_s: seconds the provider asked us to wait, from now; None when it did not say.
        code: the provider's own error code, for logs.
        headers: response headers that may be shown to the caller (rate limits, request id), lower-case names.

    `key` is the name of the key by which the attempt went, and `spare` whether another key of the same provider can go
    at once; whoever carried the attempt out says so.
    """

    key = ""
    spare = False

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        code: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s
        self.code = code
        self.headers = headers


class AttemptNote(Struct, frozen=True, kw_only=True):
    """One failed try, as it is told to the caller: which target, and why it did not answer."""

    target: str
    reason: Reason


class Standing(Struct, frozen=True, kw_only=True):
    """How a caller stands with one of its limits, after a request was let in or turned away.

    Args:
        unit: requests or tokens.
        limit: how many a minute.
        remaining: how many now.
        reset_s: until all of them are back.
        reset_at: the same moment, epoch seconds.
    """

    unit: str
    limit: int
    remaining: int
    reset_s: float
    reset_at: float


class GatewayError(Exception):
    """Base of the four errors a caller can see. `status` and `code` are the class's; `reason` says what happened."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    reason: Reason = Reason.INTERNAL

    def __init__(
        self,
        message: str,
        *,
        reason: Reason | None = None,
        retry_after_s: float | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s
        self.param = param
        if reason is not None:
            self.reason = reason

    @property
    def label(self) -> str:
        """The reason as a metric label."""
        return self.reason.value


class Refused(GatewayError):
    """The caller's: the request cannot be served as it is."""

    status = 400
    code = "invalid_request"
    reason = Reason.REJECTED


class Limited(GatewayError):
    """A limit or budget of this gateway is spent; `retry_after_s` says when to come back."""

    status = 429
    code = "rate_limit_exceeded"
    reason = Reason.BUSY

    def __init__(
        self,
        message: str,
        *,
        reason: Reason | None = None,
        retry_after_s: float | None = None,
        standings: tuple[Standing, ...] = (),
    ) -> None:
        super().__init__(message, reason=reason, retry_after_s=retry_after_s)
        self.standings = standings


class UpstreamFailed(GatewayError):
    """Providers were asked and none answered.

    Args:
        message: the last failure in words.
        target: the target of the last failure, `provider:model`.
        reason: the last failure.
        attempts: every try that was made, in order.
        fault: the last provider's own answer, for its status, headers and words.

    `injected` names the faults that were injected into the tries on request.
    """

    status = 502
    code = "upstream_error"
    reason = Reason.SERVER_ERROR
    injected: tuple[str, ...] = ()

    def __init__(
        self,
        message: str,
        *,
        target: str,
        reason: Reason,
        attempts: tuple[AttemptNote, ...] = (),
        fault: WireFault | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, reason=reason, retry_after_s=retry_after_s)
        self.target = target
        self.attempts = attempts
        self.fault = fault

    @property
    def metadata(self) -> dict[str, object]:
        """What a caller of any dialect is told of the tries, beside the words."""
        told: dict[str, object] = {"target": self.target, "reason": self.reason, "attempts": self.attempts}
        return {**told, "injected_faults": self.injected} if self.injected else told


class Unavailable(GatewayError):
    """This gateway cannot serve now: it is stopping, or a part of it that the request needs is down."""

    status = 503
    code = "unavailable"
    reason = Reason.SHUTTING_DOWN
