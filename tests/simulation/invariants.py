"""What must hold of every world. Each is a function that yields what breaks it, in words; its name is its name."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from math import inf
from typing import TYPE_CHECKING, Any

from actors.messages import BreakerChanged
from router.canon.outcome import End, UsageSource
from router.canon.usage import Usage
from router.errors import Reason
from router.policy.breaker import TRANSITIONS, Phase
from tests.simulation.bounding import budgets_are_the_ledger
from tests.simulation.draining import (
    drained_attempts_are_counted,
    drains_stay_within_bounds,
    exchanges_end_with_their_attempts,
)
from tests.simulation.echoing import answers_stay_with_their_question, repeated_answers_are_free
from tests.simulation.plan import INPUT_PER_MTOK, OUTPUT_PER_MTOK
from tests.simulation.repeating import one_exchange_per_key
from tests.simulation.scouting import scouts_find_what_is_there
from tests.simulation.story import Heard, Told
from tests.simulation.swapping import a_swap_ends_nothing, exchanges_keep_their_configuration, only_the_edition_is_left
from tests.simulation.transcribing import transcripts_are_what_was_heard

if TYPE_CHECKING:
    from tests.simulation.world import World

Check = Callable[["World"], Iterator[str]]

LATE_S = 1.0
"""How much later than its deadline an exchange may end (scenario 61)."""

_ROUNDING_S = 1e-6

_ONE_CALL_TOKENS = 10_000
"""More than any call is thought to take before it is sent."""

_BUDGET_WINDOW_S = 10.0
_EVERYBODY = "everybody"


def one_outcome_per_exchange(world: World) -> Iterator[str]:
    """Telemetry hears of the end of every exchange once, and of no other."""
    ends = Counter(ended.exchange for ended in world.story.ended)
    opened = {heard.exchange for heard in world.story.heard if heard.end != "turned"}
    for exchange in sorted(opened | set(ends)):
        if ends[exchange] != (exchange in opened):
            yield f"{exchange} ended {ends[exchange]} times"


def one_outcome_per_reader(world: World) -> Iterator[str]:
    """Whoever did not leave is told one end, and the one that telemetry hears."""
    ends = {ended.exchange: ended for ended in world.story.ended}
    for heard in world.story.heard:
        if heard.end not in ("answered", "failed", "left", "turned"):
            yield f"{heard.exchange} was told {heard.end}"
        ended = ends.get(heard.exchange)
        if ended is None:
            continue
        if heard.end == "answered" and ended.end is not End.COMPLETED:
            yield f"{heard.exchange} was answered and is accounted {ended.end}"
        if heard.end == "failed" and heard.reason is not ended.reason:
            yield f"{heard.exchange} was told {heard.reason} and is accounted {ended.reason}"


def one_entry_per_attempt(world: World) -> Iterator[str]:
    """What was opened is closed once, and the journal has one row of it, closed, with that end."""
    story, rows = world.story, world.account.rows
    opened = Counter(fact.attempt for fact in story.opened)
    closed = Counter(fact.attempt for fact in story.closed)
    for attempt in sorted(set(opened | closed) - world.lost):
        if (opened[attempt], closed[attempt]) != (1, 1):
            yield f"{attempt} was opened {opened[attempt]} times and closed {closed[attempt]} times"
        row = rows.get(attempt)
        if row is None or row.closed_at is None or row.opened_at is None:
            yield f"{attempt} has no whole row in the journal: {row}"
    ends = {fact.attempt: fact.end for fact in story.closed}
    ends |= {f"{fact.exchange}.0": End.COMPLETED for fact in story.repeated}
    for attempt, row in rows.items():
        if attempt not in world.lost and row.end is not ends.get(attempt):
            yield f"{attempt} was closed {ends.get(attempt)}, its row says {row.end}"


def a_stop_keeps_the_account(world: World) -> Iterator[str]:
    """Only a journal that refuses or hangs, or a ledger that crashed just now, lets a tree stop with entries
    unwritten."""
    if world.lost and not world.excused:
        yield f"lost are {sorted(world.lost)}"


def every_request_has_an_entry(world: World) -> Iterator[str]:
    """What providers saw is what was opened: nothing is sent that nobody pays for."""
    seen = Counter((told.exchange, told.provider) for told in world.story.told)
    opened = Counter((fact.exchange, fact.provider) for fact in world.story.opened)
    for exchange, provider in sorted(seen - opened):
        yield f"{provider} was asked for {exchange} without an entry"


def costs_add_up(world: World) -> Iterator[str]:
    """By the price of what was counted: each row, each exchange as the sum of its attempts, and the published sum."""
    expected = Decimal(0)
    rows: dict[str, Decimal] = defaultdict(Decimal)
    for row in world.account.rows.values():
        own = _price(row.usage)
        if own != (row.cost_usd or Decimal(0)):
            yield f"{row.attempt} cost {row.cost_usd}, by its usage {own}"
        rows[_exchange_of(row.attempt)] += row.cost_usd or Decimal(0)
        expected += own
    attempts: dict[str, Decimal] = defaultdict(Decimal)
    for fact in world.story.closed:
        attempts[_exchange_of(fact.attempt)] += Decimal(0) if fact.attempt in world.lost else _price(fact.usage)
    for exchange, cost_usd in attempts.items():
        if rows[exchange] != cost_usd and not any(lost.startswith(f"{exchange}.") for lost in world.lost):
            yield f"{exchange} cost {rows[exchange]} by its rows, {cost_usd} by its attempts"
    view = world.assembly._books.view()
    if view.overall.cost_usd != expected:
        yield f"the rows cost {expected}, the books say {view.overall.cost_usd}"
    if (view.pending, view.lost, view.degraded) != (0, 0, False):
        yield f"the ledger is left with {view.pending} pending, {view.lost} lost, degraded {view.degraded}"


def _exchange_of(attempt: str) -> str:
    return attempt.partition(".")[0]


def _price(usage: Usage | None) -> Decimal:
    if usage is None:
        return Decimal(0)
    return (usage.input_total * INPUT_PER_MTOK + usage.output_total * OUTPUT_PER_MTOK) / Decimal(10**6)


def callers_are_told_the_cost(world: World) -> Iterator[str]:
    """What a caller is told its answer cost is what the completed attempt cost, and of one that others had begun, what
    these cost too, as far as that is known of all of them. What we counted ourselves is the account's alone."""
    done = [row for row in world.account.rows.values() if row.end is End.COMPLETED]
    costs = {row.exchange: row.cost_usd for row in done if row.usage_source is not UsageSource.ESTIMATED}
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in world.account.rows.values():
        sums[row.exchange] += row.cost_usd or Decimal(0)
    lost = {attempt.partition(".")[0] for attempt in world.lost}
    for heard in world.story.heard:
        if heard.end != "answered" or heard.exchange in lost:
            continue
        least, told = costs.get(heard.exchange), heard.cost_usd
        sound = told is None or (least or Decimal(0)) <= told <= sums[heard.exchange]
        if not (sound if heard.rescued else told == least):
            yield f"{heard.exchange} was told {told}, its row says {least}, all {sums[heard.exchange]}"


