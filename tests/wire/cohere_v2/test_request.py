"""Requests in Cohere's words: what is said, what is moved, and what is named as lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from router.canon.request import (
    Audio,
    CacheMark,
    ChatRequest,
    Document,
    Image,
    Message,
    OutputFormat,
    Part,
    Reasoning,
    Refusal,
    Role,
    Sampling,
    Source,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from router.wire.cohere_v2 import DIALECT
from router.wire.dialect import Ask, Requirements

FAMILY = "cohere-v2"
HI = Message(role=Role.USER, parts=(Text(text="hi"),))
SCHEMA = Raw(b'{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}')


def said(*messages: Message, **members: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body of a request, read without our code, and what was lost."""
    encoded = DIALECT.encode_request(ChatRequest(model="group", messages=messages or (HI,), **members), "command-a")
    body: dict[str, Any] = json.loads(encoded.body)
    return body, encoded.lost


def turn(role: Role, *parts: Part, name: str | None = None) -> Message:
    """A turn of these parts."""
    return Message(role=role, parts=parts, name=name)


def test_the_least_request_says_nothing_more() -> None:
    """No default is made up: the provider's own hold."""
    assert said() == ({"model": "command-a", "messages": [{"role": "user", "content": "hi"}]}, ())


def test_a_stream_is_asked_for() -> None:
    """Usage comes with every stream, so nobody need ask for it."""
    assert said(stream=True, include_usage=True)[0]["stream"] is True


def test_the_first_system_turns_are_one_and_later_ones_keep_their_place() -> None:
    """Cohere refuses a system turn that is not the first; what a later one loses is its role."""
    body, lost = said(
        turn(Role.SYSTEM, Text(text="a")),
        turn(Role.DEVELOPER, Text(text="b")),
        HI,
        turn(Role.SYSTEM, Text(text="c")),
    )
    assert [message["role"] for message in body["messages"]] == ["system", "user", "user"]
    assert [block["text"] for block in body["messages"][0]["content"]] == ["a", "b"]
    assert body["messages"][2]["content"] == "c"
    assert lost == ("messages[3].role",)


def test_a_tool_loop_keeps_its_order_ids_and_plan() -> None:
    """The text before calls is their plan, thinking stays content, and an empty content is never sent."""
    body, lost = said(
        HI,
        turn(
            Role.ASSISTANT,
            Reasoning(text="hm", family=FAMILY),
            Text(text="I will look."),
            ToolCall(id="a", name="get-x", arguments='{"q": 1}'),
            ToolCall(id="b", name="g", arguments=""),
        ),
        turn(Role.TOOL, ToolResult(call_id="a", parts=(Text(text="1"),))),
        turn(Role.TOOL, ToolResult(call_id="b", parts=(Text(text="2"), Text(text="3")))),
        turn(Role.ASSISTANT, ToolCall(id="c", name="g", arguments="{}")),
    )
    _, answer, first, second, bare = body["messages"]
    assert answer == {
        "role": "assistant",
        "tool_plan": "I will look.",
        "content": [{"type": "thinking", "thinking": "hm"}],
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "get-x", "arguments": '{"q": 1}'}},
            {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
        ],
    }
    assert first == {"role": "tool", "tool_call_id": "a", "content": "1"}
    assert [block["text"] for block in second["content"]] == ["2", "3"]
    assert set(bare) == {"role", "tool_calls"}
    assert lost == ()


def test_a_turn_that_says_nothing_is_not_sent() -> None:
    """Cohere refuses the whole conversation for it; clients keep empty answers, and thoughts of others are lost."""
    thought = turn(Role.ASSISTANT, Reasoning(text="hm", signature="s", family="anthropic"))
    empty = (turn(Role.ASSISTANT), turn(Role.ASSISTANT, Text(text="")), turn(Role.USER, Text(text="")), thought)
    body, lost = said(HI, *empty, HI)
    assert body["messages"] == [{"role": "user", "content": "hi"}] * 2
    assert lost == ("messages[4].parts[0]",)


