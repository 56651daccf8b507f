"""Worlds in which some callers ask what another asked before, with the cache on, and what must hold of their answers:
kept ones and those that are told to several at once."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

from router.canon.outcome import End
from tests.simulation.kinds import ECHOES
from tests.simulation.story import Heard, Story, Told

if TYPE_CHECKING:
    from tests.simulation.plan import Plan
    from tests.simulation.schedule import Schedule
    from tests.simulation.world import World

_MARK = re.compile(r"\[(req-\d+(?:x\d+)?)[ \]]")
"""How every text, thought and call begins that a provider says: with the exchange it says it to."""

_REPEATED = frozenset({"hit", "joined"})


def with_echoes(settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """The configuration with a cache that is on for most; small and short-lived in some worlds. Keys may share theirs,
    or have none."""
    chance = Random(f"echoes {seed}")
    cache = {
        "enabled": chance.random() < 0.8,
        "ttl_s": chance.choice((1.0, 20.0, 300.0)),
        "max_bytes": chance.choice((20_000, 67_108_864)),
        "tool_calls": chance.random() < 0.5,
    }
    groups = {
        name: {**group, "cache": chance.choice((None, None, True, False))}
        for name, group in settings["failover_groups"].items()
    }
    keys = {
        name: {**key, "group": chance.choice(("", "team")), "cache": chance.choice((None, None, True, False))}
        for name, key in settings.get("keys", {}).items()
    }
    return {**settings, "cache": cache, "failover_groups": groups, **({"keys": keys} if keys else {})}


def draw_asked(schedule: Schedule, exchange: str, plan: Plan) -> str:
    """The exchange whose words this one asks in: its own, or the first of those around it."""
    force = plan.disturbances.get(ECHOES, 0.0)
    if not force:
        return exchange
    chance, number = schedule.chance(f"{ECHOES} {exchange}"), int(exchange.removeprefix("req-"))
    around = _around(plan.seed)
    first = number - number % around
    echoes = chance.random() < force and 0 < first < number and schedule.admits(ECHOES, exchange)
    return f"req-{first:06d}" if echoes else exchange


@cache
def _around(seed: int) -> int:
    """How many ask in the words of one."""
    return Random(f"{ECHOES} {seed}").choice((3, 10, 40))


class Tellings:
    """What providers said, by the exchange they said it to."""

    def __init__(self, story: Story) -> None:
        self._said: dict[str, list[Told]] = defaultdict(list)
        for told in story.told:
            self._said[told.exchange].append(told)
        self._alike: dict[tuple[object, ...], dict[str, None]] = defaultdict(dict)
        for heard in story.heard:
            self._alike[heard.question][heard.exchange] = None

    def to(self, exchange: str) -> list[Told]:
        """What was said to it itself."""
        return self._said[exchange]

    def behind(self, heard: Heard) -> list[list[Told]]:
        """What a caller may have been told: what was said to its exchange; of a repeated answer, what was said to one
        of those that asked the same."""
        return [self._said[exchange] for exchange in self.askers(heard)] if heard.repeats else [self.to(heard.exchange)]

    def askers(self, heard: Heard) -> tuple[str, ...]:
        """All exchanges that asked the same as this one, of the same tenant."""
        return tuple(self._alike[heard.question])


def marks_of(heard: Heard) -> set[str]:
    """To whom it was said what a caller heard."""
    return set(_MARK.findall(heard.text + heard.thought + heard.calls))


def answers_stay_with_their_question(world: World) -> Iterator[str]:
    """Nobody hears a word that was said to another exchange, unless that asked exactly the same, for the same tenant;
    was told by a target that the own configuration names; and ended no longer ago than answers are kept."""
    tellings, ended_s = world.tellings, world.story.ended_s
    ttl_s = world.plan.settings["cache"].get("ttl_s", 300.0)
    for heard in world.story.heard:
        for origin in marks_of(heard) - {heard.exchange}:
            if not heard.repeats or origin not in tellings.askers(heard):
                yield f"{heard.exchange} heard what was said to {origin}"
            elif heard.how is None and ended_s.get(origin, heard.since_s) + ttl_s < heard.since_s:
                yield f"{heard.exchange} heard at {heard.since_s:g} what ended at {ended_s[origin]:g}"
        tree = world.source.trees.get(heard.config, {})
        if heard.repeats and heard.provider not in tree.get("providers", {}):
            yield f"{heard.exchange} heard {heard.provider}, whom its configuration does not have"


def repeated_answers_are_free(world: World) -> Iterator[str]:
    """Whoever is told another's answer to its end asks nobody, is told that it cost nothing, and stands in the account
    once, for nothing; and nobody else does."""
    facts = Counter(fact.exchange for fact in world.story.repeated)
    asked = {fact.attempt.partition(".")[0] for fact in world.story.opened}
    for ended in world.story.own:
        exchange, repeats = ended.exchange, ended.cache in _REPEATED and ended.end is End.COMPLETED
        if facts[exchange] != repeats:
            yield f"{exchange} was {ended.cache} and {ended.end}, and booked as repeated {facts[exchange]} times"
        if repeats and (ended.cost_usd or exchange in asked):
            yield f"{exchange} was {ended.cache}, cost {ended.cost_usd}, asked a provider: {exchange in asked}"
    rows = world.account.rows
    for exchange in facts:
        row = rows.get(f"{exchange}.0")
        if f"{exchange}.0" not in world.lost and (row is None or row.cost_usd != 0 or row.usage is not None):
            yield f"{exchange} was told another's answer, its row is {row}"
    for heard in world.story.heard:
        if heard.repeats and heard.end == "answered" and (heard.cost_usd or not facts[heard.named]):
            words = f"{heard.cost_usd}, booked {facts[heard.named]} times"
            yield f"{heard.exchange} was told another's answer for {words}"
