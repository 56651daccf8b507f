"""Why an actor or a job ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from actors.runtime.ref import Ref
    from actors.runtime.tasks import Job


class Normal(Struct, frozen=True):
    """It was finished."""


class Shutdown(Struct, frozen=True):
    """It was told to end, in order. `detail` is OTP's `{shutdown, Term}`: "intensity" when a supervisor gave up."""

    detail: str = ""


class Killed(Struct, frozen=True):
    """It was ended without being asked: cancelled from outside, past its shutdown time, or its owner crashed."""


class Crashed(Struct, frozen=True):
    """It raised. The error keeps its traceback only until it has been reported: frames would keep request bodies alive.

    Args:
        error: what was raised.
        message_type: class name of the message in hand; None when there was none.
    """

    error: BaseException
    message_type: str | None = None


class NoProc(Struct, frozen=True):
    """There was nothing running under that name to begin with."""


Exit = Normal | Shutdown | Killed | Crashed | NoProc


class Down(Struct, frozen=True):
    """A monitored ref or job ended; told once for each `monitor`."""

    target: Ref | Job
    reason: Exit


def is_abnormal(reason: Exit) -> bool:
    """Whether a transient child is brought back after it. Source: stdlib/supervisor.erl, do_restart/3."""
    return not isinstance(reason, (Normal, Shutdown))


def forget_frames(reason: Exit) -> None:
    """Drop the tracebacks a crash holds, its causes' too."""
    if isinstance(reason, Crashed):
        forget_traceback(reason.error)


def forget_traceback(error: BaseException | None) -> None:
    """Drop the frames an error holds, its causes' too, before it is kept: they keep alive whatever was in hand."""
    for _ in range(16):
        if error is None:
            return
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