def test_what_callers_say_in_coheres_words_passes() -> None:
    """Their clients' `extra_body`; what is none of its words is named."""
    own = {"documents": Raw(b'["a"]'), "safety_mode": Raw(b'"OFF"'), "priority": Raw(b"3")}
    body, lost = said(HI, extra=(*own.items(), ("odd", Raw(b"1"))))
    assert (body["documents"], body["safety_mode"], body["priority"]) == (["a"], "OFF", 3)
    assert lost == ("extra.odd",)


def test_an_answer_without_calls_keeps_thinking_and_text_in_order() -> None:
    """As Cohere wrote them."""
    body, lost = said(HI, turn(Role.ASSISTANT, Reasoning(text="hm", family=FAMILY), Text(text="yes")))
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "yes"},
    ]
    assert lost == ()


@pytest.mark.parametrize(
    ("part", "lost"),
    [
        pytest.param(Reasoning(text="x", signature="s", family="anthropic"), "", id="thinking of others"),
        pytest.param(Reasoning(redacted="x", family=FAMILY), "", id="thinking without words"),
        pytest.param(Text(text="x", cache=CacheMark()), ".cache", id="a cache mark"),
        pytest.param(Text(text="x", citations=(Raw(b"{}"),)), ".citations", id="citations"),
        pytest.param(ToolCall(id="a", name="f", arguments="x", custom=True), ".custom", id="a free-form call"),
        pytest.param(
            ToolCall(id="a", name="f", arguments="{}", signature="s", family="gemini"), ".signature", id="a seal"
        ),
    ],
)
def test_what_an_earlier_answer_cannot_say_is_named(part: Part, lost: str) -> None:
    """By its path in canon."""
    assert said(HI, turn(Role.ASSISTANT, part))[1] == (f"messages[1].parts[0]{lost}",)


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(Audio(data="aGk=", format="wav"), id="sound"),
        pytest.param(Document(source=Source(data="JVBE", media_type="application/pdf")), id="a PDF"),
        pytest.param(Document(source=Source(url="https://x.test/a.pdf")), id="a document's URL"),
        pytest.param(Document(source=Source(data="", media_type="text/plain")), id="an empty text"),
        pytest.param(Image(source=Source(file_id="f1")), id="a file's id"),
    ],
)
def test_a_medium_that_cohere_cannot_read_is_named_and_nothing_stands_for_it(part: Part) -> None:
    """Whether to ask without it is for the route to say."""
    body, lost = said(turn(Role.USER, Text(text="look"), part))
    assert body["messages"] == [{"role": "user", "content": "look"}]
    assert lost == ("messages[0].parts[1]",)


def test_pictures_go_by_url_or_inside() -> None:
    """With the hint of how closely to look."""
    body, lost = said(
        turn(
            Role.USER,
            Image(source=Source(url="https://x.test/a.png"), detail="low"),
            Image(source=Source(data="R0lG", media_type="image/gif")),
        )
    )
    assert [block["image_url"] for block in body["messages"][0]["content"]] == [
        {"url": "https://x.test/a.png", "detail": "low"},
        {"url": "data:image/gif;base64,R0lG"},
    ]
    assert lost == ()


def test_texts_are_documents_of_the_whole_request_each_with_an_id_of_its_own() -> None:
    """So that an answer can cite them."""
    text = Document(source=Source(data="facts", media_type="text/plain"), name="facts.txt")
    body, lost = said(turn(Role.USER, text, Text(text="who?")), turn(Role.USER, text))
    assert body["documents"] == [
        {"data": {"text": "facts", "title": "facts.txt"}, "id": "messages0_parts0"},
        {"data": {"text": "facts", "title": "facts.txt"}, "id": "messages1_parts0"},
    ]
    assert body["messages"][0] == {"role": "user", "content": "who?"}
    assert lost == ()


def test_texts_stand_in_their_turn_where_json_is_asked_for() -> None:
    """Cohere refuses documents and a response format together."""
    text = Document(source=Source(data="facts", media_type="text/plain"))
    body, lost = said(turn(Role.USER, text, Text(text="who?")), output=OutputFormat(mode="json"))
    assert "documents" not in body
    assert [block["text"] for block in body["messages"][0]["content"]] == ["facts", "who?"]
    assert lost == ()


