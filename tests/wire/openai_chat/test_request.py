"""Requests: what is read to route them, what passes untouched, and what goes through canon."""

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
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from router.errors import Reason, Refused
from router.wire.dialect import Ask, Requirements
from router.wire.openai_chat.request import decode_request, encode_request, patch_request, peek

USER = [{"role": "user", "content": "hi"}]


def ask(**members: object) -> Ask:
    """A request with the members every request needs."""
    return peek(json.dumps({"model": "m", "messages": USER, **members}).encode())


def canon(*messages: object, **members: object) -> ChatRequest:
    """The same, in canon."""
    return decode_request(ask(**({"messages": messages} if messages else {}), **members))


@pytest.mark.parametrize(
    ("body", "param"),
    [
        pytest.param(b"", None, id="nothing"),
        pytest.param(b"{", None, id="cut"),
        pytest.param(b"[]", None, id="not an object"),
        pytest.param(b'"model"', None, id="a string"),
        pytest.param(b'{"model":"m","messages":[{}]} x', None, id="something behind it"),
        pytest.param(b'{"messages":[{}]}', "model", id="no model"),
        pytest.param(b'{"model":"","messages":[{}]}', "model", id="empty model"),
        pytest.param(b'{"model":3,"messages":[{}]}', "model", id="model is a number"),
        pytest.param(b'{"model":null,"messages":[{}]}', "model", id="model is null"),
        pytest.param(b'{"model":"m"}', "messages", id="no messages"),
        pytest.param(b'{"model":"m","messages":[ ]}', "messages", id="empty messages"),
        pytest.param(b'{"model":"m","messages":"hi"}', "messages", id="messages are text"),
        pytest.param(b'{"model":"m","messages":["hi"]}', "messages[0]", id="a message is text"),
        pytest.param(b'{"model":"m","messages":[{}],"stream":"yes"}', "stream", id="stream is text"),
        pytest.param(b'{"model":"m","messages":[{}],"stream_options":[]}', "stream_options", id="stream options"),
        pytest.param(
            b'{"model":"m","messages":[{}],"stream_options":{"include_usage":1}}',
            "stream_options.include_usage",
            id="include_usage is a number",
        ),
        pytest.param(b'{"model":"m","messages":[{}],"router":{"speed":9}}', "router", id="an unknown wish"),
        pytest.param(
            b'{"model":"m","messages":[{}],"router":{"max_attempts":0}}', "router.max_attempts", id="no attempts at all"
        ),
        pytest.param(b'{"model":"m\xff","messages":[{}]}', "model", id="not UTF-8"),
    ],
)
def test_a_body_that_cannot_be_routed_is_refused_with_the_fields_name(body: bytes, param: str | None) -> None:
    """Before anything is spent on it."""
    with pytest.raises(Refused) as caught:
        peek(body)
    assert caught.value.param == param
    assert caught.value.reason is Reason.REJECTED


def test_an_unknown_wish_is_named() -> None:
    """A wish that is ignored in silence is a wish the caller thinks was granted."""
    with pytest.raises(Refused, match="speed"):
        ask(router={"speed": 9})


@pytest.mark.parametrize(("written", "choices"), [({}, 1), ({"n": None}, 1), ({"n": 0}, 1), ({"n": 3}, 3)], ids=str)
def test_routing_knows_how_many_answers_are_wanted(written: dict[str, object], choices: int) -> None:
    """A number no provider takes is theirs to refuse: it stays as it was written."""
    assert ask(**written).choices == choices


def test_routing_reads_what_it_needs_and_keeps_the_rest_in_order() -> None:
    """`router` is ours and goes no further; every other value keeps its bytes."""
    body = b'{"x_new": [1 , 2],"model":"m","router":{"fallback":false,"max_attempts":2},"messages":[{"role": "user"}]}'
    read = peek(body)
    assert (read.model, read.stream, read.include_usage) == ("m", False, None)
    assert read.requirements == Requirements(fallback=False, max_attempts=2)
    assert {name: bytes(value) for name, value in read.fields.items()} == {
        "x_new": b"[1 , 2]",
        "model": b'"m"',
        "messages": b'[{"role": "user"}]',
    }
    assert list(read.fields) == ["x_new", "model", "messages"]


