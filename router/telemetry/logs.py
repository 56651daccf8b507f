"""Log lines: one JSON object each, through structlog, through a logger of our own.

Neither structlog's global configuration nor the standard library's logging is touched: embedded in another program,
its logging stays its own. The text of an event is one of `Line`; what varies is a field.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
import structlog

from router.canon.cost import usd_text
from router.canon.outcome import End
from router.telemetry.facts import AttemptFact, ExchangeFact
from router.telemetry.scrub import Scrubber
from router.telemetry.writer import LineSink

TEXT_MAX = 128
"""Characters kept of what a caller wrote, such as a model name."""


class Line(StrEnum):
    """Every event text there is."""

    EXCHANGE_ENDED = "exchange ended"
    ATTEMPT_ENDED = "attempt ended"
    BREAKER_CHANGED = "breaker changed"
    KEY_CHANGED = "key changed"
    BUDGET_REACHED = "budget reached"
    ACTOR_RESTARTED = "actor restarted"
    JOB_CRASHED = "job crashed"
    SUPERVISOR_REPORT = "supervisor report"
    CONFIG_LOADED = "config loaded"
    CONFIG_REFUSED = "config refused"
    ENTRY_HIDDEN = "config entry hidden by a change at run time"
    CONFIG_UNWATCHED = "config unwatched"
    CERTIFICATE_KEPT = "certificate kept"
    ADMIN_ACTED = "admin acted"
    MODELS_SURVEYED = "models surveyed"
    SERVER_LISTENING = "server listening"
    SHUTDOWN_STEP = "shutdown step"
    PROVIDER_ABSENT = "provider absent"
    MODEL_BROKEN = "model broken"
    KIND_BROKEN = "kind broken"
    GROUP_ABSENT = "failover group absent"
    JOURNAL_TORN = "ledger journal was torn by a crash"
    JOURNAL_REFUSES = "ledger journal refuses"
    JOURNAL_ACCEPTS = "ledger journal accepts writes again"
    STORE_REFUSES = "ledger store refuses"
    STORE_ACCEPTS = "ledger store accepts entries again"
    RECORD_LOST = "ledger cannot hold a record"
    ENTRIES_CLOSED = "ledger closed what an earlier run left open"
    ENTRIES_LOST = "ledger entries are being lost"
    TRANSCRIPTS_LOST = "transcripts are being lost"
    LEDGER_STOPPED_SHORT = "ledger stops with records unwritten"
    CACHE_REFUSES = "cache file refuses"
    CACHE_ACCEPTS = "cache file is used again"
    BUDGETS_BLIND = "budgets do not know yet what was spent before"
    BUDGETS_KNOW = "budgets know what was spent before"
    HANDLER_FAILED = "handler failed"
    LIBRARY_SAID = "library said"


class Level(StrEnum):
    """How much a line matters; `Logs` writes those at its level and above."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_NUMBERS = {Level.DEBUG: 10, Level.INFO: 20, Level.WARNING: 30, Level.ERROR: 40}
_LEVELS: dict[End, Level] = {
    End.COMPLETED: Level.INFO,
    End.REFUSED: Level.INFO,
    End.LIMITED: Level.INFO,
    End.CLIENT_GONE: Level.INFO,
    End.FAILED: Level.WARNING,
    End.CUT: Level.WARNING,
    End.TIMEOUT: Level.WARNING,
    End.CRASHED: Level.WARNING,
    End.STOPPED: Level.WARNING,
    End.SUPERSEDED: Level.INFO,
}
_ENCODER = msgspec.json.Encoder(enc_hook=str)