def usage_is_the_last_word(world: World) -> Iterator[str]:
    """A completed attempt at a provider that said all is accounted with its last count, never with a preview; where
    its caller's time was over before that came, with an estimate that says so."""
    said = world.tellings
    for fact in world.story.closed:
        tolds = [told for told in said.to(fact.exchange) if told.provider == fact.provider]
        counts = fact.usage is not None and fact.usage_source is not UsageSource.ESTIMATED
        if fact.end is not End.COMPLETED or not counts or any(told.fault for told in tolds):
            continue
        assert fact.usage is not None
        counted = (fact.usage.input_total, fact.usage.output_total)
        if counted not in [told.meaning.usage for told in tolds]:
            yield f"{fact.attempt} is accounted {counted}, its provider counted {[t.meaning.usage for t in tolds]}"


def nothing_completes_without_a_last_word(world: World) -> Iterator[str]:
    """As many attempts completed as answers had their terminal event, at most; and no caller heard a made-up end."""
    said = world.tellings
    done = Counter(fact.exchange for fact in world.story.closed if fact.end is End.COMPLETED)
    for exchange, times in done.items():
        if times > sum(told.whole for told in said.to(exchange)):
            yield f"{exchange} completed {times} times, its providers said {[t.fault for t in said.to(exchange)]}"
    for heard in world.story.heard:
        whole = any(told.whole for tolds in said.behind(heard) for told in tolds)
        if heard.ended_well and not whole:
            yield f"{heard.exchange} was told an end that no provider said"
        if heard.ended_well and heard.end == "failed":
            yield f"{heard.exchange} failed ({heard.reason}) and its bytes end in order"
        if heard.end == "answered" and not heard.ended_well:
            yield f"{heard.exchange} was answered and its bytes do not end in order"


