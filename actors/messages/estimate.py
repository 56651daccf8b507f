"""What the desk says of the cost of a request that was not sent."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from router.canon.embedding import EmbedRequest
from router.canon.image import ImageRequest
from router.canon.request import ChatRequest

Estimable = ChatRequest | EmbedRequest | ImageRequest
"""What can be priced before it is sent."""


class AnswerTokens(Struct, frozen=True, kw_only=True):
    """How long an answer is taken to be, all its choices together, and the longest there can be; None where nothing
    bounds it. Vectors and pictures have none."""

    usual: int
    most: int | None


class Quote(Struct, frozen=True, kw_only=True):
    """One target's price for a request. None of what nobody knows, never 0 in its place.

    Args:
        usd: with an answer of the usual length.
        low_usd: with an answer of one token, for each choice.
        high_usd: with the longest answer; None where nothing bounds it.
        price_id: the row of prices that was used.
        price_date: ISO date from which that row holds, where its source says.
        input_usd_per_mtok: of a prompt of this length.
        output_usd_per_mtok: likewise.
    """

    usd: Decimal | None
    low_usd: Decimal | None
    high_usd: Decimal | None
    answer_tokens: AnswerTokens
    price_id: str | None = None
    price_date: str | None = None
    input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None


class Estimates(Struct, frozen=True, kw_only=True):
    """What a request would cost.

    Args:
        costs: provider -> US dollars, by its first target.
        prompt_tokens: estimated, rather too high than too low; no cache is counted on.
        targets: every target, in the order of its name.
    """

    costs: dict[str, Decimal | None]
    prompt_tokens: int
    targets: dict[str, Quote]
