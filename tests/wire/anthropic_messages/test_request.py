"""Requests: what is read to route them, what passes untouched, and what goes through canon."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from router.canon.request import (
    CacheMark,
    ChatRequest,
    Document,
    Image,
    Message,
    Opaque,
    OutputFormat,
    Reasoning,
    Role,
    Sampling,
    Source,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from router.errors import Reason, Refused
from router.wire.anthropic_messages.request import decode_request, encode_request, patch_request, peek
from router.wire.anthropic_messages.seal import seal_of
from router.wire.dialect import Ask, Requirements
from router.wire.openai_chat.request import encode_request as encode_openai
from router.wire.signatures import pack_id

USER = [{"role": "user", "content": "hi"}]
PNG = "iVBORw0KGgo="


def ask(**members: object) -> Ask:
    """A request with the members every request needs."""
    return peek(json.dumps({"model": "m", "max_tokens": 9, "messages": USER, **members}).encode())


def canon(*messages: object, **members: object) -> ChatRequest:
    """The same, in canon."""
    return decode_request(ask(**({"messages": messages} if messages else {}), **members))


def user(text: str) -> Message:
    """A user's turn."""
    return Message(role=Role.USER, parts=(Text(text=text),))


@pytest.mark.parametrize(
    ("body", "param"),
    [
        pytest.param(b"", None, id="nothing"),
        pytest.param(b"{", None, id="cut"),
        pytest.param(b"[]", None, id="not an object"),
        pytest.param(b'{"max_tokens":1,"messages":[{}]}', "model", id="no model"),
        pytest.param(b'{"model":"","max_tokens":1,"messages":[{}]}', "model", id="empty model"),
        pytest.param(b'{"model":"m","max_tokens":1}', "messages", id="no messages"),
        pytest.param(b'{"model":"m","max_tokens":1,"messages":[]}', "messages", id="empty messages"),
        pytest.param(b'{"model":"m","max_tokens":1,"messages":"hi"}', "messages", id="messages are text"),
        pytest.param(b'{"model":"m","max_tokens":1,"messages":["hi"]}', "messages[0]", id="a message is text"),
        pytest.param(b'{"model":"m","messages":[{}]}', "max_tokens", id="no bound"),
        pytest.param(b'{"model":"m","max_tokens":null,"messages":[{}]}', "max_tokens", id="a bound of null"),
        pytest.param(b'{"model":"m","max_tokens":-1,"messages":[{}]}', "max_tokens", id="a bound below nothing"),
        pytest.param(b'{"model":"m","max_tokens":"9","messages":[{}]}', "max_tokens", id="a bound in words"),
        pytest.param(b'{"model":"m","max_tokens":1,"messages":[{}],"stream":"yes"}', "stream", id="stream is text"),
        pytest.param(b'{"model":"m","max_tokens":1,"messages":[{}],"router":{"speed":9}}', "router", id="a wish"),
        pytest.param(b'{"model":"m","max_tokens":1,"messages":[{"content":' + b"[" * 9999, None, id="deep"),
    ],
)
def test_a_body_that_cannot_be_routed_is_refused_with_the_fields_name(body: bytes, param: str | None) -> None:
    """Before anything is spent on it."""
    with pytest.raises(Refused) as caught:
        peek(body)
    assert caught.value.param == param
    assert caught.value.reason is Reason.REJECTED


def test_routing_reads_what_it_needs_and_keeps_the_rest_in_order() -> None:
    """`router` is ours and goes no further; every other value keeps its bytes."""
    body = b'{"x_new": [1 , 2],"model":"m","router":{"fallback":false},"max_tokens":0,"messages":[{"role": "user"}]}'
    read = peek(body)
    assert (read.model, read.stream, read.include_usage) == ("m", False, True)
    assert read.requirements == Requirements(fallback=False)
    assert list(read.fields) == ["x_new", "model", "max_tokens", "messages"]
    assert bytes(read.fields["x_new"]) == b"[1 , 2]"


