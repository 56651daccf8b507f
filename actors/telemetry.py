"""The Telemetry actor: makes metrics, scores, rows, log lines and spans of the facts requests emit, off their path."""

from __future__ import annotations

import asyncio
import traceback
from collections import deque
from collections.abc import Callable
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from actors.messages import (
    READY,
    AdminActed,
    AttemptEnded,
    BreakerChanged,
    BudgetReached,
    ConfigLoaded,
    ConfigTurnedDown,
    ExchangeEnded,
    KeyChanged,
    LogPage,
    MetricsReset,
    ModelsSurveyed,
    ProviderRemoved,
    ProviderReplaced,
    ReadLog,
    RequestShared,
    ResetMetrics,
    RetryTurnedDown,
    SupervisorReported,
)
from actors.runtime import Actor, Context, Crashed, Exit, Report, Snapshot
from router.telemetry import metrics
from router.telemetry.counts import Counts
from router.telemetry.health import Board, HealthView
from router.telemetry.logs import Level, Line, Logs
from router.telemetry.meter import Meter
from router.telemetry.rows import LogRow, attempt_row, exchange_row, pick_rows
from router.telemetry.scores import Span
from router.telemetry.sinks import SpanSink
from router.telemetry.traces import sketch_attempt, sketch_exchange

Fact = AttemptEnded | ExchangeEnded
Ordered = Fact | ProviderRemoved | ProviderReplaced
"""What takes effect in the order it was told: a provider's last attempt must not bring back what was forgotten."""
Rare = (
    AdminActed
    | BreakerChanged
    | ConfigLoaded
    | ConfigTurnedDown
    | BudgetReached
    | KeyChanged
    | ModelsSurveyed
    | RequestShared
    | RetryTurnedDown
    | SupervisorReported
)

FRAMES = 12
"""Innermost frames of a crash that are logged."""


class Tuning(Struct, frozen=True, kw_only=True):
    """How Telemetry works.

    Args:
        flush_s: how long facts wait, so that they are folded in batches.
        slice_facts: facts folded before the loop gets its turn; at about 60 microseconds each, with spans, a slice of
            16 holds up a stream by a millisecond.
        capacity: facts that may wait; later ones are dropped and counted.
        rows: rows of the request log that are kept.
        refresh_s: how often the published view ages while nothing comes in.
        span: what the scores remember.
    """

    flush_s: float = 0.1
    slice_facts: int = 16
    capacity: int = 8192
    rows: int = 1000
    refresh_s: float = 5.0
    span: Span = Span()


class Outlets(Struct, frozen=True, kw_only=True):
    """Where it all goes. Made by the application, shared with whoever logs or counts; outlives this actor's restarts.

    Args:
        spans: None when no collector is configured: no span is even sketched.
        view: what this actor publishes.
        family_of: configured provider name -> whose API it speaks, for spans.
        clean: takes secrets out of text.
    """

    meter: Meter
    logs: Logs
    spans: SpanSink | None
    view: Snapshot[HealthView]
    family_of: Callable[[str], str] = str
    clean: Callable[[str], str] = str


