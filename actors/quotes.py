"""What a request would cost, before it is sent: on each of its targets, within which bounds, and by which price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from actors.messages import AnswerTokens, Estimates, Quote
from router.canon.request import ChatRequest
from router.canon.target import Target
from router.canon.usage import Usage
from router.policy.capability import UNKNOWN, ModelFacts
from router.policy.estimate import chat_tokens
from router.policy.price import PriceBook, price

USUAL_ANSWER_TOKENS = 500
"""How long an answer is taken to be where nothing bounds it shorter: a page of text."""


def estimates_of(
    request: ChatRequest, targets: Iterable[Target], book: PriceBook, facts: Mapping[Target, ModelFacts], at: float
) -> Estimates:
    """A quote for each target in their order; of a provider with several, the first stands for it.

    Args:
        at: epoch seconds: some prices hold from a date on, or at some hours.
    """
    prompt = chat_tokens(request)
    quotes: dict[str, Quote] = {}
    costs: dict[str, Decimal | None] = {}
    for target in targets:
        if not target.model:
            continue
        bound = _bound(request, facts.get(target, UNKNOWN))
        quote = _quote(target, prompt, bound, book, at)
        quotes[str(target)] = quote
        costs.setdefault(target.provider, quote.usd)
    return Estimates(costs=costs, prompt_tokens=prompt, targets=quotes)


def _bound(request: ChatRequest, facts: ModelFacts) -> int | None:
    """The longest answer there can be; None where neither the request nor what is known of the model says."""
    said = [tokens for tokens in (request.sampling.max_tokens, facts.traits.max_output) if tokens is not None]
    return min(said, default=None)


def _quote(target: Target, prompt: int, bound: int | None, book: PriceBook, at: float) -> Quote:
    usual = USUAL_ANSWER_TOKENS if bound is None else min(USUAL_ANSWER_TOKENS, bound)
    answer = AnswerTokens(usual=usual, most=bound)
    row = book.find(target, at)
    if row is None:
        return Quote(usd=None, low_usd=None, high_usd=None, answer_tokens=answer)
    rates = row.rates_for(prompt)

    def usd(tokens: int) -> Decimal | None:
        cost = price(Usage(input=prompt, output=tokens), row)
        return None if cost is None else cost.normalize()

    # Where what is told costs nothing, no length makes it dearer.
    longest = usual if rates.output_per_mtok == 0 else bound
    return Quote(
        usd=usd(usual),
        low_usd=usd(1),
        high_usd=None if longest is None else usd(longest),
        answer_tokens=answer,
        price_id=row.id,
        price_date=row.date,
        input_usd_per_mtok=rates.input_per_mtok,
        output_usd_per_mtok=rates.output_per_mtok,
    )