def test_pictures_out_of_tools_answers_follow_when_all_tools_have_answered() -> None:
    """A tool's answer holds text and documents; it is never altered otherwise, but for the word that it is an error."""
    picture = Image(source=Source(data="R0lG", media_type="image/png"))
    text = Document(source=Source(data="facts", media_type="text/plain"))
    body, lost = said(
        HI,
        turn(Role.ASSISTANT, ToolCall(id="a", name="f", arguments=""), ToolCall(id="b", name="f", arguments="")),
        turn(Role.TOOL, ToolResult(call_id="a", parts=(picture, Text(text='{"$ref": "#/x"}')), is_error=True)),
        turn(Role.TOOL, ToolResult(call_id="b", parts=(text,))),
    )
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "tool", "tool", "user"]
    assert body["messages"][2]["content"] == 'Error: {"$ref": "#/x"}'
    assert body["messages"][3]["content"] == [{"type": "document", "document": {"data": {"text": "facts"}}}]
    assert body["messages"][4]["content"][0]["type"] == "image_url"
    assert lost == ("messages[2].parts[0].is_error",)


TOOLS = (Tool(name="get-x", description="d", parameters=SCHEMA), Tool(name="g"))


def test_tools_have_parameters_and_names_that_cohere_takes() -> None:
    """MCP's names have hyphens; parameters are required, even for a tool that takes none."""
    body, lost = said(tools=TOOLS)
    first, second = (tool["function"] for tool in body["tools"])
    assert (first["name"], first["description"], first["parameters"]) == ("get-x", "d", json.loads(bytes(SCHEMA)))
    assert second == {"name": "g", "parameters": {"type": "object", "properties": {}}}
    assert "tool_choice" not in body
    assert "strict_tools" not in body
    assert lost == ()


@pytest.mark.parametrize(
    ("choice", "word", "names", "lost"),
    [
        (None, None, ["get-x", "g"], ()),
        (ToolChoice(mode="auto"), None, ["get-x", "g"], ()),
        (ToolChoice(mode="none"), "NONE", ["get-x", "g"], ()),
        (ToolChoice(mode="any"), "REQUIRED", ["get-x", "g"], ()),
        (ToolChoice(mode="named", name="get-x"), "REQUIRED", ["get-x"], ()),
        (ToolChoice(mode="named", name="other"), "REQUIRED", ["get-x", "g"], ("tool_choice",)),
    ],
    ids=lambda value: getattr(value, "mode", None),
)
def test_each_tool_choice_has_its_word(
    choice: ToolChoice | None, word: str | None, names: list[str], lost: tuple[str, ...]
) -> None:
    """There is no word for one tool: it is the only one that is offered."""
    body, found = said(tools=TOOLS, tool_choice=choice)
    assert body.get("tool_choice") == word
    assert [tool["function"]["name"] for tool in body["tools"]] == names
    assert found == lost


def test_tools_of_other_kinds_are_lost_and_so_is_a_choice_among_none() -> None:
    """Neither free-form tools nor those that another provider runs itself."""
    tools = (Tool(name="a", kind="custom"), Tool(name="web_search", kind="server"))
    body, lost = said(tools=tools, tool_choice=ToolChoice(mode="any"))
    assert "tools" not in body
    assert "tool_choice" not in body
    assert lost == ("tools[0]", "tools[1]", "tool_choice")


@pytest.mark.parametrize(
    ("tools", "strict", "lost"),
    [
        pytest.param((Tool(name="a", parameters=SCHEMA, strict=True),), True, (), id="all"),
        pytest.param(
            (Tool(name="a", parameters=SCHEMA, strict=True), Tool(name="b", parameters=SCHEMA)),
            None,
            ("tools[0].strict",),
            id="one of two",
        ),
        pytest.param((Tool(name="a", strict=True),), None, ("tools[0].strict",), id="one that takes nothing"),
        pytest.param((Tool(name="a", parameters=SCHEMA, strict=False),), None, (), id="none"),
    ],
)
def test_strictness_is_one_switch_for_all_tools(
    tools: tuple[Tool, ...], strict: bool | None, lost: tuple[str, ...]
) -> None:
    """It is set only where every tool wants it and can have it."""
    body, found = said(tools=tools)
    assert body.get("strict_tools") == strict
    assert found == lost


