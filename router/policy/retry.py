"""Which failures may be tried again, where, and when: the one owner of retrying.

How many requests leave when every try fails, `n` targets, `m` attempts, time enough:

- transient failures (500, refused connections, cut or empty answers): exactly `m`, over the targets in turn, or
  `n * k` where at most `k` to one target are fewer;
- a silent target (any timeout), a wrong credential, a missing model, an empty account: `min(n, m)`, each target once;
- a rejected request, a refusal by policy: exactly 1.

A provider with several keys that refuses one of them (a 429, a wrong key, an empty account) is asked by the next one at
once, before any other target; each such try is one of the `m`, and of the `k`.

An open breaker, a full queue or a provider that wants quiet gets nothing and costs nothing. Where all that is left
wants quiet, the first to be ready is waited for, if that is soon enough.

A second attempt beside a late one and an attempt to rescue a half-sent answer are requests of the same `m`.

A route's edges widen or narrow this: a reason that they name moves on to another target, one that they leave out never
does, and may only be tried again where it happened. The bounds above hold all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from random import Random

from msgspec import Struct

from router.canon.target import Target
from router.errors import BLAME, Blame, Reason
from router.policy.backoff import Backoff, believed_s, choose_wait_s


class Verdict(StrEnum):
    """What a failure allows: asking the same target again (later), only others, only larger ones, or nobody."""

    SAME_TARGET = "same_target"
    NEXT_TARGET = "next_target"
    LARGER_WINDOW = "larger_window"
    NEVER = "never"


_REASONS: dict[Verdict, tuple[Reason, ...]] = {
    Verdict.SAME_TARGET: (
        Reason.CONNECT,
        Reason.SERVER_ERROR,
        Reason.CUT_STREAM,
        Reason.MALFORMED,
        Reason.EMPTY_ANSWER,
        Reason.CRASHED,
        Reason.THROTTLED,
        Reason.OVERLOADED,
        # another was sooner, and may still fail
        Reason.SUPERSEDED,
    ),
    Verdict.NEXT_TARGET: (
        # silent once, silent again: a second wait as long would be the caller's
        Reason.CONNECT_TIMEOUT,
        Reason.FIRST_BYTE_TIMEOUT,
        Reason.FIRST_TOKEN_TIMEOUT,
        Reason.IDLE_TIMEOUT,
        Reason.TOTAL_TIMEOUT,
        Reason.TOO_SLOW,
        # only an operator or another month changes these
        Reason.CREDENTIAL,
        Reason.MODEL_MISSING,
        Reason.QUOTA_EXHAUSTED,
        Reason.BREAKER_OPEN,
        Reason.BUSY,
        # our own fault with one target, such as a translator's, may be none with the next
        Reason.INTERNAL,
        # the bound on a body's bytes is each provider's own
        Reason.TOO_LARGE,
        # what one target cannot be told, another may
        Reason.INEXPRESSIBLE,
    ),
    Verdict.LARGER_WINDOW: (Reason.CONTEXT_LENGTH,),
    Verdict.NEVER: (
        Reason.REJECTED,
        Reason.UNKNOWN_MODEL,
        Reason.THREAD_MISSING,
        Reason.KEY_REUSED,
        Reason.CONTENT_POLICY,
        Reason.CLIENT_GONE,
        Reason.DEADLINE,
        Reason.NO_TARGET,
        Reason.SHUTTING_DOWN,
        Reason.PART_DOWN,
        # a second telling that differs: there is no one answer any more
        Reason.DIVERGED,
    ),
}

VERDICTS: dict[Reason, Verdict] = {reason: verdict for verdict, reasons in _REASONS.items() for reason in reasons}
"""What each reason allows; every `Reason` has a row."""

MOVES: frozenset[Reason] = frozenset(reason for reason in Reason if VERDICTS[reason] is not Verdict.NEVER)
"""The reasons that move on to another target unless a route says otherwise."""

FREE: frozenset[Reason] = frozenset({Reason.BREAKER_OPEN, Reason.BUSY, Reason.INEXPRESSIBLE})
"""Reasons with which nothing left the gateway: they cost no attempt, and no edge holds them back, since whom nobody
asked has not failed."""

_PASSING = (Blame.PROVIDER, Blame.CAPACITY)
_OPENING = (Reason.BREAKER_OPEN, Reason.BUSY)
"""What of the gateway's own passes by itself. A refused key does not, whether or not it was tried once more."""

