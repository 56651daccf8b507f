"""Retries are paid by two budgets or not at all."""

from __future__ import annotations

from actors.messages import AttemptCounted, RetryDenied, RetryGranted, SpendRetry
from actors.retry import Retry
from actors.runtime import Ref, run_virtual
from router.policy.budget import BudgetRules
from tests.fakes.crowd import crash, staged

TWO = BudgetRules(share=0.5, min_per_s=0.2, ttl_s=10.0)
THREE = BudgetRules(share=0.5, min_per_s=0.3, ttl_s=10.0)


def retry() -> Retry:
    """Two retries of a provider's own without traffic, three of everybody's."""
    return Retry(provider=lambda: TWO, overall=lambda: THREE)


async def granted(ref: Ref, provider: str) -> int:
    """How many of fifty retries are granted."""
    answers = [await ref.ask(SpendRetry(provider=provider)) for _ in range(50)]
    assert all(answer in (RetryGranted(), RetryDenied()) for answer in answers)
    return answers.count(RetryGranted())


def test_one_provider_cannot_use_up_the_others_retries() -> None:
    """Its own budget ends first, and what it was denied is not taken from everybody's."""

    async def main() -> None:
        async with staged(retry) as ref:
            assert await granted(ref, "a") == 2
            assert await granted(ref, "b") == 1

    run_virtual(main())


def test_first_tries_earn_retries() -> None:
    """At a share of one half, ten tries pay for five retries beyond the floor."""

    async def main() -> None:
        async with staged(retry) as ref:
            for _ in range(10):
                ref.tell(AttemptCounted(provider="a"))
            assert await granted(ref, "a") == 7

    run_virtual(main())


def test_a_restart_begins_at_the_floor() -> None:
    """What is lost is ten seconds of accounts."""

    async def main() -> None:
        async with staged(retry) as ref:
            assert await granted(ref, "a") == 2
            await crash(ref)
            assert await granted(ref, "a") == 2

    run_virtual(main())
