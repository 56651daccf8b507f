"""The rules of the policies, out of the settings' own units."""

from __future__ import annotations

import math
from collections.abc import Callable

from actors.conversations import ConversationRules
from actors.sharing import SharingRules
from router.canon.loss import OnLoss
from router.policy.adapt import Adaptive
from router.policy.backoff import Backoff
from router.policy.breaker import BreakerRules
from router.policy.bucket import Rate
from router.policy.budget import BudgetRules
from router.policy.course import Course, edges_of
from router.policy.hedge import HedgeRules
from router.policy.lanes import Lane, LaneRules
from router.policy.pace import PaceRules
from router.policy.rescue import Hold, Method
from router.policy.throttle import ThrottleRules
from router.policy.transcript import TranscriptRules
from router.settings import Failover, FailoverGroup, HedgeKeys, Provider, Settings
from router.settings.pattern import Pattern
from router.telemetry.scrub import REDACTED

_RENEWED_S = 60.0
"""How long a provider whose credentials are no configured key is left alone after it refused them."""


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
    return Course(
        edges=edges_of(group.fallbacks_on),
        on_loss=OnLoss(group.on_loss),
        resume=tuple(Method(method) for method in group.resume or ()),
        hold=Hold(tokens=group.hold_tokens, seconds=group.hold_ms / 1000),
        hedge=_hedge(group.hedge) if isinstance(group, FailoverGroup) and group.hedge is not None else None,
    )


def _hedge(said: HedgeKeys) -> HedgeRules:
    return HedgeRules(
        share=said.share,
        min_after_s=said.min_after_ms / 1000,
        max_after_s=said.max_after_ms / 1000,
        min_sample=said.min_sample,
        max_usd_per_hour=said.max_usd_per_hour,
    )


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
        slow_call_s=breaker.slow_call_s,
        slow_call_rate=breaker.slow_call_rate,
    )


def budget_rules(settings: Settings) -> BudgetRules:
    """How many retries traffic pays for."""
    return BudgetRules(share=settings.retry.budget_ratio, min_per_s=settings.retry.budget_min_per_s)


def transcript_rules(settings: Settings, scrub: Callable[[str], str]) -> TranscriptRules:
    """Whose words are kept, and what is taken out of them: secrets, and what the operator's patterns match."""
    patterns = tuple(map(Pattern, settings.transcripts.redact))

    def clean(text: str) -> str:
        text = scrub(text)
        for pattern in patterns:
            text = pattern.replaced(text, REDACTED)
        return text

    return TranscriptRules(enabled=settings.transcripts.enabled, most_chars=settings.transcripts.max_chars, clean=clean)


def conversation_rules(settings: Settings) -> ConversationRules:
    """How long conversations are known, and how many."""
    return ConversationRules(ttl_s=settings.conversations.ttl_s, size_bytes=settings.conversations.max_bytes)


def sharing_rules(settings: Settings) -> SharingRules:
    """How long answers to keys of callers are kept, and how many."""
    keys = settings.idempotency
    return SharingRules(
        enabled=keys.enabled,
        ttl_s=keys.ttl_s,
        max_entries=keys.max_entries,
        max_bytes=keys.max_bytes,
        max_answer_bytes=keys.max_answer_bytes,
    )


def pace_rules(provider: Provider, throttle: ThrottleRules, refused_key_s: float | None) -> PaceRules:
    """What bounds one provider. A key is out until the configuration changes; credentials that renew themselves, or are
    none, only for a while."""
    renewed = provider.keys[0].key is None
    refused_s = refused_key_s or (_RENEWED_S if renewed else math.inf)
    return PaceRules(
        max_parallel=provider.max_parallel,
        max_queue=provider.max_queue,
        max_wait_s=provider.max_wait_s,
        throttle=throttle,
        lane=LaneRules(
            requests=_per_min(provider.requests_per_min),
            tokens=_per_min(provider.tokens_per_min),
            adaptive=Adaptive(provider.adaptive),
            refused_s=refused_s,
        ),
    )


def throttle_rules(settings: Settings) -> ThrottleRules:
    """When requests are held back from a provider that mostly refuses."""
    retry = settings.retry
    factor = retry.throttle_factor if retry.throttle else math.inf
    return ThrottleRules(factor=factor, min_per_s=retry.throttle_min_per_s)


def lanes(provider: Provider) -> tuple[Lane, ...]:
    """The keys of a provider, before anything is known of them."""
    return tuple(Lane(name=key.name, weight=key.weight) for key in provider.keys)


def _per_min(amount: int | None) -> Rate | None:
    return None if amount is None else Rate(amount=amount)
