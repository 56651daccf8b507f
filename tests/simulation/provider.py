"""A provider of a simulated world: says something different to every request, well or with a fault."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import msgspec

from router.upstream.memory import MemoryTransport, Scripted
from router.upstream.transport import UpstreamRequest
from tests.simulation.answers import speech
from tests.simulation.faults import FAULTS, well
from tests.simulation.plan import Plan
from tests.simulation.story import Story, Told

_ASKED = re.compile(rb"say (req-\d+)")
_MODEL = re.compile(rb'"model":\s*"(\w+)"')
_STREAM = re.compile(rb'"stream":\s*true')


class SimProvider:
    """One configured provider over all incarnations of its actor.

    `faulty` is switched off where health begins. `transports` has one for each incarnation.
    """

    def __init__(self, name: str, plan: Plan, story: Story) -> None:
        self.name = name
        self.faulty = True
        self.transports: list[MemoryTransport] = []
        self._plan = plan
        self._story = story
        self._chance = Random(f"{name} {plan.seed}")
        self._asked: Counter[str] = Counter()
        self._most = plan.settings["providers"][name].get("max_parallel")

    @property
    def open(self) -> int:
        """Requests under way."""
        return sum(transport.open for transport in self.transports)

    def transport(self, _spawn: object) -> MemoryTransport:
        """As `MakeTransport`."""
        self.transports.append(MemoryTransport(self._script))
        return self.transports[-1]

    def _script(self, request: UpstreamRequest) -> Scripted:
        chance = self._chance
        asked, model = _ASKED.search(request.body), _MODEL.search(request.body)
        assert asked and model, request.body
        exchange = asked.group(1).decode()
        self._asked[exchange] += 1
        mark = f"[{exchange} {self.name} {self._asked[exchange]}]"
        words = tuple(f"{mark} {n} " for n in range(chance.randint(1, 8)))
        usage = (chance.randint(1, 5000), chance.randint(2, 5000))
        said = speech(
            self._plan.dialects[self.name],
            streamed=_STREAM.search(request.body) is not None,
            words=words,
            usage=usage,
            model=model.group(1).decode(),
        )
        told = Told(
            exchange=exchange, provider=self.name, model=model.group(1).decode(), text="".join(words), usage=usage
        )
        told.fault = self._pick()
        scripted = FAULTS[told.fault](said, chance) if told.fault else well(said, chance)
        told.whole = scripted.status == 200 and said.last_word in b"".join(
            step for step in scripted.steps if isinstance(step, bytes)
        )
        self._enter(told)
        return scripted

    def _pick(self) -> str:
        """The fault that this request meets; "" for none."""
        plan, chance = self._plan, self._chance
        if not self.faulty:
            return ""
        now_s = self._story.now()
        for outage in plan.outages:
            if outage.provider == self.name and outage.since_s <= now_s < outage.until_s:
                return outage.fault
        if not plan.weights or chance.random() >= plan.rate:
            return ""
        return chance.choices(tuple(plan.weights), tuple(plan.weights.values()))[0]

    def _enter(self, told: Told) -> None:
        story = self._story
        story.told.append(told)
        story.note("told", told.exchange, told.provider, told.fault)
        if told.fault:
            story.faults[told.fault] += 1
        if self._most is not None and self.open > self._most:
            story.crowded.append(f"{self.name} saw {self.open} requests at once, may see {self._most}")


def body_of(dialect: str, exchange: str, model: str, *, stream: bool, wishes: dict[str, object]) -> bytes:
    """What a caller of `dialect` posts to have its own words back."""
    text = f"say {exchange}"
    asked: dict[str, object] = {"model": model, "stream": stream}
    if dialect == "openai-responses":
        asked["input"] = text
    else:
        asked |= {"messages": [{"role": "user", "content": text}], "max_tokens": 100}
    return msgspec.json.encode({**asked, "router": wishes} if wishes else asked)
