"""What the capability actor publishes, over what it learns and over its own restart."""

from __future__ import annotations

import asyncio

from actors.capability import Capability, Facts
from actors.messages import FactsLearned, PrefixRefused
from actors.runtime import ActorSystem, ChildSpec, Snapshot, SupervisorSpec, run_virtual, virtual_ports
from router.canon.target import Target
from router.policy.capability import UNKNOWN, FactSource, ModelFacts

GGUF, SOLD, SET = (Target(provider="p", model=model) for model in ("gguf", "sold", "set"))


def test_facts_are_published_and_learned_ones_survive_a_restart() -> None:
    """Configured beats learned beats listed; a crash forgets none of them; strangers add nothing."""

    async def scene() -> None:
        published: Snapshot[Facts] = Snapshot({})
        asked: list[Target] = []

        def listed(target: Target) -> int | None:
            asked.append(target)
            return 128_000 if target is SOLD else None

        def start() -> Capability:
            return Capability(
                configured=lambda: {GGUF: None, SOLD: None, SET: 4096}, listed=listed, published=published
            )

        system = ActorSystem(virtual_ports(), on_report=lambda _report: None)
        await system.start(SupervisorSpec(children=(ChildSpec(name="capability", start=start),)))
        ref = system.ref("root/capability")
        assert published.value == {
            GGUF: UNKNOWN,
            SOLD: ModelFacts(context_window=128_000, source=FactSource.LISTED),
            SET: ModelFacts(context_window=4096, source=FactSource.CONFIGURED),
        }
        for target in (GGUF, SET, Target(provider="p", model="stranger")):
            ref.tell(FactsLearned(target=target, context_window=2048))
        await asyncio.sleep(0.1)
        learned = {
            GGUF: ModelFacts(context_window=2048, source=FactSource.LEARNED),
            SOLD: ModelFacts(context_window=128_000, source=FactSource.LISTED),
            SET: ModelFacts(context_window=4096, source=FactSource.CONFIGURED),
        }
        assert published.value == learned
        ref.tell("a message it does not take")
        await asyncio.sleep(0.1)
        assert ref.incarnation == 2
        assert published.value == learned
        assert asked == [GGUF, SOLD, SET] * 2
        await system.stop()

    run_virtual(scene())


def test_the_same_fact_again_publishes_nothing_new() -> None:
    """Readers that compare by reference see no change where there is none."""

    async def scene() -> None:
        published: Snapshot[Facts] = Snapshot({})
        spec = ChildSpec(
            name="capability",
            start=lambda: Capability(configured=lambda: {GGUF: None}, listed=lambda _target: None, published=published),
        )
        system = ActorSystem(virtual_ports())
        await system.start(SupervisorSpec(children=(spec,)))
        ref = system.ref("root/capability")
        ref.tell(FactsLearned(target=GGUF, context_window=2048))
        await asyncio.sleep(0.1)
        before = published.value
        ref.tell(FactsLearned(target=GGUF, context_window=2048))
        await asyncio.sleep(0.1)
        assert published.value is before
        await system.stop()

    run_virtual(scene())


def test_a_target_that_refused_a_beginning_is_given_none_again() -> None:
    """A restart remembers; what others accept is theirs."""

    async def scene() -> None:
        published: Snapshot[Facts] = Snapshot({})
        spec = ChildSpec(
            name="capability",
            start=lambda: Capability(
                configured=lambda: {GGUF: None, SOLD: None, SET: None},
                listed=lambda _target: None,
                continuing=lambda: frozenset({GGUF, SOLD}),
                published=published,
            ),
        )
        system = ActorSystem(virtual_ports(), on_report=lambda _report: None)
        await system.start(SupervisorSpec(children=(spec,)))
        ref = system.ref("root/capability")
        assert [published.value[target].continues for target in (GGUF, SOLD, SET)] == [True, True, False]
        ref.tell(PrefixRefused(target=SOLD))
        await asyncio.sleep(0.1)
        assert [published.value[target].continues for target in (GGUF, SOLD, SET)] == [True, False, False]
        ref.tell("a message it does not take")
        await asyncio.sleep(0.1)
        assert ref.incarnation == 2
        assert [published.value[target].continues for target in (GGUF, SOLD, SET)] == [True, False, False]
        await system.stop()

    run_virtual(scene())
