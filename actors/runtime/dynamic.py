"""A supervisor whose children come and go at run time."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from actors.runtime.exits import Exit, Shutdown
from actors.runtime.failures import StartFailed
from actors.runtime.intensity import Backoff, Intensity
from actors.runtime.keeper import Child, Keeper, WhichChildren
from actors.runtime.ref import Ref
from actors.runtime.spec import ChildSpec
from actors.runtime.supervisor import ChildStarted, NoSuchChild, StartRefused


class StartChild(Struct, frozen=True):
    """Ask for a child. Answer: `ChildStarted`, `AlreadyStarted` or `StartRefused`."""

    spec: ChildSpec


class StopChild(Struct, frozen=True):
    """Ask to end a child for good. Answer: `ChildStopped`, once it has ended, or `NoSuchChild`."""

    name: str


class AlreadyStarted(Struct, frozen=True):
    """A child of that name is there; its spec was not changed."""

    ref: Ref


class ChildStopped(Struct, frozen=True):
    """The child has ended and its name is free."""


class DynamicSupervisor(Keeper):
    """Accepts `StartChild`, `StopChild`, `WhichChildren`. One for one.

    A restart loses every child that was added; whoever added it adds it again. The `initial` ones it starts itself.

    Args:
        initial: children it begins with. One that does not start is tried again by its backoff, and does not keep the
            others from starting; without a backoff it fails the supervisor's start.
        intensity: for children without backoff; None is the default one.
        max_children: refuse more than this many; None for no limit.
        backoff: for children whose spec has none; None restarts them at once and counts that against the intensity.
    """

    def __init__(
        self,
        intensity: Intensity | None = None,
        max_children: int | None = None,
        backoff: Backoff | None = None,
        initial: tuple[ChildSpec, ...] = (),
    ) -> None:
        super().__init__(intensity or Intensity())
        self._initial = initial
        self._max_children = max_children
        self._default_backoff = backoff

    async def on_start(self) -> None:
        """Start the initial children, in order."""
        for spec in self._initial:
            child = Child(spec, self.system.ref(f"{self.name}/{spec.name}"))
            self._children[spec.name] = child
            reason = await self._start_child(child)
            backoff = self._backoff(child)
            if reason is not None and backoff is None:
                raise StartFailed(child.ref.name, reason) from getattr(reason, "error", None)
            if reason is not None and backoff is not None:
                self._return_later(child, backoff)

    async def on_stop(self, reason: Exit) -> None:
        """Ask all children at once and wait for all: nothing depends on their order."""
        children = tuple(reversed(self._children.values()))
        for child in children:
            child.rest()
            if child.cell is not None:
                child.cell.stop(Shutdown(), child.shutdown_s)
        for child in children:
            if child.cell is not None:
                self._check_stopped(child, await child.cell.ended.wait())
            child.ref.mailbox.retire()

    def on_receive(self, message: Any) -> Any:
        """Add, remove and list children."""
        match message:
            case StartChild():
                return self._add(message.spec)
            case StopChild():
                return self._end(message.name)
            case WhichChildren():
                return tuple(child.info() for child in self._children.values())
            case _:
                return super().on_receive(message)

    async def _add(self, spec: ChildSpec) -> ChildStarted | AlreadyStarted | StartRefused:
        there = self._children.get(spec.name)
        if there is not None:
            return AlreadyStarted(there.ref)
        if self._max_children is not None and len(self._children) >= self._max_children:
            return StartRefused(ValueError(f"{self.name} holds max_children={self._max_children} already"))
        if spec.significant:
            return StartRefused(ValueError(f"{spec.name}: a dynamic supervisor heeds no significant child"))
        child = Child(spec, self.system.ref(f"{self.name}/{spec.name}"))
        self._children[spec.name] = child
        reason = await self._start_child(child)
        if reason is not None:
            self._remove(child)
            return StartRefused(StartFailed(child.ref.name, reason))
        return ChildStarted(child.ref)

    async def _end(self, name: str) -> ChildStopped | NoSuchChild:
        child = self._children.get(name)
        if child is None:
            return NoSuchChild()
        await self._stop_child(child)
        self._remove(child)
        return ChildStopped()

    def _backoff(self, child: Child) -> Backoff | None:
        return child.spec.backoff or self._default_backoff

    def _ended_for_good(self, child: Child) -> None:
        self._remove(child)