@pytest.mark.shows(78, 79)
def test_a_request_passes_untouched_but_for_its_model() -> None:
    """Numbers, spaces, escapes, markers, seals, unknown and repeated inner members: byte for byte, in order."""
    body = (
        b'{"temperature":1.0000000000000000001,"model":"m","max_tokens":9,"system":[ {"type":"text","text":"\\u00e9",'
        b'"cache_control":{"type":"ephemeral"}} ],"messages":[ {"role":"assistant","content":[{"type":"thinking",'
        b'"thinking":"","signature":"EooC=="},{"type":"redacted_thinking","data":"x"} ,{"type":"new","b":1,"b":2}]} ],'
        b'"context_management":{"edits" : []},"big":12345678901234567890123}'
    )
    assert patch_request(peek(body), "up") == body.replace(b'"model":"m"', b'"model":"up"')


def turn(role: str, *blocks: object) -> dict[str, object]:
    """A message of these blocks."""
    return {"role": role, "content": list(blocks)}


def test_what_we_sealed_never_reaches_a_server_of_this_protocol() -> None:
    """It would be a forged signature; what stands beside it stays, and so do words that only look like it."""
    token = seal_of(Reasoning(text="hm", family="openai-chat"))
    packed = pack_id("call_1", "c2ln", "gemini")
    sealed = {"type": "thinking", "thinking": "hm", "signature": token}
    hidden = {"type": "redacted_thinking", "data": token}
    own = {"type": "thinking", "thinking": "", "signature": "own"}
    words = {"type": "text", "text": token}
    call = {"type": "tool_use", "name": "f", "input": {"a": 1}}
    result = {"type": "tool_result", "content": "x"}
    asked = ask(
        messages=[
            {"role": "user", "content": "say pointsman.seal.1. and psig-"},
            turn("assistant", sealed),
            turn("assistant", hidden, own, words, {**call, "id": packed}),
            turn("user", {**result, "tool_use_id": packed}),
        ]
    )
    assert json.loads(patch_request(asked, "m"))["messages"] == [
        {"role": "user", "content": "say pointsman.seal.1. and psig-"},
        turn("assistant", own, words, {**call, "id": "call_1"}),
        turn("user", {**result, "tool_use_id": "call_1"}),
    ]
    assert b'"input":{"a": 1}' in patch_request(asked, "m")


def test_a_signature_in_a_calls_id_is_on_the_call_again_when_it_comes_back() -> None:
    """In the call and in its result alike, or the result would answer a call that nobody made."""
    packed = pack_id("call_1", "c2ln", "gemini")
    said = canon(
        turn("assistant", {"type": "tool_use", "id": packed, "name": "f", "input": {}}),
        turn("user", {"type": "tool_result", "tool_use_id": packed}),
    )
    call = ToolCall(id="call_1", name="f", arguments="{}", signature="c2ln", family="gemini")
    assert said.messages == (
        Message(role=Role.ASSISTANT, parts=(call,)),
        Message(role=Role.TOOL, parts=(ToolResult(call_id="call_1", parts=()),)),
    )


def test_messages_that_cannot_be_read_pass_as_they_are() -> None:
    """The server refuses them in its own words, and clients know those."""
    body = (
        b'{"model":"m","max_tokens":1,"messages":[{"content":[{"type":"thinking","signature":3},"pointsman.seal.1."]}]}'
    )
    assert patch_request(peek(body), "m") == body


MARKED = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
SERVER = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
TURNS: list[dict[str, Any]] = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "look", **MARKED},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
                "title": "t",
                "context": "c",
                "citations": {"enabled": True},
            },
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
            {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "inner"}]}},
            {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "found"}]},
        ],
    },
    {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "", "signature": "seal"},
            {"type": "redacted_thinking", "data": "blob"},
            {"type": "text", "text": "a", "citations": [{"type": "page_location"}]},
            SERVER,
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": 1.0}, "caller": {"type": "direct"}},
            {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}},
        ],
    },
    {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "42", **MARKED},
            {"type": "text", "text": "go on"},
            {
                "type": "tool_result",
                "tool_use_id": "toolu_2",
                "is_error": True,
                "content": [
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                    {"type": "tool_reference", "tool_name": "x"},
                ],
            },
        ],
    },
    {"role": "system", "content": "mind this"},
]
"""A turn of every kind, with a block of every kind."""

