"""Requests in Ollama's words: what is said, what is moved, and what is named as lost."""

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
from router.wire.dialect import Ask, Requirements
from router.wire.ollama_chat import DIALECT

FAMILY = "ollama-chat"
HI = Message(role=Role.USER, parts=(Text(text="hi"),))
SCHEMA = Raw(b'{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}')
TOOLS = (Tool(name="mcp-x.y", description="d", parameters=SCHEMA), Tool(name="g"))


def said(*messages: Message, **members: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body of a request, read without our code, and what was lost."""
    encoded = DIALECT.encode_request(ChatRequest(model="group", messages=messages or (HI,), **members), "gemma3:1b")
    body: dict[str, Any] = json.loads(encoded.body)
    return body, encoded.lost


def turn(role: Role, *parts: Part, name: str | None = None) -> Message:
    """A turn of these parts."""
    return Message(role=role, parts=parts, name=name)


@pytest.mark.parametrize("stream", [True, False])
def test_the_least_request_says_what_ollama_would_assume_otherwise(stream: bool) -> None:
    """It streams unless told not to, and forgets the beginning of what is too long."""
    assert said(stream=stream) == (
        {
            "model": "gemma3:1b",
            "messages": [{"role": "user", "content": "hi"}],
            "stream": stream,
            "truncate": False,
        },
        (),
    )


def test_what_callers_say_in_ollamas_words_passes() -> None:
    """How long a model stays in memory, and whether it thinks; what has a word of its own is said in that alone."""
    own = (("keep_alive", Raw(b"-1")), ("think", Raw(b"false")), ("truncate", Raw(b"true")))
    body, lost = said(turn(Role.USER, Text(text="hi")), extra=own)
    assert (body["keep_alive"], body["think"], body["truncate"]) == (-1, False, False)
    assert lost == ("extra.truncate",)


def test_a_tool_loop_keeps_its_order_ids_and_names() -> None:
    """Arguments are an object, digit for digit; a tool's answer names the tool it is from."""
    encoded = DIALECT.encode_request(
        ChatRequest(
            model="m",
            messages=(
                turn(Role.DEVELOPER, Text(text="be brief")),
                HI,
                turn(
                    Role.ASSISTANT,
                    Reasoning(text="hm", family=FAMILY),
                    Text(text="I will look."),
                    ToolCall(id="a", name="f", arguments='{"q": 1.10, "n": 12345678901234567890}'),
                    ToolCall(id="b", name="g", arguments=""),
                ),
                turn(Role.TOOL, ToolResult(call_id="a", parts=(Text(text='{"$ref":1}'),))),
                turn(Role.TOOL, ToolResult(call_id="b", parts=(Text(text="2"), Text(text="3")), name="other")),
            ),
        ),
        "m",
    )
    system, _, answer, first, second = json.loads(encoded.body)["messages"]
    assert system == {"role": "system", "content": "be brief"}
    assert (answer["thinking"], answer["content"]) == ("hm", "I will look.")
    assert [(call["id"], call["function"]["name"]) for call in answer["tool_calls"]] == [("a", "f"), ("b", "g")]
    assert answer["tool_calls"][1]["function"]["arguments"] == {}
    assert b'{"q": 1.10, "n": 12345678901234567890}' in encoded.body
    assert first == {"role": "tool", "content": '{"$ref":1}', "tool_name": "f", "tool_call_id": "a"}
    assert second == {"role": "tool", "content": "2\n3", "tool_name": "other", "tool_call_id": "b"}
    assert encoded.lost == ()


@pytest.mark.parametrize(
    "arguments",
    ["{broken", "[1]", '"text"', "7", '{"a":' * 100_000, '{"a":"\ud800"}'],
    ids=["broken", "a list", "text", "a number", "nested without end", "half a surrogate pair"],
)
def test_arguments_that_are_no_object_are_named_and_the_call_stays(arguments: str) -> None:
    """Its answer follows it, and would hang in the air otherwise."""
    body, lost = said(HI, turn(Role.ASSISTANT, ToolCall(id="a", name="f", arguments=arguments)))
    assert body["messages"][1]["tool_calls"] == [{"id": "a", "function": {"name": "f", "arguments": {}}}]
    assert lost == ("messages[1].parts[0].arguments",)


def test_pictures_and_sounds_go_as_bare_base64_beside_the_text() -> None:
    """Also out of a tool's answer; an address is nothing that Ollama would fetch."""
    picture = Image(source=Source(data="R0lG", media_type="image/gif"))
    body, lost = said(
        turn(Role.USER, Text(text="look"), picture, Audio(data="UklG", format="wav")),
        turn(Role.ASSISTANT, ToolCall(id="a", name="f", arguments="{}")),
        turn(Role.TOOL, ToolResult(call_id="a", parts=(Text(text="t"), picture))),
    )
    assert body["messages"][0] == {"role": "user", "content": "look", "images": ["R0lG", "UklG"]}
    assert body["messages"][2]["images"] == ["R0lG"]
    assert lost == ()


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(Image(source=Source(url="https://x.test/a.png")), id="a picture's URL"),
        pytest.param(Image(source=Source(file_id="f1")), id="a file's id"),
        pytest.param(Document(source=Source(data="JVBE", media_type="application/pdf")), id="a PDF"),
        pytest.param(Document(source=Source(url="https://x.test/a.pdf")), id="a document's URL"),
        pytest.param(Reasoning(text="x", signature="s", family="anthropic"), id="thinking of others"),
        pytest.param(Reasoning(redacted="x", family=FAMILY), id="thinking without words"),
    ],
)
def test_what_ollama_cannot_take_is_named_and_nothing_stands_for_it(part: Part) -> None:
    """Whether to ask without it is for the route to say."""
    body, lost = said(turn(Role.USER, Text(text="look"), part))
    assert body["messages"] == [{"role": "user", "content": "look"}]
    assert lost == ("messages[0].parts[1]",)


