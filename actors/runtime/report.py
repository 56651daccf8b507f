"""What a supervisor says when something went wrong: OTP's supervisor report as a Struct."""

from __future__ import annotations

import logging
from enum import StrEnum

from msgspec import Struct

from actors.runtime.exits import Crashed, Exit

_LOG = logging.getLogger("actors.runtime")


class Context(StrEnum):
    """When it went wrong. The first four are OTP's error contexts; `SHUTDOWN` is a supervisor that gave up."""

    START = "start_error"
    TERMINATED = "child_terminated"
    SHUTDOWN_ERROR = "shutdown_error"
    SHUTDOWN = "shutdown"
    STOP = "on_stop_crashed"
    JOB = "job_crashed"
    ON_EXIT = "on_exit_crashed"
    LEAKED = "leaked"


class Report(Struct, frozen=True, kw_only=True):
    """One thing that went wrong under a supervisor.

    Args:
        supervisor: path of the supervisor, or of the owner of a job.
        context: when it went wrong.
        reason: why the offender ended. Its error loses its traceback after this report: format it now or never.
        offender: path of the child, or name of the job.
        message_type: class name of the message it was handling.
        repeats: crashes in a row on that type of message, this one included: above 1 the message may be poison.
    """

    supervisor: str
    context: Context
    reason: Exit
    offender: str
    message_type: str | None = None
    repeats: int = 1


def log_report(report: Report) -> None:
    """Where reports go when nobody asked for them."""
    error = report.reason.error if isinstance(report.reason, Crashed) else None
    _LOG.error("supervisor report", exc_info=error, extra={"report": report})
