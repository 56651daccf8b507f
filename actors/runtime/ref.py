"""The address of an actor: a name, not an object, so that it stays good over restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actors.runtime.failures import ActorDead, AskTimeout, Fate, MailboxFull
from actors.runtime.mailbox import Envelope, Mailbox, Prompt
from actors.runtime.reply import Reply

if TYPE_CHECKING:
    from actors.runtime.cell import Cell
    from actors.runtime.system import ActorSystem


class Ref:
    """Whoever runs under `name` now. `incarnation` counts the starts, 0 before the first."""

    __slots__ = ("__weakref__", "cell", "incarnation", "mailbox", "name", "system")

    def __init__(self, name: str, system: ActorSystem) -> None:
        self.name = name
        self.system = system
        self.incarnation = 0
        self.mailbox = Mailbox(system.counters)
        self.cell: Cell | None = None

    def __repr__(self) -> str:
        return f"<Ref {self.name}#{self.incarnation} {'alive' if self.alive else 'not running'}>"

    @property
    def alive(self) -> bool:
        """Whether an incarnation has started and takes asks."""
        return self.mailbox.live and self.cell is not None and self.cell.started.settled

    def tell(self, message: Any) -> bool:
        """Hand over a message; False, and counted, when it was not accepted. Kept while the actor restarts."""
        mailbox = self.mailbox
        if not mailbox.open:
            self.system.counters.undelivered += 1
            return False
        if mailbox.resting is not None:
            mailbox.resting.handle_now(Envelope(message))
            return True
        return mailbox.put(Envelope(message))

    async def ask(self, message: Any, *, timeout_s: float = 5.0) -> Any:
        """Hand over a message and wait for its one reply. The callee sees the deadline.

        Raises:
            ActorDead: it is not running, is restarting, or died before it answered; `fate` says which.
            AskTimeout: no reply within `timeout_s`.
            MailboxFull: it was not let in.
        """
        mailbox = self.mailbox
        if not mailbox.live:
            raise ActorDead(self.name, Fate.NOT_HANDLED)
        if timeout_s <= 0:
            raise AskTimeout(self.name)
        if mailbox.resting is not None:
            answer = mailbox.resting.handle_now(
                prompt := Prompt(message, None, self.system.ports.clock.now() + timeout_s)
            )
            return answer if prompt.reply_to is None else await self._reply_to(prompt.reply_to, timeout_s)
        reply = Reply()
        deadlines = self.system.deadlines
        deadline_s = deadlines.add(reply, timeout_s, self.name)
        try:
            if not mailbox.put(Envelope(message, reply, deadline_s)):
                raise MailboxFull(self.name)
            return await reply.waiter
        finally:
            deadlines.settle(reply)

    async def _reply_to(self, reply: Reply, timeout_s: float) -> Any:
        """An answer that is put off, or that the end of the actor will be."""
        deadlines = self.system.deadlines
        deadlines.add(reply, timeout_s, self.name)
        try:
            return await reply.waiter
        finally:
            deadlines.settle(reply)
