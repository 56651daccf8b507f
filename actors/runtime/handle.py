"""What Pykka's own code sees of an actor. What would block a loop raises at once instead of never returning."""

from __future__ import annotations

from typing import Any, NoReturn

import pykka

from actors.runtime.failures import MailboxFull
from actors.runtime.mailbox import Envelope
from actors.runtime.ref import Ref
from actors.runtime.reply import Reply


class Handle(pykka.ActorRef[Any]):
    """Pykka's ref, reading through to ours: Pykka copies the inbox, and would go on talking to a dead incarnation."""

    def __init__(self, actor: Any, ref: Ref) -> None:
        super().__init__(actor)
        self.ref = ref

    def is_alive(self) -> bool:
        """Whether an incarnation takes messages."""
        return self.ref.alive

    def tell(self, message: Any) -> None:
        """As Pykka: raises when nobody is there. Does not block when the mailbox is full: the message is counted."""
        if not self.ref.tell(message) and not self.ref.mailbox.open:
            raise pykka.ActorDeadError(f"{self.ref.name} not found")

    def ask(self, message: Any, *, block: bool = True, timeout: float | None = None) -> Reply:
        """As Pykka, without a deadline; only with `block=False`. Await the reply."""
        if block:
            raise RuntimeError("ask(block=True) blocks the event loop: await ref.ask(...)")
        reply = Reply()
        if not self.ref.mailbox.live:
            reply.fail(pykka.ActorDeadError(f"{self.ref.name} not found"))
        elif not self.ref.mailbox.put(Envelope(message, reply)):
            reply.fail(MailboxFull(self.ref.name))
        return reply

    def stop(self, *, block: bool = True, timeout: float | None = None) -> NoReturn:
        """Never: past its supervisor an actor would only come back, and Pykka's answer never comes on a loop."""
        raise RuntimeError("actors are stopped by their supervisor")

    def proxy(self) -> NoReturn:
        """Never: proxies answer with blocking futures and reach past the mailbox's protocol."""
        raise RuntimeError("send messages: proxies are built on blocking futures")