@pytest.mark.parametrize(
    ("part", "content", "lost"),
    [
        pytest.param(Text(text="x", cache=CacheMark()), "x", ("cache",), id="a cache mark"),
        pytest.param(Text(text="x", citations=(Raw(b"{}"),)), "x", ("citations",), id="citations"),
        pytest.param(Refusal(text="no"), "no", (), id="a refusal"),
        pytest.param(
            Document(source=Source(data="facts", media_type="text/plain"), name="n"), "facts", ("name",), id="a text"
        ),
        pytest.param(
            ToolResult(call_id="a", parts=(Text(text="x"),), is_error=True), "Error: x", ("is_error",), id="an error"
        ),
        pytest.param(ToolCall(id="a", name="f", arguments="x", custom=True), "", ("custom",), id="a free-form call"),
        pytest.param(Image(source=Source(data="R0lG"), detail="low"), "", ("detail",), id="how closely to look"),
    ],
)
def test_what_a_part_cannot_say_is_named_by_its_member(part: Part, content: str, lost: tuple[str, ...]) -> None:
    """Its words are said all the same."""
    body, found = said(turn(Role.USER, part))
    assert body["messages"][0]["content"] == content
    assert found == tuple(f"messages[0].parts[0].{name}" for name in lost)


@pytest.mark.parametrize(
    ("choice", "names", "lost"),
    [
        (None, ["mcp-x.y", "g"], ()),
        (ToolChoice(mode="auto"), ["mcp-x.y", "g"], ()),
        (ToolChoice(mode="none"), None, ()),
        (ToolChoice(mode="any"), ["mcp-x.y", "g"], ("tool_choice",)),
        (ToolChoice(mode="named", name="g"), ["g"], ("tool_choice",)),
        (ToolChoice(mode="named", name="other"), ["mcp-x.y", "g"], ("tool_choice",)),
    ],
    ids=lambda value: getattr(value, "mode", None),
)
def test_nothing_forces_a_tool_and_none_are_offered_where_none_may_be_called(
    choice: ToolChoice | None, names: list[str] | None, lost: tuple[str, ...]
) -> None:
    """What remains of a choice is which tools the model sees."""
    body, found = said(tools=TOOLS, tool_choice=choice)
    tools = body.get("tools")
    assert (None if tools is None else [tool["function"]["name"] for tool in tools]) == names
    assert found == lost


def test_tools_have_parameters_and_lose_what_ollama_has_no_word_for() -> None:
    """Strictness, marks and kinds of tool that are others'."""
    tools = (
        Tool(name="a", description="d", parameters=SCHEMA, strict=True, cache=CacheMark()),
        Tool(name="b", parameters=Raw(b'{"type":"array"}')),
        Tool(name="c", kind="custom"),
        Tool(name="web_search", kind="server"),
    )
    body, lost = said(tools=tools, parallel_tool_calls=False)
    first, second = (tool["function"] for tool in body["tools"])
    assert first == {"name": "a", "description": "d", "parameters": json.loads(bytes(SCHEMA))}
    assert second == {"name": "b", "parameters": {"type": "object", "properties": {}}}
    assert lost == (
        "tools[2]",
        "tools[3]",
        "tools[0].strict",
        "tools[0].cache",
        "tools[1].parameters",
        "parallel_tool_calls",
    )


@pytest.mark.parametrize(
    ("output", "said_as", "lost"),
    [
        (OutputFormat(mode="json"), "json", ()),
        (OutputFormat(mode="schema", name="n", schema=SCHEMA, strict=True), json.loads(bytes(SCHEMA)), ()),
        (
            OutputFormat(mode="schema", schema=SCHEMA, description="d"),
            json.loads(bytes(SCHEMA)),
            ("output.description",),
        ),
        (OutputFormat(mode="schema"), "json", ()),
    ],
    ids=["any JSON", "a schema", "a described schema", "no schema"],
)
def test_json_is_asked_for_by_format(output: OutputFormat, said_as: object, lost: tuple[str, ...]) -> None:
    """The schema stands there whole and untouched."""
    body, found = said(output=output, tools=TOOLS)
    assert body["format"] == said_as
    assert found == lost


