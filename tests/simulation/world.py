"""One short world: the real tree between simulated providers and callers, first with faults, then in health.

    faults     calls come while providers fail, callers leave and actors crash; perhaps the tree is stopped and another
               one started over the same journal
    rest       nobody calls; whatever is held must be given back
    health     no faults any more: every call must succeed, every breaker close
    end        the tree is stopped; nothing may be left

Everything that was found to break an invariant is in `faults`, each as the invariant's name and words.
"""

from __future__ import annotations

import asyncio
import gc
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from random import Random
from typing import TypeVar

from msgspec.structs import replace

from actors.messages import Server
from actors.provider import MakeTransport
from actors.runtime import (
    ActorDead,
    ActorSystem,
    AskTimeout,
    ChildInfo,
    Context,
    Ref,
    Report,
    Tasks,
    VirtualLoop,
    WhichChildren,
    run_virtual,
    virtual_ports,
)
from actors.tree import path
from router.app import Assembly, Parts
from router.canon.caller import NOBODY
from router.front.server import NoServer
from router.providers import find_installed
from tests.fakes.journal import InlineWorker, MemoryVault
from tests.simulation.bounding import caller_of
from tests.simulation.callers import FRONTS, Caller, Manners, draw_manners
from tests.simulation.disturbances import STIRRERS, JumpingWall
from tests.simulation.echoing import Tellings, draw_asked
from tests.simulation.invariants import AFTER, AT_END, AT_REST, Check
from tests.simulation.kinds import STOP
from tests.simulation.plan import Plan
from tests.simulation.provider import SimProvider
from tests.simulation.repeating import FIRST, Again, draw_repeats
from tests.simulation.schedule import EVERYTHING, Limits, Schedule
from tests.simulation.scouting import RUNNING
from tests.simulation.story import Heard, Story, watch_reports
from tests.simulation.swapping import Source, Tree
from tests.simulation.taps import Taps
from tests.simulation.transcribing import is_transcribed

REST_S = 65.0
"""Within this, at rest, everything is given back: attempts linger a second, a unit that gave up is back in 30."""

HEAL_S = 300.0
"""Within this, and with traffic, every breaker is closed: the longest Retry-After that is believed."""

HEALTHY_CALLS = 30

LEDGER_BACK_S = 15.0
"""A ledger that was hurt longer ago than this has stopped, written and come back, if it could."""

_CONFIGURED = re.compile(r"^(root/(?:providers|groups)/)[^/]+")

_FOUND = find_installed()
TELEMETRY = "root/telemetry"
OVERHEARD = frozenset({TELEMETRY, "root/ledger"})
"""Who is told the facts that the story is made of."""


