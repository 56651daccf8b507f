"""A provider of a simulated world: says something different to every request, well or with a fault."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from random import Random

import msgspec

from actors.provider import MakeTransport
from router.upstream.memory import Carried, Delay, Ending, MemoryTransport, Scripted
from router.upstream.transport import UpstreamRequest
from tests.simulation.answers import Meaning, draw_meaning, speech
from tests.simulation.faults import FAULTS, SLAB, well
from tests.simulation.plan import Plan
from tests.simulation.saving import beginning_of, gone_on
from tests.simulation.schedule import Schedule
from tests.simulation.scouting import is_listing, listing
from tests.simulation.story import Keys, Story, Told

ASKED = re.compile(rb"say (req-\d+(?:x\d+)?)")
_MODEL = re.compile(rb'"model":\s*"(\w+)"')
_MODEL_IN_PATH = re.compile(rb"/models?/(\w+)[:/]")
_STREAM = re.compile(rb'"stream":\s*true')


class SimProvider:
    """One provider over all its configurations and all incarnations of its actors.

    `faulty` is switched off where health begins. `transports` has one for each incarnation.
    """

    def __init__(self, name: str, plan: Plan, story: Story, schedule: Schedule) -> None:
        self.name = name
        self.faulty = True
        self.transports: list[MemoryTransport] = []
        self.connections = 0
        """Those that stand, used or not; on the wire alone."""
        self._plan = plan
        self._story = story
        self._schedule = schedule
        self._asked: Counter[str] = Counter()
        self._listings: list[Carried] = []
        self._last_word = b""
        self._dialect = {**plan.spares, **plan.dialects}[name]

    @property
    def open(self) -> int:
        """Requests under way."""
        return sum(transport.open for transport in self.transports) - self.listing

    @property
    def listing(self) -> int:
        """Questions under way for what it has."""
        return sum(carried.ended is Ending.OPEN for carried in self._listings)

    def unit(self, keys: Keys) -> MakeTransport:
        """The transports of the actors that one configuration of it has."""
        under_way: list[Carried] = []
        most = keys.get("max_parallel")

        def make(_spawn: object) -> MemoryTransport:
            def script(request: UpstreamRequest) -> Scripted:
                if is_listing(request):
                    self._listings.append(transport.carried[-1])
                    return self.list(keys)
                scripted = self._script(request)
                self._story.told[-1].keys = keys
                under_way[:] = [each for each in under_way if each.ended is Ending.OPEN] + [transport.carried[-1]]
                self._crowd(len(under_way), most)
                return scripted

            transport = MemoryTransport(script)
            self.transports.append(transport)
            return transport

        return make

    def list(self, keys: Keys) -> Scripted:
        """What it says when it is asked which models it has."""
        self._asked[""] += 1
        place = f"listing.{self.name}.{self._asked['']}"
        chance, said = self._schedule.chance(place), listing(keys, self._dialect)
        kind = self._pick(chance, place)
        return FAULTS[kind](said, chance) if kind else well(said, chance)

    def _script(self, request: UpstreamRequest) -> Scripted:
        asked = ASKED.search(request.body)
        assert asked, request.body
        exchange, model, streamed = _exchange_of(asked.group(1)), _model_of(request), _is_streamed(request)
        self._asked[exchange] += 1
        place = f"{exchange}.{self.name}.{self._asked[exchange]}"
        chance = self._schedule.chance(place)
        begun = beginning_of(request.body)
        meaning = self._meaning(exchange, model, chance)
        if begun:
            meaning = gone_on(meaning, begun)
        said = speech(self._dialect, meaning, streamed=streamed)
        told = Told(exchange=exchange, provider=self.name, meaning=meaning, at_s=self._story.now())
        told.begun = begun
        told.fault = self._pick(chance, place)
        scripted = FAULTS[told.fault](said, chance) if told.fault else well(said, chance)
        # Of what is sent only for its size nothing is the last word, and 20 MB take as long to search as 10 exchanges.
        spoken = b"".join(step for step in scripted.steps if isinstance(step, bytes) and step is not SLAB)
        self._last_word = said.last_word
        told.whole = scripted.status == 200 and said.last_word in spoken
        told.lasts_s = sum(step.seconds for step in scripted.steps if isinstance(step, Delay))
        self._enter(told)
        return scripted

    def _meaning(self, exchange: str, model: str, chance: Random) -> Meaning:
        """What it means to say: in a world where all mean the same, what the exchange has to hear."""
        if not self._plan.repeats:
            return draw_meaning(chance, f"[{exchange} {self.name} {self._asked[exchange]}]", model)
        return draw_meaning(self._schedule.chance(f"{exchange} meaning"), f"[{exchange}]", model)

    def _pick(self, chance: Random, place: str) -> str:
        """The fault that this request meets; "" for none."""
        kind = self._drawn(chance) if self.faulty and self.name not in self._plan.well else ""
        return kind if kind and self._schedule.admits(kind, place) else ""

    def _drawn(self, chance: Random) -> str:
        plan, now_s = self._plan, self._story.now()
        for outage in plan.outages:
            if outage.provider == self.name and outage.since_s <= now_s < outage.until_s:
                return outage.fault
        if not plan.weights or chance.random() >= plan.rate:
            return ""
        return chance.choices(tuple(plan.weights), tuple(plan.weights.values()))[0]

    def _enter(self, told: Told) -> None:
        self._story.told.append(told)
        self._story.note("told", told.exchange, told.provider, told.fault)

    def _crowd(self, count: int, most: int | None) -> None:
        if most is not None and count > most:
            self._story.crowded.append(f"{self.name} saw {count} requests at once, may see {most}")


def _exchange_of(asked: bytes) -> str:
    """Several exchanges may ask the same: which one this is its attempt's task says, where there is one here."""
    task = asyncio.current_task()
    name = task.get_name() if task is not None else ""
    return name.partition(".")[0] if name.startswith("req-") else asked.decode()


def _model_of(request: UpstreamRequest) -> str:
    """Some dialects name the model in the body, some in the path."""
    named = _MODEL.search(request.body) or _MODEL_IN_PATH.search(request.url.encode())
    assert named, request
    return named.group(1).decode()


def _is_streamed(request: UpstreamRequest) -> bool:
    in_path = "streamGenerateContent" in request.url or request.url.endswith("/converse-stream")
    return in_path or _STREAM.search(request.body) is not None


def body_of(dialect: str, exchange: str, model: str, *, stream: bool, wishes: dict[str, object]) -> bytes:
    """What a caller of `dialect` posts to have its own words back."""
    text = f"say {exchange}"
    asked: dict[str, object] = {"model": model, "stream": stream}
    if dialect == "openai-responses":
        asked["input"] = text
    else:
        asked |= {"messages": [{"role": "user", "content": text}], "max_tokens": 100}
    return msgspec.json.encode({**asked, "router": wishes} if wishes else asked)