PICTURE = Image(source=Source(data=PNG, media_type="image/png"))
READ = (
    Message(role=Role.SYSTEM, parts=(Text(text="be brief", cache=CacheMark(ttl="1h")),)),
    Message(
        role=Role.USER,
        parts=(
            Text(text="look", cache=CacheMark(ttl="1h")),
            PICTURE,
            Image(source=Source(url="https://x/y.png")),
            Document(source=Source(data="JVBE", media_type="application/pdf"), name="t", context="c", citations=True),
            Document(source=Source(data="words", media_type="text/plain")),
            Document(source=Source(file_id="file_1")),
            Document(source=Source(data="inner", media_type="text/plain")),
            Document(source=Source(data="found", media_type="text/plain"), name="t", context="s"),
        ),
    ),
    Message(
        role=Role.ASSISTANT,
        parts=(
            Reasoning(signature="seal", family="anthropic"),
            Reasoning(redacted="blob", family="anthropic"),
            Text(text="a", citations=(Raw(b'{"type": "page_location"}'),)),
            Opaque(raw=Raw(json.dumps(SERVER).encode()), family="anthropic"),
            ToolCall(id="toolu_1", name="f", arguments='{"x": 1.0}'),
            ToolCall(id="toolu_2", name="g", arguments="{}"),
        ),
    ),
    Message(
        role=Role.TOOL,
        parts=(
            ToolResult(call_id="toolu_1", parts=(Text(text="42"),), cache=CacheMark(ttl="1h")),
            ToolResult(
                call_id="toolu_2",
                is_error=True,
                parts=(
                    PICTURE,
                    Opaque(raw=Raw(b'{"type": "tool_reference", "tool_name": "x"}'), family="anthropic"),
                ),
            ),
        ),
    ),
    user("go on"),
    Message(role=Role.SYSTEM, parts=(Text(text="mind this"),)),
)
"""The same in canon."""


def test_a_conversation_is_read_whole() -> None:
    """Every role and block; a turn that answers tools becomes two, and what nobody else can say is opaque."""
    said = canon(*TURNS, system=[{"type": "text", "text": "be brief", **MARKED}])
    assert said.messages == READ


def test_every_other_field_is_read() -> None:
    """And what canon has no word for travels in `extra`, by its path."""
    said = canon(
        stream=True,
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        stop_sequences=["END"],
        thinking={"type": "enabled", "budget_tokens": 2048, "display": "summarized", "block_binding": {"x": 1}},
        output_config={"effort": "high", "format": {"type": "json_schema", "schema": {"a": 1}}},
        metadata={"user_id": "u1", "team": "t", "none": None},
        service_tier="standard_only",
        tools=[
            {"name": "f", "input_schema": {"type": "object"}, "strict": True, "defer_loading": True},
            {"type": "web_search_20260318", "name": "web_search", "max_uses": 2},
        ],
        context_management={"edits": []},
    )
    assert said.sampling == Sampling(max_tokens=9, temperature=0.5, top_p=0.9, top_k=40, stop=("END",))
    assert said.thinking == Thinking(effort="high", budget_tokens=2048, summary="auto", enabled=True)
    assert said.output == OutputFormat(mode="schema", schema=Raw(b'{"a": 1}'), strict=True)
    assert (said.stream, said.include_usage, said.service_tier) == (True, True, "default")
    assert (said.user, said.metadata) == ("u1", (("team", "t"),))
    assert [(tool.name, tool.kind, tool.strict) for tool in said.tools] == [
        ("f", "function", True),
        ("web_search", "server", None),
    ]
    assert said.extra == (
        ("context_management", Raw(b'{"edits": []}')),
        ("thinking.block_binding", Raw(b'{"x": 1}')),
        ("tools[0].defer_loading", Raw(b"true")),
    )


def test_elsewhere_a_cache_is_warmed_by_the_shortest_answer() -> None:
    """`max_tokens` 0 asks for no answer at all, which others refuse; what it warmed or not is named."""
    said = decode_request(ask(max_tokens=0))
    assert (said.sampling.max_tokens, said.extra) == (1, (("max_tokens", Raw(b"0")),))
    assert decode_request(ask(max_tokens=1)).extra == ()


