"""Same request, same key; anything else, another."""

from __future__ import annotations

import pytest
from msgspec import Raw

from router.canon.event import Finish
from router.canon.reply import Choice, Reply
from router.canon.request import Reasoning, Text, ToolCall
from router.canon.usage import Usage
from router.policy.cachekey import cache_key, may_repeat

FIELDS = {"model": Raw(b'"m"'), "messages": Raw(b'[{"role":"user","content":"hi"}]'), "temperature": Raw(b"0")}
KEY = cache_key("tenant", "openai-chat", "m", FIELDS)
TEXT = Text(text="hello")
CALL = ToolCall(id="c1", name="f", arguments="{}")


def test_how_an_answer_is_delivered_is_not_part_of_the_key() -> None:
    """Order of members, streaming and routing wishes ask for the same answer."""
    same = {
        "temperature": Raw(b"0"),
        "router": Raw(b'{"fallback":false}'),
        "stream": Raw(b"false"),
        "messages": FIELDS["messages"],
        "model": Raw(b'"m"'),
    }
    assert cache_key("tenant", "openai-chat", "m", same) == KEY


@pytest.mark.parametrize(
    ("scope", "dialect", "model", "fields"),
    [
        ("other", "openai-chat", "m", FIELDS),
        ("tenant", "anthropic-messages", "m", FIELDS),
        ("tenant", "openai-chat", "n", FIELDS),
        ("tenant", "openai-chat", "m", {**FIELDS, "temperature": Raw(b"0.0")}),
        ("tenant", "openai-chat", "m", {**FIELDS, "seed": Raw(b"1")}),
        ("tenant", "openai-chat", "m", {"model": FIELDS["model"], "messages": FIELDS["messages"]}),
        ("tenan", "topenai-chat", "m", FIELDS),
    ],
    ids=["tenant", "dialect", "model", "one byte", "one more member", "one less", "shifted boundary"],
)
def test_any_difference_is_another_key(scope: str, dialect: str, model: str, fields: dict[str, Raw]) -> None:
    """Scenario 99: exact means exact, and never across tenants."""
    assert cache_key(scope, dialect, model, fields) != KEY


def test_members_do_not_run_into_each_other() -> None:
    """The end of a name and the start of a value are told apart."""
    assert cache_key("", "", "", {"a": Raw(b"1"), "b": Raw(b"2")}) != cache_key("", "", "", {"a": Raw(b"1b2")})


def reply(*parts: Text | ToolCall | Reasoning, finish: Finish = Finish.STOP) -> Reply:
    """An answer of one choice."""
    choice = Choice(index=0, parts=parts, finish=finish, said=finish.value)
    return Reply(id="r", model="m", choices=(choice,), usage=Usage(output=1))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(TEXT), True),
        (reply(Reasoning(text="hm"), TEXT), True),
        (reply(TEXT, CALL, finish=Finish.TOOL_CALLS), False),
        (reply(TEXT, CALL), False),
        (reply(TEXT, finish=Finish.LENGTH), False),
        (reply(TEXT, finish=Finish.CONTENT_FILTER), False),
        (Reply(id="r", model="m", choices=(), usage=None), False),
    ],
    ids=[
        "text",
        "text after thinking",
        "tool call",
        "tool call that says stop",
        "cut at a length",
        "filtered",
        "nothing",
    ],
)
def test_only_text_that_came_to_its_end_may_be_repeated(answer: Reply, expected: bool) -> None:
    """A tool call has effects, and a short or refused answer is worth another try."""
    assert may_repeat(answer) is expected
