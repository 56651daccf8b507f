"""Log lines: what they say, at which level, and what they leave alone."""

from __future__ import annotations

import io
import logging
from decimal import Decimal

import pytest
import structlog

from router.canon.outcome import End
from router.errors import AttemptNote, Reason
from router.telemetry.logs import TEXT_MAX, Level, Line, Logs
from router.telemetry.scrub import Scrubber
from tests.fakes.facts import TRACE, attempt_ended, exchange_ended
from tests.fakes.lines import Lines


def logs_to(sink: Lines, level: Level = Level.DEBUG, *secrets: str) -> Logs:
    """A log with a clock that stands still."""
    return Logs(sink, wall=lambda: 1_700_000_000.25, level=level, scrubber=Scrubber(secrets))


def test_a_line_is_one_json_object_that_begins_with_when_and_what() -> None:
    """The order is for the eye; the text is one of `Line`."""
    sink = Lines()
    logs_to(sink).write(Level.INFO, Line.SERVER_LISTENING, url="http://127.0.0.1:8094")
    assert sink.kept == [
        b'{"ts":"2023-11-14T22:13:20.250+00:00","level":"info","event":"server listening",'
        b'"url":"http://127.0.0.1:8094"}\n'
    ]


def test_an_exchange_is_one_line_that_can_be_found_by_its_ids() -> None:
    """Everything an operator asks about one request, and the same ids as in the caller's headers and the trace."""
    sink = Lines()
    note = AttemptNote(target="slow:big", reason=Reason.CONNECT_TIMEOUT)
    logs_to(sink).exchange_ended(exchange_ended(attempts=(note,)))
    (line,) = sink.read
    assert line["event"] == "exchange ended"
    assert (line["request_id"], line["trace_id"]) == ("req-1", TRACE)
    assert line["failed_attempts"] == ["slow:big connect_timeout"]
    assert Decimal(line["cost_usd"]) == Decimal("0.0003")


@pytest.mark.parametrize(
    ("end", "level"),
    [
        pytest.param(End.COMPLETED, "info", id="completed"),
        pytest.param(End.REFUSED, "info", id="refused"),
        pytest.param(End.LIMITED, "info", id="limited"),
        pytest.param(End.CLIENT_GONE, "info", id="client-gone"),
        pytest.param(End.FAILED, "warning", id="failed"),
        pytest.param(End.CUT, "warning", id="cut"),
        pytest.param(End.TIMEOUT, "warning", id="timeout"),
        pytest.param(End.CRASHED, "warning", id="crashed"),
        pytest.param(End.STOPPED, "warning", id="stopped"),
    ],
)
def test_a_failed_exchange_is_a_warning(end: End, level: str) -> None:
    """What a caller did to itself is not."""
    sink = Lines()
    logs_to(sink).exchange_ended(exchange_ended(end=end))
    assert sink.read[0]["level"] == level


def test_an_answer_with_a_hole_is_a_warning() -> None:
    """It is complete by its provider's word, and words may be missing in it."""
    sink = Lines()
    logs_to(sink).exchange_ended(exchange_ended(skipped=1))
    assert (sink.read[0]["level"], sink.read[0]["skipped_events"]) == ("warning", 1)


def test_every_end_has_a_level() -> None:
    """A new `End` must be put into the table, or the first such exchange crashes telemetry."""
    sink = Lines()
    for end in End:
        logs_to(sink).exchange_ended(exchange_ended(end=end))
    assert len(sink.kept) == len(End)


@pytest.mark.parametrize(
    ("level", "written"),
    [
        pytest.param(Level.DEBUG, ["debug", "info", "warning", "error"], id="debug"),
        pytest.param(Level.INFO, ["info", "warning", "error"], id="info"),
        pytest.param(Level.WARNING, ["warning", "error"], id="warning"),
        pytest.param(Level.ERROR, ["error"], id="error"),
    ],
)
def test_lines_below_the_level_are_not_written(level: Level, written: list[str]) -> None:
    """Each level lets itself and what is above it through."""
    sink = Lines()
    logs = logs_to(sink, level)
    for each in Level:
        logs.write(each, Line.SHUTDOWN_STEP, step="drain")
    assert [line["level"] for line in sink.read] == written


def test_an_attempt_is_a_debug_line() -> None:
    """At the default level a request affords one line, not one for each try."""
    sink = Lines()
    logs_to(sink, Level.INFO).attempt_ended(attempt_ended())
    assert sink.kept == []
    logs_to(sink, Level.DEBUG).attempt_ended(attempt_ended())
    assert sink.read[0]["event"] == "attempt ended"


def test_no_secret_and_no_words_of_a_provider_reach_a_line() -> None:
    """Not in a model name, not in a provider's message that quotes the prompt or a key."""
    sink = Lines()
    logs = logs_to(sink, Level.DEBUG, "canary-config-key")
    words = "invalid: 'canary-prompt' with key canary-config-key"
    logs.attempt_ended(attempt_ended(message=words, model="canary-config-key", end=End.FAILED, reason=Reason.REJECTED))
    logs.exchange_ended(exchange_ended(model="sk-canary-caller-key", exchange="Bearer canary-caller-key"))
    logs.write(Level.ERROR, Line.JOB_CRASHED, error=ValueError("canary-config-key"))
    assert len(sink.kept) == 3
    assert b"canary" not in b"".join(sink.kept)


def test_a_callers_text_is_cut_and_cannot_forge_a_line() -> None:
    """A model name of a megabyte, with line breaks, is one short line still."""
    sink = Lines()
    logs_to(sink).exchange_ended(exchange_ended(model='x\n{"event":"forged"}' + "y" * 1_000_000))
    (block,) = sink.kept
    assert block.count(b"\n") == 1
    assert len(sink.read[0]["model"]) == TEXT_MAX


def test_half_a_surrogate_pair_does_not_stop_the_log() -> None:
    """It cannot be written as UTF-8; the line is, without it."""
    sink = Lines()
    logs_to(sink).exchange_ended(exchange_ended(model="a\ud800b"))
    assert sink.read[0]["model"] == "a?b"


def test_the_hosts_logging_is_left_alone() -> None:
    """Neither structlog's configuration nor the root logger changes, and the host's lines do not come to us."""
    root, told = logging.getLogger(), io.StringIO()
    host = logging.StreamHandler(told)
    root.addHandler(host)
    before = (structlog.get_config(), list(root.handlers), root.level)
    sink = Lines()
    try:
        logs = logs_to(sink)
        logs.write(Level.ERROR, Line.JOB_CRASHED)
        logging.getLogger("host").error("host line")
        structlog.get_logger()
        assert (structlog.get_config(), list(root.handlers), root.level) == before
    finally:
        root.removeHandler(host)
    assert told.getvalue() == "host line\n"
    assert [line["event"] for line in sink.read] == ["job crashed"]


def test_two_logs_keep_their_levels_and_sinks() -> None:
    """Two routers in one process do not meet."""
    first, second = Lines(), Lines()
    logs_to(first, Level.ERROR).write(Level.INFO, Line.CONFIG_LOADED)
    logs_to(second, Level.INFO).write(Level.INFO, Line.CONFIG_LOADED)
    assert (len(first.kept), len(second.kept)) == (0, 1)


def test_a_full_sink_shows_as_dropped() -> None:
    """The count is what the dropped metric watches."""
    sink = Lines(capacity=1)
    logs = logs_to(sink)
    logs.write(Level.INFO, Line.CONFIG_LOADED)
    logs.write(Level.INFO, Line.CONFIG_LOADED)
    assert logs.dropped == 1