@pytest.mark.shows(81)
@pytest.mark.parametrize(
    ("said", "choice", "several"),
    [
        pytest.param({"type": "auto"}, ToolChoice(mode="auto"), None, id="auto"),
        pytest.param({"type": "none"}, ToolChoice(mode="none"), None, id="none"),
        pytest.param(
            {"type": "any", "disable_parallel_tool_use": True}, ToolChoice(mode="any"), False, id="any, one at a time"
        ),
        pytest.param(
            {"type": "tool", "name": "f", "disable_parallel_tool_use": False},
            ToolChoice(mode="named", name="f"),
            True,
            id="named",
        ),
    ],
)
def test_each_form_of_tool_choice_is_understood_and_said(
    said: dict[str, object], choice: ToolChoice, several: bool | None
) -> None:
    """Both ways; and in OpenAI's words too, where a client of this protocol reaches such a model."""
    read = canon(tools=[{"name": "f", "input_schema": {"type": "object"}}], tool_choice=said)
    assert (read.tool_choice, read.parallel_tool_calls) == (choice, several)
    assert json.loads(encode_request(read, "m").body)["tool_choice"] == said
    words = {"any": "required", "tool": {"type": "function", "function": {"name": "f"}}}
    assert json.loads(encode_openai(read, "m").body)["tool_choice"] == words.get(str(said["type"]), said["type"])


@pytest.mark.parametrize(
    ("said", "thinking"),
    [
        pytest.param({"type": "adaptive"}, Thinking(enabled=True), id="adaptive"),
        pytest.param({"type": "disabled"}, Thinking(enabled=False), id="disabled"),
        pytest.param({"type": "between_tools"}, Thinking(enabled=False), id="between tools"),
        pytest.param({"type": "adaptive", "display": "omitted"}, Thinking(enabled=True), id="not shown"),
    ],
)
def test_each_form_of_thinking_is_understood(said: dict[str, object], thinking: Thinking) -> None:
    """Claude Code sends adaptive for names it does not know: it must not be refused."""
    assert canon(thinking=said).thinking == thinking


@pytest.mark.parametrize(
    ("members", "param"),
    [
        pytest.param({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role", id="unknown role"),
        pytest.param({"messages": [{"content": "x"}]}, "messages[0].role", id="no role"),
        pytest.param({"messages": [{"role": "user"}]}, "messages[0].content", id="no content"),
        pytest.param({"messages": [{"role": "user", "content": 3}]}, "messages[0].content", id="content is a number"),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type", id="no type"
        ),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text", id="no text"
        ),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "base64"}}]}]},
            "messages[0].content[0].source",
            id="a picture of nothing",
        ),
        pytest.param(
            {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "name": "f"}]}]},
            "messages[0].content[0].id",
            id="a call without id",
        ),
        pytest.param(
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "tool_result",
                                "tool_use_id": "x",
                                "content": [{"type": "thinking", "thinking": "x"}],
                            }
                        ],
                    }
                ]
            },
            "messages[0].content[0].content",
            id="a thinking tool",
        ),
        pytest.param({"system": [{"type": "text"}]}, "system[0].text", id="system without text"),
        pytest.param({"temperature": "hot"}, "temperature", id="temperature is text"),
        pytest.param({"tools": [{"input_schema": {}}]}, "tools[0].name", id="a tool without name"),
        pytest.param({"tool_choice": {"type": "maybe"}}, "tool_choice", id="tool choice"),
        pytest.param({"tool_choice": {"type": "tool"}}, "tool_choice", id="a choice without name"),
        pytest.param({"thinking": {"type": "hard"}}, "thinking.type", id="thinking"),
        pytest.param({"output_config": {"format": {"type": "xml"}}}, "output_config.format", id="output format"),
        pytest.param({"metadata": {"user_id": 7}}, "metadata.user_id", id="metadata"),
    ],
)
def test_a_request_that_cannot_be_translated_is_refused_with_the_path(members: Any, param: str) -> None:
    """The caller can find it."""
    with pytest.raises(Refused) as caught:
        decode_request(ask(**members))
    assert caught.value.param == param
