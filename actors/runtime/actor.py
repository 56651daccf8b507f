"""What one writes: an actor, on Pykka's `Actor`."""

from __future__ import annotations

import threading
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import pykka

from actors.runtime.bonds import Severed
from actors.runtime.cell import Cell
from actors.runtime.exits import Down, Exit, Normal
from actors.runtime.handle import Handle
from actors.runtime.mailbox import Mailbox, Overflow
from actors.runtime.once import Once
from actors.runtime.ports import Ports
from actors.runtime.ref import Ref
from actors.runtime.reply import Reply
from actors.runtime.tasks import Job, Tasks

if TYPE_CHECKING:
    from actors.runtime.system import ActorSystem

    class _PykkaActor:
        """Pykka's actor without the hooks that are sync there and async here: each subclass would need an ignore."""

        actor_urn: str
        actor_inbox: Any
        actor_stopped: threading.Event
        _actor_ref: pykka.ActorRef[Any]

else:
    _PykkaActor = pykka.Actor


class Actor(_PykkaActor):
    """Serial state behind a mailbox, started and brought back by a supervisor.

    State is built in `on_start`, so that a restart is clean. A refusal that a caller may expect is a reply; an
    exception is a bug, and ends the actor whether or not somebody waits for the answer. Never in Pykka's global
    registry: that one is the host program's.
    """

    mailbox_capacity: ClassVar[int] = 1024
    overflow: ClassVar[Overflow] = Overflow.REJECT
    trap_exit: ClassVar[bool] = False
    prompt: ClassVar[bool] = False
    """Whether a message that finds the actor at rest is begun in its sender's own turn: two switches of tasks, a future
    and a deadline less. For those that are asked by every request. Order is as ever: with anything in the mailbox, or
    in hand, the actor does not rest. What it must await it awaits in its own task."""

    ref: Ref
    name: str
    ports: Ports
    system: ActorSystem
    tasks: Tasks
    _cell: Cell

    def __init__(self) -> None:  # Pykka's draws a random URN; ours is the name, given when a supervisor starts it
        self.actor_inbox = self._create_actor_inbox()

    # ---- what an actor overrides

    async def on_start(self) -> None:
        """Build the state. Nothing is received before it returns; raising means the actor did not start."""

    def on_receive(self, message: Any) -> Any:
        """Handle a message; what is returned is the reply, an awaitable is awaited before the next message."""
        raise TypeError(f"{self.name} does not take {type(message).__name__}")

    async def on_stop(self, reason: Exit) -> None:
        """Give back what was held, within the spec's `shutdown_s`; runs after a crash and a failed start too.

        Skipped only where force was needed: when its frames had to be closed because it did not heed cancellation.
        """

    def on_down(self, down: Down) -> None:
        """A monitored ref or job ended, or, with `trap_exit`, a linked one."""

    # ---- what an actor calls

    @property
    def deadline_s(self) -> float | None:
        """Monotonic seconds by which the ask in hand must be answered; None for a tell."""
        envelope = self._cell.in_hand
        return None if envelope is None or not envelope.is_ask else envelope.deadline_s

    def monitor(self, target: Ref | Job) -> None:
        """Have `on_down` called once when `target` ends; at once when it is not running."""
        self._cell.bonds.monitor(target)

    def demonitor(self, target: Ref | Job) -> None:
        """Take `monitor` back; `on_down` is not called after this."""
        self._cell.bonds.demonitor(target)

    def link(self, target: Ref | Job) -> None:
        """Share ends: any but `Normal` of one is the other's too, unless that one traps exits."""
        self._cell.bonds.link(target)

    def unlink(self, target: Ref | Job) -> None:
        """Take `link` back."""
        self._cell.bonds.unlink(target)

    def defer_reply(self) -> Reply:
        """Keep the ask in hand open: `set` the reply later. It ends with `ActorDead` if this incarnation ends first."""
        envelope = self._cell.in_hand
        reply = None if envelope is None else envelope.promise()
        if reply is None:
            return Reply()
        deferred = self._cell.deferred
        if reply not in deferred:
            deferred[reply] = None
            reply.waiter.add_done_callback(lambda _: deferred.pop(reply, None))
        return reply

    def stop(self, reason: Exit = Normal()) -> None:  # noqa: B008 frozen, shared on purpose
        """End after the message in hand."""
        self._cell.stop(reason, None)

    # ---- Pykka's seams

    @staticmethod
    def _create_actor_inbox() -> Any:
        return Mailbox()

    @staticmethod
    def _create_future() -> Reply:
        return Reply()

    def _start_actor_loop(self) -> None:
        self._cell.begin()

    def _actor_loop(self) -> NoReturn:
        raise RuntimeError("Pykka's loop blocks the thread")

    @classmethod
    def start(cls, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Never: nobody would bring it back."""
        raise RuntimeError(f"{cls.__name__} is started by a supervisor: give it a ChildSpec")

    # ---- between the runtime's own parts

    def _adopt(self, ref: Ref, shutdown_s: float | None) -> Cell:
        """Take the place `ref` names and start."""
        ref.incarnation += 1
        self.ref, self.name = ref, ref.name
        self.system, self.ports = ref.system, ref.system.ports
        self.actor_urn = f"urn:actor:{ref.name}:{ref.incarnation}"
        self.actor_inbox = ref.mailbox
        self.actor_stopped = threading.Event()
        self._actor_ref = Handle(self, ref)
        cell = self._cell = ref.cell = Cell(self, ref, shutdown_s)
        self.tasks = cell.tasks
        self._start_actor_loop()
        return cell

    def _on_signal(self, signal: Any) -> Awaitable[None] | None:
        self.on_down(signal.down if isinstance(signal, Severed) else signal)
        return None

    def _stop_asked(self) -> None:
        """Called at once when the end is asked for, while a message may be in hand."""

    def _abandon(self) -> tuple[Once[Exit], ...]:
        """Called when the code runs no more: kill what it leaves behind. What to wait for."""
        return ()
