"""Which losses change what is asked: the table, and the parts of a conversation."""

from __future__ import annotations

import pytest
from msgspec import Raw
from msgspec.structs import replace

from router.canon.request import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Role,
    Source,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from router.policy.loss import MEANING, meant

PICTURE = Image(source=Source(url="https://example.com/a.png"))
OPAQUE = Opaque(raw=Raw(b"{}"), family="x")


def request(*parts: Part, role: Role = Role.USER, **members: object) -> ChatRequest:
    """One message of these parts."""
    asked = ChatRequest(model="m", messages=(Message(role=role, parts=parts or (Text(text="hi"),)),))
    return replace(asked, **members)


@pytest.mark.parametrize(
    ("part", "role", "counts"),
    [
        (Text(text="a"), Role.USER, True),
        (PICTURE, Role.USER, True),
        (Document(source=Source(file_id="f")), Role.USER, True),
        (Audio(data="", format="wav"), Role.USER, True),
        (ToolCall(id="c", name="f", arguments=""), Role.ASSISTANT, True),
        (ToolResult(call_id="c", parts=()), Role.TOOL, True),
        (OPAQUE, Role.USER, True),
        (OPAQUE, Role.ASSISTANT, False),
        (Reasoning(text="hm"), Role.ASSISTANT, False),
        (Refusal(text="no"), Role.ASSISTANT, False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Part) else str(value),
)
def test_a_part_counts_by_what_it_is(part: Part, role: Role, counts: bool) -> None:
    """What somebody said or showed is meant; what a model thought, or did at its provider, is not."""
    path = "messages[0].parts[0]"
    assert meant((path, f"{path}.cache"), request(part, role=role)) == ((path,) if counts else ())


def test_what_a_tool_answered_is_looked_into() -> None:
    """A picture in a result is a picture; the flag beside it is none."""
    asked = request(ToolResult(call_id="c", parts=(Text(text="see"), PICTURE)), role=Role.TOOL)
    lost = ("messages[0].parts[0].is_error", "messages[0].parts[0].parts[1]")
    assert meant(lost, asked) == lost[1:]


@pytest.mark.parametrize("path", MEANING)
def test_every_row_counts_whatever_its_index(path: str) -> None:
    """Whether the request was translated, or only its members taken out."""
    choice = ToolChoice(mode="any")
    said = path.replace("[]", "[3]")
    assert meant((said, said), request(tool_choice=choice)) == (said,)
    assert meant((said,), None) == (said,)


@pytest.mark.parametrize(
    "path",
    [
        "sampling.seed",
        "sampling.top_k",
        "thinking.effort",
        "service_tier",
        "metadata.team",
        "user",
        "extra.n",
        "extra.unknown",
        "tools[0].cache",
        "tools[0].strict",
        "output.strict",
        "output.schema.properties.a.pattern",
        "messages[0].name",
        "messages[0].role",
        "parallel_tool_calls",
    ],
)
def test_a_hint_does_not_count(path: str) -> None:
    """An answer without it still answers what was asked."""
    assert meant((path,), request()) == ()


@pytest.mark.parametrize("choice", [None, ToolChoice(mode="auto")], ids=["unsaid", "auto"])
def test_a_choice_that_is_the_default_does_not_count(choice: ToolChoice | None) -> None:
    """Without it the model chooses freely too."""
    assert meant(("tool_choice",), request(tool_choice=choice)) == ()


def test_an_answer_of_text_alone_is_what_comes_anyway() -> None:
    """Clients write `modalities` out; only another than text is missed."""
    for said, counts in ((b'[ "text" ]', False), (b'["text","audio"]', True)):
        asked = request(extra=(("modalities", Raw(said)),))
        assert bool(meant(("extra.modalities",), asked)) is counts