@pytest.mark.parametrize(
    ("output", "members", "said_as", "lost"),
    [
        pytest.param(OutputFormat(mode="json"), {}, {"type": "json_object"}, (), id="any JSON"),
        pytest.param(
            OutputFormat(mode="schema", name="n", schema=SCHEMA, strict=True),
            {},
            {"type": "json_object", "json_schema": json.loads(bytes(SCHEMA))},
            (),
            id="a schema",
        ),
        pytest.param(
            OutputFormat(mode="schema", schema=Raw(b'{"type":"array"}'), description="d"),
            {},
            {"type": "json_object"},
            ("output.description", "output.schema"),
            id="a schema that is no object's",
        ),
        pytest.param(OutputFormat(mode="json"), {"tools": TOOLS}, None, ("output",), id="beside tools"),
    ],
)
def test_json_is_asked_for_as_cohere_asks(
    output: OutputFormat, members: dict[str, Any], said_as: object, lost: tuple[str, ...]
) -> None:
    """The schema stands there without a wrapper; with tools Cohere refuses it, and the loss is named."""
    body, found = said(output=output, **members)
    assert body.get("response_format") == said_as
    assert found == lost


@pytest.mark.parametrize(
    ("thinking", "said_as", "lost"),
    [
        (Thinking(effort="none"), {"type": "disabled"}, ()),
        (Thinking(enabled=False), {"type": "disabled"}, ()),
        (Thinking(budget_tokens=0), {"type": "disabled"}, ()),
        (Thinking(effort="high"), {"type": "enabled"}, ()),
        (Thinking(enabled=True), {"type": "enabled"}, ()),
        (Thinking(budget_tokens=500), {"type": "enabled", "token_budget": 500}, ()),
        (Thinking(effort="low"), {"type": "enabled"}, ("thinking.effort",)),
        (Thinking(summary="auto"), None, ("thinking.summary",)),
    ],
    ids=str,
)
def test_thinking_is_on_or_off_or_has_a_budget(thinking: Thinking, said_as: object, lost: tuple[str, ...]) -> None:
    """Cohere knows no grades of it."""
    body, found = said(thinking=thinking)
    assert body.get("thinking") == said_as
    assert found == lost


def test_sampling_has_coheres_names() -> None:
    """Inside the bounds every value is sent as it is."""
    body, lost = said(
        sampling=Sampling(
            max_tokens=9,
            temperature=0.5,
            top_p=0.9,
            top_k=40,
            seed=3,
            frequency_penalty=0.1,
            presence_penalty=0.2,
            stop=("a", "b"),
            logprobs=True,
        )
    )
    del body["model"], body["messages"]
    assert body == {
        "max_tokens": 9,
        "temperature": 0.5,
        "p": 0.9,
        "k": 40,
        "seed": 3,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.2,
        "stop_sequences": ["a", "b"],
        "logprobs": True,
    }
    assert lost == ()


