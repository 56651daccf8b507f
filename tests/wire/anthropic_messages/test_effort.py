"""How much to think, by what each generation of models takes."""

from __future__ import annotations

from typing import Any

import pytest

from router.canon.request import ChatRequest, Message, Reasoning, Role, Sampling, Text, Thinking, ToolCall, ToolResult
from router.wire.anthropic_messages.effort import plan_thinking
from router.wire.anthropic_messages.models import traits_of

HI = Message(role=Role.USER, parts=(Text(text="hi"),))
SEALED = Reasoning(signature="s", family="anthropic")
CALL = ToolCall(id="t", name="f", arguments="{}")
RESULT = Message(role=Role.TOOL, parts=(ToolResult(call_id="t", parts=()),))


def plan(model: str, *messages: Message, max_tokens: int | None = 20_000, forced: bool = False, **wanted: Any) -> Any:
    """What is said of thinking for one request: (thinking, effort, lost)."""
    request = ChatRequest(
        model="public",
        messages=messages or (HI,),
        sampling=Sampling(max_tokens=max_tokens),
        thinking=Thinking(**wanted) if wanted else None,
    )
    planned = plan_thinking(request, traits_of(model), forced=forced)
    return planned.thinking, planned.effort, planned.lost


def budget(tokens: int) -> dict[str, object]:
    """A budget as it is said."""
    return {"type": "enabled", "budget_tokens": tokens}


ADAPTIVE = {"type": "adaptive"}


@pytest.mark.parametrize(
    ("model", "wanted", "expected"),
    [
        pytest.param("claude-opus-5-5", {}, (None, None, ()), id="nothing wanted, nothing said"),
        pytest.param("claude-opus-5-5", {"effort": "high"}, (ADAPTIVE, "high", ()), id="new: by effort"),
        pytest.param("claude-opus-5-5", {"effort": "minimal"}, (ADAPTIVE, "low", ()), id="the nearest there is"),
        pytest.param("claude-opus-4-6", {"effort": "xhigh"}, (ADAPTIVE, "high", ()), id="the weaker of two"),
        pytest.param(
            "claude-opus-5",
            {"effort": "low", "summary": "concise"},
            ({"type": "adaptive", "display": "summarized"}, "low", ()),
            id="shown",
        ),
        pytest.param(
            "claude-opus-5",
            {"budget_tokens": 8000, "enabled": True},
            (ADAPTIVE, "medium", ("thinking.budget_tokens",)),
            id="a budget as an effort like it",
        ),
        pytest.param("claude-opus-5", {"enabled": True}, (ADAPTIVE, None, ()), id="only switched on"),
        pytest.param("claude-opus-5", {"effort": "none"}, ({"type": "disabled"}, None, ()), id="off"),
        pytest.param(
            "claude-opus-5", {"enabled": False, "effort": "max"}, ({"type": "disabled"}, "high", ()), id="gently"
        ),
        pytest.param("claude-sonnet-5-5", {"enabled": False}, ({"type": "between_tools"}, None, ()), id="nearly off"),
        pytest.param("claude-opus-5-5", {"enabled": False}, (None, "low", ("thinking.enabled",)), id="never off"),
        pytest.param("claude-sonnet-4-5", {"effort": "medium"}, (budget(10_000), None, ()), id="older: by budget"),
        pytest.param("claude-opus-4-5", {"effort": "max"}, (budget(18_000), "high", ()), id="by both"),
        pytest.param("claude-sonnet-4-5", {"effort": "minimal"}, (budget(1024), None, ()), id="the least there is"),
        pytest.param(
            "claude-sonnet-4-5", {"budget_tokens": 99_999}, (budget(19_999), None, ()), id="within the answer"
        ),
        pytest.param("claude-sonnet-4-5", {"budget_tokens": 9}, (None, None, ("thinking",)), id="too little to say"),
        pytest.param("claude-3-5-haiku", {"effort": "high"}, (None, None, ("thinking",)), id="one that cannot think"),
        pytest.param("claude-3-5-haiku", {"effort": "none"}, (None, None, ()), id="and is not asked to"),
        pytest.param("somebody-elses", {"effort": "low"}, (budget(4000), None, ()), id="who imitates the protocol"),
    ],
)
def test_thinking_is_said_as_the_generation_takes_it(model: str, wanted: dict[str, Any], expected: Any) -> None:
    """Each refuses what the one before it demanded."""
    assert plan(model, **wanted) == expected


@pytest.mark.parametrize(
    ("messages", "forced", "max_tokens", "thinks"),
    [
        pytest.param((HI,), False, 20_000, True, id="a first question"),
        pytest.param((HI,), True, 20_000, False, id="a call is demanded"),
        pytest.param((HI,), False, 1024, False, id="no room"),
        pytest.param(
            (HI, Message(role=Role.ASSISTANT, parts=(SEALED, CALL)), RESULT),
            False,
            20_000,
            True,
            id="sealed thinking came back",
        ),
        pytest.param((HI, Message(role=Role.ASSISTANT, parts=(CALL,)), RESULT), False, 20_000, False, id="it did not"),
        pytest.param(
            (HI, Message(role=Role.ASSISTANT, parts=(CALL,)), RESULT, HI), False, 20_000, True, id="that turn is over"
        ),
    ],
)
def test_a_budget_is_only_said_where_it_is_not_refused(
    messages: tuple[Message, ...], forced: bool, max_tokens: int, thinks: bool
) -> None:
    """And is named as lost elsewhere."""
    thinking, _, lost = plan("claude-sonnet-4-5", *messages, forced=forced, max_tokens=max_tokens, effort="high")
    assert (thinking is not None, lost) == (thinks, () if thinks else ("thinking",))


@pytest.mark.parametrize(
    ("model", "longest"),
    [("claude-opus-5-5", 128_000), ("claude-haiku-4-5", 64_000), ("claude-3-haiku-20240307", 4_096), ("glm-5", 8_192)],
)
def test_an_answer_without_a_bound_gets_the_models_own(model: str, longest: int) -> None:
    """Anthropic demands one."""
    request = ChatRequest(model="public", messages=(HI,))
    assert plan_thinking(request, traits_of(model), forced=False).max_tokens == longest