class Telemetry(Actor):
    """Folds facts in batches and publishes a `HealthView` after each.

    Accepts, told: `AttemptEnded`, `ExchangeEnded`, `AdminActed`, `BreakerChanged`, `BudgetReached`, `ConfigLoaded`,
    `ConfigTurnedDown`, `KeyChanged`, `ModelsSurveyed`, `ProviderRemoved`, `ProviderReplaced`, `RequestShared`,
    `RetryTurnedDown`, `SupervisorReported`.
    Answers: `ReadLog` with `LogPage`, `ResetMetrics` with `MetricsReset`.

    A restart loses the facts not yet folded (about `flush_s` of them; counted as dropped), the rows of the request log
    and the windows of the scores, which start anew at 1.0. Metrics and the total of requests go on where they were.
    """

    mailbox_capacity = 8192

    def __init__(self, outlets: Outlets, tuning: Tuning = Tuning()) -> None:  # noqa: B008 frozen, shared on purpose
        super().__init__()
        self._outlets = outlets
        self._tuning = tuning

    async def on_start(self) -> None:
        """Begin with nothing but the total, and fold from now on."""
        self._pending: deque[Ordered] = deque()
        self._rows: deque[tuple[Fact, int]] = deque(maxlen=self._tuning.rows)  # facts: most rows are never read
        self._seq = 0
        self._board = Board(self._tuning.span, total=self._outlets.view.value.total_requests)
        self._counts = Counts(self._outlets.meter)
        self._wake = asyncio.Event()
        self.link(self.tasks.start(self._fold_forever(), name="fold"))

    def on_receive(self, message: Ordered | Rare | ReadLog | ResetMetrics) -> LogPage | MetricsReset | None:
        """Facts of requests only wait here; the rest is rare and done at once."""
        match message:
            case AttemptEnded() | ExchangeEnded() | ProviderRemoved() | ProviderReplaced():
                self._queue(message)
            case ReadLog():
                return self._page(message)
            case ResetMetrics():
                self._outlets.meter.reset()
                return MetricsReset()
            case _:
                self._note(message)
        return None

    def _note(self, message: Rare) -> None:
        match message:
            case BreakerChanged():
                self._breaker_changed(message)
            case BudgetReached():
                self._budget_reached(message)
            case KeyChanged():
                self._key_changed(message)
            case RetryTurnedDown():
                self._outlets.meter.add(metrics.RETRIES_DENIED, message.provider)
            case RequestShared():
                self._outlets.meter.add(metrics.SHARED, message.dialect, message.how)
            case SupervisorReported():
                self._reported(message)
            case ModelsSurveyed():
                self._surveyed(message)
            case _:
                self._note_change(message)

    def _note_change(self, message: AdminActed | ConfigLoaded | ConfigTurnedDown) -> None:
        match message:
            case ConfigLoaded():
                self._config_loaded(message)
            case ConfigTurnedDown():
                self._config_turned_down(message)
            case AdminActed():
                self._admin_acted(message)
            case _:
                assert_never(message)

    async def on_stop(self, reason: Exit) -> None:
        """Fold what waits, unless a fact was what crashed us."""
        if isinstance(reason, Crashed):
            self._drop(len(self._pending))
            return
        await self._fold_waiting()

    def _queue(self, fact: Ordered) -> None:
        if len(self._pending) >= self._tuning.capacity and isinstance(fact, AttemptEnded | ExchangeEnded):
            self._drop(1)
            return
        if not self._pending:
            self._wake.set()
        self._pending.append(fact)

    def _drop(self, count: int) -> None:
        if count:
            self._outlets.meter.add(metrics.TELEMETRY_DROPPED, "facts", amount=count)

    async def _fold_forever(self) -> None:
        """A job of this actor, linked: when folding crashes the supervisor hears of it."""
        while True:
            await self._woken()
            await asyncio.sleep(self._tuning.flush_s)
            await self._fold_waiting()

    async def _woken(self) -> None:
        """Wait for a fact, or, while the view fades with time, for the next refresh: an idle router sets no timer."""
        wait_s = self._tuning.refresh_s if self._board.is_fading(self.ports.clock.now()) else None
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _fold_waiting(self) -> None:
        """Fold in slices and let the loop turn in between, then publish."""
        self._wake.clear()
        while self._pending:
            try:
                for _ in range(min(self._tuning.slice_facts, len(self._pending))):
                    self._fold(self._pending.popleft())
            finally:
                self._counts.enter()
            await asyncio.sleep(0)
        self._publish()

    def _fold(self, fact: Ordered) -> None:
        match fact:
            case AttemptEnded():
                self._fold_attempt(fact)
            case ExchangeEnded():
                self._fold_exchange(fact)
            case ProviderRemoved():
                self._counts.enter()
                self._outlets.meter.forget("provider", fact.provider)
                self._board.forget(fact.provider)
            case ProviderReplaced():
                self._replace(fact)
            case _:
                assert_never(fact)

    def _replace(self, fact: ProviderReplaced) -> None:
        meter = self._outlets.meter
        self._board.forget(fact.provider)
        meter.forget("provider", fact.provider, only=metrics.BREAKER_STATE)
        for model, state in fact.states.items():
            meter.put(metrics.BREAKER_STATE, metrics.BREAKER_VALUES[state], fact.provider, model)

    def _fold_attempt(self, fact: AttemptEnded) -> None:
        out = self._outlets
        self._counts.attempt(fact)
        self._board.add_attempt(fact, self.ports.clock.now())
        if out.logs.debugs:
            out.logs.attempt_ended(fact)
        if out.spans is not None:
            out.spans.emit(sketch_attempt(fact, family=out.family_of(fact.provider), clean=out.clean))
        self._seq += 1
        self._rows.append((fact, self._seq))

    def _fold_exchange(self, fact: ExchangeEnded) -> None:
        out = self._outlets
        self._counts.exchange(fact)
        self._board.add_exchange(fact, self.ports.clock.now())
        out.logs.exchange_ended(fact)
        if out.spans is not None:
            out.spans.emit(sketch_exchange(fact, clean=out.clean))
        self._seq += 1
        self._rows.append((fact, self._seq))

    def _row(self, fact: Fact, seq: int) -> LogRow:
        clean = self._outlets.clean
        row = attempt_row(fact, clean) if isinstance(fact, AttemptEnded) else exchange_row(fact, clean)
        return replace(row, seq=seq)

    def _page(self, ask: ReadLog) -> LogPage:
        """Rows of facts that wait come first, so that whoever told one reads it; their places are those they get."""
        facts = [fact for fact in self._pending if isinstance(fact, AttemptEnded | ExchangeEnded)]
        waiting = [(fact, self._seq + place) for place, fact in enumerate(facts, 1)]
        newest_first = (self._row(*placed) for kept in (waiting, self._rows) for placed in reversed(kept))
        return LogPage(rows=pick_rows(newest_first, ask.wanted))

    def _publish(self) -> None:
        in_flight = self._outlets.meter.read(metrics.IN_FLIGHT)
        view = self._board.view(self.ports.clock.now(), None if in_flight is None else int(in_flight))
        self._outlets.view.publish(view)

    def _breaker_changed(self, fact: BreakerChanged) -> None:
        meter = self._outlets.meter
        meter.put(
            metrics.BREAKER_STATE, metrics.BREAKER_VALUES[fact.model_state or fact.after], fact.provider, fact.model
        )
        meter.add(metrics.BREAKER_CHANGES, fact.provider, fact.model, fact.after)
        self._outlets.logs.write(
            Level.WARNING if fact.after == "open" else Level.INFO,
            Line.BREAKER_CHANGED,
            provider=fact.provider,
            model=fact.model,
            key=fact.key,
            before=fact.before,
            after=fact.after,
            why=fact.why,
        )

    def _config_loaded(self, fact: ConfigLoaded) -> None:
        out = self._outlets
        out.meter.replace(metrics.CONFIG_INFO, 1, fact.version)
        out.meter.add(metrics.CONFIG_LOADS, "taken")
        fields = {"version": fact.version, "source": fact.source, "by": fact.by, "restart_for": fact.pending}
        out.logs.write(Level.WARNING if fact.pending else Level.INFO, Line.CONFIG_LOADED, **fields)

    def _admin_acted(self, fact: AdminActed) -> None:
        level = Level.INFO if fact.outcome == "taken" else Level.WARNING
        fields = {"by": fact.by, "act": fact.act, "subject": fact.subject, "outcome": fact.outcome}
        self._outlets.logs.write(level, Line.ADMIN_ACTED, **fields)

    def _config_turned_down(self, fact: ConfigTurnedDown) -> None:
        self._outlets.meter.add(metrics.CONFIG_LOADS, "refused")
        faults = [f"{fault.path}: {fault.message}" if fault.path else fault.message for fault in fact.faults]
        self._outlets.logs.write(Level.ERROR, Line.CONFIG_REFUSED, by=fact.by, faults=faults)

    def _budget_reached(self, fact: BudgetReached) -> None:
        self._outlets.meter.add(metrics.BUDGETS_REACHED, fact.budget, str(fact.share))
        level = Level.INFO if fact.share < 80 else Level.WARNING
        fields = {"budget": fact.budget, "purse": fact.purse, "share": fact.share}
        self._outlets.logs.write(level, Line.BUDGET_REACHED, **fields)

    def _key_changed(self, fact: KeyChanged) -> None:
        """Loud: a refused key is out until somebody changes the configuration."""
        self._outlets.meter.put(metrics.KEY_STATE, metrics.KEY_VALUES[fact.after], fact.provider, fact.key)
        self._outlets.logs.write(
            Level.INFO if fact.after == READY else Level.ERROR,
            Line.KEY_CHANGED,
            provider=fact.provider,
            key=fact.key,
            before=fact.before,
            after=fact.after,
        )

    def _surveyed(self, fact: ModelsSurveyed) -> None:
        self._outlets.logs.write(
            Level.WARNING if fact.found is None else Level.INFO,
            Line.MODELS_SURVEYED,
            provider=fact.provider,
            found=fact.found,
            why=fact.why,
        )

    def _reported(self, fact: SupervisorReported) -> None:
        metric, line = _REPORTS.get(fact.context, (None, Line.SUPERVISOR_REPORT))
        if metric is not None:
            self._outlets.meter.add(metric, fact.actor)
        self._outlets.logs.write(
            Level.WARNING if fact.error is None else Level.ERROR,
            line,
            context=fact.context,
            actor=fact.actor,
            offender=fact.offender,
            error=fact.error,
            frames=fact.frames,
            message_type=fact.message_type,
            repeats=fact.repeats,
        )


def describe_report(report: Report) -> SupervisorReported:
    """What of a runtime's report may be logged. Call it within `on_report`: afterwards its traceback is gone."""
    error = report.reason.error if isinstance(report.reason, Crashed) else None
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:] if error is not None else ()
    return SupervisorReported(
        context=report.context.value,
        actor=report.supervisor if report.context in _OF_JOBS else report.offender,
        offender=report.offender,
        error=type(error).__name__ if error is not None else None,
        frames=tuple(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames),
        message_type=report.message_type,
        repeats=report.repeats,
    )


_OF_JOBS = frozenset({Context.JOB, Context.ON_EXIT, Context.LEAKED})
_REPORTS = {
    Context.TERMINATED.value: (metrics.ACTOR_RESTARTS, Line.ACTOR_RESTARTED),
    Context.JOB.value: (metrics.JOB_CRASHES, Line.JOB_CRASHED),
}
