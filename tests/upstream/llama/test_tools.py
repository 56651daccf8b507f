"""Tool calls that a model writes as text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.upstream.llama.chat import BadAsk, ChatAsk, decode_ask, grammar_schema
from router.upstream.llama.tools import CallDelta, Delta, opening_for, plain_messages, reader_for

TOOLS = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in ("find", "buy")]
CALL = '<tool_call>\n{"name": "find", "arguments": {"q": "x"}}\n</tool_call>'
USER = {"role": "user", "content": "hi"}


def ask(**fields: Any) -> ChatAsk:
    """A body with the two tools."""
    return decode_ask(json.dumps({"model": "m", "messages": [USER], "tools": TOOLS, **fields}).encode())


def read(asked: ChatAsk, text: str, size: int) -> tuple[str, list[CallDelta]]:
    """The answer's text and calls, fed in pieces of `size`."""
    reader = reader_for(asked)
    deltas: list[Delta] = []
    for at in range(0, len(text), size):
        deltas += reader.feed(text[at : at + size])
    deltas += reader.end()
    words = "".join(delta for delta in deltas if isinstance(delta, str))
    return words, [delta for delta in deltas if isinstance(delta, CallDelta)]


@pytest.mark.parametrize("size", [1, 2, 7, 1000], ids=str)
def test_calls_are_read_from_between_their_tags_however_the_text_was_cut(size: int) -> None:
    """Text before them stays text; the line breaks between them are nobody's."""
    words, calls = read(ask(), f"Let me see.\n{CALL}\n{CALL.replace('find', 'buy')}\n", size)
    assert words == "Let me see.\n"
    assert [(call.index, call.name, call.arguments) for call in calls] == [
        (0, "find", '{"q": "x"}'),
        (1, "buy", '{"q": "x"}'),
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('<tool_call>{"name": "steal"}</tool_call>', id="a tool nobody offered"),
        pytest.param("<tool_call>find it</tool_call>", id="no JSON"),
        pytest.param('<tool_call>{"name": "fi', id="cut short"),
        pytest.param("1 <tool", id="the beginning of a tag"),
        pytest.param("a < b", id="no tag"),
    ],
)
@pytest.mark.parametrize("size", [1, 1000], ids=str)
def test_what_is_no_call_reaches_the_caller_as_it_was_written(text: str, size: int) -> None:
    """Nothing of an answer is lost, nothing is added, and no call is made up."""
    assert read(ask(), text, size) == (text, [])


def test_a_call_without_its_closing_tag_counts_when_it_is_whole() -> None:
    """Models end their turn with the brace often enough."""
    _, calls = read(ask(), CALL.removesuffix("</tool_call>"), 3)
    assert [call.name for call in calls] == ["find"]


def test_a_named_tool_streams_its_arguments_and_says_its_name_once() -> None:
    """The grammar leaves nothing but arguments to write."""
    named = ask(tool_choice={"type": "function", "function": {"name": "buy"}})
    _, calls = read(named, '{"q":1}', 3)
    assert [(call.name, call.arguments) for call in calls] == [("buy", '{"q'), (None, '":1'), (None, "}")]
    assert opening_for(named).endswith('{"name": "buy", "arguments": ')
    assert grammar_schema(named) == {"type": "object"}


def test_a_required_call_of_any_tool_is_held_to_one_of_them() -> None:
    """The opening tag stands in the prompt already, so the text begins inside it."""
    required = ask(tool_choice="required")
    words, calls = read(required, '{"name": "buy", "arguments": {}}', 4)
    assert (words, [call.name for call in calls]) == ("", ["buy"])
    schema = grammar_schema(required)
    assert schema is not None
    assert [each["properties"]["name"] for each in schema["oneOf"]] == [{"const": "find"}, {"const": "buy"}]


def test_forbidden_tools_are_not_shown_and_not_read() -> None:
    """`tool_choice: none` makes a call in the text plain text."""
    forbidden = ask(tool_choice="none")
    assert plain_messages(forbidden, native=False) == [USER]
    assert read(forbidden, CALL, 5) == (CALL, [])


def test_tools_are_told_in_the_system_message_where_the_template_has_no_place() -> None:
    """An own system message is kept, and comes first."""
    told = plain_messages(ask(messages=[{"role": "developer", "content": "Be brief."}, USER]), native=False)
    assert [message["role"] for message in told] == ["system", "user"]
    assert told[0]["content"].startswith("Be brief.\n\n") and '"name":"buy"' in told[0]["content"]
    assert plain_messages(ask(), native=False)[0]["role"] == "system"
    assert plain_messages(ask(), native=True) == [USER]


def test_a_history_of_calls_and_results_is_told_in_the_models_own_form() -> None:
    """Where the template knows tools, it gets arguments as an object; otherwise both become text."""
    call = {"id": "1", "type": "function", "function": {"name": "find", "arguments": '{"q": "x"}'}}
    history = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "found"}]},
    ]
    assistant, result = plain_messages(ask(messages=history, tool_choice="none"), native=False)
    assert assistant == {
        "role": "assistant",
        "content": '<tool_call>\n{"name":"find","arguments":{"q":"x"}}\n</tool_call>',
    }
    assert result == {"role": "user", "content": "<tool_response>\nfound\n</tool_response>"}
    native, _ = plain_messages(ask(messages=history), native=True)
    assert native["tool_calls"][0]["function"]["arguments"] == {"q": "x"}


@pytest.mark.parametrize(
    "message",
    [
        pytest.param({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, id="an image"),
        pytest.param({"content": "hi"}, id="no role"),
        pytest.param({"role": "assistant", "tool_calls": [{"id": "1"}]}, id="a call without a function"),
    ],
)
def test_a_message_the_model_cannot_read_is_the_callers_fault(message: dict[str, Any]) -> None:
    """Said, not dropped."""
    with pytest.raises(BadAsk) as told:
        plain_messages(ask(messages=[message]), native=False)
    assert told.value.param == "messages"
