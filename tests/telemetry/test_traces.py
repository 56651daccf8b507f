"""Spans as data: names, ids, times and what must not be in them."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import pytest

from router.canon.outcome import End
from router.canon.usage import Usage
from router.errors import Reason
from router.telemetry.scrub import Scrubber
from router.telemetry.sinks import open_sink
from router.telemetry.traces import (
    is_sampled,
    sketch_attempt,
    sketch_exchange,
    span_id,
)
from tests.conftest import ROOT
from tests.fakes.facts import CALLER_SPAN, TRACE, attempt_ended, exchange_ended


def test_attempts_hang_below_their_exchange_and_it_below_its_caller() -> None:
    """Though the attempt's span is made first: its parent's id is derived, not awaited."""
    exchange = sketch_exchange(exchange_ended(parent_span_id=CALLER_SPAN))
    attempts = [sketch_attempt(attempt_ended(attempt=each), family="openai") for each in ("at-1", "at-2")]
    assert exchange.parent_id == CALLER_SPAN
    assert {attempt.parent_id for attempt in attempts} == {exchange.span_id}
    assert len({exchange.span_id, *(attempt.span_id for attempt in attempts)}) == 3
    assert {each.trace_id for each in (exchange, *attempts)} == {TRACE}


def test_a_spans_id_depends_on_its_trace() -> None:
    """Ids are derived: the same attempt's in another trace is another span."""
    assert span_id(TRACE, "at-1") != span_id(TRACE[::-1], "at-1")


def test_times_are_those_of_the_fact() -> None:
    """Made later, dated then."""
    sketch = sketch_attempt(attempt_ended(started_at=1_700_000_000.25, duration_s=0.5), family="openai")
    assert (sketch.start_ns, sketch.end_ns) == (1_700_000_000_250_000_000, 1_700_000_000_750_000_000)


def test_an_attempt_speaks_the_generative_ai_conventions() -> None:
    """Totals include their parts; a part that is 0 is left out."""
    usage = Usage(input=10, cache_read=90, output=5, reasoning=20)
    sketch = sketch_attempt(attempt_ended(usage=usage), family="aws.bedrock")
    assert sketch.name == "chat small"
    assert not sketch.served
    assert sketch.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.request.model": "small",
        "gen_ai.response.time_to_first_chunk": 0.2,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 90,
        "gen_ai.usage.output_tokens": 25,
        "gen_ai.usage.reasoning.output_tokens": 20,
        "http.response.status_code": 200,
        "pointsman.provider": "main",
        "pointsman.attempt.id": "at-1",
        "pointsman.attempt.number": 1,
        "pointsman.end": "completed",
        "pointsman.usage.source": "provider_final",
    }


def test_an_exchange_says_what_was_asked_for_and_what_answered() -> None:
    """Tokens are not on it under their convention's names: a backend that sums spans would count them twice."""
    sketch = sketch_exchange(exchange_ended(target="main:vendor/m:free", cost_usd=Decimal("0.0003")))
    assert sketch.name == "chat auto"
    assert sketch.served
    assert sketch.attributes["gen_ai.request.model"] == "auto"
    assert sketch.attributes["gen_ai.response.model"] == "vendor/m:free"
    assert sketch.attributes["gen_ai.request.stream"] is True
    assert sketch.attributes["pointsman.cost_usd"] == "0.0003"
    assert not [name for name in sketch.attributes if name.startswith("gen_ai.usage")]


@pytest.mark.parametrize(
    ("end", "reason", "error"),
    [
        pytest.param(End.COMPLETED, None, None, id="completed"),
        pytest.param(End.CLIENT_GONE, Reason.CLIENT_GONE, None, id="client-gone"),
        pytest.param(End.TIMEOUT, Reason.FIRST_TOKEN_TIMEOUT, "first_token_timeout", id="timeout"),
        pytest.param(End.CRASHED, None, "crashed", id="no-reason"),
    ],
)
def test_an_error_is_one_word(end: End, reason: Reason | None, error: str | None) -> None:
    """`error.type` is of the closed set of reasons, else the end; a caller who left is no error."""
    sketch = sketch_attempt(attempt_ended(end=end, reason=reason), family="openai")
    assert sketch.error == error
    assert sketch.attributes.get("error.type") == error


def test_a_name_no_target_answered_to_names_no_span() -> None:
    """Span names are few; what a caller typed is not."""
    sketch = sketch_exchange(exchange_ended(target=None, model="made-up", end=End.REFUSED, reason=Reason.UNKNOWN_MODEL))
    assert sketch.name == "chat"


def test_no_secret_and_no_words_of_a_provider_are_in_a_span() -> None:
    """Not from a model name, a request id or a message that quotes the prompt."""
    clean = Scrubber(["canary-config-key"]).text
    words = "invalid: canary-prompt, key canary-config-key"
    spans = (
        sketch_attempt(attempt_ended(message=words, model="canary-config-key"), family="openai", clean=clean),
        sketch_exchange(exchange_ended(model="sk-canary-key", exchange="Bearer canary-key-1"), clean=clean),
    )
    assert "canary" not in repr(spans)


def test_a_share_of_traces_is_kept_whole() -> None:
    """All of them, none of them, and by the trace's own digits in between."""
    assert is_sampled("0" * 16 + "f" * 16, 1.0)
    assert not is_sampled("0" * 31 + "0", 0.0)
    assert is_sampled("f" * 16 + "7" + "0" * 15, 0.5)
    assert not is_sampled("0" * 16 + "8" + "0" * 15, 0.5)


@pytest.mark.parametrize("endpoint", [None, ""], ids=["none", "empty"])
def test_without_an_endpoint_there_is_no_sink(endpoint: str | None) -> None:
    """The actor then sketches nothing."""
    assert open_sink(endpoint, headers={}) is None


@pytest.mark.process
def test_without_an_endpoint_the_sdk_is_not_even_imported() -> None:
    """It costs memory and a tenth of a second at start; asked in a fresh process."""
    code = (
        "import sys, actors.telemetry, router.telemetry.sinks as t\n"
        "t.open_sink(None, headers={})\n"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