def readers_hear_one_attempt(world: World) -> Iterator[str]:
    """What a reader got is how one answer begins, from the provider it was told of; complete, it is all of it."""
    said = world.tellings
    for heard in world.story.heard:
        if heard.rescued:
            continue
        tolds = [told for tolds in said.behind(heard) for told in tolds]
        tolds = [told for told in tolds if heard.provider in (None, told.provider) and not told.begun]
        if not any(_begins(heard, told) for told in tolds) and (heard.text or heard.thought or heard.calls):
            yield f"{heard.exchange} heard {_words(heard)}, said was {[told.meaning for told in tolds]}"
        if heard.end == "answered" and not any(told.whole and _is_all(heard, told) for told in tolds):
            yield f"{heard.exchange} was answered with {_words(heard)}, said was {[told.meaning for told in tolds]}"


def rescued_answers_are_one(world: World) -> Iterator[str]:
    """Of an answer that was taken up, a reader got what the first said and what follows it, once: the text is how the
    line of whoever told the rest begins, and complete, it is all of that line. Whoever went on was given what the
    reader had been told. Thoughts are the first's, calls the last's."""
    said = world.tellings
    for heard in world.story.heard:
        yield from min((list(_breaks_its_line(heard, tolds)) for tolds in said.behind(heard)), key=len)


def _breaks_its_line(heard: Heard, tolds: list[Told]) -> Iterator[str]:
    for told in tolds:
        if told.begun and not (heard.text.startswith(told.begun) or told.begun.startswith(heard.text)):
            yield f"{heard.exchange} heard {heard.text!r}, {told.provider} was given {told.begun!r}"
    if not heard.rescued:
        return
    if not any(_begins_line(heard, told) for told in tolds):
        yield f"{heard.exchange} heard {_words(heard)}, lines were {[told.line(heard.text) for told in tolds]}"
    if heard.end == "answered" and not any(_is_line(heard, told) for told in tolds):
        lines = [told.line(heard.text) for told in tolds]
        yield f"{heard.exchange} was answered with {_words(heard)}, lines were {lines}"


def _begins_line(heard: Heard, told: Told) -> bool:
    return told.line(heard.text).startswith(heard.text) and told.meaning.told.startswith(heard.calls)


def _is_line(heard: Heard, told: Told) -> bool:
    return told.whole and (heard.text, heard.calls) == (told.line(heard.text), told.meaning.told)


def _begins(heard: Heard, told: Told) -> bool:
    meaning = told.meaning
    pairs = ((heard.text, meaning.text), (heard.thought, meaning.thought), (heard.calls, meaning.told))
    return all(said.startswith(got) for got, said in pairs)


def _is_all(heard: Heard, told: Told) -> bool:
    """Thoughts may be left out where a dialect has no word for them, or was not shown them; never a part of them."""
    meaning = told.meaning
    return (heard.text, heard.calls) == (meaning.text, meaning.told) and heard.thought in ("", meaning.thought)


def _words(heard: Heard) -> tuple[str, ...]:
    return (heard.thought, heard.text, heard.calls)


def attempts_stay_within_bounds(world: World) -> Iterator[str]:
    """No more requests leave for an exchange than its group and its caller allow."""
    said = world.tellings
    for heard in world.story.heard:
        sent = len(said.to(heard.exchange))
        if sent > heard.most:
            yield f"{heard.exchange} was sent {sent} times, may be {heard.most}"


def retries_stay_within_budget(world: World) -> Iterator[str]:
    """No provider is asked again, and all together are not, more often than first tries and the floor pay for.

    A window of ten seconds pays `share` of its first tries and its floor; a budget that crashed, or whose
    provider was removed, begins anew.
    """
    keys = world.plan.settings["retry"]
    floor = keys["budget_min_per_s"] * _BUDGET_WINDOW_S
    firsts: dict[str, list[float]] = defaultdict(list)
    again: dict[str, list[float]] = defaultdict(list)
    asked: set[tuple[str, ...]] = set()
    for at_s, fact in world.story.circuits:
        if isinstance(fact, BreakerChanged):
            continue
        # Another key of the same provider is another way on, and costs no retry.
        by_key, at_all = (fact.exchange, fact.provider, fact.key), (fact.exchange, fact.provider)
        counts = firsts if at_all not in asked else again if by_key in asked else None
        asked |= {by_key, at_all}
        if counts is not None:
            for whose in (fact.provider, _EVERYBODY):
                counts[whose].append(at_s)
    new = world.lives + world.story.fallen.count("root/retry")
    for whose, times in again.items():
        windows = (times[-1] - times[0]) // (_BUDGET_WINDOW_S * 0.9) + 1
        anew = new + world.story.renewed.count(whose)
        most = keys["budget_ratio"] * len(firsts[whose]) + floor * (windows + anew)
        if len(times) > most + _ROUNDING_S:
            yield f"{whose} was asked again {len(times)} times, {most:g} were paid for"


