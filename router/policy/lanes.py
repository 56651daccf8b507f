"""What is known of each key of a provider, and which key an attempt should take.

A provider counts, refuses and bills by key, so what it says is kept by key: its quiet, its buckets, and for each model
what is left and how many at once it carries. A provider with one key has one lane.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from router.canon.allowance import Allowance, Counted
from router.errors import Reason
from router.policy.adapt import Adaptive, Bound, Lesson, next_bound
from router.policy.allowance import allowed_at_s, is_scarce, next_spent
from router.policy.backoff import believed_s
from router.policy.bucket import Rate, put_back, take, wait_s

ONLY = "default"
"""The name of a key that stands alone."""


class Shut(StrEnum):
    """Why no attempt may go by a key now.

    `quiet`: the provider asked for it; `rate`: a limit of requests or tokens is spent; `slots`: as many are under way
    as may be; `refused`: the provider does not take the key; `exhausted`: its account is empty; `held_back`: the
    provider mostly refuses.
    """

    QUIET = "quiet"
    RATE = "rate"
    SLOTS = "slots"
    REFUSED = "refused"
    EXHAUSTED = "exhausted"
    HELD_BACK = "held_back"


class LaneRules(Struct, frozen=True, kw_only=True):
    """What holds for each key of one provider.

    Args:
        requests: how many requests may be sent by one key; None is no limit.
        tokens: how many tokens, prompt and answer together.
        adaptive: how the number of attempts at once is learned, by key and model.
        max_cooldown_s: the longest quiet a provider can ask for.
        unnamed_s: the quiet after a 429 that named none, where another key can go meanwhile.
        exhausted_s: how long a key whose account is empty is left alone; somebody may pay in.
        refused_s: how long a key that was refused is left alone; infinite: until the configuration changes.
    """

    requests: Rate | None = None
    tokens: Rate | None = None
    adaptive: Adaptive = Adaptive.AIMD
    max_cooldown_s: float = 300.0
    unnamed_s: float = 1.0
    exhausted_s: float = 60.0
    refused_s: float = math.inf


class Track(Struct, frozen=True, kw_only=True):
    """One model by one key.

    Args:
        held: attempts under way, where they are counted.
        bound: how many at once it carries, as far as that was learned.
        allowances: what the provider last said is left.
        refused_until_s: monotonic; until then the key may not use this model.
    """

    held: int = 0
    bound: Bound = Bound()
    allowances: tuple[Allowance, ...] = ()
    refused_until_s: float = 0.0


class Lane(Struct, frozen=True, kw_only=True):
    """One key. Moments are monotonic.

    Args:
        name: of the key; the key itself is nobody's business here.
        weight: its share of attempts, against those of the others.
        held: attempts under way by it, where they are counted.
        turns: attempts it has had, over its weight.
        shut_until_s: no attempt goes by it before; `why` says why.
        requests_full_s: when its bucket of requests is full again; `tokens_full_s` likewise.
        tracks: by model; one that is not in it has nothing to tell.
    """

    name: str
    weight: float = 1.0
    held: int = 0
    turns: float = 0.0
    shut_until_s: float = 0.0
    why: Shut = Shut.QUIET
    requests_full_s: float = 0.0
    tokens_full_s: float = 0.0
    tracks: Mapping[str, Track] = {}


class Demand(Struct, frozen=True, kw_only=True):
    """What an attempt is for.

    Args:
        tokens: what it will use, prompt and answer, by estimate.
        avoid: keys by which this exchange has failed here already.
    """

    model: str
    tokens: int = 0
    avoid: tuple[str, ...] = ()


class Opening(Struct, frozen=True, kw_only=True):
    """The best key for a demand: at once where `why` is None, else not before `at_s`. That of `slots` is a guess."""

    key: str
    at_s: float
    why: Shut | None = None


class Told(Struct, frozen=True, kw_only=True):
    """How an attempt by a key went.

    Args:
        reason: None is an answer.
        status: HTTP status of the provider's refusal.
        retry_after_s: what the provider asked for, from now.
        sent: whether a request left at all; where not, what was taken for it comes back.
        reserved: tokens taken by estimate; `used` is what they were, None when nobody knows.
        sent_s: when its request went out, monotonic.
        first_token_s: from then to its first content.
        allowances: what the answer's headers said.
    """

    model: str
    reason: Reason | None
    status: int | None = None
    retry_after_s: float | None = None
    sent: bool = True
    reserved: int = 0
    used: int | None = None
    sent_s: float = 0.0
    first_token_s: float | None = None
    allowances: tuple[Allowance, ...] = ()


_NO_TRACK = Track()
_TOO_MUCH = frozenset({Reason.THROTTLED, Reason.OVERLOADED})
_REFUSALS = frozenset({401, 403})


def choose_lane(
    lanes: tuple[Lane, ...], demand: Demand, now: float, rules: LaneRules, resting: frozenset[str] = frozenset()
) -> Opening:
    """The key that an attempt should take, or the first that can be had.

    One that this exchange has not failed by goes before one that it has; then one whose circuit is closed, one without
    a limit in sight, the least loaded for its weight, and the one whose turn it is.

    Args:
        resting: keys whose circuit for this model is open.
    """
    if len(lanes) == 1:
        return _opening(lanes[0], demand, now, rules)
    openings = [(_rank(lane, demand, now, resting), _opening(lane, demand, now, rules)) for lane in lanes]
    ready = [(rank, opening) for rank, opening in openings if opening.why is None]
    if ready:
        return min(ready, key=lambda pair: pair[0])[1]
    return min((opening for _, opening in openings), key=lambda opening: opening.at_s)


def _rank(lane: Lane, demand: Demand, now: float, resting: frozenset[str]) -> tuple[bool, bool, bool, float, float]:
    track = lane.tracks.get(demand.model, _NO_TRACK)
    scarce = any(is_scarce(one, now) for one in track.allowances)
    return lane.name in demand.avoid, lane.name in resting, scarce, lane.held / lane.weight, lane.turns


def _opening(lane: Lane, demand: Demand, now: float, rules: LaneRules) -> Opening:
    if now < lane.shut_until_s:
        return Opening(key=lane.name, at_s=lane.shut_until_s, why=lane.why)
    track = lane.tracks.get(demand.model)
    if track is not None and now < track.refused_until_s:
        return Opening(key=lane.name, at_s=track.refused_until_s, why=Shut.REFUSED)
    at_s = _affordable_at_s(lane, track or _NO_TRACK, demand, now, rules)
    if at_s > now:
        return Opening(key=lane.name, at_s=at_s, why=Shut.RATE)
    if track is not None and track.held >= track.bound.slots:
        return Opening(key=lane.name, at_s=now, why=Shut.SLOTS)
    return Opening(key=lane.name, at_s=now)


def _affordable_at_s(lane: Lane, track: Track, demand: Demand, now: float, rules: LaneRules) -> float:
    """When neither our own limits nor what the provider said is left stands in the way."""
    at_s = now
    if rules.requests is not None:
        at_s = max(at_s, now + wait_s(lane.requests_full_s, 1, now, rules.requests))
    if rules.tokens is not None:
        at_s = max(at_s, now + wait_s(lane.tokens_full_s, demand.tokens, now, rules.tokens))
    for one in track.allowances:
        at_s = max(at_s, allowed_at_s(one, _quantity(one, demand.tokens), now))
    return at_s


def _quantity(allowance: Allowance, tokens: int) -> float:
    """What one attempt takes of it. Of the answer's tokens nobody knows how many there will be: one must be left."""
    return 1.0 if allowance.counts in (Counted.REQUESTS, Counted.OUTPUT) else float(max(tokens, 1))


