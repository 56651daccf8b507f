"""How many bytes a token of a model has, learned from the answers whose provider counted; for those where nobody did.

An estimate is a last resort and marked as one: a provider's own number always stands. Bytes of the request's JSON and
of the answer's text are what is at hand without a tokenizer, and their ratio to tokens hardly moves within one use of a
model: in `next_gauge` each counted answer pulls it a twentieth of the way.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw, Struct
from msgspec.structs import replace

from router.canon.usage import Usage

_FIRST = 4.0
"""Bytes of a token before anything was learned: English prose in the tokenizers of the large providers."""

_NEWEST = 0.05
_SAMPLES = 20
"""Until so many answers were counted, each weighs as much as any before it."""

_LEAST, _MOST = 1.0, 24.0
"""Ratios outside are not believed: a picture in the prompt, an answer thought in secret."""

_UNSAID = frozenset({"model", "stream", "stream_options"})


class Gauge(Struct, frozen=True, kw_only=True):
    """Bytes for each token of prompt and answer, and how many counted answers stand behind each."""

    prompt: float = _FIRST
    answer: float = _FIRST
    prompts: int = 0
    answers: int = 0


UNTAUGHT = Gauge()
"""Nothing was learned yet."""


def prompt_bytes(fields: Mapping[str, Raw]) -> int:
    """The size of what a request says to the model: every member's JSON but those that are for the way there."""
    return sum([len(value) for name, value in fields.items() if name not in _UNSAID])


def next_gauge(gauge: Gauge, asked_bytes: int, said_bytes: int, asked_tokens: int, said_tokens: int) -> Gauge:
    """The gauge after an answer that its provider counted to the end, cached and thought tokens included."""
    prompt = _learned(gauge.prompt, gauge.prompts, asked_bytes, asked_tokens)
    answer = _learned(gauge.answer, gauge.answers, said_bytes, said_tokens)
    return Gauge(
        prompt=gauge.prompt if prompt is None else prompt,
        answer=gauge.answer if answer is None else answer,
        prompts=gauge.prompts + (prompt is not None),
        answers=gauge.answers + (answer is not None),
    )


def reserved_ratio(gauge: Gauge) -> float:
    """Bytes of the prompt that a token is reserved for. That tokens are small is believed at once, that they are large
    only after some answers: what is reserved too much comes back, what was too little is overspent."""
    return gauge.prompt if gauge.prompts >= _SAMPLES else min(gauge.prompt, _FIRST)


def guess_prompt(gauge: Gauge, asked_bytes: int) -> int:
    """About how many tokens a prompt of this size has."""
    return round(asked_bytes / gauge.prompt)


def estimate_usage(gauge: Gauge, asked_bytes: int, said_bytes: int, told: Usage | None) -> Usage:
    """What an answer used whose count is missing, or a preview that what was already said has overtaken.

    Args:
        told: what the provider said on the way; all of its numbers stand, but an answer's that is less than was said.
    """
    answer = round(said_bytes / gauge.answer)
    if told is None:
        return Usage(input=guess_prompt(gauge, asked_bytes), output=answer)
    missing = answer - told.output_total
    return replace(told, output=told.output + missing) if missing > 0 else told


def _learned(ratio: float, samples: int, size_bytes: int, tokens: int) -> float | None:
    """None where this sample teaches nothing."""
    if not size_bytes or not tokens or not _LEAST <= size_bytes / tokens <= _MOST:
        return None
    weight = max(_NEWEST, 1.0 / (samples + 1)) if samples < _SAMPLES else _NEWEST
    return ratio + weight * (size_bytes / tokens - ratio)
