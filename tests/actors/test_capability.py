"""What the capability actor publishes, over what it learns and over its own restart."""

from __future__ import annotations

import asyncio

from actors.capability import Capability, Facts
from actors.messages import FactsLearned, PrefixRefused
from actors.runtime import ActorSystem, ChildSpec, Snapshot, SupervisorSpec, run_virtual, virtual_ports
from router.canon.ability import Ability, Traits
from router.canon.target import Target
from router.policy.capability import UNKNOWN, FactSource, ModelFacts

GGUF, SOLD, SET, NEW = (Target(provider="p", model=model) for model in ("gguf", "sold", "set", "new"))
NAMES = {GGUF: "gguf-v2", SOLD: "sold", SET: "set"}


def window(tokens: int) -> Traits:
    """A statement of a window alone."""
    return Traits(context_window=tokens)


def said(target: Target) -> dict[FactSource, Traits]:
    """What operator and price list say."""
    return {
        FactSource.CONFIGURED: window(4096) if target == SET else Traits(),
        FactSource.LISTED: window(128_000) if target == SOLD else Traits(),
    }


def test_facts_are_published_and_learned_ones_survive_a_restart() -> None:
    """Configured beats learned beats listed; a model that nobody configured is a target too; a crash loses nothing."""

    async def scene() -> None:
        published: Snapshot[Facts] = Snapshot({})

        def start() -> Capability:
            return Capability(targets=lambda: NAMES, said=said, published=published)

        system = ActorSystem(virtual_ports(), on_report=lambda _report: None)
        await system.start(SupervisorSpec(children=(ChildSpec(name="capability", start=start),)))
        ref = system.ref("root/capability")
        listed = ModelFacts(context_window=128_000, source=FactSource.LISTED, traits=window(128_000))
        configured = ModelFacts(context_window=4096, source=FactSource.CONFIGURED, traits=window(4096))
        assert published.value == {GGUF: UNKNOWN, SOLD: listed, SET: configured}
        learned = Traits(can=(Ability.VISION,), context_window=2048)
        ref.tell(FactsLearned(provider="p", models={"gguf-v2": learned, "set": learned, "new": learned}))
        await asyncio.sleep(0.1)
        fresh = ModelFacts(context_window=2048, source=FactSource.LEARNED, traits=learned, learned=learned)
        both = Traits(can=(Ability.VISION,), context_window=4096)
        expected = {
            GGUF: fresh,
            SOLD: listed,
            SET: ModelFacts(context_window=4096, source=FactSource.CONFIGURED, traits=both, learned=learned),
            NEW: fresh,
        }
        assert published.value == expected
        ref.tell("a message it does not take")
        await asyncio.sleep(0.1)
        assert ref.incarnation == 2
        assert published.value == expected
        ref.tell(FactsLearned(provider="p", models={"set": learned}))
        await asyncio.sleep(0.1)
        assert set(published.value) == {GGUF, SOLD, SET} and published.value[GGUF] == UNKNOWN
        await system.stop()

    run_virtual(scene())


def test_the_same_fact_again_publishes_nothing_new() -> None:
    """Readers that compare by reference see no change where there is none."""

    async def scene() -> None:
        published: Snapshot[Facts] = Snapshot({})
        spec = ChildSpec(
            name="capability",
            start=lambda: Capability(targets=lambda: NAMES, said=lambda _target: {}, published=published),
        )
        system = ActorSystem(virtual_ports())
        await system.start(SupervisorSpec(children=(spec,)))
        ref = system.ref("root/capability")
        ref.tell(FactsLearned(provider="p", models={"sold": window(2048)}))
        await asyncio.sleep(0.1)
        before = published.value
        ref.tell(FactsLearned(provider="p", models={"sold": window(2048)}))
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
                targets=lambda: NAMES,
                said=said,
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
        assert Ability.PREFILL in published.value[SOLD].traits.cannot
        ref.tell("a message it does not take")
        await asyncio.sleep(0.1)
        assert ref.incarnation == 2
        assert [published.value[target].continues for target in (GGUF, SOLD, SET)] == [True, False, False]
        await system.stop()

    run_virtual(scene())
