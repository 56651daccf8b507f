"""The front's stop, in virtual time."""

from __future__ import annotations

from typing import cast

from actors.front import LAST_WORDS_S, Door, Front
from actors.messages import Desk
from actors.runtime import ActorSystem, ChildSpec, SupervisorSpec, run_virtual, virtual_ports
from actors.sharing import Sharing, SharingRules


class _Server:
    """Remembers how long its connections may still write."""

    def __init__(self) -> None:
        self.within_s: float | None = None

    async def start(self, desk: Desk) -> None:
        """Nothing listens."""

    def renew(self) -> None:
        """Nothing to read."""

    async def stop(self, within_s: float) -> None:
        """Told once."""
        self.within_s = within_s


def _told(drain_s: float) -> float | None:
    server = _Server()

    def front() -> Front:
        door = Door(Sharing(rules=SharingRules, clock=virtual_ports().clock))
        return Front(door=door, desk=lambda: cast("Desk", None), server=server, drain_s=drain_s, lame_duck_s=0.0)

    async def scene() -> None:
        system = ActorSystem(virtual_ports())
        await system.start(SupervisorSpec(children=(ChildSpec(name="front", start=front, shutdown_s=60.0),)))
        await system.stop()

    run_virtual(scene())
    return server.within_s


def test_what_is_left_of_the_drain_is_for_what_connections_still_write() -> None:
    """Exchanges end before their answers have left: the drain is for both."""
    assert _told(30.0) == 30.0


def test_last_words_have_their_second_after_a_spent_drain() -> None:
    """An error that ends an answer must get out too."""
    assert _told(0.0) == LAST_WORDS_S