def next_taken(lane: Lane, demand: Demand, now: float, rules: LaneRules) -> Lane:
    """The lane after an attempt went its way; what it takes is taken whether it was there or not."""
    lane = replace(lane, turns=lane.turns + 1.0 / lane.weight)
    if rules.requests is not None:
        lane = replace(lane, requests_full_s=take(lane.requests_full_s, 1, now, rules.requests))
    if rules.tokens is not None:
        lane = replace(lane, tokens_full_s=take(lane.tokens_full_s, demand.tokens, now, rules.tokens))
    return _spent(lane, demand.model, 1, demand.tokens, now)


def next_held(lane: Lane, model: str, change: int) -> Lane:
    """One attempt more or less under way."""
    track = lane.tracks.get(model, _NO_TRACK)
    return _with_track(replace(lane, held=lane.held + change), model, replace(track, held=track.held + change))


def next_told(lane: Lane, told: Told, held: int, now: float, rules: LaneRules, *, alone: bool = True) -> Lane:
    """The lane after an attempt has ended.

    Args:
        held: attempts that were under way on its track, itself included.
        alone: whether there is no other key.
    """
    lane = _trued_up(lane, told, now, rules)
    if not told.sent:
        return lane
    lane = next_read(lane, told.model, told.allowances)
    lane = _next_track(lane, told, held, now, rules)
    if told.reason is None:
        # Not by an answer to what went out before: it says nothing of what was refused since.
        is_back = lane.why is not Shut.QUIET and told.sent_s >= lane.shut_until_s
        return replace(lane, shut_until_s=0.0, why=Shut.QUIET) if is_back else lane
    return _next_shut(lane, told, now, rules, alone=alone)


