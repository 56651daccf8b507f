"""Monitors and links of one incarnation. A bond is to what runs now, not to a name: it does not outlive a restart."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from actors.runtime.exits import Down, Exit, NoProc, Normal
from actors.runtime.once import Once
from actors.runtime.ref import Ref
from actors.runtime.tasks import Job

if TYPE_CHECKING:
    from actors.runtime.cell import Cell


class Severed(Struct, frozen=True):
    """Signal: a linked ref or job ended and this actor traps exits."""

    down: Down


class Bonds:
    """What a cell watches. Each end of a link holds its own half, so that whoever ends first tells the other once."""

    __slots__ = ("_cell", "held")

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self.held: dict[tuple[str, Ref | Job], Once[Exit]] = {}

    def monitor(self, target: Ref | Job) -> None:
        """Queue a `Down` when `target` ends; at once when nothing runs there. A second monitor adds nothing."""
        if ("monitor", target) not in self.held:
            self._bind("monitor", target)

    def demonitor(self, target: Ref | Job) -> None:
        """Take a monitor back; a `Down` that is already queued is dropped."""
        self._unbind("monitor", target)
        self._cell.drop_downs(target)

    def link(self, target: Ref | Job) -> None:
        """Tie both ends: an abnormal end of one is an end of the other."""
        if ("link", target) in self.held:
            return
        self._bind("link", target)
        if ("link", target) not in self.held:
            return  # it had ended before
        if isinstance(target, Job):
            self._cell.ended.watch(("link", target), partial(_stop_linked, target))
        elif target.cell is not None:
            target.cell.bonds._bind("link", self._cell.ref)

    def unlink(self, target: Ref | Job) -> None:
        """Undo `link`, both ways."""
        self._unbind("link", target)
        if isinstance(target, Job):
            self._cell.ended.unwatch(("link", target))
        elif target.cell is not None:
            target.cell.bonds._unbind("link", self._cell.ref)

    def release(self) -> None:
        """Watch nothing any more."""
        for kind, target in tuple(self.held):
            self._unbind(kind, target)

    def _bind(self, kind: str, target: Ref | Job) -> None:
        told = partial(self._monitored if kind == "monitor" else self._severed, target)
        ended = target.ended if isinstance(target, Job) else None if target.cell is None else target.cell.ended
        if ended is None:
            told(NoProc())
            return
        self.held[(kind, target)] = ended
        ended.watch((kind, self), told)  # takes the bond out again at once when it had ended before

    def _unbind(self, kind: str, target: Ref | Job) -> None:
        ended = self.held.pop((kind, target), None)
        if ended is not None:
            ended.unwatch((kind, self))

    def _monitored(self, target: Ref | Job, reason: Exit) -> None:
        self.held.pop(("monitor", target), None)
        self._cell.signal(Down(target, reason))

    def _severed(self, target: Ref | Job, reason: Exit) -> None:
        self.held.pop(("link", target), None)
        cell = self._cell
        cell.ended.unwatch(("link", target))
        if cell.actor.trap_exit:
            cell.signal(Severed(Down(target, reason)))
        elif not isinstance(reason, Normal):
            cell.stop(reason, cell.shutdown_s)


def _stop_linked(job: Job, reason: Exit) -> None:
    if not isinstance(reason, Normal):
        job.stop(reason)