def test_a_request_passes_untouched_but_for_its_model() -> None:
    """Numbers, spaces, escapes, unknown and repeated inner members: byte for byte, in order."""
    body = (
        b'{"temperature":1.0000000000000000001,"model":"m","messages":[ {"role":"user","content":"\\u00e9\xc3\xa9"} ],'
        b'"vendor \\"x\\"":{"b":1,"a":2,"b":3},"big":12345678901234567890123}'
    )
    assert patch_request(peek(body), "up/stream") == body.replace(b'"model":"m"', b'"model":"up/stream"')


@pytest.mark.parametrize(
    ("options", "patched"),
    [
        pytest.param(b"", b',"stream_options":{"include_usage":true}', id="not said"),
        pytest.param(b',"stream_options":null', b',"stream_options":{"include_usage":true}', id="null"),
        pytest.param(
            b',"stream_options":{"include_obfuscation": false}',
            b',"stream_options":{"include_obfuscation":false,"include_usage":true}',
            id="other options are kept",
        ),
        pytest.param(
            b',"stream_options":{"include_usage": false}', b',"stream_options":{"include_usage": false}', id="false"
        ),
        pytest.param(
            b',"stream_options":{"include_usage": true}', b',"stream_options":{"include_usage": true}', id="true"
        ),
    ],
)
def test_a_stream_is_asked_for_usage_unless_the_caller_said_something(options: bytes, patched: bytes) -> None:
    """On our own account; an explicit false is respected, and without a stream nothing is added."""
    head = b'{"model":"m","messages":[{}],"stream":true'
    assert patch_request(peek(head + options + b"}"), "m") == head + patched + b"}"
    quiet = b'{"model":"m","messages":[{}]' + options + b"}"
    assert patch_request(peek(quiet), "m") == quiet


CONVERSATION = (
    {"role": "system", "content": "be brief"},
    {"role": "developer", "content": [{"type": "text", "text": "be kind", "cache_control": {"type": "ephemeral"}}]},
    {
        "role": "user",
        "name": "ann",
        "content": [
            {"type": "text", "text": "look"},
            {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "data:image/gif;base64,R0lG"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
            {"type": "file", "file": {"file_id": "file-1"}},
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
        ],
    },
    {
        "role": "assistant",
        "content": None,
        "reasoning_content": "hm",
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "call_2", "type": "custom", "custom": {"name": "sh", "input": "ls"}},
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "42"},
    {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "a"}]},
    {"role": "assistant", "content": "", "function_call": {"name": "old", "arguments": "{}"}},
    {"role": "function", "name": "old", "content": "7"},
    {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
    {"role": "assistant", "content": "well", "refusal": "no"},
)
"""Every role and part, the old function form and the custom one included."""


def test_a_conversation_is_read_whole() -> None:
    """Every role and part, the old function form and the custom one included."""
    said = canon(*CONVERSATION)
    assert said.messages == (
        Message(role=Role.SYSTEM, parts=(Text(text="be brief"),)),
        Message(role=Role.DEVELOPER, parts=(Text(text="be kind", cache=CacheMark()),)),
        Message(
            role=Role.USER,
            name="ann",
            parts=(
                Text(text="look"),
                Image(source=Source(url="https://x/y.png"), detail="low"),
                Image(source=Source(data="R0lG", media_type="image/gif")),
                Document(source=Source(data="JVBE", media_type="application/pdf"), name="a.pdf"),
                Document(source=Source(file_id="file-1")),
                Audio(data="UklG", format="wav"),
            ),
        ),
        Message(
            role=Role.ASSISTANT,
            parts=(
                Reasoning(text="hm", family="openai-chat"),
                ToolCall(id="call_1", name="f", arguments="{}"),
                ToolCall(id="call_2", name="sh", arguments="ls", custom=True),
            ),
        ),
        Message(role=Role.TOOL, parts=(ToolResult(call_id="call_1", parts=(Text(text="42"),)),)),
        Message(role=Role.TOOL, parts=(ToolResult(call_id="call_2", parts=(Text(text="a"),)),)),
        Message(role=Role.ASSISTANT, parts=(ToolCall(id="call_6", name="old", arguments="{}"),)),
        Message(role=Role.TOOL, parts=(ToolResult(call_id="call_6", parts=(Text(text="7"),), name="old"),)),
        Message(role=Role.ASSISTANT, parts=(Refusal(text="no"),)),
        Message(role=Role.ASSISTANT, parts=(Text(text="well"), Refusal(text="no"))),
    )