class Logs:
    """The log of one router.

    Args:
        sink: where lines go.
        wall: epoch seconds, for the `ts` of each line.
        level: the least that is written; a line below it costs a method call.
        scrubber: knows the configured secrets.
    """

    def __init__(
        self, sink: LineSink, *, wall: Callable[[], float], level: Level = Level.INFO, scrubber: Scrubber | None = None
    ) -> None:
        self._sink = sink
        self._wall = wall
        self._scrubber = scrubber or Scrubber()
        self.set_level(level)

    def set_level(self, level: Level) -> None:
        """From now on write what matters at least so much."""
        self._least = _NUMBERS[level]
        self.debugs = level is Level.DEBUG
        self._logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
            _Output(self._sink),
            processors=[structlog.processors.add_log_level, self._stamp, self._render],
            wrapper_class=structlog.make_filtering_bound_logger(_NUMBERS[level]),
            context_class=dict,
            cache_logger_on_first_use=True,
        ).bind()

    @property
    def dropped(self) -> int:
        """Lines the sink could not take."""
        return self._sink.dropped

    def write(self, level: Level, line: Line, **fields: object) -> None:
        """Write one line; what varies goes into `fields`, never into its text."""
        self._logger.log(_NUMBERS[level], line.value, **fields)

    def exchange_ended(self, fact: ExchangeFact) -> None:
        """One line for one exchange: a warning when it failed by no wish of the caller's, or its answer has a hole."""
        level = Level.WARNING if fact.skipped else _LEVELS[fact.end]
        if _NUMBERS[level] < self._least:
            return  # before its fields are put together, which most lines would be for nothing
        self.write(
            level,
            Line.EXCHANGE_ENDED,
            request_id=fact.exchange,
            trace_id=fact.trace_id,
            client=fact.client or None,
            dialect=fact.dialect,
            model=fact.model[:TEXT_MAX],
            target=fact.target,
            streamed=fact.streamed,
            end=fact.end,
            reason=fact.reason,
            failed_attempts=[f"{note.target} {note.reason.value}" for note in fact.attempts],
            input_tokens=fact.usage.input_total if fact.usage else None,
            output_tokens=fact.usage.output_total if fact.usage else None,
            cost_usd=None if fact.cost_usd is None else usd_text(fact.cost_usd),
            skipped_events=fact.skipped,
            cache=fact.cache,
            hedge=fact.hedge,
            rescues=[f"{method} {outcome}" for method, outcome in fact.rescues],
            injected_faults=list(fact.injected),
            first_token_s=fact.first_token_s,
            duration_s=fact.duration_s,
        )

    def attempt_ended(self, fact: AttemptFact) -> None:
        """One line for one attempt, at debug. A provider's own words are not in it: they may quote the prompt."""
        if not self.debugs:
            return
        self.write(
            Level.DEBUG,
            Line.ATTEMPT_ENDED,
            request_id=fact.exchange,
            trace_id=fact.trace_id,
            attempt=fact.attempt,
            number=fact.number,
            provider=fact.provider,
            model=fact.model[:TEXT_MAX],
            key=fact.key,
            end=fact.end,
            reason=fact.reason,
            status=fact.status,
            usage_source=fact.usage_source,
            skipped_events=fact.skipped,
            injected_fault=fact.drill.text if fact.drill else None,
            first_token_s=fact.first_token_s,
            duration_s=fact.duration_s,
        )

    def _stamp(self, logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        at = datetime.fromtimestamp(self._wall(), UTC).isoformat(timespec="milliseconds")
        return {"ts": at, "level": event.pop("level"), "event": event.pop("event"), **event}

    def _render(self, logger: object, method: str, event: MutableMapping[str, Any]) -> str:
        try:
            line = _ENCODER.encode(event).decode()
        except UnicodeEncodeError:  # half a surrogate pair in a caller's text must not stop the log
            line = _ENCODER.encode({key: _whole(value) for key, value in event.items()}).decode()
        return self._scrubber.json(line)


class _Output:
    """What structlog calls last: hands a rendered line to the sink."""

    def __init__(self, sink: LineSink) -> None:
        self._sink = sink

    def msg(self, line: str) -> None:
        self._sink.put(line.encode() + b"\n")

    debug = info = warning = error = msg


def _whole(value: object) -> object:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
