"""What one publishes and anyone reads."""

from __future__ import annotations

import asyncio

from actors.runtime import Actor, ChildSpec, Snapshot, SupervisorSpec
from tests.fakes.recording import Scene, play


def test_a_snapshot_outlives_its_actor() -> None:
    """Readers see the last value while the actor is down, by reference and without asking."""
    snapshot: Snapshot[tuple[int, ...]] = Snapshot(())

    class Publisher(Actor):
        def on_receive(self, message: int) -> None:
            snapshot.publish((*snapshot.value, message))
            if message == 2:
                raise LookupError

    async def act(scene: Scene) -> None:
        for number in (1, 2, 3):
            scene.ref("p").tell(number)
        await asyncio.sleep(0)
        assert snapshot.value is snapshot.value
        await asyncio.sleep(1.0)
        assert snapshot.value == (1, 2, 3)

    play(lambda _: SupervisorSpec((ChildSpec("p", Publisher),)), act)
