"""The Telemetry actor in its tree, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from itertools import pairwise

import pytest

from actors.messages import (
    BreakerChanged,
    ConfigLoaded,
    LogPage,
    MetricsReset,
    ProviderRemoved,
    ReadLog,
    ResetMetrics,
    RetryTurnedDown,
)
from actors.runtime import (
    ActorSystem,
    ChildSpec,
    Context,
    Crashed,
    Report,
    Shutdown,
    Snapshot,
    SupervisorSpec,
    run_virtual,
    virtual_ports,
)
from actors.telemetry import Outlets, Telemetry, Tuning, describe_report
from router.canon.outcome import End
from router.errors import AttemptNote, Reason
from router.telemetry import metrics
from router.telemetry.health import HealthView
from router.telemetry.logs import Level, Logs
from router.telemetry.meter import Meter
from router.telemetry.rows import RowFilter
from router.telemetry.scrub import Scrubber
from tests.fakes.facts import attempt_ended, exchange_ended
from tests.fakes.lines import Lines
from tests.fakes.spans import Spans

_TUNING = Tuning()


class Stage:
    """A tree of one telemetry actor and everything it writes to."""

    def __init__(self, tuning: Tuning, secrets: tuple[str, ...], level: Level) -> None:
        scrubber = Scrubber(secrets)
        self.lines, self.spans = Lines(), Spans()
        self.meter = Meter(clean=scrubber.text)
        self.view = Snapshot(HealthView())
        self.reports: list[Report] = []
        self.system = ActorSystem(virtual_ports(), on_report=self._report)
        logs = Logs(self.lines, wall=self.system.ports.wall.now, level=level, scrubber=scrubber)
        self.outlets = Outlets(
            meter=self.meter, logs=logs, spans=self.spans, view=self.view, family_of=str.upper, clean=scrubber.text
        )
        self.ref = self.system.ref("root/telemetry")
        self._tuning = tuning

    async def start(self) -> None:
        """Start the tree."""
        child = ChildSpec(name="telemetry", start=lambda: Telemetry(self.outlets, self._tuning))
        await self.system.start(SupervisorSpec(children=(child,)))

    async def rows(self, limit: int = 100, provider: str | None = None) -> LogPage:
        """Ask for the request log."""
        page = await self.ref.ask(ReadLog(wanted=RowFilter(limit=limit, provider=provider)))
        assert isinstance(page, LogPage)
        return page

    def _report(self, report: Report) -> None:
        self.reports.append(report)
        self.ref.tell(describe_report(report))


Scene = Callable[[Stage], Awaitable[None]]


def play(scene: Scene, *, tuning: Tuning = _TUNING, secrets: tuple[str, ...] = (), level: Level = Level.DEBUG) -> Stage:
    """Start the tree, run the scene, stop the tree."""

    async def whole() -> Stage:
        stage = Stage(tuning, secrets, level)
        await stage.start()
        await scene(stage)
        await stage.system.stop()
        return stage

    return run_virtual(whole())


def test_facts_are_folded_together_after_the_flush_time() -> None:
    """Nothing is made while requests run; a tenth of a second later everything is, in the order told."""

    async def scene(stage: Stage) -> None:
        for number in range(3):
            stage.ref.tell(attempt_ended(attempt=f"at-{number}"))
        stage.ref.tell(exchange_ended())
        await asyncio.sleep(0.09)
        assert stage.view.value == HealthView()
        assert (stage.lines.kept, stage.spans.kept) == ([], [])
        await asyncio.sleep(0.02)
        assert stage.meter.read(metrics.ATTEMPTS, "main", "small", "completed", "none") == 3
        assert stage.view.value.total_requests == 1
        assert stage.view.value.providers["main"].health_score == 1.0
        assert [line["event"] for line in stage.lines.read] == ["attempt ended"] * 3 + ["exchange ended"]
        assert [sketch.served for sketch in stage.spans.kept] == [False, False, False, True]
        assert stage.spans.kept[0].attributes["gen_ai.provider.name"] == "MAIN"

    play(scene)


def test_folding_lets_others_run_between_slices() -> None:
    """However many facts wait, a stream is held up by one slice of them at most."""
    seen: list[float] = []

    async def scene(stage: Stage) -> None:
        for _ in range(160):
            stage.ref.tell(attempt_ended())
        await asyncio.sleep(0.1)  # due now, with the fold
        for _ in range(40):
            seen.append(stage.meter.read(metrics.ATTEMPTS, "main", "small", "completed", "none") or 0)
            await asyncio.sleep(0)

    play(scene)
    steps = [after - before for before, after in pairwise(seen)]
    assert max(steps) == 16
    assert seen[-1] == 160


def test_facts_past_the_capacity_are_dropped_and_counted() -> None:
    """Memory is bounded; what is lost shows."""

    async def scene(stage: Stage) -> None:
        for _ in range(25):
            stage.ref.tell(attempt_ended())
        await asyncio.sleep(1.0)
        assert stage.meter.read(metrics.ATTEMPTS, "main", "small", "completed", "none") == 10
        assert stage.meter.read(metrics.TELEMETRY_DROPPED, "facts") == 15

    play(scene, tuning=Tuning(capacity=10))


def test_the_log_holds_the_last_rows_newest_first_and_those_that_still_wait() -> None:
    """Whoever told a fact can read it at once; the ring forgets the oldest."""

    async def scene(stage: Stage) -> None:
        for number in range(8):
            stage.ref.tell(attempt_ended(number=number))
        await asyncio.sleep(1.0)
        stage.ref.tell(attempt_ended(number=8))
        stage.ref.tell(exchange_ended(target="other:m"))
        assert [row.number for row in (await stage.rows(limit=3)).rows] == [0, 8, 7]
        assert [row.number for row in (await stage.rows(provider="main")).rows] == [8, 7, 6, 5, 4, 3]
        assert [row.provider for row in (await stage.rows(provider="other")).rows] == ["other"]

    play(scene, tuning=Tuning(rows=5))


def test_the_view_ages_while_nothing_comes_in_and_then_the_actor_sleeps() -> None:
    """Health returns by itself; after the window no timer is left running."""

    async def scene(stage: Stage) -> None:
        stage.ref.tell(attempt_ended(end=End.FAILED, reason=Reason.CONNECT))
        await asyncio.sleep(1.0)
        assert stage.view.value.providers["main"].health_score == pytest.approx(0.8)
        await asyncio.sleep(100.0)
        assert 0.9 < stage.view.value.providers["main"].health_score < 1.0
        await asyncio.sleep(300.0)
        before = stage.view.value
        assert before.providers["main"].health_score == 1.0
        assert before.providers["main"].last_error is Reason.CONNECT
        await asyncio.sleep(3600.0)
        assert stage.view.value is before

    play(scene)


def test_in_flight_is_what_the_watched_gauge_says() -> None:
    """None until somebody counts them."""

    async def scene(stage: Stage) -> None:
        stage.meter.watch(metrics.IN_FLIGHT, lambda: 7)
        stage.ref.tell(exchange_ended())
        await asyncio.sleep(1.0)
        assert stage.view.value.in_flight == 7

    play(scene)


def test_a_stop_folds_what_waits() -> None:
    """The last second before a shutdown is the one that operators ask about."""

    async def scene(stage: Stage) -> None:
        stage.ref.tell(exchange_ended())
        await asyncio.sleep(0)

    stage = play(scene)
    assert stage.view.value.total_requests == 1
    assert stage.lines.read[-1]["event"] == "exchange ended"


def test_a_crash_loses_what_was_stated_and_no_more() -> None:
    """Waiting facts (counted), rows and windows are lost; metrics and the total go on; the poison does not return."""
    poison = attempt_ended(provider=["not a name"])

    async def scene(stage: Stage) -> None:
        stage.ref.tell(exchange_ended())
        await asyncio.sleep(1.0)
        for fact in (poison, attempt_ended(), attempt_ended()):
            stage.ref.tell(fact)
        await asyncio.sleep(1.0)
        assert stage.meter.read(metrics.TELEMETRY_DROPPED, "facts") == 2
        assert (await stage.rows()).rows == ()
        stage.ref.tell(exchange_ended())
        stage.ref.tell(attempt_ended())
        await asyncio.sleep(1.0)
        assert stage.view.value.total_requests == 2
        assert stage.meter.read(metrics.EXCHANGES, "openai-chat", "completed", "none", "true") == 2
        assert stage.meter.read(metrics.ATTEMPTS, "main", "small", "completed", "none") == 1
        assert stage.meter.read(metrics.ACTOR_RESTARTS, "root/telemetry") == 1
        restart = next(line for line in stage.lines.read if line["event"] == "actor restarted")
        assert (restart["actor"], restart["error"]) == ("root/telemetry", "TypeError")
        crash = next(line for line in stage.lines.read if line["event"] == "job crashed")
        assert "_fold" in " ".join(crash["frames"])

    play(scene)


@pytest.mark.parametrize(
    ("after", "value", "level"),
    [
        pytest.param("open", 2, "warning", id="open"),
        pytest.param("half_open", 1, "info", id="half-open"),
        pytest.param("closed", 0, "info", id="closed"),
    ],
)
def test_a_breakers_change_is_a_gauge_a_count_and_a_line(after: str, value: int, level: str) -> None:
    """At once: it is rare, and an alert waits for it."""

    async def scene(stage: Stage) -> None:
        changed = BreakerChanged(provider="main", model="small", before="x", after=after, why="5 of 10", at=0.0)
        stage.ref.tell(changed)
        await asyncio.sleep(0)
        assert stage.meter.read(metrics.BREAKER_STATE, "main", "small") == value
        assert stage.meter.read(metrics.BREAKER_CHANGES, "main", "small", after) == 1
        (line,) = stage.lines.read
        assert (line["event"], line["level"], line["after"]) == ("breaker changed", level, after)

    play(scene)


def test_a_loaded_configuration_is_the_only_one_in_force() -> None:
    """The gauge names the newest version, the log each of them."""

    async def scene(stage: Stage) -> None:
        stage.ref.tell(ConfigLoaded(version="v1", source="file"))
        stage.ref.tell(ConfigLoaded(version="v2", source="file"))
        await asyncio.sleep(0)
        assert stage.meter.read(metrics.CONFIG_INFO, "v1") is None
        assert stage.meter.read(metrics.CONFIG_INFO, "v2") == 1
        assert [line["version"] for line in stage.lines.read] == ["v1", "v2"]

    play(scene)


def test_a_removed_provider_leaves_metrics_and_view() -> None:
    """An alert on it ends, and what was told of it before, but not yet counted, does not bring it back."""

    async def scene(stage: Stage) -> None:
        stage.ref.tell(attempt_ended())
        stage.ref.tell(RetryTurnedDown(provider="main"))
        await asyncio.sleep(1.0)
        assert stage.meter.read(metrics.RETRIES_DENIED, "main") == 1
        stage.ref.tell(attempt_ended())
        stage.ref.tell(ProviderRemoved(provider="main"))
        await asyncio.sleep(1.0)
        assert stage.view.value.providers == {}
        assert b'provider="main"' not in stage.meter.render()

    play(scene)


def test_metrics_can_be_reset() -> None:
    """Counts begin at nothing; the total of requests is health, not metrics."""

    async def scene(stage: Stage) -> None:
        stage.ref.tell(exchange_ended())
        await asyncio.sleep(1.0)
        assert await stage.ref.ask(ResetMetrics()) == MetricsReset()
        assert stage.meter.read(metrics.EXCHANGES, "openai-chat", "completed", "none", "true") is None
        assert stage.view.value.total_requests == 1

    play(scene)


def test_a_crashed_job_is_counted_under_its_owner() -> None:
    """A job may be named for a request: its own name is a field, never a label."""
    report = Report(supervisor="root/front", context=Context.JOB, reason=Crashed(KeyError("x")), offender="req-77")

    async def scene(stage: Stage) -> None:
        stage.ref.tell(describe_report(report))
        await asyncio.sleep(0)
        assert stage.meter.read(metrics.JOB_CRASHES, "root/front") == 1
        assert b"req-77" not in stage.meter.render()
        assert stage.lines.read[0]["offender"] == "req-77"

    play(scene)


@pytest.mark.parametrize("context", list(Context), ids=str)
def test_every_kind_of_report_is_a_line(context: Context) -> None:
    """Also those without an error, and those no metric counts."""
    report = Report(supervisor="root", context=context, reason=Shutdown(), offender="root/x")

    async def scene(stage: Stage) -> None:
        stage.ref.tell(describe_report(report))
        await asyncio.sleep(0)
        (line,) = stage.lines.read
        assert (line["context"], line["level"], line["error"]) == (context.value, "warning", None)

    play(scene)


def test_no_canary_reaches_logs_spans_metrics_or_rows_at_debug_level() -> None:
    """A configured secret, a caller's key and a prompt, planted wherever a request can put them."""
    secret, key, prompt = "canary-config-key", "sk-canary-caller-key", "canary-prompt"
    words = f"400: '{prompt}' not allowed for {secret} {key}"

    def crash() -> Crashed:
        try:
            raise RuntimeError(words)
        except RuntimeError as error:
            return Crashed(error)

    async def scene(stage: Stage) -> None:
        failed = attempt_ended(end=End.FAILED, reason=Reason.REJECTED, message=words, model=secret, provider=key)
        note = AttemptNote(target=f"{key}:{secret}", reason=Reason.REJECTED)
        stage.ref.tell(failed)
        stage.ref.tell(
            exchange_ended(
                model=key, target=f"main:{secret}", attempts=(note,), exchange=f"Bearer {key}", cost_usd=Decimal(1)
            )
        )
        stage.ref.tell(BreakerChanged(provider=key, model=secret, before="closed", after="open", why=secret, at=0.0))
        report = Report(supervisor="root", context=Context.TERMINATED, reason=crash(), offender=secret)
        stage.ref.tell(describe_report(report))
        await asyncio.sleep(1.0)
        page = await stage.rows()
        assert len(page.rows) == 2
        for what in (stage.lines.kept, stage.spans.kept, stage.meter.render(), page):
            assert what
            assert "canary" not in repr(what)

    play(scene, secrets=(secret,))
