"""Requests as a provider of Responses reads them, and what could not be said."""

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
    Opaque,
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
from router.wire.openai_responses.request import encode_request

FAMILY = "openai-responses"


def written(*messages: Message, model: str = "gpt-5", **members: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A request as a provider reads it, and what was lost on the way."""
    encoded = encode_request(ChatRequest(model="m", messages=messages, **members), model)
    return json.loads(encoded.body), encoded.lost


def said_by(role: Role, *parts: Any, name: str | None = None) -> Message:
    """A message."""
    return Message(role=role, parts=parts, name=name)


HELLO = said_by(Role.USER, Text(text="hi"))


def test_nothing_is_stored_and_thinking_is_asked_for_sealed() -> None:
    """It must come back with the next turn; models that have none refuse to be asked."""
    body, lost = written(HELLO)
    assert (body["store"], body["include"], lost) == (False, ["reasoning.encrypted_content"], ())
    assert body["input"] == [{"role": "user", "content": "hi"}]
    for model in ("gpt-4o", "gpt-4.1-mini", "gpt-3.5-turbo", "gpt-5-chat-latest"):
        assert "include" not in written(HELLO, model=model)[0]
    body, _ = written(HELLO, model="gpt-4o", sampling=Sampling(logprobs=True, top_logprobs=3))
    assert (body["include"], body["top_logprobs"]) == (["message.output_text.logprobs"], 3)


def test_a_conversation_is_written_item_by_item_in_order() -> None:
    """Ids one to one, each answer behind its call, thinking before what it led to."""
    body, lost = written(
        said_by(Role.DEVELOPER, Text(text="Be"), Text(text="brief")),
        said_by(Role.USER, Text(text="a"), Image(source=Source(data="aGk=", media_type="image/gif"), detail="low")),
        said_by(
            Role.ASSISTANT,
            Reasoning(text="hm", signature="s", family=FAMILY, id="rs_1"),
            Text(text="b"),
            Refusal(text="no"),
            ToolCall(id="x", name="f", arguments=""),
            ToolCall(id="y", name="g", arguments="free", custom=True),
        ),
        said_by(
            Role.TOOL,
            ToolResult(call_id="x", parts=(Text(text="1"),)),
            ToolResult(call_id="y", parts=(Text(text="2"), Image(source=Source(url="https://x.test/a")))),
        ),
    )
    assert lost == ()
    assert body["input"] == [
        {"role": "developer", "content": [{"type": "input_text", "text": t} for t in ("Be", "brief")]},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "image_url": "data:image/gif;base64,aGk=", "detail": "low"},
            ],
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "hm"}],
            "encrypted_content": "s",
        },
        {
            "role": "assistant",
            "content": [{"type": "output_text", "text": "b"}, {"type": "refusal", "refusal": "no"}],
        },
        {"type": "function_call", "call_id": "x", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "y", "name": "g", "input": "free"},
        {"type": "function_call_output", "call_id": "x", "output": "1"},
        {
            "type": "custom_tool_call_output",
            "call_id": "y",
            "output": [
                {"type": "input_text", "text": "2"},
                {"type": "input_image", "image_url": "https://x.test/a"},
            ],
        },
    ]


STRICT = Raw(b'{"type":"object","properties":{},"required":[],"additionalProperties":false}')


def test_a_function_always_says_whether_it_is_strict() -> None:
    """Silence means strict here, and not strict elsewhere: a schema that is not made for it would be refused."""
    tools = (Tool(name="f"), Tool(name="g", parameters=STRICT, strict=True, description="d"))
    body, lost = written(HELLO, tools=tools, tool_choice=ToolChoice(mode="named", name="g"))
    assert lost == ()
    assert body["tools"] == [
        {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": False},
        {"type": "function", "name": "g", "parameters": json.loads(bytes(STRICT)), "strict": True, "description": "d"},
    ]
    assert body["tool_choice"] == {"type": "function", "name": "g"}


@pytest.mark.parametrize(
    ("message", "lost"),
    [
        pytest.param(said_by(Role.USER, Text(text="a"), name="Bo"), "messages[0].name", id="a name"),
        pytest.param(
            said_by(Role.USER, Text(text="a", cache=CacheMark())), "messages[0].parts[0].cache", id="cache mark"
        ),
        pytest.param(said_by(Role.USER, Audio(data="aGk=", format="wav")), "messages[0].parts[0]", id="sound"),
        pytest.param(
            said_by(Role.ASSISTANT, Image(source=Source(url="https://x.test/a"))),
            "messages[0].parts[0]",
            id="its image",
        ),
        pytest.param(
            said_by(Role.ASSISTANT, Reasoning(text="a", signature="s", family="x"), Text(text="b")),
            "messages[0].parts[0]",
            id="another family's thinking",
        ),
        pytest.param(
            said_by(Role.ASSISTANT, Reasoning(text="a", signature="s", family=FAMILY)),
            "messages[0].parts[0]",
            id="thinking that led to nothing",
        ),
        pytest.param(
            said_by(Role.ASSISTANT, Opaque(raw=Raw(b"{}"), family="x"), Text(text="b")),
            "messages[0].parts[0]",
            id="opaque",
        ),
        pytest.param(
            said_by(Role.ASSISTANT, ToolCall(id="a", name="f", arguments="{}", signature="s", family="gemini")),
            "messages[0].parts[0].signature",
            id="a call's signature",
        ),
        pytest.param(
            said_by(Role.TOOL, ToolResult(call_id="a", parts=(Text(text="x"),), is_error=True)),
            "messages[0].parts[0].is_error",
            id="that a tool failed",
        ),
        pytest.param(
            said_by(Role.USER, Document(source=Source(file_id="f"), name="a.pdf")),
            "messages[0].parts[0].name",
            id="a stored file's name",
        ),
    ],
)
def test_what_cannot_be_said_is_named_by_its_path(message: Message, lost: str) -> None:
    """Never dropped in silence."""
    assert written(message)[1] == (lost,)


def test_thinking_before_thinking_is_lost_and_the_last_before_its_text_is_kept() -> None:
    """OpenAI refuses a thought that the item it led to does not follow."""
    thoughts = [Reasoning(text="", signature=f"s{n}", family=FAMILY) for n in range(2)]
    body, lost = written(said_by(Role.ASSISTANT, *thoughts, Text(text="b")))
    assert [item.get("encrypted_content") for item in body["input"]] == ["s1", None]
    assert lost == ("messages[0].parts[0]",)


@pytest.mark.parametrize(
    ("members", "lost"),
    [
        pytest.param({"sampling": Sampling(top_k=1)}, "sampling.top_k", id="top_k"),
        pytest.param({"sampling": Sampling(min_p=0.1)}, "sampling.min_p", id="min_p"),
        pytest.param({"sampling": Sampling(seed=1)}, "sampling.seed", id="seed"),
        pytest.param({"sampling": Sampling(stop=("a",))}, "sampling.stop", id="stop"),
        pytest.param({"sampling": Sampling(choices=2)}, "sampling.choices", id="choices"),
        pytest.param({"sampling": Sampling(frequency_penalty=0.5)}, "sampling.frequency_penalty", id="frequency"),
        pytest.param({"sampling": Sampling(presence_penalty=1.0)}, "sampling.presence_penalty", id="presence"),
        pytest.param({"sampling": Sampling(repetition_penalty=1.0)}, "sampling.repetition_penalty", id="repetition"),
        pytest.param({"sampling": Sampling(logit_bias=Raw(b"{}"))}, "sampling.logit_bias", id="bias"),
        pytest.param({"thinking": Thinking(budget_tokens=5)}, "thinking.budget_tokens", id="budget"),
        pytest.param({"thinking": Thinking(enabled=True)}, "thinking.enabled", id="switch"),
        pytest.param({"extra": (("moon", Raw(b"1")),)}, "extra.moon", id="extra"),
        pytest.param({"tools": (Tool(name="x", kind="server", raw=Raw(b"{}")),)}, "tools[0]", id="a server's tool"),
        pytest.param({"tools": (Tool(name="x", cache=CacheMark()),)}, "tools[0].cache", id="a tool's cache mark"),
        pytest.param(
            {"tools": (Tool(name="x", kind="custom", raw=Raw(b'{"type":"custom","custom":{"name":"x"}}')),)},
            "tools[0].raw",
            id="a free-form tool in another protocol's words",
        ),
    ],
)
def test_what_surrounds_the_messages_and_cannot_be_said_is_named(members: dict[str, Any], lost: str) -> None:
    """By its name in canon."""
    assert written(HELLO, **members)[1] == (lost,)


def test_every_member_of_sampling_is_said_or_named() -> None:
    """A member that canon gains must be thought of here."""
    sampling = Sampling(
        max_tokens=16,
        temperature=0.5,
        top_p=0.5,
        top_k=1,
        min_p=0.5,
        seed=1,
        frequency_penalty=0.5,
        presence_penalty=0.5,
        repetition_penalty=0.5,
        logit_bias=Raw(b"{}"),
        stop=("a",),
        choices=2,
        logprobs=True,
        top_logprobs=1,
        context_tokens=1,
    )
    assert all(getattr(sampling, name) != getattr(Sampling(), name) for name in Sampling.__struct_fields__)
    body, lost = written(HELLO, model="gpt-4.1", sampling=sampling)
    said = {"max_tokens": "max_output_tokens", "logprobs": "include"}
    for name in Sampling.__struct_fields__:
        assert (said.get(name, name) in body) is not (f"sampling.{name}" in lost)
