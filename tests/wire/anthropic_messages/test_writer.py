"""Requests to a provider: what each generation of models is told, and what is named as lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from router.canon.request import (
    Audio,
    CacheMark,
    ChatRequest,
    Document,
    Image,
    Message,
    OutputFormat,
    Reasoning,
    Refusal,
    Role,
    Sampling,
    Source,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from router.wire.anthropic_messages.request import decode_request, encode_request, peek
from router.wire.openai_chat.request import decode_request as decode_openai
from router.wire.openai_chat.request import encode_request as encode_openai
from router.wire.openai_chat.request import peek as peek_openai

PNG = "iVBORw0KGgo="
PLAIN = "somebody-elses-model"
"""A model that takes whatever the protocol has."""


def wire(request: ChatRequest, model: str = PLAIN) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A request as the provider reads it, and what was lost."""
    encoded = encode_request(request, model)
    return json.loads(encoded.body), encoded.lost


def chat(*messages: Message, **members: Any) -> ChatRequest:
    """A request in canon."""
    return ChatRequest(model="public", messages=messages or (user("hi"),), **members)


def user(text: str) -> Message:
    """A user's turn."""
    return Message(role=Role.USER, parts=(Text(text=text),))


FOREIGN = ChatRequest(
    model="public",
    messages=(
        Message(role=Role.SYSTEM, parts=(Text(text="a"),)),
        Message(role=Role.DEVELOPER, parts=(Text(text="b"), Audio(data="UklG", format="wav"))),
        Message(
            role=Role.USER,
            name="ann",
            parts=(
                Text(text=" \n"),
                Text(text="look", signature="s"),
                Image(source=Source(data=PNG), detail="low"),
                Image(source=Source(data="AAAA", media_type="image/tiff")),
                Document(source=Source(data="AAAA", media_type="text/csv")),
            ),
        ),
        Message(
            role=Role.ASSISTANT,
            parts=(
                Reasoning(text="hm", family="openai-chat"),
                Reasoning(text="hm", family="anthropic"),
                Refusal(text="no"),
                ToolCall(id="functions.f:0", name="f", arguments=""),
                ToolCall(id="t2", name="g", arguments="[1]", signature="x", family="gemini"),
            ),
        ),
        Message(role=Role.TOOL, parts=(ToolResult(call_id="functions.f:0", parts=(Text(text="see"),)),)),
        Message(role=Role.TOOL, parts=(ToolResult(call_id="t2", parts=(), is_error=True),)),
        user("go"),
        Message(role=Role.ASSISTANT, parts=(Text(text="So "),)),
    ),
    tools=(
        Tool(name="f", parameters=Raw(b'{"properties":{"a":{}}}'), strict=True),
        Tool(name="sh", kind="custom"),
        Tool(name="browser_search", kind="server", raw=Raw(b'{"type":"browser_search"}')),
    ),
    parallel_tool_calls=False,
    output=OutputFormat(mode="json"),
    sampling=Sampling(temperature=1.5, top_p=0.5, seed=1, choices=2, logprobs=True, stop=("END", " ")),
    stream=True,
    service_tier="flex",
    user="u1",
    prompt_cache_key="k",
    metadata=(("a", "b"),),
    extra=(("verbosity", Raw(b'"low"')),),
)
"""An OpenAI-like conversation, with everything this protocol cannot say."""

SAID: dict[str, Any] = {
    "model": PLAIN,
    "max_tokens": 8192,
    "system": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "no"},
                {"type": "tool_use", "name": "f", "input": {}},
                {"type": "tool_use", "id": "t2", "name": "g", "input": {"arguments": "[1]"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "content": "see"},
                {"type": "tool_result", "tool_use_id": "t2", "is_error": True},
                {"type": "text", "text": "go"},
            ],
        },
        {"role": "assistant", "content": "So"},
    ],
    "tools": [{"name": "f", "input_schema": {"type": "object", "properties": {"a": {}}}}],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "metadata": {"user_id": "u1"},
    "temperature": 1.0,
    "top_p": 0.5,
    "stop_sequences": ["END"],
    "stream": True,
}
"""The same as the provider reads it, but for the ids of the first call."""