_LONGEST_S = 86_400.0  # beyond every deadline; an endless Retry-After could not be told to a caller
_EARLY_TIMER_S = 0.01  # an event loop may wake a sleeper one tick before its time; never ask before Retry-After


class Route(Struct, frozen=True, kw_only=True):
    """The bounds one exchange moves in.

    Args:
        targets: in the order to try them.
        max_attempts: requests that may leave, the first included.
        max_per_target: of these, to one target.
        deadline_s: monotonic; no try starts at or after it.
        windows: context window in tokens by public target name, where it is known.
        fallback: False keeps to the first target.
        edges: the reasons that may move on to another target.
        patience_s: the longest wait for one target. A caller with a longer one to go is told so instead: many of them
            would fill the gateway, and other providers' callers would find no room.
    """

    targets: tuple[Target, ...]
    max_attempts: int
    deadline_s: float
    max_per_target: int = 1000
    windows: Mapping[str, int] = {}
    fallback: bool = True
    edges: frozenset[Reason] = MOVES
    patience_s: float = 30.0


class Tried(Struct, frozen=True, kw_only=True):
    """One failed try. `ended_s` is monotonic; `retry_after_s` is the provider's own, counted from it.

    `sent` is whether a request left the gateway, `key` the name of the provider's key it went by, and `spare` whether
    another of its keys can go at once. `voided` says nothing of its target: it was asked in a way that it does not
    take, and may be asked at once in another.
    """

    target: Target
    reason: Reason
    ended_s: float
    retry_after_s: float | None = None
    sent: bool = True
    key: str = ""
    spare: bool = False
    voided: bool = False

    @property
    def is_free(self) -> bool:
        """Whether it cost no attempt."""
        return not self.sent or self.reason in FREE


class TryTarget(Struct, frozen=True, kw_only=True):
    """Wait, then try this one."""

    target: Target
    wait_s: float


class Why(StrEnum):
    """Why there is no further try, as a caller may read it."""

    VERDICT = "not a failure that another try could mend"
    ATTEMPTS = "no attempts left"
    DEADLINE = "no time left"
    PATIENCE = "too long a wait"
    TARGETS = "no target left"


class GiveUp(Struct, frozen=True, kw_only=True):
    """The exchange ends with its last failure. `retry_after_s` is for the caller; None: coming back is no use."""

    why: Why
    retry_after_s: float | None


def judge(reason: Reason, edges: frozenset[Reason]) -> Verdict:
    """What a failure allows on a route with these edges: a refusal or a caller's fault that they name may move on."""
    verdict = VERDICTS[reason]
    return Verdict.NEXT_TARGET if verdict is Verdict.NEVER and reason in edges else verdict


def next_step(route: Route, tried: tuple[Tried, ...], now: float, backoff: Backoff, rng: Random) -> TryTarget | GiveUp:
    """Fail over at once while a target is left that was not asked; only then wait and ask one again.

    Args:
        tried: every failed try so far, oldest first, those ended by a `FREE` reason included; empty before the first.
    """
    if tried and not tried[-1].voided and judge(tried[-1].reason, route.edges) is Verdict.NEVER:
        return GiveUp(why=Why.VERDICT, retry_after_s=None)
    if now >= route.deadline_s:
        return _give_up(Why.DEADLINE, tried, now, backoff)
    if not tried and route.targets and route.max_attempts > 0:
        return TryTarget(target=route.targets[0], wait_s=0.0)  # most exchanges ask for no other step
    if sum(not t.is_free for t in tried) >= route.max_attempts:
        return _give_up(Why.ATTEMPTS, tried, now, backoff)
    if tried and _has_other_key(route, tried):
        return TryTarget(target=tried[-1].target, wait_s=0.0)
    reachable = _reachable(route, tried)
    asked = {t.target for t in tried if not t.voided}
    for target in reachable:
        if target not in asked:
            return TryTarget(target=target, wait_s=0.0)
    return _repeat(route, reachable, tried, now, backoff, rng)


def has_way_on(route: Route, tried: tuple[Tried, ...], target: Target, reason: Reason) -> bool:
    """Whether a failure of `target` for `reason` would leave another target to ask, were it to fail now."""
    if reason not in route.edges or sum(not t.is_free for t in tried) + 1 >= route.max_attempts:
        return False
    asked = {t.target for t in tried} | {target}
    return any(other not in asked for other in _large_enough(route, tried))


