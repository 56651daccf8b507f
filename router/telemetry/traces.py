"""Spans as data, made afterwards from the facts: one for an exchange, one below it for each attempt. Pure; `otlp`
sends them.

Names follow the OpenTelemetry conventions for generative AI. Token counts stand under their `gen_ai` names on
attempts only, where they were billed: a backend that sums spans would count them twice were they on the exchange as
well. A provider's own words stand nowhere, because they may quote the prompt.

Source: https://github.com/open-telemetry/semantic-conventions-genai, docs/gen-ai/client-inference.md at 024a4f9, read
2026-11-21. `gen_ai.system` is left out: it is deprecated in favour of `gen_ai.provider.name`.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

from msgspec import Struct
from msgspec.structs import replace

from router.canon.cost import usd_text
from router.canon.outcome import End
from router.canon.usage import Usage
from router.telemetry.facts import AttemptFact, Ended, ExchangeFact

TEXT_MAX = 128
_UNBLAMED = frozenset({End.COMPLETED, End.CLIENT_GONE, End.SUPERSEDED})

Attribute = str | int | float | bool


class Sketch(Struct, frozen=True, kw_only=True):
    """One span to be. Ids are hex digits as W3C trace context writes them; times are nanoseconds of the epoch.

    Args:
        served: True for the span of a call that came in, False for one that went out.
        error: what went wrong in one word; None when nothing did.
    """

    name: str
    served: bool
    trace_id: str
    span_id: str
    parent_id: str | None
    start_ns: int
    end_ns: int
    attributes: dict[str, Attribute]
    error: str | None


def span_id(trace_id: str, key: str) -> str:
    """The span id of the exchange or attempt with the id `key`: 16 hex digits, the same whoever asks.

    An attempt's span is made before its exchange's: so ids are derived, not drawn.
    """
    return blake2b(f"{trace_id}/{key}".encode(), digest_size=8).hexdigest()


def is_sampled(trace_id: str, ratio: float) -> bool:
    """Whether a trace is among the share `ratio` (0 to 1) to be kept; every one that decides so keeps the same ones."""
    return int(trace_id[16:], 16) < ratio * 2**64


def sketch_attempt(fact: AttemptFact, *, family: str, clean: Callable[[str], str] = str) -> Sketch:
    """The span of one attempt.

    Args:
        family: whose API the provider speaks, as the conventions name it ("openai", "aws.bedrock"); the configured
            name where they have none.
        clean: takes secrets out of every text of the span.
    """
    model = fact.model[:TEXT_MAX]
    attributes: dict[str, Attribute] = {
        "gen_ai.operation.name": fact.operation.value,
        "gen_ai.provider.name": family,
        "gen_ai.request.model": model,
        "pointsman.provider": fact.provider,
        "pointsman.attempt.id": fact.attempt,
        "pointsman.attempt.number": fact.number,
        "pointsman.end": fact.end.value,
        "pointsman.usage.source": fact.usage_source.value,
    }
    if fact.drill is not None:
        attributes["pointsman.fault.injected"] = fact.drill.text
    if fact.status is not None:
        attributes["http.response.status_code"] = fact.status
    if fact.first_token_s is not None:
        attributes["gen_ai.response.time_to_first_chunk"] = fact.first_token_s
    if fact.usage is not None:
        attributes |= _usage_attributes(fact.usage)
    sketch = _sketch(
        fact,
        name=f"{fact.operation} {model}",
        served=False,
        span=span_id(fact.trace_id, fact.attempt),
        parent=span_id(fact.trace_id, fact.exchange),
        attributes=attributes,
    )
    return _cleaned(sketch, clean)


def sketch_exchange(fact: ExchangeFact, *, clean: Callable[[str], str] = str) -> Sketch:
    """The span of one exchange, below the caller's own span where the caller named one."""
    model = fact.model[:TEXT_MAX]
    attributes: dict[str, Attribute] = {
        "gen_ai.operation.name": fact.operation.value,
        "gen_ai.request.model": model,
        "pointsman.exchange.id": fact.exchange[:TEXT_MAX],
        "pointsman.dialect": fact.dialect,
        "pointsman.end": fact.end.value,
        "pointsman.attempts.failed": len(fact.attempts),
    }
    if fact.streamed:
        attributes["gen_ai.request.stream"] = True
    if fact.target is not None:
        attributes["pointsman.target"] = fact.target
        attributes["gen_ai.response.model"] = fact.target.partition(":")[2]
    if fact.first_token_s is not None:
        attributes["gen_ai.response.time_to_first_chunk"] = fact.first_token_s
    if fact.cache is not None:
        attributes["pointsman.cache"] = fact.cache
    if fact.cost_usd is not None:
        attributes["pointsman.cost_usd"] = usd_text(fact.cost_usd)
    sketch = _sketch(
        fact,
        # a name no target answered to is whatever a caller typed: it would make a span name of its own
        name=f"{fact.operation} {model}" if fact.target else fact.operation.value,
        served=True,
        span=span_id(fact.trace_id, fact.exchange),
        parent=fact.parent_span_id,
        attributes=attributes,
    )
    return _cleaned(sketch, clean)


def _sketch(
    fact: Ended, *, name: str, served: bool, span: str, parent: str | None, attributes: dict[str, Attribute]
) -> Sketch:
    # whole microseconds first: an epoch in float nanoseconds has steps of 256
    start_ns = round(fact.started_at * 1e6) * 1000
    error = None
    if fact.end not in _UNBLAMED:
        error = (fact.reason or fact.end).value
        attributes["error.type"] = error
    return Sketch(
        name=name,
        served=served,
        trace_id=fact.trace_id,
        span_id=span,
        parent_id=parent,
        start_ns=start_ns,
        end_ns=start_ns + round(fact.duration_s * 1e6) * 1000,
        attributes=attributes,
        error=error,
    )


def _cleaned(sketch: Sketch, clean: Callable[[str], str]) -> Sketch:
    attributes = {key: clean(value) if isinstance(value, str) else value for key, value in sketch.attributes.items()}
    return replace(sketch, name=clean(sketch.name), attributes=attributes)


def _usage_attributes(usage: Usage) -> dict[str, Attribute]:
    """Totals include their parts, as the conventions want it; parts stand only where there are any."""
    parts: dict[str, Attribute] = {
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read,
        "gen_ai.usage.cache_write.input_tokens": usage.cache_write + usage.cache_write_1h,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning,
        "gen_ai.usage.audio.input_tokens": usage.audio_input,
        "gen_ai.usage.audio.output_tokens": usage.audio_output,
    }
    return {
        "gen_ai.usage.input_tokens": usage.input_total,
        "gen_ai.usage.output_tokens": usage.output_total,
        **{name: count for name, count in parts.items() if count},
    }
