"""The Retry actor: the budgets that keep retries from multiplying an outage."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from actors.messages import AttemptCounted, ProviderRemoved, RetryDenied, RetryGranted, SpendRetry
from actors.runtime import Actor
from router.policy.budget import Budget, BudgetRules, next_earned, spend_retry


class Retry(Actor):
    """Pays for retries out of two budgets, the provider's and everybody's; either being empty denies.

    Accepts `SpendRetry` -> `RetryGranted | RetryDenied`, and the facts `AttemptCounted` and
    `ProviderRemoved`. A restart loses ten seconds of accounts: every budget is at its floor again.
    """

    prompt = True

    def __init__(self, *, provider: Callable[[], BudgetRules], overall: Callable[[], BudgetRules]) -> None:
        super().__init__()
        self._provider_rules = provider
        self._overall_rules = overall

    async def on_start(self) -> None:
        """Open the accounts."""
        self._providers: dict[str, Budget] = {}
        self._overall = Budget()

    def on_receive(self, message: SpendRetry | AttemptCounted | ProviderRemoved) -> RetryGranted | RetryDenied | None:
        """Book what was earned, or what is spent where it can be."""
        match message:
            case AttemptCounted():
                self._earn(message.provider)
            case ProviderRemoved():
                self._providers.pop(message.provider, None)
            case SpendRetry():
                return self._spend(message.provider)
            case _:
                assert_never(message)
        return None

    def _earn(self, provider: str) -> None:
        now = self.ports.clock.now()
        own = self._providers.get(provider, Budget())
        self._providers[provider] = next_earned(own, now, self._provider_rules())
        self._overall = next_earned(self._overall, now, self._overall_rules())

    def _spend(self, provider: str) -> RetryGranted | RetryDenied:
        """Both pay or none does: a retry denied by one must not use up the other."""
        now = self.ports.clock.now()
        own = spend_retry(self._providers.get(provider, Budget()), now, self._provider_rules())
        overall = spend_retry(self._overall, now, self._overall_rules())
        if own is None or overall is None:
            return RetryDenied()
        self._providers[provider], self._overall = own, overall
        return RetryGranted()
