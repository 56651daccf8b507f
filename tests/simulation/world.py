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
from random import Random

from msgspec.structs import replace

from actors.runtime import Report, Tasks, VirtualLoop, run_virtual, virtual_ports
from router.app import Assembly, Parts, kind_rules
from router.front.server import NoServer
from router.settings import load
from tests.fakes.journal import InlineWorker, MemoryJournal
from tests.simulation.callers import Caller, Manners, draw_manners
from tests.simulation.disturbances import STIRRERS, JumpingWall
from tests.simulation.invariants import AT_END, AT_REST, Check
from tests.simulation.plan import STOP, Plan
from tests.simulation.provider import SimProvider
from tests.simulation.story import Heard, Story, overhear, watch_reports

REST_S = 65.0
"""Within this, at rest, everything is given back: attempts linger a second, a unit that gave up is back in 30."""

HEAL_S = 300.0
"""Within this, and with traffic, every breaker is closed: the longest Retry-After that is believed."""

HEALTHY_CALLS = 30


class World:
    """One life of one plan. `run` it once."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        ports = virtual_ports(loop, plan.seed)
        self.loop = loop
        self.wall = JumpingWall(ports.wall)
        self.ports = replace(ports, wall=self.wall)
        self.story = Story(ports.clock.now)
        self.journal = MemoryJournal()
        self.worker = InlineWorker()
        self.providers = {name: SimProvider(name, plan, self.story) for name in plan.dialects}
        self.broken: list[str] = []
        self.checked = 0
        self.lost: set[str] = set()
        self._chance = Random(f"world {plan.seed}")
        self._crowd = Tasks("callers", self._crashed)
        self._stirring = Tasks("disturbances", self._crashed)
        self.assembly = self._assemble()

    def count(self, fault: str, *words: object) -> None:
        """A fault that is no provider's was injected."""
        self.story.faults[fault] += 1
        self.story.note(fault, *words)

    async def run(self) -> None:
        """All phases."""
        await self.assembly.start()
        await self._suffer()
        self._heal()
        await asyncio.sleep(REST_S)
        self.check(AT_REST)
        await asyncio.sleep(HEAL_S - REST_S)
        await self._flourish()
        await asyncio.sleep(REST_S)
        self.check(AT_REST)
        await self.assembly.stop()
        await asyncio.sleep(REST_S)
        self.check(AT_END)

    def check(self, checks: tuple[Check, ...]) -> None:
        """Hold the world to these, now."""
        for check in checks:
            self.checked += 1
            self.broken += (f"{check.__name__}: {words}" for words in check(self))

    def _assemble(self) -> Assembly:
        parts = Parts(
            ports=self.ports,
            sink=_Nowhere(),
            transport=lambda name: self.providers[name].transport,
            journal=self.journal,
            worker=self.worker,
        )
        assembly = Assembly(load(self.plan.settings, {}, kind_rules()), server=NoServer(), parts=parts)
        for name in ("telemetry", "ledger"):
            overhear(assembly.system.ref(f"root/{name}"), self.story.overhear)
        watch_reports(assembly.system, self.story.report)
        return assembly

    async def _suffer(self) -> None:
        plan, chance = self.plan, self._chance
        for name, stir in STIRRERS.items():
            if name in plan.disturbances:
                own = Random(f"{name} {plan.seed}")
                self._stirring.start(stir(self, own, plan.disturbances[name]), name=name)
        models = tuple(card.id for card in self.assembly.desk.models())
        stop_at = chance.randrange(plan.exchanges) if STOP in plan.disturbances else None
        for number in range(plan.exchanges):
            await asyncio.sleep(chance.expovariate(1.0) * plan.gap_s)
            if number == stop_at:
                self._stirring.start(self._start_anew(), name=STOP)
            self._call(draw_manners(chance, plan, models))
        await self._crowd.drained()
        for job in self._stirring.jobs:
            if job.name != STOP:
                job.stop()
        await self._stirring.drained()

    async def _start_anew(self) -> None:
        """Stop the tree under its load; then another one over the same journal and providers."""
        self.count(STOP)
        old, story = self.assembly, self.story
        crashes, opened, closed = len(story.crashes), len(story.opened), len(story.closed)
        await old.stop()
        self.lost.update(old._books.pending)
        if any(offender == "root/ledger" for offender, *_ in story.crashes[crashes:]):
            # Nobody brings back an actor of a tree that stops: what it was told from then on is not written.
            self.lost.update(fact.attempt for fact in story.opened[opened:])
            self.lost.update(fact.attempt for fact in story.closed[closed:])
        self.journal.bug = None  # met by a start, a bug ends it, as it should
        self.assembly = self._assemble()
        await self.assembly.start()

    def _heal(self) -> None:
        for provider in self.providers.values():
            provider.faulty = False
        self.journal.refusal = self.journal.bug = None
        self.worker.release()

    async def _flourish(self) -> None:
        """A call to each target by itself closes what is open; then any calls at once."""
        chance = self._chance
        models = tuple(card.id for card in self.assembly.desk.models())
        for model in models:
            self._call(Manners(model=model, dialect="openai-chat", stream=True), patient=True)
            await self._crowd.drained()
        # Where nobody may wait for a slot, a second call at the same time is refused by design.
        narrow = any(keys["max_queue"] == 0 for keys in self.plan.settings["providers"].values())
        for number in range(HEALTHY_CALLS):
            dialect = chance.choice(("openai-chat", "openai-responses", "anthropic-messages"))
            manners = Manners(model=chance.choice(models), dialect=dialect, stream=number % 3 > 0)
            self._call(manners, patient=True)
            await (self._crowd.drained() if narrow else asyncio.sleep(chance.random() * 20))
        await self._crowd.drained()

    def _call(self, manners: Manners, *, patient: bool = False) -> None:
        exchange = self.assembly.desk.new_id("req")
        heard = Heard(exchange, model=manners.model, streamed=manners.stream)
        heard.most = self._most(manners)
        wish = manners.wishes.get("deadline_s")
        given_s: float = self.plan.settings["server"]["deadline_s"]
        heard.deadline_s = min(given_s, wish) if isinstance(wish, float) else given_s
        heard.dawdled = manners.dawdle_s > 0
        heard.patient = patient
        caller = Caller(self.assembly.desk, self.story, manners, heard)
        self._crowd.start(caller.call(), name=exchange)

    def _most(self, manners: Manners) -> int:
        group = self.plan.settings["failover_groups"].get(manners.model, {})
        most: int = group.get("max_attempts", 3)
        wish = manners.wishes.get("max_attempts")
        return min(most, wish) if isinstance(wish, int) else most

    def _crashed(self, report: Report) -> None:
        """A caller or a disturbance failed: the simulation's own fault, or an answer that nobody can read."""
        error = getattr(report.reason, "error", None)
        self.broken.append(f"callers_do_not_crash: {report.offender}: {error!r}")


class _Nowhere:
    """A `LineSink` that keeps nothing."""

    def __init__(self) -> None:
        self.dropped = 0

    def put(self, line: bytes) -> None:
        """Forget it."""


def run_world(plan: Plan) -> World:
    """The world of a plan, from its beginning to its end. What Python does when it likes is done before and after."""

    async def main() -> World:
        world = World(plan)
        await world.run()
        return world

    gc.collect()
    gc.disable()
    try:
        return run_virtual(main(), seed=plan.seed, shuffle=plan.shuffled)
    finally:
        gc.enable()