class World:
    """One life of one plan. `run` it once."""

    at_rest: tuple[Check, ...] = AT_REST
    at_end: tuple[Check, ...] = AT_END

    def __init__(self, plan: Plan, limits: Limits = EVERYTHING) -> None:
        self.plan = plan
        self.schedule = Schedule(plan.seed, limits)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        ports = virtual_ports(loop, plan.seed)
        self.loop = loop
        self.wall = JumpingWall(ports.wall)
        self.ports = replace(ports, wall=self.wall)
        self.story = Story(ports.clock.now)
        self.taps = Taps(self._overhear)
        self.account = MemoryVault()
        self.source = self._source()
        self.providers = {name: self._provider(name) for name in (*plan.dialects, *plan.spares)}
        self.broken: list[str] = []
        self.forgotten: list[str] = []
        self.checked = 0
        self.residents: frozenset[str] = frozenset()
        """Tasks that run when nobody calls."""
        self.children: list[ChildInfo] = []
        """All of the tree, as its supervisors told it when they were asked last."""
        self.ledger_hurt_s = float("-inf")
        """When the ledger could not write, or a bug met its very last try, last."""
        self.excused = False
        """Whether the ledger of a tree that was stopped could not write all it was told."""
        self.hurt_limits = False
        """The actor that counts what callers spend has crashed."""
        self.lives = 1
        """Trees that were started."""
        self.lost: set[str] = set()
        self.spare_until_s = 0.0
        """Until then no actor of the router's own is made to crash: too many in too short a time end it by design."""
        self._calls = 0
        self._chance = Random(f"world {plan.seed}")
        self._crowd = Tasks("callers", self._crashed)
        self._stirring = Tasks("disturbances", self._crashed)
        self.assembly = self._assemble()

    def admits(self, fault: str, place: object, *words: object) -> bool:
        """Whether a fault that is no provider's happens; then it is part of the story."""
        admitted = self.schedule.admits(fault, place)
        if admitted:
            self.story.note(fault, *words)
        return admitted

    async def run(self) -> None:
        """All phases."""
        await self.assembly.start()
        await asyncio.sleep(1.0)
        self.residents = self.tasks() | RUNNING
        await self._suffer()
        self._heal()
        await asyncio.sleep(REST_S)
        self.children = await _children(self.assembly.system, "root")
        self.check(self.at_rest)
        await asyncio.sleep(HEAL_S - REST_S)
        await self._flourish()
        await asyncio.sleep(REST_S)
        self.children = await _children(self.assembly.system, "root")
        self.check(self.at_rest)
        await self.assembly.stop()
        await asyncio.sleep(REST_S)
        self.check(self.at_end)

    @cached_property
    def tellings(self) -> Tellings:
        """What providers said, once the last of them has said it: only for what is checked at the end."""
        return Tellings(self.story)

    def tasks(self) -> frozenset[str]:
        """Names of all tasks that run but this one, whatever their incarnation; who comes and goes with a configuration
        is one like another."""
        own = asyncio.current_task()
        names = (task.get_name().partition("#")[0] for task in asyncio.all_tasks() if task is not own)
        return frozenset(_CONFIGURED.sub(r"\1*", name) for name in names)

    def place_of(self, name: str) -> str | None:
        """The path below the root of an actor of a provider or a group, under the configuration in force; None of one
        that has left."""
        kind, _, rest = name.partition("/")
        named, _, part = rest.partition("/")
        edition = self.assembly._edition.value
        names = {"providers": edition.unit_of, "groups": edition.group_of}.get(kind)
        if names is None:
            return name
        return path(kind, names[named], *filter(None, [part])).removeprefix("root/") if named in names else None

    def check(self, checks: tuple[Check, ...]) -> None:
        """Hold the world to these, now."""
        for check in checks:
            self.checked += 1
            self.broken += (f"{check.__name__}: {words}" for words in check(self))

    def _provider(self, name: str) -> SimProvider:
        return SimProvider(name, self.plan, self.story, self.schedule)

    def _source(self) -> Source:
        return Source(self.plan.settings)

    def _server(self) -> Server:
        return NoServer()

    def _transports(self) -> Callable[[str], MakeTransport] | None:
        return lambda name: self.providers[name].unit(self.source.drafted["providers"][name])

    def _assemble(self) -> Assembly:
        parts = Parts(
            ports=self.ports,
            sink=_Nowhere(),
            transport=self._transports(),
            vault=self.account.vault(),
            reader=InlineWorker(),
            found=_FOUND,
        )
        assembly = Assembly(self.source.read(), server=self._server(), origin=self.source, parts=parts)
        self.taps.tap(assembly.system)
        watch_reports(assembly.system, self._reported)
        return assembly

    def _reported(self, report: Report) -> None:
        self.story.report(report)
        self.hurt_limits |= report.offender == "root/limits"
        if report.offender == "root/ledger" and report.context is Context.STOP:
            self.hurt_ledger()

    def hurt_ledger(self) -> None:
        """Something happened to the ledger's journal or store, or to its stop."""
        self.ledger_hurt_s = self.story.now()

    def _overhear(self, ref: Ref, message: object) -> None:
        if ref.name in OVERHEARD:
            self.story.overhear(message)

    async def _suffer(self) -> None:
        plan, chance = self.plan, self._chance
        for name, stir in STIRRERS.items():
            if name in plan.disturbances:
                own = self.schedule.chance(name)
                self._stirring.start(stir(self, own, plan.disturbances[name]), name=f"disturbances {name}")
        models = tuple(card.id for card in self.assembly.desk.models())
        stop_at = self.schedule.chance(STOP).randrange(plan.exchanges) if STOP in plan.disturbances else None
        for number in range(plan.exchanges):
            await asyncio.sleep(chance.expovariate(1.0) * plan.gap_s)
            if number == stop_at and self.admits(STOP, 1):
                self._stirring.start(self._start_anew(), name=f"disturbances {STOP}")
            exchange = self._new_id()
            asked = draw_asked(self.schedule, exchange, plan)
            manners = draw_manners(self.schedule, exchange, plan, models, asked)
            repeats = draw_repeats(self.schedule, exchange, plan)
            self._call(exchange, manners, key=exchange if repeats else "", asked=asked)
            for again in repeats:
                stays = replace(manners, leave_s=None, dawdle_s=0.0)
                self._call(again.name, stays, key=exchange, again=again, asked=again.name if again.other else asked)
        await self._crowd.drained()
        for job in self._stirring.jobs:
            if not job.name.endswith(STOP):
                job.stop()
        await self._stirring.drained()

    async def _start_anew(self) -> None:
        """Stop the tree under its load; then another one over the same journal and providers."""
        old = self.assembly
        began_s = self.story.now()
        await old.stop()
        self.lost.update(old._books.pending)
        self.excused = self.ledger_hurt_s >= began_s - LEDGER_BACK_S
        if self.excused:
            told = {fact.attempt for fact in self.story.opened} | {fact.attempt for fact in self.story.closed}
            told |= {f"{fact.exchange}.0" for fact in self.story.repeated}
            self.lost.update(attempt for attempt in told if not self._is_written(attempt))
        # Another process opens them anew, also where a ledger that crashed closed neither.
        self.account.journal.is_open = self.account.store.is_open = False
        # met by a start, a bug ends it, as it should
        self.account.journal.bug = self.account.store.bug = None
        self.lives += 1
        self.assembly = self._assemble()
        await self.assembly.start()

    def _is_written(self, attempt: str) -> bool:
        row = self.account.rows.get(attempt)
        return row is not None and row.opened_at is not None and row.closed_at is not None

    def _heal(self) -> None:
        for provider in self.providers.values():
            provider.faulty = False
        self.account.heal()
        self.taps.disarm()

    async def _flourish(self) -> None:
        """A call to each target by itself closes what is open; then any calls at once."""
        chance = self._chance
        models = tuple(card.id for card in self.assembly.desk.models())
        for model in models:
            self._call(self._new_id(), Manners(model=model, dialect="openai-chat", stream=True), patient=True)
            await self._crowd.drained()
        # Where nobody may wait for a slot, a second call at the same time is refused by design.
        narrow = any(provider.max_queue == 0 for provider in self.assembly.settings.providers.values())
        for number in range(HEALTHY_CALLS):
            manners = Manners(model=chance.choice(models), dialect=chance.choice(FRONTS), stream=number % 3 > 0)
            self._call(self._new_id(), manners, patient=True)
            await (self._crowd.drained() if narrow else asyncio.sleep(chance.random() * 20))
        await self._crowd.drained()

    def _new_id(self) -> str:
        """Our own numbers: how many ids the router drew must not rename its exchanges."""
        self._calls += 1
        return f"req-{self._calls:06d}"

    def _call(
        self,
        exchange: str,
        manners: Manners,
        *,
        patient: bool = False,
        key: str = "",
        again: Again = FIRST,
        asked: str = "",
    ) -> None:
        heard = Heard(exchange, model=manners.model, streamed=manners.stream)
        heard.key, heard.asked = key, asked or exchange
        self._bind(heard, manners, self.plan.settings)
        heard.dawdled = manners.dawdle_s > 0
        heard.patient = patient
        self._crowd.start(self._calling(manners, heard, again.after_s), name=f"callers {exchange}")

    async def _calling(self, manners: Manners, heard: Heard, after_s: float) -> None:
        if after_s:
            await asyncio.sleep(after_s)
        heard.life = self.lives
        caller = NOBODY if heard.patient else caller_of(self, heard.key or heard.exchange)
        heard.transcribed = is_transcribed(self.plan.settings, caller)
        await Caller(self.assembly.desk, self.story, manners, heard, caller).call()
        if heard.config:
            self._bind(heard, manners, self.source.trees[heard.config])

    def _bind(self, heard: Heard, manners: Manners, tree: Tree) -> None:
        """What a call may take, by its configuration and its own wishes."""
        most: int = tree["failover_groups"].get(manners.model, {}).get("max_attempts", 3)
        given_s: float = tree["server"]["deadline_s"]
        wished, wished_s = manners.wishes.get("max_attempts"), manners.wishes.get("deadline_s")
        heard.most = min(most, wished) if isinstance(wished, int) else most
        heard.deadline_s = min(given_s, wished_s) if isinstance(wished_s, float) else given_s

    def _crashed(self, report: Report) -> None:
        """A caller or a disturbance failed: the simulation's own fault, or an answer that nobody can read."""
        error = getattr(report.reason, "error", None)
        self.broken.append(f"callers_do_not_crash: {report.offender}: {error!r}")