def test_every_other_field_is_read() -> None:
    """And what canon has no word for travels in `extra`, in order."""
    said = canon(
        stream=True,
        stream_options={"include_usage": False},
        max_tokens=5,
        max_completion_tokens=6,
        temperature=0,
        top_p=0.5,
        top_k=40,
        seed=7,
        frequency_penalty=0.1,
        presence_penalty=-0.1,
        logit_bias={"50256": -100},
        stop="END",
        n=2,
        logprobs=True,
        top_logprobs=3,
        reasoning_effort="high",
        response_format={"type": "json_schema", "json_schema": {"name": "s", "schema": {"a": 1}, "strict": True}},
        parallel_tool_calls=False,
        service_tier="flex",
        safety_identifier="u1",
        prompt_cache_key="k",
        metadata={"a": "b"},
        verbosity="low",
        store=False,
    )
    assert said.sampling == Sampling(
        max_tokens=6,
        temperature=0,
        top_p=0.5,
        top_k=40,
        seed=7,
        frequency_penalty=0.1,
        presence_penalty=-0.1,
        logit_bias=Raw(b'{"50256": -100}'),
        stop=("END",),
        choices=2,
        logprobs=True,
        top_logprobs=3,
    )
    assert said.output == OutputFormat(mode="schema", name="s", schema=Raw(b'{"a": 1}'), strict=True)
    assert said.thinking == Thinking(effort="high")
    assert (said.stream, said.include_usage, said.parallel_tool_calls) == (True, False, False)
    assert (said.service_tier, said.user, said.prompt_cache_key) == ("flex", "u1", "k")
    assert said.metadata == (("a", "b"),)
    assert said.extra == (("verbosity", Raw(b'"low"')), ("store", Raw(b"false")))


TOOLS = [
    {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}},
    {"type": "function", "function": {"name": "g"}},
]


@pytest.mark.parametrize(
    ("choice", "expected", "names"),
    [
        pytest.param("auto", ToolChoice(mode="auto"), "fg", id="auto"),
        pytest.param("none", ToolChoice(mode="none"), "fg", id="none"),
        pytest.param("required", ToolChoice(mode="any"), "fg", id="required"),
        pytest.param(
            {"type": "function", "function": {"name": "g"}}, ToolChoice(mode="named", name="g"), "fg", id="named"
        ),
        pytest.param(
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "g"}}]},
            },
            ToolChoice(mode="any"),
            "g",
            id="some of them",
        ),
    ],
)
def test_each_form_of_tool_choice_is_understood(choice: object, expected: ToolChoice, names: str) -> None:
    """A list of allowed tools leaves only those: no other dialect has such a list."""
    said = canon(tools=TOOLS, tool_choice=choice)
    assert said.tool_choice == expected
    assert "".join(tool.name for tool in said.tools) == names


