"""Taps on the mailboxes of a tree: every message is seen as it is put in; its actor may be made to crash over it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from actors.runtime import ActorSystem, Ref
from actors.runtime.counters import Counters
from actors.runtime.mailbox import Envelope, Mailbox

Watch = Callable[[Ref, Any], None]


class Poison:
    """A message that no actor takes."""

    def __repr__(self) -> str:
        return "poison, on purpose"


class Taps:
    """What is to happen at the mailboxes of one tree.

    Args:
        watch: called with every message that is not poison, before it is put in.
    """

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self._armed: dict[str, bool] = {}

    def arm(self, name: str, *, before: bool) -> None:
        """The actor of this name crashes over the next message it is given: instead of handling it, or behind it."""
        self._armed[name] = before

    def disarm(self) -> None:
        """Nobody crashes any more."""
        self._armed.clear()

    def tap(self, system: ActorSystem) -> None:
        """Put a tap on every mailbox that this system has, or will have. Only before it starts."""
        for ref in tuple(system._refs.values()):
            self._tap(ref, system.counters)
        plain = system.ref

        def tapped(name: str) -> Ref:
            ref = plain(name)
            if not isinstance(ref, _TappedRef):
                self._tap(ref, system.counters)
            return ref

        system.ref = tapped  # type: ignore[method-assign]

    def _tap(self, ref: Ref, counters: Counters) -> None:
        ref.mailbox = _Tapped(counters, ref, self)
        ref.__class__ = _TappedRef

    async def ask(self, ref: Ref, message: Any, ask: Callable[[Any], Awaitable[Any]]) -> Any:
        """As `put`, of an ask that is begun in its asker's turn and never is in a mailbox."""
        self.watch(ref, message)
        before = self._armed.pop(ref.name, None) if self._armed else None
        try:
            return await ask(Poison() if before else message)
        finally:
            if before is False:
                ref.tell(Poison())

    def tell(self, ref: Ref, message: Any, tell: Callable[[Any], bool]) -> bool:
        """The same of what is told so."""
        if isinstance(message, Poison):
            return tell(message)
        self.watch(ref, message)
        before = self._armed.pop(ref.name, None) if self._armed else None
        taken = tell(Poison() if before else message)
        if before is False:
            ref.tell(Poison())
        return taken

    def put(self, ref: Ref, envelope: Envelope, put: Callable[[Envelope], bool]) -> bool:
        """Let a message pass, and whatever it was armed with."""
        if not isinstance(envelope.message, Poison):
            self.watch(ref, envelope.message)
        before = self._armed.pop(ref.name, None) if self._armed else None
        if before:
            envelope.message = Poison()
        taken = put(envelope)
        if before is False:
            put(Envelope(Poison()))
        return taken


class _Tapped(Mailbox):
    """A mailbox that asks its tap first, and else does what every other does."""

    __slots__ = ("_ref", "taps")

    def __init__(self, counters: Counters, ref: Ref, taps: Taps) -> None:
        super().__init__(counters)
        self._ref = ref
        self.taps = taps

    def put(self, envelope: Envelope, /) -> bool:
        return self.taps.put(self._ref, envelope, super().put)


class _TappedRef(Ref):
    """One whose messages its tap sees that do not pass through the mailbox."""

    __slots__ = ()

    def tell(self, message: Any) -> bool:
        plain = super().tell
        if self.mailbox.resting is None:
            return plain(message)
        assert isinstance(self.mailbox, _Tapped)
        return self.mailbox.taps.tell(self, message, plain)

    async def ask(self, message: Any, *, timeout_s: float = 5.0) -> Any:
        plain = super().ask
        if self.mailbox.resting is None:
            return await plain(message, timeout_s=timeout_s)
        assert isinstance(self.mailbox, _Tapped)
        return await self.mailbox.taps.ask(self, message, lambda said: plain(said, timeout_s=timeout_s))