def providers_are_not_crowded(world: World) -> Iterator[str]:
    """No provider sees more requests at once than its `max_parallel`."""
    yield from world.story.crowded


def exchanges_end_in_time(world: World) -> Iterator[str]:
    """By the deadline, or as much later as one ask may take, unless its reader dawdled."""
    heards = {heard.exchange: heard for heard in world.story.heard}
    slow = {heard.question for heard in world.story.heard if heard.dawdled and heard.question}
    dawdled = {heard.exchange for heard in world.story.heard if heard.dawdled or heard.question in slow}
    for ended in world.story.ended:
        heard = heards[ended.exchange]
        if ended.exchange not in dawdled and ended.duration_s > heard.deadline_s + LATE_S:
            yield f"{ended.exchange} took {ended.duration_s:g} s, had {heard.deadline_s:g}"


def health_means_success(world: World) -> Iterator[str]:
    """Once faults have stopped every call is answered, but for those that no provider has tokens left for."""
    for heard in world.story.heard:
        if not heard.patient or heard.end == "answered":
            continue
        if heard.reason is not Reason.THROTTLED or not _is_used_up(world, heard.since_s):
            yield f"{heard.exchange} to {heard.model}: {heard.end} {heard.reason or ''}"


def _is_used_up(world: World, now_s: float) -> bool:
    """Whether the calls of the last minute took about all that any provider may be asked for in one."""
    most = [provider.tokens_per_min or inf for provider in world.assembly.settings.providers.values()]
    recent = (fact for fact in world.story.ended if 0.0 <= now_s - world.story.ended_s[fact.exchange] < 60.0)
    used = sum(fact.usage.input_total + fact.usage.output_total for fact in recent if fact.usage is not None)
    return used + _ONE_CALL_TOKENS > max(most)


def breakers_close(world: World) -> Iterator[str]:
    """After health, every circuit that saw traffic is closed; before it none waits for a probe that is gone."""
    healthy = any(heard.patient for heard in world.story.heard)
    for provider, seen in world.assembly._edition.value.providers.items():
        for model, state in seen.breakers.value.items():
            if state.state == Phase.HALF_OPEN or (healthy and state.state != Phase.CLOSED):
                yield f"{provider}:{model} is {state.state}"


def breakers_keep_their_word(world: World) -> Iterator[str]:
    """Circuits move as their table says; no request leaves through an open one, and one through a half-open one.

    Of providers whose breaker never crashed, and that no configuration replaced: it would begin anew. What leaves at
    the very moment of a change was let through before it.
    """
    fallen = {name.split("/")[2].partition("@")[0] for name in world.story.fallen if name.endswith("/breaker")}
    fallen.update(world.story.renewed)
    now: dict[tuple[str, str, str], tuple[Phase, float, int]] = {}
    for at_s, fact in world.story.circuits:
        place = (fact.provider, fact.model, fact.key)
        phase, since_s, sent = now.get(place, (Phase.CLOSED, 0.0, 0))
        if world.lives > 1 or fact.provider in fallen:
            continue
        if isinstance(fact, BreakerChanged):
            if fact.before != phase or Phase(fact.after) not in TRANSITIONS[phase].values():
                yield f"{place} went from {fact.before} to {fact.after}, was {phase}"
            now[place] = (Phase(fact.after), at_s, 0)
        elif at_s > since_s:
            now[place] = (phase, since_s, sent + 1)
            if phase is Phase.OPEN or (phase is Phase.HALF_OPEN and sent):
                yield f"{fact.attempt} left for {place} while its circuit was {phase}"


