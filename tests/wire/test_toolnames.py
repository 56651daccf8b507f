"""Names of tools: each dialect's rules on the way out, the caller's own name on the way back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.canon.event import Finish, TextDelta, ToolCallStarted
from router.canon.reply import Choice, Reply
from router.canon.request import ChatRequest, Message, Role, Text, Tool, ToolCall, ToolChoice, ToolResult
from router.canon.usage import Usage
from router.wire import anthropic_messages, bedrock_converse, cohere_v2, gemini, openai_chat, openai_responses
from router.wire.toolnames import event_told_back, fit_name, fitted, name_rule, told_back

RULES = {
    each.DIALECT.name: each.DIALECT.tool_names
    for each in (anthropic_messages, bedrock_converse, cohere_v2, gemini, openai_chat, openai_responses)
}
LONG = "mcp__" + "a_server_with_a_long_name__" * 6 + "search"

names = st.text(st.sampled_from("ax_5é9-.:/ "), max_size=12) | st.text(st.characters(codec="utf-8"), max_size=150)


@pytest.mark.parametrize("dialect", RULES)
@given(one=names, other=names)
def test_every_name_fits_and_two_stay_two(dialect: str, one: str, other: str) -> None:
    """Whatever is in it and however long; the same name always becomes the same."""
    rule = RULES[dialect]
    assert rule is not None
    assert rule.fits.fullmatch(fit_name(one, rule)) and len(fit_name(one, rule)) <= rule.most
    assert (fit_name(one, rule) == fit_name(other, rule)) == (one == other)


@pytest.mark.parametrize(
    ("dialect", "name", "fits"),
    [
        ("openai-chat", "a" * 64, True),
        ("openai-chat", "a" * 65, False),
        ("openai-responses", "a.b", False),
        ("anthropic-messages", "a" * 128, True),
        ("anthropic-messages", "a" * 129, False),
        ("bedrock-converse", "9-lives", True),
        ("bedrock-converse", "a" * 65, False),
        ("gemini", "a.b-c:d", True),
        ("gemini", "9-lives", False),
        ("cohere-v2", "get_it", True),
        ("cohere-v2", "get-it", False),
    ],
)
def test_a_name_that_is_taken_stays_as_it_is(dialect: str, name: str, fits: bool) -> None:
    """The model knows tools by their names."""
    rule = RULES[dialect]
    assert rule is not None
    assert (fit_name(name, rule) == name) == fits


def _request(*tool_names: str, **more: Any) -> ChatRequest:
    call, result = ToolCall(id="c", name=LONG, arguments="{}"), ToolResult(call_id="c", parts=(), name=LONG)
    return ChatRequest(
        model="m",
        messages=(
            Message(role=Role.USER, parts=(Text(text=LONG),)),
            Message(role=Role.ASSISTANT, parts=(call,)),
            Message(role=Role.TOOL, parts=(result,)),
        ),
        tools=tuple(Tool(name=name) for name in tool_names),
        tool_choice=ToolChoice(mode="named", name=LONG),
        **more,
    )


def test_a_name_is_changed_wherever_it_stands_and_nowhere_else() -> None:
    """In tools, choice, past calls and their results; not in what is said, nor in what has names of its own."""
    rule = name_rule("a-z0-9_", 20)
    request, table = fitted(_request(LONG, "plain"), rule)
    short = fit_name(LONG, rule)
    assert table == {short: LONG}
    assert [tool.name for tool in request.tools] == [short, "plain"]
    assert request.tool_choice is not None and request.tool_choice.name == short
    said = [part for message in request.messages for part in message.parts]
    assert [getattr(part, "name", None) for part in said] == [None, short, short]
    assert said[0] == Text(text=LONG)


def test_a_request_whose_names_fit_is_the_very_same() -> None:
    """It costs nothing."""
    request = _request()
    assert fitted(request, name_rule("a-z_", 500)) == (request, {})
    assert fitted(request, name_rule("a-z_", 500))[0] is request


def test_answers_call_tools_by_the_callers_names() -> None:
    """What the model made up itself stays."""
    table = {"short": LONG}
    calls = tuple(ToolCall(id=name, name=name, arguments="{}") for name in ("short", "made_up"))
    reply = Reply(
        id="r",
        model="m",
        choices=(Choice(index=0, parts=calls, finish=Finish.TOOL_CALLS, said="tool_calls"),),
        usage=Usage(),
    )
    answer = told_back(reply, table)
    assert isinstance(answer, Reply)
    assert [part.name for part in answer.choices[0].parts if isinstance(part, ToolCall)] == [LONG, "made_up"]
    begun = ToolCallStarted(index=0, id="c", name="short")
    assert event_told_back(begun, table) == ToolCallStarted(index=0, id="c", name=LONG)
    assert event_told_back(TextDelta(text="short"), table) == TextDelta(text="short")
