"""What both supervisors do with a child: start, stop, notice its end, bring it back or give up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, Literal

from msgspec import UNSET, Struct

from actors.runtime.actor import Actor
from actors.runtime.cell import Cell
from actors.runtime.exits import Crashed, Exit, Killed, Shutdown, is_abnormal
from actors.runtime.failures import Caught
from actors.runtime.intensity import Backoff, Intensity, choose_delay, spend_restart
from actors.runtime.once import Once
from actors.runtime.ref import Ref
from actors.runtime.report import Context, Report
from actors.runtime.spec import ChildSpec, Restart, comes_back

_LOG = logging.getLogger("actors.runtime")
WORKER_SHUTDOWN_S = 5.0


class WhichChildren(Struct, frozen=True):
    """Ask a supervisor for its children. Answer: a tuple of `ChildInfo`, in start order."""


class ChildInfo(Struct, frozen=True, kw_only=True):
    """One child as its supervisor sees it. `restarts` counts since the supervisor started."""

    name: str
    ref: Ref
    state: Literal["running", "restarting", "stopped"]
    kind: Literal["worker", "supervisor"]
    restart: Restart
    restarts: int


class ChildExited(Struct, frozen=True):
    """Signal: an incarnation of a child ended by itself."""

    child: Child
    cell: Cell
    reason: Exit


class RestartDue(Struct, frozen=True):
    """To itself: try to bring a child back. Behind what waits, as in OTP, so that a stop and questions are heard."""

    child: Child


class Child:
    """A spec, and what has become of it."""

    __slots__ = (
        "cell",
        "crashed_on",
        "failures",
        "kind",
        "ref",
        "repeats",
        "restarting",
        "restarts",
        "spec",
        "started_s",
        "timer",
    )

    def __init__(self, spec: ChildSpec, ref: Ref) -> None:
        self.spec = spec
        self.ref = ref
        self.cell: Cell | None = None
        self.restarting = False
        self.restarts = 0
        self.failures = 0
        self.started_s: float | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.kind: Literal["worker", "supervisor"] = "worker"
        self.crashed_on: str | None = None
        self.repeats = 0

    @property
    def shutdown_s(self) -> float | None:
        """The spec's, or OTP's default for its kind."""
        if self.spec.shutdown_s is UNSET:
            return WORKER_SHUTDOWN_S if self.kind == "worker" else None
        return self.spec.shutdown_s

    def info(self) -> ChildInfo:
        """As told to whoever asks `WhichChildren`."""
        return ChildInfo(
            name=self.spec.name,
            ref=self.ref,
            state="restarting" if self.restarting else "stopped" if self.cell is None else "running",
            kind=self.kind,
            restart=self.spec.restart,
            restarts=self.restarts,
        )

    def rest(self) -> None:
        """Forget that it was to be brought back."""
        self.restarting = False
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Keeper(Actor):
    """A supervisor that leaves open who else is affected: `_group` and `_ended_for_good` say so in its subclasses."""

    def __init__(self, intensity: Intensity) -> None:
        super().__init__()
        self._intensity = intensity
        self._children: dict[str, Child] = {}
        self._history: tuple[float, ...] = ()
        self._starting: Child | None = None

    def _group(self, child: Child) -> list[Child]:
        """Who is stopped and started again with `child`, in start order."""
        return [child]

    def _ended_for_good(self, child: Child) -> None:
        """A child ended by itself and does not come back."""

    def on_receive(self, message: Any) -> Any:
        """A stray tell is logged, as in OTP, for it must not cost a tree; a stray ask crashes, as in OTP."""
        if isinstance(message, RestartDue):
            return self._restart_due(message.child)
        if self.deadline_s is not None:
            return super().on_receive(message)
        _LOG.error(
            "supervisor received unexpected message", extra={"supervisor": self.name, "message_type": type(message)}
        )
        return None

    # ---- one child

    async def _start_child(self, child: Child) -> Exit | None:
        """Start a child and wait for its `on_start`. None, or why it did not start."""
        self._starting = child
        child.rest()
        reason = await self._try_start(child)
        self._starting = None
        if reason is not None:
            child.cell = None
            self._tell(Context.START, child, reason)
        return reason

    async def _try_start(self, child: Child) -> Exit | None:
        with Caught() as caught:
            actor = child.spec.start()
        if caught.error is not None:
            return Crashed(caught.error)
        child.kind = "supervisor" if isinstance(actor, Keeper) else "worker"
        cell = child.cell = actor._adopt(child.ref, child.shutdown_s)
        reason = await cell.started.wait()
        if reason is None:
            child.started_s = self.ports.clock.now()
            cell.ended.watch("keeper", lambda why: self._cell.signal(ChildExited(child, cell, why)))
        return reason

    async def _stop_child(self, child: Child) -> bool:
        """True where it did not stop in order: it had ended before, or crashed, or was yet to be brought back."""
        child.rest()
        cell = child.cell
        if cell is None:
            return child.started_s is not None
        gone = cell.ended.settled
        cell.stop(Shutdown(), child.shutdown_s)
        reason = await cell.ended.wait()
        self._check_stopped(child, reason)
        return gone or isinstance(reason, Crashed)

    def _check_stopped(self, child: Child, reason: Exit) -> None:
        child.cell = None
        if is_abnormal(reason) and not (isinstance(reason, Killed) and child.shutdown_s == 0):
            self._tell(Context.SHUTDOWN_ERROR, child, reason)

    async def _halt(self, group: list[Child]) -> list[Child]:
        """Stop a group, last started first. Those left to start again: temporary ones are gone for good."""
        for member in reversed(group):
            await self._stop_child(member)
        for member in group:
            if member.spec.restart is Restart.TEMPORARY:
                self._remove(member)
        return [member for member in group if member.spec.restart is not Restart.TEMPORARY]

    def _remove(self, child: Child) -> None:
        self._children.pop(child.spec.name, None)
        child.ref.mailbox.retire()

    # ---- its end, and its return

    def _on_signal(self, signal: Any) -> Awaitable[None] | None:
        if isinstance(signal, ChildExited):
            return self._child_exited(signal.child, signal.cell, signal.reason)
        return super()._on_signal(signal)

    async def _child_exited(self, child: Child, cell: Cell, reason: Exit) -> None:
        if child.cell is not cell:
            return  # it was stopped on purpose meanwhile
        child.cell = None
        back = comes_back(child.spec.restart, reason)
        if back or is_abnormal(reason):
            self._tell(Context.TERMINATED, child, reason)
        if back:
            await self._restart(child)
            return
        if child.spec.restart is Restart.TEMPORARY:
            self._remove(child)
        else:
            child.ref.mailbox.retire()
        self._ended_for_good(child)

    async def _restart_due(self, child: Child) -> None:
        if child.restarting and self._children.get(child.spec.name) is child:
            child.timer = None
            await (self._restart(child) if self._backoff(child) is None else self._bring_back(child))

    async def _restart(self, child: Child) -> None:
        backoff = self._backoff(child)
        if backoff is not None:
            child.restarting = True
            await self._halt([member for member in self._group(child) if member is not child])
            self._return_later(child, backoff)
            return
        spent = spend_restart(self._history, self.ports.clock.now(), self._intensity)
        if spent is None:
            child.rest()
            self._tell(Context.SHUTDOWN, child, Shutdown("intensity"))
            self.stop(Shutdown("intensity"))
            return
        self._history = spent
        await self._bring_back(child)

    async def _bring_back(self, child: Child) -> None:
        for member in await self._halt(self._group(child)):
            if self._cell.exit_asked is not None:
                return
            self.system.counters.restarts += 1
            member.restarts += 1
            if await self._start_child(member) is None:
                continue
            backoff = self._backoff(member)
            member.restarting = True
            if backoff is None:
                self.ref.mailbox.put_own(RestartDue(member))
            else:
                self._return_later(member, backoff)
            return

    def _backoff(self, child: Child) -> Backoff | None:
        return child.spec.backoff

    def _return_later(self, child: Child, backoff: Backoff) -> None:
        now = self.ports.clock.now()
        if child.started_s is not None and now - child.started_s >= backoff.reset_after_s:
            child.failures = 0
        child.started_s = None
        delay_s = choose_delay(backoff, child.failures, self.ports.rng)
        child.failures += 1
        child.restarting = True
        loop = asyncio.get_running_loop()
        child.timer = loop.call_later(delay_s, self.ref.mailbox.put_own, RestartDue(child))

    # ---- its own end

    def _stop_asked(self) -> None:
        starting = self._starting
        if starting is not None and starting.cell is not None:
            starting.cell.stop(Shutdown(), starting.shutdown_s)

    def _abandon(self) -> tuple[Once[Exit], ...]:
        left = []
        for child in reversed(self._children.values()):
            child.rest()
            if child.cell is None:
                child.ref.mailbox.retire()
                continue
            child.cell.stop(Killed(), 0.0)
            child.cell.ended.watch("retire", lambda _, child=child: child.ref.mailbox.retire())  # type: ignore[misc]
            left.append(child.cell.ended)
        return tuple(left)

    def _tell(self, context: Context, child: Child, reason: Exit) -> None:
        message_type = reason.message_type if isinstance(reason, Crashed) else None
        if context is Context.TERMINATED:
            same = message_type is not None and message_type == child.crashed_on
            child.crashed_on, child.repeats = message_type, child.repeats + 1 if same else 1
        self.system.report(
            Report(
                supervisor=self.name,
                context=context,
                reason=reason,
                offender=child.ref.name,
                message_type=message_type,
                repeats=max(child.repeats, 1),
            )
        )
