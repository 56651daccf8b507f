"""What is known about one exchange so far: its tries, who answers, what was counted; and the words for how it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import reduce

from actors.drilling import Drilling
from actors.messages import (
    Answered,
    Call,
    Committed,
    ExchangeEnded,
    Flow,
    Inexpressible,
    Saved,
    Unsent,
    Whole,
)
from actors.runtime import Exit, Ports
from actors.tally import end_of, reason_of
from router.canon.event import CONTENT, Skipped, Started, UsageReported
from router.canon.target import Target
from router.canon.usage import Usage, added
from router.errors import AttemptNote, GatewayError, Reason, Refused, Unavailable, UpstreamFailed, WireFault
from router.policy.price import is_plausible
from router.policy.rescue import Method
from router.policy.retry import Tried

Price = Callable[[Target, Usage | None], Decimal | None]
Used = Callable[[], Usage | None]
"""What an attempt has used until now, by its provider's word or by estimate; None: nobody counted."""


class Record:
    """The memory of one exchange, filled by it and read by whoever is told of its end.

    `target` is who answers, None before the commit point; `model` and `usage` are the provider's own last words;
    `skipped` events of the answer could not be read; `drilling` has the faults it was given. `held_back` says
    that an attempt had begun to answer and failed before anybody saw it; `rescues` how each attempt to go on with a
    half-sent answer ended, `hedge` how a race did: won, lost or failed by the second, or denied; `cache` how it met the
    cache, None where that is off.

    Args:
        price: (target, usage) -> what it costs; None when nobody knows.
    """

    def __init__(self, call: Call, ports: Ports, price: Price) -> None:
        self._call = call
        self._price = price
        self._ports = ports
        self.started_at = ports.wall.now()
        self.started_s = ports.clock.now()
        self.tried: tuple[Tried, ...] = ()
        """Every failed try, oldest first."""
        self.requests = 0
        """Failed tries that left the gateway."""
        self._fault: WireFault | None = None
        self._unsaid: list[Inexpressible] = []
        self._first_token_s: float | None = None
        self.target: Target | None = None
        self.model: str | None = None
        self.usage: Usage | None = None
        self.skipped = 0
        self.held_back = False
        self.drilling = Drilling(call.drills)
        self.hedge: str | None = None
        self.rescues: list[tuple[Method, str]] = []
        self.spent: Usage | None = None
        """What the attempts that said the beginning of this answer were counted."""
        self._spent: tuple[tuple[Target, Usage | None], ...] = ()
        self._users: list[tuple[Target, Used]] = []
        self.cost_usd: Decimal | None = None
        self._costs: tuple[tuple[str, Decimal | None], ...] = ()
        self.strategy: str | None = None
        self.cache: str | None = None
        self._saved: Saved | None = None
        self.complete = False
        self.error: GatewayError | None = None

    def committed(self, target: Target) -> None:
        """The commit point is reached: this target's answer is the answer."""
        self.target = target
        self._first_token_s = self._ports.clock.now() - self.started_s

    @property
    def total(self) -> Usage | None:
        """What all attempts that said some of this answer were counted."""
        return self.spent if self.usage is None else added(self.spent, self.usage)

    def begin(self) -> None:
        """A new try: what an earlier one said of its tokens is not this one's, and of its model only once it has begun
        to answer."""
        self.usage = None
        if self.target is None:
            self.model = None
            self.skipped = 0

    def heeds(self, target: Target, used: Used) -> None:
        """An attempt is listened to from now on. One before it that said nothing of this answer is no part of it."""
        if len(self._users) > len(self._spent):
            self._users.pop()
        self._users.append((target, used))

    def broke_off(self, target: Target) -> None:
        """The answer broke off while `target` told it: what that was counted stays part of it."""
        self._spent = (*self._spent, (target, self.usage))
        self.spent, self.usage = self.total, None

    def finish(self, target: Target) -> None:
        """`target` said the last of it: what it cost is the sum over all who said some of it."""
        self.target = target
        self.cost_usd = self._charge((*self._spent, (target, self.usage)))

    def _charge(self, tellers: Iterable[tuple[Target, Usage | None]]) -> Decimal | None:
        """What so much usage costs together, remembered by provider; None where nobody knows it of one of them."""
        total: Decimal | None = Decimal(0)
        self._costs = ()
        for target, usage in tellers:
            cost = self._price(target, usage)
            self._costs = (*self._costs, (target.provider, cost))
            total = None if cost is None or total is None else total + cost
        return total

    def repeat(self, how: str, begun: Committed, ended: Answered) -> None:
        """Another's answer was given, for nothing: what it cost is spared.

        Args:
            how: hit or joined.
        """
        usage = ended.usage
        self.target, self.cache, self.cost_usd = begun.target, how, Decimal(0)
        self._saved = Saved(usd=ended.cost_usd, tokens=None if usage is None else usage.total)

    def failed(self, target: Target, fault: WireFault, *, voided: bool = False) -> None:
        """One failed try, for the retry policy and for the caller; `voided` is as in `Tried`."""
        if isinstance(fault, Unsent):
            self.drilling.unsent(target)
        if isinstance(fault, Inexpressible):
            self._unsaid.append(fault)
        if not isinstance(fault, Unsent) or self._fault is None or isinstance(self._fault, Inexpressible):
            self._fault = fault
        tried = Tried(
            target=target,
            reason=fault.reason,
            ended_s=self._ports.clock.now(),
            retry_after_s=fault.retry_after_s,
            sent=not isinstance(fault, Unsent),
            key=fault.key,
            spare=fault.spare,
            voided=voided,
        )
        self.tried = (*self.tried, tried)
        if not tried.is_free:
            self.requests += 1

    def has_failed(self, provider: str) -> bool:
        """Whether this exchange already asked that provider: only then is a try a retry that the budget must allow. By
        another key of its it is a first try: the one that refused is not asked again."""
        if self.tried and self.tried[-1].spare and self.tried[-1].target.provider == provider:
            return False
        return self.has_asked(provider)

    def has_asked(self, provider: str) -> bool:
        """Whether a request of this exchange went there and failed, by whichever key."""
        return self.requests > 0 and any(
            tried.target.provider == provider and not tried.is_free for tried in self.tried
        )

    def keys_failed(self, target: Target) -> tuple[str, ...]:
        """The keys by which this exchange has failed on that target."""
        if not self.tried:
            return ()
        return tuple(dict.fromkeys(tried.key for tried in self.tried if tried.target == target and tried.key))

    def heard(self, part: Flow | Whole) -> None:
        """Remember what the caller and the account want to know: the real model and the last count of tokens."""
        if isinstance(part, Whole):
            self.model, self.usage = part.reply.model, part.reply.usage
            return
        for event in part.events:
            if type(event) in CONTENT:
                continue  # as nearly all of them do
            if isinstance(event, UsageReported):
                self.usage = event.usage
            elif isinstance(event, Started):
                self.model = event.model
            elif isinstance(event, Skipped):
                self.skipped += 1

    def failure(self, retry_after_s: float | None) -> GatewayError:
        """The one terminal error over all tries; the last one that really went out gives it words and headers."""
        if self._fault is None:
            return Unavailable("the request's deadline passed before a provider was asked", reason=Reason.DEADLINE)
        if isinstance(self._fault, Inexpressible):
            return _inexpressible(tuple(self._unsaid))
        sent = [tried for tried in self.tried if tried.sent]
        target = str(sent[-1].target if sent else self.tried[0].target)
        return UpstreamFailed(
            f"{target}: {self._fault.message}",
            target=target,
            reason=self._fault.reason,
            attempts=self._notes(),
            fault=self._fault,
            retry_after_s=retry_after_s,
        )

    def broken(self, target: Target, fault: WireFault) -> UpstreamFailed:
        """The honest end of an answer that had begun: `fault` is what broke it off."""
        return UpstreamFailed(
            f"{target}: {fault.message}; the answer is incomplete",
            target=str(target),
            reason=fault.reason,
            attempts=self._notes(),
            fault=fault,
        )

    def end(self, exit: Exit) -> tuple[Reason | None, GatewayError | None]:
        """Why there is no complete answer, and what a reader who is still there is told; None, None when there is."""
        if self.complete:
            return None, None
        if self.error is not None:
            if isinstance(self.error, UpstreamFailed):
                self.error.injected = self.drilling.injected
            return self.error.reason, self.error
        reason = reason_of(exit) or Reason.INTERNAL
        words = "is shutting down" if reason is Reason.SHUTTING_DOWN else "ended this exchange"
        return reason, Unavailable(f"the gateway {words}", reason=reason, retry_after_s=1.0)

    def ended(self, reason: Reason | None, model: str) -> ExchangeEnded:
        """What telemetry is told.

        Args:
            model: the public name that was asked for, as far as it may be a label.
        """
        call = self._call
        used, cost_usd = self._counted()
        return ExchangeEnded(
            exchange=call.request_id,
            trace_id=call.trace_id,
            parent_span_id=call.parent_span_id,
            dialect=call.dialect,
            model=model,
            target=str(self.target) if self.target else None,
            streamed=call.ask.stream,
            end=end_of(reason),
            reason=reason,
            attempts=self._notes(),
            usage=used,
            cost_usd=cost_usd,
            started_at=self.started_at,
            first_token_s=self._first_token_s,
            duration_s=self._ports.clock.now() - self.started_s,
            skipped=self.skipped,
            operation=call.operation,
            strategy=self.strategy,
            rescues=self._rescues(reason),
            hedge=self.hedge,
            client=call.caller.id,
            injected=self.drilling.injected,
            cache=self.cache,
            saved=self._saved if reason is None else None,
            costs=self._costs if len(self._costs) > 1 else (),
        )

    def _counted(self) -> tuple[Usage | None, Decimal | None]:
        """What the attempts used that said some of this answer, or else the last one that was listened to, and what
        that costs: as the ledger has it, estimates included, also where nobody read to the end."""
        told = self.usage
        if self.complete and (
            self.cost_usd is not None or (not self._spent and told is not None and is_plausible(told))
        ):
            return self.total, self.cost_usd  # every part of it was counted, and priced as far as anybody can
        counts = [(target, used()) for target, used in self._users]
        counted = [(target, usage) for target, usage in counts if usage is not None and is_plausible(usage)]
        cost_usd = self._charge(counted)
        if not counted:
            return None, None
        return reduce(added, (usage for _, usage in counted)), cost_usd

    def _rescues(self, reason: Reason | None) -> tuple[tuple[str, str], ...]:
        """Each attempt at a rescue and how it ended; what was held back in time was rescued if all ended well."""
        if not (self.held_back or self.rescues):
            return ()
        held = ((Method.HOLD, "completed" if reason is None else "failed"),) if self.held_back else ()
        return tuple((method.value, outcome) for method, outcome in (*held, *self.rescues))

    def _notes(self) -> tuple[AttemptNote, ...]:
        if not self.tried:
            return ()
        return tuple(AttemptNote(target=str(tried.target), reason=tried.reason) for tried in self.tried)


def _inexpressible(faults: tuple[Inexpressible, ...]) -> Refused:
    """What no target could be told, each thing once; nothing was sent, so nobody else's words are known."""
    why = next((fault.why for fault in faults if fault.why), None)
    lost = tuple(dict.fromkeys(path for fault in faults for path in fault.lost))
    message = why or (
        f"no target of this model can be told {', '.join(lost)}: leave it out, or ask with `router.on_loss` warn to"
        " have it dropped"
    )
    return Refused(message, reason=Reason.INEXPRESSIBLE, param=lost[0])
