"""What an answer used, in buckets that do not overlap, so that a price is a plain sum of products."""

from __future__ import annotations

from msgspec import Struct


class Usage(Struct, frozen=True, kw_only=True):
    """What one answer used. Every token is in exactly one bucket; providers' overlapping totals are split by the
    translators.

    Args:
        input: prompt tokens that came from no cache.
        cache_read: prompt tokens read from the provider's cache.
        cache_write: prompt tokens written to the cache at the default (5 minute) price.
        cache_write_1h: prompt tokens written to the one-hour cache.
        output: answer tokens without reasoning, audio and pictures.
        reasoning: thinking tokens, where the provider counts them apart.
        audio_input: audio tokens of the prompt.
        audio_output: audio tokens of the answer.
        image_input: tokens of pictures in the prompt, where the provider counts them apart.
        image_output: tokens of pictures in the answer.
        images: pictures that were made, whether or not they were counted in tokens too.
        search_units: searches that are billed as such (Cohere: one question about up to a hundred texts).
        reported_usd: what the provider says this cost (OpenRouter), as decimal text; None when it does not say.
        reported_total: the provider's own total of tokens, for checking our split; None when it gives none.
        billed_input: prompt tokens the provider says it bills, where it bills others than it counts (Cohere, whose own
            preamble is free); None when it bills what it counts. In no bucket.
        billed_output: the same of answer tokens.
    """

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0
    image_input: int = 0
    image_output: int = 0
    images: int = 0
    search_units: int = 0
    reported_usd: str | None = None
    reported_total: int | None = None
    billed_input: int | None = None
    billed_output: int | None = None

    @property
    def input_total(self) -> int:
        """Every prompt token, cached or not, audio and pictures included."""
        return (
            self.input + self.cache_read + self.cache_write + self.cache_write_1h + self.audio_input + self.image_input
        )

    @property
    def output_total(self) -> int:
        """Every answer token, reasoning, audio and pictures included."""
        return self.output + self.reasoning + self.audio_output + self.image_output

    @property
    def total(self) -> int:
        """Every token of the answer and its prompt."""
        return self.input_total + self.output_total


_TOLD = ("reported_usd", "reported_total", "billed_input", "billed_output")
_BUCKETS = tuple(name for name in Usage.__struct_fields__ if name not in _TOLD)


def added(one: Usage | None, other: Usage) -> Usage:
    """The tokens of both. A provider's own words of money and totals are each for its own part, so none is taken
    over."""
    if one is None:
        return other
    return Usage(**{bucket: getattr(one, bucket) + getattr(other, bucket) for bucket in _BUCKETS})
