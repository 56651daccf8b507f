"""A tree of its own: names, ports, counters. Two systems in one loop never meet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from actors.runtime.counters import Counters
from actors.runtime.deadlines import Deadlines
from actors.runtime.exits import Exit, Shutdown
from actors.runtime.failures import Caught, StartFailed
from actors.runtime.once import Once
from actors.runtime.ports import Ports, system_ports
from actors.runtime.ref import Ref
from actors.runtime.report import Context, Report, log_report
from actors.runtime.spec import SupervisorSpec
from actors.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from actors.runtime.cell import Cell


class ActorSystem:
    """Starts a root supervisor and ends when it does. One life: a system that ended is not started again.

    Args:
        ports: the real ones when None.
        on_report: told of everything that went wrong; None logs it, and so does one that raises.
    """

    def __init__(self, ports: Ports | None = None, *, on_report: Callable[[Report], None] | None = None) -> None:
        self.ports = ports or system_ports()
        self.counters = Counters()
        self.deadlines = Deadlines(self.ports.clock.now)
        self._on_report = on_report or log_report
        self._refs: WeakValueDictionary[str, Ref] = WeakValueDictionary()
        self._ended: Once[Exit] = Once()
        self._root: Ref | None = None
        self._cell: Cell | None = None

    def ref(self, name: str) -> Ref:
        """The address of a path such as "root/ledger", whether or not anything runs there yet."""
        ref = self._refs.get(name)
        if ref is None:
            ref = self._refs[name] = Ref(name, self)
        return ref

    async def start(self, root: SupervisorSpec, name: str = "root") -> Ref:
        """Start the tree, in order; returns when every child's `on_start` has.

        Raises:
            StartFailed: a child did not start; those before it have been stopped in reverse.
        """
        if self._root is not None:
            raise RuntimeError("this system was started before")
        self._root = ref = self.ref(name)
        cell = self._cell = Supervisor(root)._adopt(ref, None)
        cell.ended.watch(self, self._root_ended)
        try:
            reason = await cell.started.wait()
        except asyncio.CancelledError:
            cell.stop(Shutdown(), None)
            raise
        if reason is not None:
            raise StartFailed(name, reason) from getattr(reason, "error", None)
        return ref

    async def stop(self, timeout_s: float | None = None) -> None:
        """End the tree, last started first, and wait for it. What is left after `timeout_s` is ended by force."""
        if self._cell is not None:
            self._cell.stop(Shutdown(), timeout_s)
            await self._ended.wait()

    @property
    def ended(self) -> Exit | None:
        """Why the root ended; None while it runs or before it started."""
        return self._ended.value

    def watch_end(self, told: Callable[[Exit], None]) -> None:
        """Have `told` called once with why the root ended; at once when it has."""
        self._ended.watch(told, told)

    async def terminated(self) -> Exit:
        """Why the root ended, once it has: `Shutdown()` after `stop`, `Shutdown("intensity")` when it gave up."""
        return await self._ended.wait()

    def report(self, report: Report) -> None:
        """Tell whoever listens."""
        if report.context is Context.LEAKED:
            self.counters.leaked += 1
        with Caught() as caught:
            self._on_report(report)
        if caught.error is not None:
            log_report(report)

    def _root_ended(self, reason: Exit) -> None:
        if self._root is not None:
            self._root.mailbox.retire()
        self.deadlines.stop()
        self._ended.settle(reason)
