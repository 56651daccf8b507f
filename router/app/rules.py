"""The rules of the policies, out of the settings' own units."""

from __future__ import annotations

from actors.cache import CacheRules
from actors.conversations import ConversationRules
from router.canon.loss import OnLoss
from router.policy.backoff import Backoff
from router.policy.breaker import BreakerRules
from router.policy.budget import BudgetRules
from router.policy.course import Course, edges_of
from router.settings import Failover, FailoverGroup, Settings


def backoff(settings: Settings) -> Backoff:
    """How long a target is left in peace before it is asked again."""
    retry = settings.retry
    return Backoff(
        base_s=retry.base_delay_ms / 1000,
        capacity_base_s=max(1.0, retry.base_delay_ms / 1000),
        factor=retry.backoff_factor,
        cap_s=retry.max_delay_ms / 1000,
        jitter=retry.jitter,
    )


def course(group: FailoverGroup | Failover) -> Course:
    """What a group does when a target fails it."""
    return Course(edges=edges_of(group.fallbacks_on), on_loss=OnLoss(group.on_loss))


def breaker_rules(settings: Settings) -> BreakerRules:
    """When a circuit opens, and for how long."""
    breaker = settings.breaker
    return BreakerRules(
        failure_threshold=breaker.failure_threshold,
        failure_rate=breaker.failure_rate,
        min_calls=breaker.min_calls,
        window_s=breaker.window_s,
        recovery_timeout_s=breaker.recovery_timeout_s,
        max_open_s=breaker.max_open_s,
    )


def budget_rules(settings: Settings) -> BudgetRules:
    """How many retries traffic pays for."""
    return BudgetRules(share=settings.retry.budget_ratio, min_per_s=settings.retry.budget_min_per_s)


def cache_rules(settings: Settings) -> CacheRules:
    """How long answers are kept, and how many."""
    return CacheRules(ttl_s=settings.cache.ttl_s, size_bytes=settings.cache.max_bytes)


def conversation_rules(settings: Settings) -> ConversationRules:
    """How long conversations are known, and how many."""
    return ConversationRules(ttl_s=settings.conversations.ttl_s, size_bytes=settings.conversations.max_bytes)
