"""What a whole answer tells of itself."""

from __future__ import annotations

import pytest

from router.canon.event import Finish
from router.canon.reply import Choice, Reply
from router.canon.request import Reasoning, Text, ToolCall
from router.canon.usage import Usage

TEXT = Text(text="hello")
CALL = ToolCall(id="c1", name="f", arguments="{}")


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
    assert answer.may_repeat is expected
