"""What an attempt is told to do, and what it says on its feed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import Struct

from actors.runtime import Channel, Job
from router.canon.caller import NOBODY, Caller
from router.canon.drill import Drill
from router.canon.event import Event
from router.canon.loss import OnLoss
from router.canon.operation import Operation
from router.canon.reply import Answer
from router.canon.target import Target
from router.canon.usage import Usage
from router.errors import Reason, WireFault
from router.wire.dialect import Ask, Relay


class Order(Struct, frozen=True, kw_only=True):
    """What one attempt is to do.

    Args:
        exchange: id of the exchange it belongs to.
        attempt: its own id.
        job: the exchange's job; the attempt ends with it.
        number: 1 for the first request of the exchange that leaves the gateway.
        first: whether the exchange asks this provider for the first time.
        ask: the caller's request, in dialect `spoken`.
        spoken: name of the caller's codec; equal to the target's means bytes pass through.
        operation: what that asks for.
        target: where to.
        deadline_s: end of the exchange.
        refusals_move: a refusal fails the attempt, as long as nothing else was said: its route goes on to another
            target then, and there is one.
        on_loss: whether the target is asked when it cannot be told what the request means.
        caller: who the exchange is for, where turns are between callers.
        client: the client key that it came with.
        metered: whether what it used comes out of a budget or a limit of the caller's.
        avoid: keys of the provider by which the exchange has failed on this target.
        drill: the fault to inject.
        alone: its exchange waits for nothing else meanwhile: it may run in the exchange's own task.
        beginning: text that the caller was told already, to go on from; None asks for a whole answer.
    """

    exchange: str
    attempt: str
    job: Job
    number: int
    first: bool
    ask: Ask
    spoken: str
    target: Target
    deadline_s: float
    trace_id: str
    refusals_move: bool = False
    on_loss: OnLoss = OnLoss.REFUSE
    operation: Operation = Operation.CHAT
    caller: str = ""
    client: Caller = NOBODY
    metered: bool = False
    avoid: tuple[str, ...] = ()
    beginning: str | None = None
    drill: Drill | None = None
    alone: bool = False


class Unsent(WireFault):
    """A try that ended before anything left the gateway: it costs no attempt, and its words are ours."""


class Inexpressible(Unsent):
    """A target that cannot be told what the request means; `lost` names by path what, and `why` says it in words where
    the paths alone do not."""

    def __init__(self, lost: tuple[str, ...], why: str = "") -> None:
        super().__init__(Reason.INEXPRESSIBLE, why or f"it cannot be told {', '.join(lost)}")
        self.lost = lost
        self.why = why


class StartAttempt(Struct, frozen=True, kw_only=True):
    """Ask a Provider for an attempt. Answer: `AttemptStarted`, or `AttemptReady` where it may run in the exchange's own
    task, or `ModelMissing` when it does not have the model."""

    order: Order


class AttemptStarted(Struct, frozen=True, kw_only=True):
    """The attempt runs as `job` in the provider's own task group and answers on `feed`.

    Args:
        used: what it has used so far, as the ledger counts it: by the provider's word, else by estimate.
    """

    job: Job
    feed: Channel[Part]
    used: Callable[[], Usage | None]


class AttemptReady(Struct, frozen=True, kw_only=True):
    """The attempt runs in the task of whoever awaits `run`, as a job of the provider's own group all the same: who ends
    either ends it, and its end, whatever it is, ends `run`.

    Args:
        run: gives the parts, and a fault, to the ear; where it gave neither fault nor `Complete`, it crashed.
        used: as in `AttemptStarted`.
    """

    run: Callable[[Ear], Awaitable[None]]
    used: Callable[[], Usage | None]


class ModelMissing(Struct, frozen=True, kw_only=True):
    """The provider does not serve that model."""


class Head(Struct, frozen=True, kw_only=True):
    """First on a feed: the provider answered well. Commits nothing.

    Args:
        relay: what passes the provider's bytes on; None when they are translated.
        shown: the provider's headers that a caller may see.
        lost: what translation could not say, by path.
        estimated: nobody was asked: the answer is our own estimate.
        sent: whether a request left for the provider.
        echoes: it may repeat the beginning that it was given.
    """

    relay: Relay | None = None
    shown: tuple[tuple[str, str], ...] = ()
    lost: tuple[str, ...] = ()
    estimated: bool = False
    sent: bool = True
    echoes: bool = False


class Flow(Struct, frozen=True, kw_only=True):
    """On a feed, streamed: events in order, and, when passing through, the bytes to hand on instead of encoding
    them."""

    events: tuple[Event, ...]
    raw: bytes = b""


class Whole(Struct, frozen=True, kw_only=True):
    """Last on a feed, not streamed: the whole answer, and its bytes when passing through."""

    reply: Answer
    raw: bytes = b""


class Complete(Struct, frozen=True, kw_only=True):
    """Last on a feed, streamed: the provider's own terminal event was seen."""

    raw: bytes = b""


Part = Head | Flow | Whole | Complete
"""What a feed carries. A failed attempt ends its feed with its `WireFault`; a feed that ends without either crashed."""


class Ear(Protocol):
    """Where an attempt's parts go: a feed, or straight to the reader of its exchange."""

    @property
    def is_full(self) -> bool:
        """Whether who listens is behind by as much as it may be."""
        ...

    async def room(self) -> None:
        """Wait until it is not. Raises `ChannelClosed`: nobody listens any more."""
        ...

    def push(self, *parts: Part) -> None:
        """Hand on parts at once. Raises as `room`."""
        ...

    def fail(self, error: BaseException) -> None:
        """It failed."""
        ...

    def close(self) -> None:
        """Nothing follows."""
        ...

    def leave(self) -> None:
        """Nobody listens any more."""
        ...