def _has_other_key(route: Route, tried: tuple[Tried, ...]) -> bool:
    """Whether the last one asked can be asked by another of its keys: however many it has, they are one target."""
    target = tried[-1].target
    asked = sum(not t.is_free for t in _of(target, tried))
    return tried[-1].spare and target in route.targets and asked < route.max_per_target


def _repeat(
    route: Route, reachable: tuple[Target, ...], tried: tuple[Tried, ...], now: float, backoff: Backoff, rng: Random
) -> TryTarget | GiveUp:
    """Every target was asked: the first to be ready again, if that is in time and soon enough."""
    again = _choose_repeat(reachable, route.max_per_target, tried, now)
    if again is None:
        return _give_up(Why.TARGETS, tried, now, backoff)
    wait_s = _repeat_wait_s(again, tried, now, backoff, rng)
    if now + wait_s >= route.deadline_s:
        return _give_up(Why.DEADLINE, tried, now, backoff)
    if wait_s > route.patience_s:
        return _give_up(Why.PATIENCE, tried, now, backoff)
    return TryTarget(target=again, wait_s=wait_s)


def _reachable(route: Route, tried: tuple[Tried, ...]) -> tuple[Target, ...]:
    """The targets that the last failure leaves: only its own, where the route has no edge for it. To be late, or to be
    overtaken, is none."""
    failed = (t for t in reversed(tried) if not t.is_free and not t.voided and t.reason is not Reason.SUPERSEDED)
    last = next(failed, None)
    fitting = _large_enough(route, tried)
    if last is None or last.reason in route.edges:
        return fitting
    return tuple(target for target in fitting if target == last.target)


def _large_enough(route: Route, tried: tuple[Tried, ...]) -> tuple[Target, ...]:
    """The targets the request may fit in: once a window was too small, only those known to have a larger one."""
    targets = route.targets if route.fallback else route.targets[:1]
    small = [str(t.target) for t in tried if VERDICTS[t.reason] is Verdict.LARGER_WINDOW]
    if not small:
        return targets
    if any(name not in route.windows for name in small):
        return ()  # larger than an unknown window is known of none
    floor_tokens = max(route.windows[name] for name in small)
    return tuple(target for target in targets if route.windows.get(str(target), 0) > floor_tokens)


def _choose_repeat(targets: tuple[Target, ...], most: int, tried: tuple[Tried, ...], now: float) -> Target | None:
    """Of the targets that may be asked again the one that is ready first; of those ready, the one asked least."""
    able = [target for target in targets if _may_repeat(_of(target, tried), most)]
    return min(able, key=lambda target: (_owed_s(target, tried, now), len(_of(target, tried))), default=None)


def _may_repeat(own: tuple[Tried, ...], most: int) -> bool:
    return sum(not t.is_free for t in own) < most and all(
        t.spare or t.voided or VERDICTS[t.reason] is Verdict.SAME_TARGET for t in own
    )


def _repeat_wait_s(target: Target, tried: tuple[Tried, ...], now: float, backoff: Backoff, rng: Random) -> float:
    """What its provider named, or else our own backoff."""
    own = _of(target, tried)
    base_s = backoff.capacity_base_s if BLAME[own[-1].reason] is Blame.CAPACITY else backoff.base_s
    return _owed_s(target, tried, now) or choose_wait_s(len(own) - 1, base_s, backoff, rng)


def _owed_s(target: Target, tried: tuple[Tried, ...], now: float) -> float:
    """Seconds until the latest Retry-After of this target has passed; 0 when none is left."""
    ends = [t.ended_s + believed_s(t.retry_after_s, _LONGEST_S) for t in _of(target, tried) if not t.spare]
    return max((end - now + _EARLY_TIMER_S for end in ends if end > now), default=0.0)


def _of(target: Target, tried: tuple[Tried, ...]) -> tuple[Tried, ...]:
    return tuple(t for t in tried if t.target == target)


def _give_up(why: Why, tried: tuple[Tried, ...], now: float, backoff: Backoff) -> GiveUp:
    """What a caller is told: the earliest moment a target named, or else the cap of our own waits."""
    if not any(t.reason in _OPENING or BLAME[t.reason] in _PASSING for t in tried):
        return GiveUp(why=why, retry_after_s=None)
    owed = [wait_s for t in tried if (wait_s := _owed_s(t.target, tried, now))]
    return GiveUp(why=why, retry_after_s=min(owed, default=backoff.cap_s))
