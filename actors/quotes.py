"""What a request would cost, before it is sent: on each of its targets, within which bounds, and by which price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from actors.messages import AnswerTokens, Estimable, Estimates, Quote
from router.canon.embedding import EmbedRequest
from router.canon.image import ImageRequest
from router.canon.request import ChatRequest
from router.canon.target import Target
from router.canon.usage import Usage
from router.policy.capability import UNKNOWN, ModelFacts
from router.policy.estimate import chat_tokens, text_tokens
from router.policy.price import PriceBook, PriceRow, price

USUAL_ANSWER_TOKENS = 500
"""How long an answer is taken to be where nothing bounds it shorter: a page of text."""


class _Answer(Struct, frozen=True):
    """Tokens of an answer: the fewest, as many as are usual, and the most there can be, or None."""

    least: int = 0
    usual: int = 0
    most: int | None = 0


def estimates_of(
    request: Estimable, targets: Iterable[Target], book: PriceBook, facts: Mapping[Target, ModelFacts], at: float
) -> Estimates:
    """A quote for each target in their order; of a provider with several, the first stands for it.

    Args:
        at: epoch seconds: some prices hold from a date on, or at some hours.
    """
    prompt = _prompt(request)
    # What a picture costs in tokens hangs on its size and quality: only a price by the picture says it beforehand.
    asked = Usage(images=request.count) if isinstance(request, ImageRequest) else Usage(input=prompt)
    quotes: dict[str, Quote] = {}
    costs: dict[str, Decimal | None] = {}
    for target in targets:
        if not target.model:
            continue
        quote = _quote(asked, _answer(request, facts.get(target, UNKNOWN)), book.find(target, at))
        quotes[str(target)] = quote
        costs.setdefault(target.provider, quote.usd)
    return Estimates(costs=costs, prompt_tokens=prompt, targets=quotes)


def _prompt(request: Estimable) -> int:
    match request:
        case ChatRequest():
            return chat_tokens(request)
        case EmbedRequest(inputs=inputs):
            return sum(text_tokens(each) if isinstance(each, str) else len(each) for each in inputs)
        case ImageRequest(prompt=prompt):
            return text_tokens(prompt)


def _answer(request: Estimable, facts: ModelFacts) -> _Answer:
    if not isinstance(request, ChatRequest):
        return _Answer()
    bounds = (request.sampling.max_tokens, facts.traits.max_output)
    bound = min((tokens for tokens in bounds if tokens is not None), default=None)
    usual = USUAL_ANSWER_TOKENS if bound is None else min(USUAL_ANSWER_TOKENS, bound)
    choices = request.sampling.choices
    return _Answer(choices, choices * usual, None if bound is None else choices * bound)


def _quote(asked: Usage, answer: _Answer, row: PriceRow | None) -> Quote:
    tokens = AnswerTokens(usual=answer.usual, most=answer.most)
    if row is None:
        return Quote(usd=None, low_usd=None, high_usd=None, answer_tokens=tokens)
    rates = row.rates_for(asked.input)

    def usd(output: int) -> Decimal | None:
        cost = price(replace(asked, output=output), row)
        return None if cost is None else cost.normalize()

    # Where what is told costs nothing, no length makes it dearer.
    longest = answer.usual if rates.output_per_mtok == 0 else answer.most
    return Quote(
        usd=usd(answer.usual),
        low_usd=usd(answer.least),
        high_usd=None if longest is None else usd(longest),
        answer_tokens=tokens,
        price_id=row.id,
        price_date=row.date,
        input_usd_per_mtok=rates.input_per_mtok,
        output_usd_per_mtok=rates.output_per_mtok,
    )
