"""How much to think and how to draw tokens, by what a family of models takes: half of it is the model's own fields."""

from __future__ import annotations

from router.canon.request import ChatRequest, Sampling
from router.wire.anthropic_messages.effort import ThinkingPlan, plan_thinking
from router.wire.bedrock_converse.models import Traits

_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
"""Efforts in the three steps that every family but Claude knows."""


def plan_for(request: ChatRequest, traits: Traits, *, forced: bool) -> ThinkingPlan:
    """What to say of thinking. `max_tokens` of the plan is only used beside a budget, which it must exceed."""
    wanted = request.thinking
    longest = request.sampling.max_tokens or 0
    if wanted is None:
        return ThinkingPlan(max_tokens=longest)
    if traits.claude is not None:
        return plan_thinking(request, traits.claude, forced=forced)
    off = wanted.enabled is False or wanted.effort == "none"
    if traits.effort is None:
        return ThinkingPlan(max_tokens=longest, lost=() if off else ("thinking",))
    if off:
        least = traits.effort == "effort"
        return ThinkingPlan(
            max_tokens=longest, effort="low" if least else None, lost=("thinking.enabled",) if least else ()
        )
    unsaid = (("budget_tokens", wanted.budget_tokens), ("summary", wanted.summary))
    lost = tuple(f"thinking.{name}" for name, value in unsaid if value is not None)
    effort = _EFFORTS.get(wanted.effort or "medium", "medium")
    return ThinkingPlan(max_tokens=longest, effort=effort, thinks=traits.effort == "config", lost=lost)


def model_fields(sampling: Sampling, traits: Traits, plan: ThinkingPlan, lost: list[str]) -> dict[str, object]:
    """What only the model itself has words for."""
    fields: dict[str, object] = {}
    if plan.thinking is not None:
        fields["thinking"] = plan.thinking
    if plan.effort is not None:
        fields |= _efforts_said(plan.effort)[traits.effort or "claude"]
    if sampling.top_k is not None:
        if traits.top_k and not plan.thinks and not _draws_nothing(traits):
            nested: object = sampling.top_k
            for name in reversed(traits.top_k):
                nested = {name: nested}
            assert isinstance(nested, dict)
            fields |= nested
        else:
            lost.append("sampling.top_k")
    return fields


def _efforts_said(effort: str) -> dict[str, dict[str, object]]:
    """An effort in the words of each family."""
    return {
        "claude": {"output_config": {"effort": effort}},
        "effort": {"reasoning_effort": effort},
        "config": {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}},
    }


def inference(sampling: Sampling, traits: Traits, plan: ThinkingPlan, lost: list[str]) -> dict[str, object]:
    """What every model has words for. While a model thinks it takes no sampling, and new ones never do."""
    said: dict[str, object] = {}
    longest = plan.max_tokens if plan.thinking is not None and "budget_tokens" in plan.thinking else sampling.max_tokens
    if longest is not None:
        said["maxTokens"] = longest
    for name, wire, value in (
        ("temperature", "temperature", sampling.temperature),
        ("top_p", "topP", sampling.top_p),
    ):
        if value is None or (value == 1 and (plan.thinks or _draws_nothing(traits))):
            continue
        if plan.thinks or _draws_nothing(traits) or (_draws_once(traits) and "temperature" in said):
            lost.append(f"sampling.{name}")
            continue
        said[wire] = min(max(value, 0.0), 1.0)
        lost += [f"sampling.{name}"] if said[wire] != value else []
    stop = [word for word in sampling.stop if word.strip() or (word and traits.claude is None)]
    lost += ["sampling.stop"] if len(stop) < len(sampling.stop) else []
    if stop:
        said["stopSequences"] = stop
    lost += [f"sampling.{name}" for name, value in sampling.rare.items() if value is not None]
    return said


def _draws_nothing(traits: Traits) -> bool:
    return traits.claude is not None and traits.claude.sampling == "none"


def _draws_once(traits: Traits) -> bool:
    return traits.claude is not None and traits.claude.sampling == "one"
