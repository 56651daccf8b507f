"""What an answer used, in buckets that do not overlap, so that a price is a plain sum of products."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

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
        tier: the service tier that served it, which may not be the one that was asked for; None when nobody says.
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
    tier: str | None = None

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


_TOLD = ("reported_usd", "reported_total", "billed_input", "billed_output", "tier")
_BUCKETS = tuple(name for name in Usage.__struct_fields__ if name not in _TOLD)


def added(one: Usage | None, other: Usage) -> Usage:
    """Both together. Money and totals that a provider said are known of both only where they are of each; what one of
    them bills counts beside what the other counts."""
    if one is None:
        return other
    return Usage(
        **{bucket: getattr(one, bucket) + getattr(other, bucket) for bucket in _BUCKETS},
        reported_usd=_usd_of_both(one, other),
        reported_total=_of_both(one.reported_total, other.reported_total),
        billed_input=_billed_of_both(one, other, "billed_input", ("input", "cache_read")),
        billed_output=_billed_of_both(one, other, "billed_output", ("output", "reasoning")),
        tier=one.tier if one.tier == other.tier else None,
    )


def _of_both(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _usd_of_both(one: Usage, other: Usage) -> str | None:
    if one.reported_usd is None or other.reported_usd is None:
        return None
    try:
        return str(Decimal(one.reported_usd) + Decimal(other.reported_usd))
    except InvalidOperation:
        return None


def _billed_of_both(one: Usage, other: Usage, name: str, counted: tuple[str, ...]) -> int | None:
    """None where both are billed as they are counted."""
    if getattr(one, name) is None and getattr(other, name) is None:
        return None
    billed: list[int | None] = [getattr(usage, name) for usage in (one, other)]
    return sum(
        sum(getattr(usage, bucket) for bucket in counted) if said is None else said
        for usage, said in zip((one, other), billed, strict=True)
    )