@pytest.mark.parametrize(
    ("sampling", "member", "value", "lost"),
    [
        (Sampling(temperature=1.7), "temperature", 1.0, "temperature"),
        (Sampling(top_p=1.0), "p", 0.99, "top_p"),
        (Sampling(top_p=0.0), "p", 0.01, "top_p"),
        (Sampling(top_k=900), "k", 500, "top_k"),
        (Sampling(frequency_penalty=-1.0), "frequency_penalty", 0.0, "frequency_penalty"),
        (Sampling(presence_penalty=2.0), "presence_penalty", 1.0, "presence_penalty"),
        (Sampling(seed=-1), "seed", None, "seed"),
        (Sampling(stop=tuple("abcdef")), "stop_sequences", list("abcde"), "stop"),
        (Sampling(min_p=0.1), "min_p", None, "min_p"),
        (Sampling(repetition_penalty=1.1), "repetition_penalty", None, "repetition_penalty"),
        (Sampling(logit_bias=Raw(b"{}")), "logit_bias", None, "logit_bias"),
        (Sampling(top_logprobs=3), "top_logprobs", None, "top_logprobs"),
        (Sampling(context_tokens=9), "context_tokens", None, "context_tokens"),
        (Sampling(choices=2), "n", None, "choices"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_cohere_would_refuse_is_moved_or_left_out_and_named(
    sampling: Sampling, member: str, value: object, lost: str
) -> None:
    """A value outside its bounds is a 400 for the whole request."""
    body, found = said(sampling=sampling)
    assert body.get(member) == value
    assert found == (f"sampling.{lost}",)


def test_what_has_no_word_is_named() -> None:
    """Fields of callers that Cohere does not know."""
    _, lost = said(
        turn(Role.USER, Text(text="hi"), name="ann"),
        tools=TOOLS,
        parallel_tool_calls=False,
        service_tier="flex",
        user="u",
        prompt_cache_key="k",
        metadata=(("a", "b"),),
        extra=(("foo", Raw(b"1")),),
    )
    assert lost == (
        "messages[0].name",
        "parallel_tool_calls",
        "service_tier",
        "user",
        "prompt_cache_key",
        "metadata",
        "extra.foo",
    )


def test_a_body_of_the_same_dialect_is_passed_on_but_for_the_model() -> None:
    """Order and values byte for byte."""
    fields = {"stream": Raw(b"true"), "model": Raw(b'"group"'), "messages": Raw(b'[ {"role":"user"} ]')}
    ask = Ask(model="group", stream=True, include_usage=None, requirements=Requirements(), fields=fields)
    assert DIALECT.patch_request(ask, "m") == b'{"stream":true,"model":"m","messages":[ {"role":"user"} ]}'


words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
names = st.from_regex(r"[a-z][a-z0-9_.-]{0,8}", fullmatch=True)


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    """Turns as clients send them: each call's result follows it, ids never repeat."""
    turns = [turn(Role.SYSTEM, Text(text=draw(words)))] if draw(st.booleans()) else []
    number = 0
    for _ in range(draw(st.integers(1, 4))):
        turns.append(turn(Role.USER, *(Text(text=text) for text in draw(st.lists(words, min_size=1, max_size=2)))))
        calls = []
        for _ in range(draw(st.integers(0, 3))):
            number += 1
            calls.append(
                ToolCall(id=f"call_{number}", name=draw(names), arguments=draw(st.sampled_from(['{"a":1}', "{}"])))
            )
        thoughts = [Reasoning(text=text, family=FAMILY) for text in draw(st.lists(words, max_size=1))]
        texts = [Text(text=text) for text in draw(st.lists(words, max_size=1))] if calls else [Text(text=draw(words))]
        turns.append(turn(Role.ASSISTANT, *thoughts, *texts, *calls))
        turns += [turn(Role.TOOL, ToolResult(call_id=call.id, parts=(Text(text=draw(words)),))) for call in calls]
    return turns


def read_back(message: dict[str, Any]) -> Message:
    """A turn as Cohere would read it, by the plainest means."""
    if message["role"] == "tool":
        return turn(Role.TOOL, ToolResult(call_id=message["tool_call_id"], parts=(Text(text=message["content"]),)))
    content = message.get("content", [])
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    parts: list[Part] = [
        Text(text=block["text"]) if block["type"] == "text" else Reasoning(text=block["thinking"], family=FAMILY)
        for block in blocks
    ]
    parts += [Text(text=message["tool_plan"])] if "tool_plan" in message else []
    for call in message.get("tool_calls", []):
        function = call["function"]
        parts.append(ToolCall(id=call["id"], name=function["name"], arguments=function["arguments"]))
    return Message(role=Role(message["role"]), parts=tuple(parts))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(conversations())
def test_a_conversation_can_be_read_back_as_it_was(turns: list[Message]) -> None:
    """Order, ids one to one, every result behind its call, and nothing lost."""
    body, lost = said(*turns)
    assert [read_back(message) for message in body["messages"]] == turns
    assert lost == ()
    calls = [call["id"] for message in body["messages"] for call in message.get("tool_calls", [])]
    results = [message["tool_call_id"] for message in body["messages"] if message["role"] == "tool"]
    assert results == calls
    assert len(set(calls)) == len(calls)


@given(words)
def test_a_refusal_is_said_again_as_text(text: str) -> None:
    """Cohere has no other word for it."""
    body, _ = said(HI, turn(Role.ASSISTANT, Refusal(text=text)))
    assert body["messages"][1] == {"role": "assistant", "content": text}
