"""How an ask, a start or a wait can fail, and the one place where foreign exceptions are held back.

AskFailed
├── ActorDead      the callee died, is restarting, or is not running; `fate` says whether it may have acted
├── AskTimeout     the deadline passed; the callee drops the message if it has not begun with it
└── MailboxFull    the callee never saw it
StartFailed        an actor's `on_start` raised, or a supervisor's child did not start
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from actors.runtime.exits import Crashed, Exit


class Fate(StrEnum):
    """What became of a message whose ask failed. Only `NOT_HANDLED` makes it safe to ask again."""

    NOT_HANDLED = "not_handled"
    MAYBE_HANDLED = "maybe_handled"


class AskFailed(Exception):
    """An ask ended without a reply."""

    fate: Fate = Fate.MAYBE_HANDLED


class ActorDead(AskFailed):
    """Nobody is left to answer.

    Args:
        name: path of the callee.
        fate: whether the message may have been acted upon.
        reason: why the callee ended; None when it was not running at all.
    """

    def __init__(self, name: str, fate: Fate, reason: Exit | None = None) -> None:
        super().__init__(f"{name}: {fate.value}")
        self.name = name
        self.fate = fate
        self.reason = reason


class AskTimeout(AskFailed):
    """No reply before the deadline. A late one is dropped."""


class MailboxFull(AskFailed):
    """The callee has as much to do as it may hold."""

    fate = Fate.NOT_HANDLED


class StartFailed(Exception):
    """An actor did not start. `reason` says why, `__cause__` carries its error."""

    def __init__(self, name: str, reason: Exit) -> None:
        super().__init__(f"{name}: {reason.error!r}" if isinstance(reason, Crashed) else f"{name}: {reason}")
        self.name = name
        self.reason = reason


class Caught:
    """Holds back an `Exception` raised in its block, for whoever must judge it. Cancellation always passes."""

    __slots__ = ("error",)

    def __init__(self) -> None:
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        if isinstance(error, Exception):
            self.error = error
            return True
        return False


def failure_of(call: Callable[..., object], *args: Any) -> Exception | None:
    """What a call raises, held back likewise; None where it does not. For one made at each step, a block costs more."""
    try:
        call(*args)
    except Exception as error:  # noqa: BLE001 whoever asked judges it
        return error
    return None
