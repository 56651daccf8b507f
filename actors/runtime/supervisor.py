"""A supervisor with a fixed list of children."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from actors.runtime.exits import Exit, Shutdown
from actors.runtime.failures import StartFailed
from actors.runtime.keeper import Child, ChildInfo, Keeper, WhichChildren
from actors.runtime.ref import Ref
from actors.runtime.spec import AutoShutdown, Strategy, SupervisorSpec


class RestartChild(Struct, frozen=True):
    """Ask a supervisor to stop a child, if it runs, and start it anew.

    Answer: `ChildStarted`, `StartRefused` or `NoSuchChild`. An operator's wish, not a failure: nothing is counted
    against the intensity and no other child is touched.
    """

    name: str


class ChildStarted(Struct, frozen=True):
    """The child's `on_start` has returned."""

    ref: Ref


class StartRefused(Struct, frozen=True):
    """The child did not start: a `StartFailed`, or a `ValueError` when its supervisor would not take it."""

    error: Exception


class NoSuchChild(Struct, frozen=True):
    """No child has that name."""


class Supervisor(Keeper):
    """Accepts `WhichChildren`, `RestartChild`. A restart loses the restart history and starts every child anew.

    Gives up with `Shutdown("intensity")`, which a permanent spec above it answers with a restart of the whole.
    """

    def __init__(self, spec: SupervisorSpec) -> None:
        super().__init__(spec.intensity)
        self._spec = spec

    async def on_start(self) -> None:
        """Start the children in order; the first that fails fails the supervisor."""
        for spec in self._spec.children:
            child = Child(spec, self.system.ref(f"{self.name}/{spec.name}"))
            self._children[spec.name] = child
            reason = await self._start_child(child)
            if reason is not None:
                raise StartFailed(child.ref.name, reason) from getattr(reason, "error", None)

    async def on_stop(self, reason: Exit) -> None:
        """Stop the children, last started first; those that must finish and have crashed meanwhile, twice."""
        for child in reversed(self._children.values()):
            fell = await self._stop_child(child)
            if fell and child.spec.finishes and await self._start_child(child) is None:
                await self._stop_child(child)
            child.ref.mailbox.retire()

    def on_receive(self, message: Any) -> Any:
        """Answer questions about the children."""
        match message:
            case WhichChildren():
                return self._infos()
            case RestartChild():
                return self._restart_child(message.name)
            case _:
                return super().on_receive(message)

    def _infos(self) -> tuple[ChildInfo, ...]:
        return tuple(child.info() for child in self._children.values())

    async def _restart_child(self, name: str) -> ChildStarted | StartRefused | NoSuchChild:
        child = self._children.get(name)
        if child is None:
            return NoSuchChild()
        await self._stop_child(child)
        reason = await self._start_child(child)
        if reason is None:
            return ChildStarted(child.ref)
        child.ref.mailbox.retire()
        return StartRefused(StartFailed(child.ref.name, reason))

    def _group(self, child: Child) -> list[Child]:
        everyone = list(self._children.values())
        match self._spec.strategy:
            case Strategy.ONE_FOR_ONE:
                return [child]
            case Strategy.ONE_FOR_ALL:
                return everyone
            case Strategy.REST_FOR_ONE:
                return everyone[everyone.index(child) :]

    def _ended_for_good(self, child: Child) -> None:
        """Source: stdlib/supervisor.erl, do_auto_shutdown/2."""
        mode = self._spec.auto_shutdown
        if not child.spec.significant or mode is AutoShutdown.NEVER:
            return
        others = any(c.spec.significant and (c.cell is not None or c.restarting) for c in self._children.values())
        if mode is AutoShutdown.ANY_SIGNIFICANT or not others:
            self.stop(Shutdown("significant"))