def test_tools_of_every_kind_are_kept() -> None:
    """Functions old and new, free-form tools, and those the provider runs itself."""
    custom = {"type": "custom", "custom": {"name": "sh", "format": {"type": "text"}}}
    said = canon(tools=[TOOLS[0], custom, {"type": "browser_search"}], functions=[{"name": "old"}])
    assert [(tool.kind, tool.name) for tool in said.tools] == [
        ("function", "f"),
        ("custom", "sh"),
        ("server", "browser_search"),
        ("function", "old"),
    ]
    assert said.tools[0].parameters == Raw(b'{"type": "object"}')
    encoded = encode_request(said, "m")
    assert json.loads(encoded.body)["tools"][1] == custom
    assert encoded.lost == ("tools[2]",)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        pytest.param({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role", id="unknown role"),
        pytest.param({"messages": [{"content": "x"}]}, "messages[0].role", id="no role"),
        pytest.param({"messages": [{"role": "user"}]}, "messages[0].content", id="no content"),
        pytest.param({"messages": [{"role": "user", "content": 3}]}, "messages[0].content", id="content is a number"),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "video_url", "video_url": {}}]}]},
            "messages[0].content[0].type",
            id="a part nobody else knows",
        ),
        pytest.param({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id", id="no call id"),
        pytest.param({"temperature": "hot"}, "temperature", id="temperature is text"),
        pytest.param({"n": 0}, "n", id="no choices"),
        pytest.param({"tools": [{"type": "function"}]}, "tools[0].function", id="function missing"),
        pytest.param({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name", id="no name"),
        pytest.param({"tool_choice": "maybe"}, "tool_choice", id="tool choice"),
        pytest.param({"response_format": {"type": "xml"}}, "response_format", id="output format"),
        pytest.param({"metadata": {"a": 1}}, "metadata[...]", id="metadata"),
    ],
)
def test_a_request_that_cannot_be_translated_is_refused_with_the_path(members: Any, param: str) -> None:
    """The caller can find it."""
    with pytest.raises(Refused) as caught:
        decode_request(ask(**members))
    assert caught.value.param == param


PICTURE = Image(source=Source(data="iVBO", media_type="image/png"), cache=CacheMark())

FOREIGN = ChatRequest(
    model="public",
    messages=(
        Message(role=Role.SYSTEM, parts=(Text(text="a", cache=CacheMark()), Text(text="b"))),
        Message(
            role=Role.ASSISTANT,
            parts=(
                Reasoning(text="hm", signature="seal", family="anthropic"),
                Text(text="calling"),
                ToolCall(id="t1", name="f", arguments=""),
                ToolCall(id="t2", name="g", arguments="{}"),
            ),
        ),
        Message(role=Role.TOOL, parts=(ToolResult(call_id="t1", parts=(Text(text="see"), PICTURE)),)),
        Message(role=Role.TOOL, parts=(ToolResult(call_id="t2", parts=(), is_error=True),)),
        Message(role=Role.USER, parts=(Document(source=Source(url="https://x/y.pdf")), Text(text="go"))),
    ),
    tools=(Tool(name="f", parameters=Raw(b'{"type":"object"}')),),
    tool_choice=ToolChoice(mode="any"),
    sampling=Sampling(max_tokens=9, top_k=3),
    thinking=Thinking(budget_tokens=1024, enabled=True),
    stream=True,
    extra=(("container", Raw(b"1")),),
)
"""An Anthropic-like conversation, with much that OpenAI's chat has no words for."""


def test_a_foreign_request_is_said_and_its_losses_are_named() -> None:
    """Pictures out of tools' answers follow them, the rest is named by path."""
    encoded = encode_request(FOREIGN, "gpt")
    assert json.loads(encoded.body) == {
        "model": "gpt",
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {
                "role": "assistant",
                "content": "calling",
                "tool_calls": [
                    {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                    {"id": "t2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
                ],
            },
            {"role": "tool", "tool_call_id": "t1", "content": "see"},
            {"role": "tool", "tool_call_id": "t2", "content": "Error: the tool failed and said nothing."},
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}],
            },
            {"role": "user", "content": "go"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "tool_choice": "required",
        "max_completion_tokens": 9,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert encoded.lost == (
        "messages[0].parts[0].cache",
        "messages[1].parts[0]",
        "messages[2].parts[0].parts[1].cache",
        "messages[3].parts[0].is_error",
        "messages[4].parts[0]",
        "thinking.budget_tokens",
        "thinking.enabled",
        "sampling.top_k",
        "extra.container",
    )


def test_thinking_of_this_dialect_goes_back_to_it() -> None:
    """DeepSeek demands it once tools are in play."""
    said = canon({"role": "user", "content": "hi"}, {"role": "assistant", "content": "a", "reasoning_content": "hm"})
    assert json.loads(encode_request(said, "m").body)["messages"][1]["reasoning_content"] == "hm"


def test_sealed_thinking_that_a_client_sends_back_keeps_its_seal_and_its_maker() -> None:
    """Pieces that a client collected from a stream are one block again."""
    details = [
        {"type": "reasoning.text", "text": "h", "index": 0},
        {"type": "reasoning.text", "text": "m", "signature": "seal", "format": "anthropic", "index": 0},
        {"type": "reasoning.encrypted", "data": "blob", "format": "anthropic", "index": 1},
    ]
    said = canon({"role": "user", "content": "hi"}, {"role": "assistant", "content": "a", "reasoning_details": details})
    assert said.messages[1].parts == (
        Reasoning(text="hm", signature="seal", family="anthropic"),
        Reasoning(redacted="blob", family="anthropic"),
        Text(text="a"),
    )


def test_googles_thought_signature_travels_with_its_call() -> None:
    """Its compatible endpoint wants it back where it gave it."""
    call = {
        "id": "c",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "sig"}},
    }
    said = canon({"role": "user", "content": "hi"}, {"role": "assistant", "tool_calls": [call]})
    assert said.messages[1].parts == (ToolCall(id="c", name="f", arguments="{}", signature="sig", family="gemini"),)
    assert json.loads(encode_request(said, "m").body)["messages"][1]["tool_calls"] == [call]
