"""Providers whose attempts are read on when their callers have left, and what must hold of these."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING, Any

from actors.attempt import LINGER_S
from actors.messages import EntryClosed
from router.canon.outcome import UsageSource
from router.errors import Reason
from tests.simulation.kinds import OUR_DOING
from tests.simulation.story import Told

if TYPE_CHECKING:
    from tests.simulation.world import World

ROUNDING_S = 1e-6


def draw_drains(chance: Random) -> dict[str, Any]:
    """Whether a provider's attempts are read on, how long, and how many at once."""
    return {
        "on_disconnect": chance.choice(("cancel", "drain")),
        "drain_s": chance.choice((0.2, 3.0, 30.0)),
        "max_drains": chance.choice((1, 2, 20)),
    }


class Left:
    """An attempt whose caller left: from `since_s` to `until_s` it was for nobody."""

    def __init__(self, fact: EntryClosed, told: Told, since_s: float, until_s: float) -> None:
        self.fact = fact
        self.told = told
        self.since_s = since_s
        self.until_s = until_s
        self.may_s: float = told.keys["drain_s"] if told.keys["on_disconnect"] == "drain" else 0.0

    @property
    def read_s(self) -> float:
        """How long it was read on."""
        return self.until_s - self.since_s

    @property
    def rest_s(self) -> float:
        """How much longer its provider spoke at least; 0 where nobody knows since something was wrong with that."""
        return 0.0 if self.told.fault else max(0.0, self.told.at_s + self.told.lasts_s - self.since_s)


def left(world: World) -> Iterator[Left]:
    """All of them, as they ended."""
    story = world.story
    said: dict[tuple[str, str], list[Told]] = defaultdict(list)
    sent: dict[tuple[str, str], list[str]] = defaultdict(list)
    for told in story.told:
        said[told.exchange, told.provider].append(told)
    for fact in story.opened:
        sent[fact.exchange, fact.provider].append(fact.attempt)
    # On the wire who asks in the same words is one: then nobody says which of them was told what.
    one = {place for place, attempts in sent.items() if len({each.partition(".")[0] for each in attempts}) == 1}
    gone = {ended.exchange for ended in story.ended if ended.reason is Reason.CLIENT_GONE}
    for closed in story.closed:
        place = closed.exchange, closed.provider
        # A transport that was stopped never sent what it was given; then nobody says which request was which.
        is_gone = closed.exchange in gone and closed.reason is Reason.CLIENT_GONE
        if is_gone and place in one and len(sent[place]) == len(said[place]):
            told = said[place][sent[place].index(closed.attempt)]
            yield Left(closed, told, story.ended_s[closed.exchange], story.closed_s[closed.attempt])


def exchanges_end_with_their_attempts(world: World) -> Iterator[str]:
    """Nobody generates for a caller who is gone: an attempt is over with its exchange, as soon as it lingered, or when
    it was read on for as long as its provider's configuration lets it."""
    story, longest_s = world.story, _longest_s(world)
    may_s = {each.fact.attempt: each.may_s for each in left(world)}
    for fact in story.closed:
        late_s = story.closed_s[fact.attempt] - story.ended_s.get(fact.exchange, 0.0)
        # Of one whose request never arrived nobody knows under which configuration of its provider it was sent.
        unknown_s = longest_s.get(fact.provider, 0.0) if fact.reason is Reason.CLIENT_GONE else 0.0
        if late_s > LINGER_S + may_s.get(fact.attempt, unknown_s) + ROUNDING_S:
            yield f"{fact.attempt} ended {late_s:g} s after its exchange"


def _longest_s(world: World) -> dict[str, float]:
    """By provider the longest that any of its configurations lets an attempt be read on."""
    longest_s: dict[str, float] = defaultdict(float)
    for tree in world.source.trees.values():
        for name, keys in tree["providers"].items():
            if keys["on_disconnect"] == "drain":
                longest_s[name] = max(longest_s[name], keys["drain_s"])
    return longest_s


def drains_stay_within_bounds(world: World) -> Iterator[str]:
    """Of those who are left at one provider as many are read on at once as its configuration lets; where nothing
    crashes or is stopped, no fewer, each to the end of what its provider says or of its time."""
    units: dict[int, list[Left]] = defaultdict(list)
    for each in left(world):
        units[id(each.told.keys)].append(each)
    excused = bool(OUR_DOING & set(world.schedule.kinds))
    for unit in units.values():
        for each in unit:
            most = each.told.keys["max_drains"]
            others = [one for one in unit if one is not each and one.since_s <= each.since_s <= one.until_s]
            beside = sum(one.read_s > ROUNDING_S and one.until_s > each.since_s for one in others)
            if each.read_s > ROUNDING_S and beside >= most:
                yield f"{each.fact.attempt} was read on beside {beside} others, may be {most}"
            due_s = min(each.rest_s, each.may_s)
            if not excused and each.read_s < due_s - ROUNDING_S and len(others) < most:
                yield f"{each.fact.attempt} was read on for {each.read_s:g} s, {due_s:g} were left"


def drained_attempts_are_counted(world: World) -> Iterator[str]:
    """That is what they are read on for: one whose provider came to its end in time is accounted with its last
    count."""
    excused = bool(OUR_DOING & set(world.schedule.kinds))
    for each in left(world):
        if each.told.fault or not ROUNDING_S < each.read_s < each.may_s - ROUNDING_S:
            continue
        usage = each.fact.usage
        counted = (usage.input_total, usage.output_total) if usage else None
        if not excused and (counted != each.told.meaning.usage or each.fact.usage_source is not UsageSource.FINAL):
            yield f"{each.fact.attempt} is accounted {counted}, its provider counted {each.told.meaning.usage}"