LOST = {
    "messages[1].parts[1]",
    "messages[2].name",
    "messages[2].parts[1].signature",
    "messages[2].parts[2].detail",
    "messages[2].parts[3]",
    "messages[2].parts[4]",
    "messages[3].parts[0]",
    "messages[3].parts[1]",
    "messages[3].parts[4].signature",
    "messages[3].parts[4].arguments",
    "tools[0].strict",
    "tools[1]",
    "tools[2]",
    "output",
    "sampling.temperature",
    "sampling.seed",
    "sampling.choices",
    "sampling.logprobs",
    "sampling.stop",
    "service_tier",
    "prompt_cache_key",
    "metadata.a",
    "extra.verbosity",
}


def test_a_foreign_request_is_said_and_its_losses_are_named() -> None:
    """Answers of tools in one turn and first, ids as they are taken; the rest is named by path, once."""
    body, lost = wire(FOREIGN)
    calls = body["messages"][1]["content"]
    clean = calls[1].pop("id")
    assert clean.startswith("functions_f_0_")
    assert body["messages"][2]["content"][0].pop("tool_use_id") == clean
    assert body == SAID
    assert sorted(lost) == sorted(LOST)


def test_the_words_of_a_tool_choice_without_tools_are_not_said() -> None:
    """They would be refused."""
    body, _ = wire(chat(tool_choice=ToolChoice(mode="any"), parallel_tool_calls=True))
    assert not {"tools", "tool_choice"} & set(body)


def test_a_model_that_cannot_be_forced_is_asked_and_the_force_is_named_as_lost() -> None:
    """The newest refuse a demand; a word in the prompt is the most that can be said."""
    request = chat(tools=(Tool(name="f"),), tool_choice=ToolChoice(mode="named", name="f"), parallel_tool_calls=False)
    body, lost = wire(request, "claude-opus-5-5")
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert body["system"] == "Answer by calling the tool `f`."
    assert lost == ("tool_choice",)
    assert wire(request, "claude-haiku-5-5")[0]["tool_choice"]["type"] == "tool"


OPERATOR = Message(role=Role.SYSTEM, parts=(Text(text="mind"),))
CALL = Message(role=Role.ASSISTANT, parts=(ToolCall(id="t", name="f", arguments="{}"),))
RESULT = Message(role=Role.TOOL, parts=(ToolResult(call_id="t", parts=(Text(text="r"),)),))
ANSWER = Message(role=Role.ASSISTANT, parts=(Text(text="a"),))


@pytest.mark.parametrize(
    ("model", "messages", "turns", "lost"),
    [
        pytest.param("claude-opus-5", (user("x"), OPERATOR), "us", 0, id="last, to a new model"),
        pytest.param("claude-opus-5", (user("x"), OPERATOR, ANSWER), "usa", 0, id="in place"),
        pytest.param("claude-opus-5", (user("x"), OPERATOR, user("y")), "uu", 1, id="not before a user"),
        pytest.param("claude-opus-5", (user("x"), ANSWER, OPERATOR), "uau", 1, id="not after an answer"),
        pytest.param("claude-opus-4-7", (user("x"), OPERATOR), "uu", 1, id="to an old model"),
        pytest.param("claude-opus-4-7", (user("x"), CALL, OPERATOR, RESULT), "uau", 1, id="never before a result"),
        pytest.param("claude-opus-4-7", (user("x"), CALL, RESULT, OPERATOR, ANSWER), "uaua", 1, id="behind a result"),
        pytest.param(
            "claude-opus-4-7", (user("x"), CALL, OPERATOR, RESULT, RESULT), "uau", 1, id="behind all of the results"
        ),
    ],
)
def test_the_operator_speaks_between_turns_where_the_model_lets_it(
    model: str, messages: tuple[Message, ...], turns: str, lost: int
) -> None:
    """Else in the user's name, which is named; and never between a call and its result."""
    body, named = wire(chat(*messages), model)
    assert "".join(turn["role"][0] for turn in body["messages"]) == turns
    assert len([path for path in named if path.endswith(".role")]) == lost
    assert json.dumps(body).count('"mind"') == 1
    if RESULT in messages:
        kinds = [block["type"] for block in body["messages"][2]["content"]]
        assert kinds == ["tool_result"] * messages.count(RESULT) + ["text"]


