"""What must hold on the wire: what holds inside, as far as it can be seen from here, and what only bytes can break."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from router.canon.outcome import End
from tests.simulation import invariants as inner
from tests.simulation.draining import exchanges_end_with_their_attempts
from tests.simulation.echoing import marks_of, repeated_answers_are_free
from tests.simulation.kinds import OUR_DOING
from tests.simulation.scouting import scouts_find_what_is_there
from tests.simulation.swapping import a_swap_ends_nothing, only_the_edition_is_left

if TYPE_CHECKING:
    from tests.simulation.world import World


def one_outcome_per_exchange(world: World) -> Iterator[str]:
    """Telemetry hears of no end twice, and of the good end of whoever got a whole answer."""
    for exchange, times in world.story.ends.items():
        if times != 1:
            yield f"{exchange} ended {times} times"
    good = {ended.exchange for ended in world.story.ended if ended.end is End.COMPLETED}
    for heard in world.story.heard:
        if heard.end == "answered" and heard.exchange not in good:
            yield f"{heard.exchange} was answered and is accounted otherwise"


def one_answer_per_key(world: World) -> Iterator[str]:
    """What was asked under a key is not carried out once more when it is complete: whoever repeats it is told that.
    Who asks the same without that key may have an answer of its own."""
    keys: dict[str, set[str]] = defaultdict(set)
    for heard in world.story.heard:
        keys[heard.exchange].add(heard.key)
    done = Counter(ended.exchange for ended in world.story.ended if ended.end is End.COMPLETED)
    for exchange in (name for name, under in keys.items() if len(under) == 1 and under != {""}):
        if done[exchange] > world.lives:
            yield f"{exchange} was completed {done[exchange]} times under its key"


def answers_stay_with_their_question(world: World) -> Iterator[str]:
    """Nobody hears a word that was said to another question, out of the cache or beside another caller."""
    for heard in world.story.heard:
        for origin in marks_of(heard) - {heard.asked}:
            yield f"{heard.exchange} heard what was said to {origin}"


def answers_are_framed(world: World) -> Iterator[str]:
    """What callers read is HTTP, and whoever stays hears an end of it, unless the front itself goes down."""
    excused = OUR_DOING & set(world.schedule.kinds)
    for heard in world.story.heard:
        if heard.unsound:
            yield f"{heard.exchange} could not read {heard.unsound}"
        if heard.end == "cut" and not excused:
            yield f"{heard.exchange} was cut off without a word: {heard.bytes[-200:]!r}"


def every_request_has_an_entry(world: World) -> Iterator[str]:
    """What providers saw was opened. On a connection used before a request may be seen twice: the first one died
    unanswered."""
    seen = Counter((told.exchange, told.provider) for told in world.story.told)
    opened = Counter((fact.exchange, fact.provider) for fact in world.story.opened)
    for (exchange, provider), times in seen.items():
        if times > 2 * opened[exchange, provider]:
            yield f"{provider} was asked for {exchange} {times} times, entries are {opened[exchange, provider]}"


def nothing_is_open(world: World) -> Iterator[str]:
    """No request is under way at a provider, and of the connections to it none is in use."""
    for name, provider in world.providers.items():
        actor = inner.actor(world, f"providers/{name}/provider")
        used = len(actor._transport._session.connector._acquired) if actor is not None else 0
        if provider.open or used:
            yield f"{name} has {provider.open} requests open, and {used} connections are in use"


def nothing_stays_connected(world: World) -> Iterator[str]:
    """After the stop no connection stands, used or not."""
    for name, provider in world.providers.items():
        if provider.connections:
            yield f"{name} has {provider.connections} connections"


AT_REST: tuple[inner.Check, ...] = (
    inner.nothing_is_held,
    inner.every_actor_is_alive,
    only_the_edition_is_left,
    inner.breakers_close,
    scouts_find_what_is_there,
    nothing_is_open,
)

AT_END: tuple[inner.Check, ...] = (
    one_outcome_per_exchange,
    one_answer_per_key,
    answers_are_framed,
    every_request_has_an_entry,
    inner.one_entry_per_attempt,
    inner.a_stop_keeps_the_account,
    inner.costs_add_up,
    inner.usage_is_the_last_word,
    inner.nothing_completes_without_a_last_word,
    inner.readers_hear_one_attempt,
    answers_stay_with_their_question,
    repeated_answers_are_free,
    inner.providers_are_not_crowded,
    exchanges_end_with_their_attempts,
    a_swap_ends_nothing,
    inner.health_means_success,
    inner.nothing_leaks,
    nothing_is_open,
    nothing_stays_connected,
)