@pytest.mark.parametrize(
    ("thinking", "think", "lost"),
    [
        (Thinking(effort="none"), False, ()),
        (Thinking(effort="minimal"), "low", ("thinking.effort",)),
        (Thinking(effort="low"), "low", ()),
        (Thinking(effort="medium"), "medium", ()),
        (Thinking(effort="high"), "high", ()),
        (Thinking(effort="xhigh"), "max", ("thinking.effort",)),
        (Thinking(effort="max"), "max", ()),
        (Thinking(effort="ultra"), True, ("thinking.effort",)),
        (Thinking(enabled=True), True, ()),
        (Thinking(enabled=False, effort="high"), False, ()),
        (Thinking(budget_tokens=500), True, ("thinking.budget_tokens",)),
        (Thinking(budget_tokens=0), False, ()),
        (Thinking(summary="auto"), None, ("thinking.summary",)),
    ],
    ids=str,
)
def test_thinking_is_off_on_or_graded(thinking: Thinking, think: object, lost: tuple[str, ...]) -> None:
    """Words that Ollama does not know are a 400, so the nearest is said."""
    body, found = said(thinking=thinking)
    assert body.get("think") == think
    assert found == lost


def test_sampling_goes_into_options() -> None:
    """Under Ollama's names; log probabilities stand beside them."""
    body, lost = said(
        sampling=Sampling(
            max_tokens=9,
            context_tokens=8192,
            temperature=1.7,
            top_p=1.0,
            top_k=40,
            min_p=0.1,
            seed=-3,
            frequency_penalty=-0.5,
            presence_penalty=0.2,
            repetition_penalty=1.1,
            stop=("a", "b"),
            logprobs=True,
            top_logprobs=30,
            logit_bias=Raw(b"{}"),
            choices=2,
        )
    )
    assert body["options"] == {
        "num_predict": 9,
        "num_ctx": 8192,
        "temperature": 1.7,
        "top_p": 1.0,
        "top_k": 40,
        "min_p": 0.1,
        "seed": -3,
        "frequency_penalty": -0.5,
        "presence_penalty": 0.2,
        "repeat_penalty": 1.1,
        "stop": ["a", "b"],
    }
    assert (body["logprobs"], body["top_logprobs"]) == (True, 20)
    assert lost == ("sampling.logit_bias", "sampling.choices", "sampling.top_logprobs")


def test_what_has_no_word_is_named() -> None:
    """Fields of callers that Ollama does not know."""
    _, lost = said(
        turn(Role.USER, Text(text="hi"), name="ann"),
        service_tier="flex",
        user="u",
        prompt_cache_key="k",
        metadata=(("a", "b"),),
        extra=(("foo", Raw(b"1")),),
    )
    assert lost == ("messages[0].name", "service_tier", "user", "prompt_cache_key", "metadata", "extra.foo")


def test_a_body_of_the_same_dialect_is_passed_on_but_for_the_model() -> None:
    """Order and values byte for byte; what is left out stays left out."""
    fields = {"options": Raw(b'{ "num_ctx":1 }'), "model": Raw(b'"group"'), "messages": Raw(b"[ ]")}
    ask = Ask(model="group", stream=True, include_usage=None, requirements=Requirements(), fields=fields)
    assert DIALECT.patch_request(ask, "m") == b'{"options":{ "num_ctx":1 },"model":"m","messages":[ ]}'


words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
names = st.from_regex(r"[a-z][a-z0-9_.-]{0,8}", fullmatch=True)
pictures = st.builds(Image, source=st.builds(Source, data=st.sampled_from(["R0lG", "aGk="])))


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    """Turns as clients send them: each call's result follows it, ids never repeat."""
    turns = [turn(Role.SYSTEM, Text(text=draw(words)))] if draw(st.booleans()) else []
    number = 0
    for _ in range(draw(st.integers(1, 4))):
        turns.append(turn(Role.USER, Text(text=draw(words)), *draw(st.lists(pictures, max_size=2))))
        calls = []
        for _ in range(draw(st.integers(0, 3))):
            number += 1
            calls.append(
                ToolCall(id=f"call_{number}", name=draw(names), arguments=draw(st.sampled_from(['{"a":1}', "{}"])))
            )
        thoughts = [Reasoning(text=text, family=FAMILY) for text in draw(st.lists(words, max_size=1))]
        turns.append(turn(Role.ASSISTANT, *thoughts, Text(text=draw(words)), *calls))
        turns += [
            turn(Role.TOOL, ToolResult(call_id=call.id, parts=(Text(text=draw(words)),), name=call.name))
            for call in calls
        ]
    return turns


def read_back(message: dict[str, Any]) -> Message:
    """A turn as Ollama would read it, by the plainest means."""
    text = Text(text=message["content"])
    if message["role"] == "tool":
        return turn(Role.TOOL, ToolResult(call_id=message["tool_call_id"], parts=(text,), name=message["tool_name"]))
    parts: list[Part] = [Reasoning(text=message["thinking"], family=FAMILY)] if "thinking" in message else []
    parts += [text, *(Image(source=Source(data=data)) for data in message.get("images", []))]
    for call in message.get("tool_calls", []):
        arguments = json.dumps(call["function"]["arguments"], separators=(",", ":"))
        parts.append(ToolCall(id=call["id"], name=call["function"]["name"], arguments=arguments))
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