def test_of_too_many_cache_marks_the_last_four_stay() -> None:
    """A fifth is refused; marks of tools and system come first in what the provider reads."""
    marked = [Text(text=f"{n}", cache=CacheMark()) for n in range(3)]
    request = chat(
        Message(role=Role.SYSTEM, parts=(marked[0],)),
        Message(role=Role.USER, parts=(marked[1], marked[2])),
        Message(role=Role.TOOL, parts=(ToolResult(call_id="t", parts=(marked[0],), cache=CacheMark(ttl="1h")),)),
        tools=(Tool(name="f", cache=CacheMark()),),
    )
    body, lost = wire(request)
    assert lost == ("tools[0].cache", "messages[0].parts[0].cache")
    assert json.dumps(body).count("cache_control") == 4
    assert '"ttl": "1h"' in json.dumps(body)


@pytest.mark.parametrize(
    ("model", "sampling", "said", "lost"),
    [
        pytest.param("claude-opus-5-5", {"temperature": 0.5, "top_k": 3}, {}, {"temperature", "top_k"}, id="new: none"),
        pytest.param("claude-opus-5-5", {"temperature": 1.0}, {}, set(), id="new: its own default says nothing"),
        pytest.param(
            "claude-sonnet-4-5-20250929",
            {"temperature": 0.5, "top_p": 0.5, "top_k": 3},
            {"temperature": 0.5, "top_k": 3},
            {"top_p"},
            id="one of two",
        ),
        pytest.param("claude-haiku-4-5@20251001", {"top_p": 0.5}, {"top_p": 0.5}, set(), id="the other of two"),
        pytest.param(
            "claude-3-5-haiku-latest",
            {"temperature": 0.5, "top_p": 0.5},
            {"temperature": 0.5, "top_p": 0.5},
            set(),
            id="old",
        ),
    ],
)
def test_sampling_is_said_as_far_as_the_model_takes_it(
    model: str, sampling: dict[str, Any], said: dict[str, Any], lost: set[str]
) -> None:
    """What it would refuse is named instead."""
    body, named = wire(chat(sampling=Sampling(**sampling)), model)
    assert {name: body[name] for name in ("temperature", "top_p", "top_k") if name in body} == said
    assert set(named) == {f"sampling.{name}" for name in lost}


def test_a_form_of_answer_is_lowered_for_models_that_can_hold_to_it() -> None:
    """Others are not trusted with it: it is named."""
    schema = Raw(b'{"type":"object","properties":{"a":{"type":"integer","minimum":3}},"required":["a"]}')
    request = chat(
        output=OutputFormat(mode="schema", name="n", schema=schema), tools=(Tool(name="f", parameters=schema),)
    )
    body, lost = wire(request, "claude-sonnet-5")
    assert body["output_config"]["format"] == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "properties": {"a": {"type": "integer", "description": '{"minimum":3}'}},
            "required": ["a"],
            "additionalProperties": False,
        },
    }
    assert body["tools"][0]["input_schema"] == json.loads(bytes(schema))
    assert lost == ()
    assert wire(request, "claude-3-5-haiku-latest")[1] == ("output",)


def test_a_conversation_of_this_protocol_survives_openais_and_comes_back() -> None:
    """Three calls and a picture among the answers: ids one to one, order kept, each result behind its call."""
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    calls = [{"type": "tool_use", "id": f"toolu_{n}", "name": "f", "input": {"n": n}} for n in range(3)]
    results = [
        {"type": "tool_result", "tool_use_id": "toolu_0", "content": "zero"},
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "one"}, picture]},
        {"type": "tool_result", "tool_use_id": "toolu_2", "content": "two"},
    ]
    turns = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "text", "text": "calling"}, *calls]},
        {"role": "user", "content": results},
    ]
    asked = json.dumps({"model": "m", "max_tokens": 9, "system": "be brief", "messages": turns})
    read = decode_request(peek(asked.encode()))
    through = decode_openai(peek_openai(encode_openai(read, "m").body))
    body, _ = wire(through)
    assert body["system"] == "be brief"
    assert body["messages"][1] == {"role": "assistant", "content": [{"type": "text", "text": "calling"}, *calls]}
    answers = body["messages"][2]["content"]
    assert [block.get("tool_use_id") for block in answers] == ["toolu_0", "toolu_1", "toolu_2", None]
    assert answers[-1] == picture
