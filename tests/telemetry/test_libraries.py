"""What libraries say through the standard library's logging."""

from __future__ import annotations

import logging
import sys

import pytest

from router.telemetry.libraries import LibraryLog
from router.telemetry.logs import Level, Line, Logs
from router.telemetry.scrub import Scrubber
from tests.fakes.lines import Lines

_SECRET = "sk-very-secret"


def _handler() -> tuple[LibraryLog, Lines]:
    lines = Lines()
    logs = Logs(lines, wall=lambda: 0.0, level=Level.INFO, scrubber=Scrubber((_SECRET,)))
    return LibraryLog(logs), lines


def _record(level: int, message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("some.library", level, "file.py", 1, message, args, None)


@pytest.mark.parametrize(
    ("level", "name"),
    [(logging.WARNING, "warning"), (logging.ERROR, "error"), (logging.CRITICAL, "error"), (35, "warning")],
    ids=["warning", "error", "critical", "a level of its own"],
)
def test_a_record_becomes_a_line_of_ours(level: int, name: str) -> None:
    """Who said it and how bad it is; the arguments are put in, a secret among them is not."""
    handler, lines = _handler()
    handler.handle(_record(level, "lost %d of %s", 3, _SECRET))
    [line] = lines.read
    assert (line["event"], line["level"], line["logger"]) == (Line.LIBRARY_SAID, name, "some.library")
    assert line["message"].startswith("lost 3 of ") and _SECRET not in line["message"]


def test_an_exception_is_told_by_type_and_place() -> None:
    """Its words may quote a prompt."""
    handler, lines = _handler()
    record = _record(logging.ERROR, "a task failed")
    try:
        raise ValueError("what the caller wrote")
    except ValueError:
        record.exc_info = sys.exc_info()
    handler.handle(record)
    [line] = lines.read
    assert line["error"] == "ValueError"
    assert "test_an_exception_is_told_by_type_and_place" in line["frames"][-1]
    assert "wrote" not in str(line)


def test_what_we_say_ourselves_is_an_event_of_its_own() -> None:
    """An operator searches for the event; why it happened is a field, and no secret comes out with it."""
    handler, lines = _handler()
    record = _record(logging.ERROR, Line.JOURNAL_REFUSES)
    record.__dict__["told"] = {"why": f"no space beside {_SECRET}"}
    handler.handle(record)
    [line] = lines.read
    assert (line["event"], line["level"], line["logger"]) == (Line.JOURNAL_REFUSES, "error", "some.library")
    assert line["why"].startswith("no space beside ") and _SECRET not in line["why"]
    assert "message" not in line


def test_chatter_is_not_let_in() -> None:
    """Below a warning it is a library's own affair."""
    handler, _ = _handler()
    assert handler.level == logging.WARNING
