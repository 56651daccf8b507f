"""What is said through the standard library's logging, by libraries and deep down by us, as JSON lines like all others.

Only for a process that is ours: without a handler Python writes bare text to stderr, where every line must be JSON.
Embedded, the host's handlers decide (`hostlog.py`).
"""

from __future__ import annotations

import logging
import traceback

from router.telemetry.logs import Level, Line, Logs

FRAMES = 12
"""Innermost frames of an exception that are logged; its words are left out, they may quote content."""

_LEVELS = ((logging.ERROR, Level.ERROR), (logging.WARNING, Level.WARNING), (logging.INFO, Level.INFO))


class LibraryLog(logging.Handler):
    """Hands records on, from warnings upwards; secrets are taken out there.

    A record whose text is one of `Line` is ours: that is its event, and `told` of its `extra` are its fields.
    """

    def __init__(self, logs: Logs) -> None:
        super().__init__(logging.WARNING)
        self._logs = logs

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as a line."""
        level = next((ours for theirs, ours in _LEVELS if record.levelno >= theirs), Level.DEBUG)
        error = record.exc_info[1] if record.exc_info else None
        told = {} if error is None else {"error": type(error).__name__, "frames": _frames(error)}
        if isinstance(record.msg, Line):
            self._logs.write(level, record.msg, logger=record.name, **getattr(record, "told", {}), **told)
            return
        self._logs.write(level, Line.LIBRARY_SAID, logger=record.name, message=record.getMessage(), **told)


def _frames(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