def nothing_is_held(world: World) -> Iterator[str]:
    """No exchange, request, slot, place in a queue, or probe."""
    held = {"exchanges": world.assembly._door.count, "requests to join": world.assembly.flights.count}
    limits = actor(world, "limits")
    if limits is not None:
        held["inside"] = len(limits._inside)
    for name, provider in world.providers.items():
        held[f"{name} requests"] = provider.open
    for name, seen in world.assembly._edition.value.providers.items():
        held[f"{name} attempts"] = sum(pulse.in_flight for pulse in seen.pulses.value.models.values())
        pace, breaker = actor(world, f"providers/{name}/pace"), actor(world, f"providers/{name}/breaker")
        if pace is not None:
            pacing = pace._pacing
            by_key = max(lane.held for lane in pacing.lanes)
            held[f"{name} slots"] = max(pacing.held, by_key, len(pace._holding))
            held[f"{name} waiting"] = max(len(pacing.queue), len(pace._waiting))
        if breaker is not None:
            held[f"{name} probes"] = len(breaker._probes)
    yield from (f"{what}: {count}" for what, count in held.items() if count)


def every_actor_is_alive(world: World) -> Iterator[str]:
    """At rest all of the tree runs, whatever crashed before: every supervisor says so of its children."""
    if not world.children:
        yield "no supervisor answered"
    for child in world.children:
        if child.state != "running" or not child.ref.alive:
            yield f"{child.ref.name} is {child.state}, alive {child.ref.alive}"


def only_actors_run(world: World) -> Iterator[str]:
    """The tasks that are left are those that ran before the first call: actors, and the jobs they live with."""
    for name in sorted(world.tasks() - world.residents):
        yield f"{name} still runs"


def nothing_is_left(world: World) -> Iterator[str]:
    """After the stop: no task, no timer, no request, no exchange."""
    current = asyncio.current_task()
    for name in sorted(task.get_name() for task in asyncio.all_tasks() if task is not current):
        yield f"{name} still runs"
    for timer in world.loop.timers:
        yield f"a timer is set for {timer.when():g}: {timer}"
    for name, provider in world.providers.items():
        if provider.open or provider.listing or any(transport.running for transport in provider.transports):
            yield f"{name} has {provider.open} requests open, or a transport that runs"


def nothing_leaks(world: World) -> Iterator[str]:
    """No actor and no job had to be given up, and no crash but those on purpose was reported."""
    if world.assembly.system.counters.leaked:
        yield f"{world.assembly.system.counters.leaked} jobs or actors were given up"
    for offender, error, words in world.story.crashes:
        if "Poison" not in words and "on purpose" not in words:
            yield f"{offender} crashed: {error} {words}"


def nothing_is_forgotten(world: World) -> Iterator[str]:
    """What was opened was closed by who opened it, not by the collector that found it."""
    yield from world.forgotten


def actor(world: World, name: str) -> Any:
    """What runs under this name of the configuration; None where nothing does."""
    cell = world.assembly.system.ref(f"root/{world.place_of(name)}").cell
    return None if cell is None else cell.actor


AT_REST: tuple[Check, ...] = (
    nothing_is_held,
    budgets_are_the_ledger,
    every_actor_is_alive,
    only_the_edition_is_left,
    only_actors_run,
    breakers_close,
    scouts_find_what_is_there,
)
"""While the tree runs and nobody calls."""

AT_END: tuple[Check, ...] = (
    one_outcome_per_exchange,
    one_outcome_per_reader,
    one_entry_per_attempt,
    a_stop_keeps_the_account,
    every_request_has_an_entry,
    costs_add_up,
    callers_are_told_the_cost,
    usage_is_the_last_word,
    nothing_completes_without_a_last_word,
    readers_hear_one_attempt,
    rescued_answers_are_one,
    attempts_stay_within_bounds,
    retries_stay_within_budget,
    providers_are_not_crowded,
    breakers_keep_their_word,
    exchanges_keep_their_configuration,
    a_swap_ends_nothing,
    one_exchange_per_key,
    exchanges_end_in_time,
    exchanges_end_with_their_attempts,
    drains_stay_within_bounds,
    drained_attempts_are_counted,
    answers_stay_with_their_question,
    repeated_answers_are_free,
    transcripts_are_what_was_heard,
    health_means_success,
    nothing_is_left,
    nothing_leaks,
)
"""After the tree has stopped."""

AFTER: tuple[Check, ...] = (nothing_is_forgotten,)
"""After everything has been collected that nobody refers to."""
