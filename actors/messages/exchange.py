"""An exchange as its reader sees it: what goes in, what comes out."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from msgspec import Struct

from actors.messages.attempt import Flow, Whole
from actors.runtime import Job, Shutdown
from router.canon.caller import NOBODY, Caller
from router.canon.drill import Drill
from router.canon.event import Event
from router.canon.operation import Operation
from router.canon.target import Target
from router.canon.usage import Usage
from router.errors import Reason, Standing
from router.policy.rescue import Method
from router.wire.dialect import Ask, Relay


class Once(Struct, frozen=True, kw_only=True):
    """A caller's wish that a request be carried out once, however often it comes.

    Args:
        key: the caller's name for it.
        said: the request as it came: under one key it is the same.
    """

    key: str
    said: Ask


class Call(Struct, frozen=True, kw_only=True):
    """What a front or an embedding program hands over.

    Args:
        ask: the request, parsed just enough.
        dialect: name of the codec it came in.
        operation: what that asks for.
        request_id: the id the caller will see; also the exchange's id.
        trace_id: 32 hex digits, from the caller's traceparent or ours.
        parent_span_id: 16 hex digits from the caller's traceparent, or None.
        caller: the client key it came with. Turns are between callers.
        drills: faults to inject into its attempts.
        once: None: every time it comes it is another request.
    """

    ask: Ask
    dialect: str
    request_id: str
    trace_id: str
    parent_span_id: str | None = None
    operation: Operation = Operation.CHAT
    caller: Caller = NOBODY
    drills: tuple[Drill, ...] = ()
    once: Once | None = None


class Committed(Struct, frozen=True, kw_only=True):
    """First on an exchange's outbox: an answer has begun and will not be replaced. What the headers say.

    Args:
        model: the model that really answers, in the provider's words.
        attempts: requests that left for providers, this answer's included; 0 for one from the cache.
        relay: what passed the bytes on, for whoever must end them with an error; None when they are translated.
        cache: hit, for another's answer, kept or still being given; miss or bypass; None when the cache is off.
        age_s: how old a hit is.
        estimated: nobody was asked: the answer is our own estimate.
        injected: the faults that its attempts were given on request.
        rescued: an earlier attempt had begun to answer when it failed, and nobody had seen it yet.
        standings: the caller's limits as they were when it was let in.
    """

    target: Target
    model: str
    attempts: int
    relay: Relay | None = None
    shown: tuple[tuple[str, str], ...] = ()
    lost: tuple[str, ...] = ()
    cache: str | None = None
    age_s: float | None = None
    estimated: bool = False
    rescued: bool = False
    injected: tuple[str, ...] = ()
    standings: tuple[Standing, ...] = ()


class Rescued(Struct, frozen=True, kw_only=True):
    """On an exchange's outbox: what follows comes from another attempt, which goes on where the one before it failed.

    Args:
        target: who goes on.
        method: in which way.
        told: all that the reader was told before, for who must go on in other bytes than those passed on.
    """

    target: Target
    method: Method
    told: tuple[Event, ...]


class Answered(Struct, frozen=True, kw_only=True):
    """Last on an exchange's outbox: complete, with what all attempts that said some of it used and cost (None: nobody
    knows)."""

    usage: Usage | None
    cost_usd: Decimal | None
    raw: bytes = b""


Piece = Committed | Flow | Rescued | Whole | Answered
"""What an outbox carries. An exchange that cannot answer ends its outbox with a `GatewayError`, before or after
`Committed`."""


class Source(Protocol):
    """Where the pieces of an answer come from."""

    async def get(self, *, timeout_s: float | None = None) -> Piece:
        """The next piece. Raises as `Channel.get`."""
        ...

    @property
    def is_ready(self) -> bool:
        """Whether `get` would not wait."""
        ...

    def leave(self) -> None:
        """Read no more."""
        ...

    def rest(self) -> tuple[Piece, ...]:
        """What was said and not yet read, at once."""
        ...


class Opened(Struct, frozen=True, kw_only=True):
    """An exchange under way, to the end by one configuration, whose version is `config`. Whoever opened it must `leave`
    it in the end; its exit gives back all it holds.

    Args:
        job: the exchange; None where others read it too.
        ask: what is answered: of several requests that are one, the first.
        how: joined or replayed, for all but the first of those; None for a request of its own.
        gone: told that the caller is gone, where that is not the end of the exchange.
    """

    job: Job | None
    outbox: Source
    config: str
    ask: Ask
    how: str | None = None
    gone: Callable[[], None] | None = None

    def leave(self) -> None:
        """Read no more. An exchange that is not done ends as the caller's leaving, and its upstream call with it,
        unless others read it."""
        self.outbox.leave()
        if self.job is not None:
            self.job.stop(Shutdown(Reason.CLIENT_GONE.value))

    def abandon(self) -> None:
        """The caller is gone, and its reader is not told yet: the outbox ends with that error."""
        if self.gone is not None:
            self.gone()
        elif self.job is not None:
            self.job.stop(Shutdown(Reason.CLIENT_GONE.value))

    def rest(self) -> tuple[Piece, ...]:
        """What was said and not yet read."""
        return self.outbox.rest()