async def _children(system: ActorSystem, name: str) -> list[ChildInfo]:
    """Every child of a supervisor and theirs; none of one that does not answer."""
    try:
        own: tuple[ChildInfo, ...] = await system.ref(name).ask(WhichChildren())
    except (ActorDead, AskTimeout):
        return []
    return [*own, *[c for child in own if child.kind == "supervisor" for c in await _children(system, child.ref.name)]]


class _Nowhere:
    """A `LineSink` that keeps nothing."""

    def __init__(self) -> None:
        self.dropped = 0

    def put(self, line: bytes) -> None:
        """Forget it."""


AnyWorld = TypeVar("AnyWorld", bound=World)


def run_world(plan: Plan, limits: Limits = EVERYTHING) -> World:
    """The world of a plan, from its beginning to its end."""

    async def main() -> World:
        current = asyncio.current_task()
        assert current is not None
        current.set_name("world")
        world = World(plan, limits)
        await world.run()
        return world

    return undisturbed(lambda: run_virtual(main(), seed=plan.seed, shuffle=plan.shuffled))


def undisturbed(run: Callable[[], AnyWorld]) -> AnyWorld:
    """What Python does when it likes is done before and after; then nothing may come to light that was forgotten."""
    gc.collect()
    gc.disable()
    with unraised() as errors:
        try:
            world = run()
        finally:
            gc.enable()
        gc.collect()
    world.forgotten = errors
    world.check(AFTER)
    return world


@contextmanager
def unraised() -> Iterator[list[str]]:
    """What went wrong where nobody could be told: above all what was opened, and is closed by being forgotten."""
    errors: list[str] = []
    before = sys.unraisablehook
    sys.unraisablehook = lambda it: errors.append(f"{getattr(it.object, '__qualname__', it.object)}: {it.exc_value}")
    try:
        yield errors
    finally:
        sys.unraisablehook = before
