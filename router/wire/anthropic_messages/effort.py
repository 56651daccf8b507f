"""How much to think: between efforts, budgets and switches, by what the model's generation takes."""

from __future__ import annotations

from msgspec import Struct

from router.canon.request import ChatRequest, Message, Reasoning, Role, Thinking, ToolCall
from router.wire.anthropic_messages.message import FAMILY
from router.wire.anthropic_messages.models import Traits

_LEAST_BUDGET = 1024
"""Smaller budgets are refused."""

_SHARES = {"minimal": 0.0, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.9, "max": 0.9}
"""Effort -> its share of the longest answer, for models that count what they think."""

_BUDGETS = ((4_096, "low"), (16_384, "medium"))
"""Budget up to which an effort is about the same; above all of them it is high."""

_STEPS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


class ThinkingPlan(Struct, frozen=True, kw_only=True):
    """What to say of thinking.

    Args:
        max_tokens: the bound of the answer, thinking included; Anthropic demands one.
        thinking: the `thinking` member; None leaves it to the model.
        effort: `output_config.effort`; None leaves it to the model.
        thinks: whether thinking is asked for: the model then takes no sampling.
        lost: what could not be said, by path.
    """

    max_tokens: int
    thinking: dict[str, object] | None = None
    effort: str | None = None
    thinks: bool = False
    lost: tuple[str, ...] = ()


def plan_thinking(request: ChatRequest, traits: Traits, *, forced: bool) -> ThinkingPlan:
    """Decide it for one request. `forced`: a tool call is demanded, beside which no model thinks by budget."""
    asked = request.sampling.max_tokens
    longest = traits.max_output if asked is None else asked
    wanted = request.thinking
    if wanted is None:
        return ThinkingPlan(max_tokens=longest)
    off = wanted.enabled is False or wanted.effort == "none"
    if traits.thinking == "none":
        return ThinkingPlan(max_tokens=longest, lost=() if off else ("thinking",))
    if off:
        return _plan_off(wanted, traits, longest)
    if traits.thinking == "budget":
        return _plan_budget(request, wanted, traits, longest, forced=forced)
    thinking: dict[str, object] = {"type": "adaptive"}
    if wanted.summary is not None:
        thinking["display"] = "summarized"
    lost = ("thinking.budget_tokens",) if wanted.budget_tokens is not None else ()
    effort = _effort(wanted.effort or _effort_like(wanted.budget_tokens), traits.efforts)
    return ThinkingPlan(max_tokens=longest, thinking=thinking, effort=effort, thinks=True, lost=lost)


def _plan_off(wanted: Thinking, traits: Traits, longest: int) -> ThinkingPlan:
    """No thinking, or as little as a model that always thinks can."""
    if traits.off is None:
        return ThinkingPlan(max_tokens=longest, effort=_effort("low", traits.efforts), lost=("thinking.enabled",))
    # Beside "off", the highest efforts are refused.
    gentle = tuple(effort for effort in traits.efforts if effort in ("low", "medium", "high"))
    effort = None if wanted.effort == "none" else _effort(wanted.effort, gentle)
    return ThinkingPlan(max_tokens=longest, thinking={"type": traits.off}, effort=effort)


def _plan_budget(request: ChatRequest, wanted: Thinking, traits: Traits, longest: int, *, forced: bool) -> ThinkingPlan:
    """A budget, as asked or as a share of the answer; none where thinking would be refused."""
    effort = _effort(wanted.effort, traits.efforts)
    budget = wanted.budget_tokens
    if budget is None:
        budget = max(int(longest * _SHARES.get(wanted.effort or "medium", 0.5)), _LEAST_BUDGET)
    budget = min(budget, longest - 1)
    if budget < _LEAST_BUDGET or forced or _lacks_thinking(request.messages):
        return ThinkingPlan(max_tokens=longest, effort=effort, lost=("thinking",))
    thinking: dict[str, object] = {"type": "enabled", "budget_tokens": budget}
    return ThinkingPlan(max_tokens=longest, thinking=thinking, effort=effort, thinks=True)


def _lacks_thinking(messages: tuple[Message, ...]) -> bool:
    """Whether tools were called in an answer whose sealed thinking did not come back: it must, or none be asked for."""
    last = next((message for message in reversed(messages) if message.role is not Role.TOOL), None)
    if last is None or last.role is not Role.ASSISTANT:
        return False
    called = any(isinstance(part, ToolCall) for part in last.parts)
    thought = any(isinstance(part, Reasoning) and part.family == FAMILY for part in last.parts)
    return called and not thought


def _effort_like(budget_tokens: int | None) -> str | None:
    """The effort that thinks about as much as a budget."""
    if budget_tokens is None:
        return None
    return next((effort for most, effort in _BUDGETS if budget_tokens <= most), "high")


def _effort(wanted: str | None, offered: tuple[str, ...]) -> str | None:
    """The offered level nearest to the wanted one, the weaker of two; None where none is wanted or offered."""
    if wanted is None or not offered or wanted not in _STEPS:
        return wanted if wanted in offered else None
    weaker = [effort for effort in offered if _STEPS.index(effort) <= _STEPS.index(wanted)]
    return weaker[-1] if weaker else offered[0]