def next_read(lane: Lane, model: str, allowances: tuple[Allowance, ...]) -> Lane:
    """The lane after a provider said what is left: the newest word counts for each limit it names."""
    if not allowances:
        return lane
    track = lane.tracks.get(model, _NO_TRACK)
    named = {one.counts: one for one in (*track.allowances, *allowances)}
    return _with_track(lane, model, replace(track, allowances=tuple(named.values())))


def next_reopened(lane: Lane) -> Lane:
    """The lane as if its provider had never refused it, the key or a model by it, nor called its account empty. What it
    asked for in quiet, and its limits, stay."""
    is_shut = lane.why in (Shut.REFUSED, Shut.EXHAUSTED) and lane.shut_until_s > 0.0
    refused = [model for model, track in lane.tracks.items() if track.refused_until_s > 0.0]
    if refused:
        reopened = {model: replace(lane.tracks[model], refused_until_s=0.0) for model in refused}
        lane = replace(lane, tracks={**lane.tracks, **reopened})
    return replace(lane, shut_until_s=0.0, why=Shut.QUIET) if is_shut else lane


def _trued_up(lane: Lane, told: Told, now: float, rules: LaneRules) -> Lane:
    if not told.sent:
        if rules.requests is not None:
            lane = replace(lane, requests_full_s=put_back(lane.requests_full_s, 1, now, rules.requests))
        lane = _spent(lane, told.model, -1, -told.reserved, now)
    used = told.used if told.sent else 0
    if rules.tokens is None or used is None:
        return lane
    return replace(lane, tokens_full_s=put_back(lane.tokens_full_s, told.reserved - used, now, rules.tokens))


def _spent(lane: Lane, model: str, requests: int, tokens: int, now: float) -> Lane:
    """What the provider said is left, less what goes out now."""
    track = lane.tracks.get(model)
    if track is None or not track.allowances:
        return lane
    amounts = {Counted.REQUESTS: requests, Counted.OUTPUT: 0}
    left = tuple(next_spent(one, amounts.get(one.counts, tokens), now) for one in track.allowances)
    return _with_track(lane, model, replace(track, allowances=left))


def _next_track(lane: Lane, told: Told, held: int, now: float, rules: LaneRules) -> Lane:
    if told.reason is not None and told.reason not in _TOO_MUCH:
        return lane
    track = lane.tracks.get(told.model, _NO_TRACK)
    if told.reason is None and track.bound.limit is None and rules.adaptive is not Adaptive.GRADIENT:
        return lane  # the common case: nothing is bounded, and nothing speaks for a bound
    lesson = Lesson(throttled=told.reason is not None, held=held, sent_s=told.sent_s, first_token_s=told.first_token_s)
    bound = next_bound(track.bound, lesson, now, rules.adaptive)
    return lane if bound is track.bound else _with_track(lane, told.model, replace(track, bound=bound))


def _next_shut(lane: Lane, told: Told, now: float, rules: LaneRules, *, alone: bool) -> Lane:
    named_s = believed_s(told.retry_after_s, rules.max_cooldown_s)
    match told.reason:
        case Reason.CREDENTIAL if told.status == 403:
            # Most often one model that this key may not use: what it may use goes on.
            track = lane.tracks.get(told.model, _NO_TRACK)
            return _with_track(lane, told.model, replace(track, refused_until_s=now + rules.refused_s))
        case Reason.CREDENTIAL if told.status in _REFUSALS:
            return replace(lane, shut_until_s=now + rules.refused_s, why=Shut.REFUSED)
        case Reason.QUOTA_EXHAUSTED:
            return _shut(lane, now + max(named_s, rules.exhausted_s), Shut.EXHAUSTED)
        case Reason.THROTTLED if not alone:
            return _shut(lane, now + (named_s or rules.unnamed_s), Shut.QUIET)
    return _shut(lane, now + named_s, Shut.QUIET) if named_s else lane


def _shut(lane: Lane, until_s: float, why: Shut) -> Lane:
    """The later of two ends wins, with its reason."""
    return lane if until_s <= lane.shut_until_s else replace(lane, shut_until_s=until_s, why=why)


def _with_track(lane: Lane, model: str, track: Track) -> Lane:
    return replace(lane, tracks={**lane.tracks, model: track})
