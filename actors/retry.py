"""The Retry actor: the budgets that keep retries from multiplying an outage."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from actors.messages import AttemptCounted, ProviderRemoved, RetryDenied, RetryGranted, SpendRetry
from actors.runtime import Actor
from router.policy.budget import Budget, BudgetRules, next_earned, spend_retry

TOGETHER_S = 0.1
"""First tries of so long are entered together, as of the first of them, or when a retry is asked for: a budget forgets
in steps of a second."""


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
        self._tries: dict[str, int] = {}
        self._tries_since_s = 0.0

    def on_receive(self, message: SpendRetry | AttemptCounted | ProviderRemoved) -> RetryGranted | RetryDenied | None:
        """Book what was earned, or what is spent where it can be."""
        match message:
            case AttemptCounted():
                self._earn(message.provider)
            case ProviderRemoved():
                self._book()
                self._providers.pop(message.provider, None)
            case SpendRetry():
                return self._spend(message.provider)
            case _:
                assert_never(message)
        return None

    def _earn(self, provider: str) -> None:
        now = self.ports.clock.now()
        if now >= self._tries_since_s + TOGETHER_S:
            self._book()
        if not self._tries:
            self._tries_since_s = now
        self._tries[provider] = self._tries.get(provider, 0) + 1

    def _book(self) -> None:
        """Enter the tries that were counted since the last time."""
        if not self._tries:
            return
        rules, at_s = self._provider_rules(), self._tries_since_s
        for provider, tries in self._tries.items():
            self._providers[provider] = next_earned(self._providers.get(provider, Budget()), at_s, rules, tries)
        self._overall = next_earned(self._overall, at_s, self._overall_rules(), sum(self._tries.values()))
        self._tries.clear()

    def _spend(self, provider: str) -> RetryGranted | RetryDenied:
        """Both pay or none does: a retry denied by one must not use up the other."""
        self._book()
        now = self.ports.clock.now()
        own = spend_retry(self._providers.get(provider, Budget()), now, self._provider_rules())
        overall = spend_retry(self._overall, now, self._overall_rules())
        if own is None or overall is None:
            return RetryDenied()
        self._providers[provider], self._overall = own, overall
        return RetryGranted()
