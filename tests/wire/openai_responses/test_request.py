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
    Opaque,
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
from router.errors import Refused
from router.wire.dialect import Ask, Requirements
from router.wire.openai_responses.item import shown_call, shown_thought
from router.wire.openai_responses.request import decode_request, encode_request, patch_request, peek
from tests.wire.recorded import FOLDER, Recorded, needs_recordings, recordings

FAMILY = "openai-responses"


def ask(**members: object) -> Ask:
    """A request with the members every request needs."""
    return peek(json.dumps({"model": "m", "input": "hi", **members}).encode())


def canon(*items: object, **members: object) -> ChatRequest:
    """The same, in canon."""
    return decode_request(ask(**({"input": items} if items else {}), **members))


def parts_of(*content: object, role: str = "user") -> tuple[object, ...]:
    """The parts of one message."""
    return canon({"role": role, "content": content}).messages[0].parts


def written(*messages: Message, model: str = "gpt-5", **members: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A request as a provider reads it, and what was lost on the way."""
    encoded = encode_request(ChatRequest(model="m", messages=messages, **members), model)
    return json.loads(encoded.body), encoded.lost


def said_by(role: Role, *parts: Any, name: str | None = None) -> Message:
    """A message."""
    return Message(role=role, parts=parts, name=name)


HELLO = said_by(Role.USER, Text(text="hi"))


@pytest.mark.parametrize(
    ("body", "param"),
    [
        pytest.param(b"", None, id="nothing"),
        pytest.param(b"{", None, id="cut"),
        pytest.param(b"[]", None, id="not an object"),
        pytest.param(b'{"input":"hi"}', "model", id="no model"),
        pytest.param(b'{"model":"","input":"hi"}', "model", id="empty model"),
        pytest.param(b'{"model":"m"}', "input", id="no input"),
        pytest.param(b'{"model":"m","input":null}', "input", id="input is null"),
        pytest.param(b'{"model":"m","input":{}}', "input", id="input is an object"),
        pytest.param(b'{"model":"m","input":[ ]}', "input", id="no items"),
        pytest.param(b'{"model":"m","input":["hi"]}', "input[0]", id="an item is text"),
        pytest.param(b'{"model":"m","input":"hi","stream":"yes"}', "stream", id="stream is text"),
        pytest.param(b'{"model":"m","input":"hi","background":true}', "background", id="in the background"),
        pytest.param(
            b'{"model":"m","input":"hi","previous_response_id":7}', "previous_response_id", id="previous is a number"
        ),
        pytest.param(b'{"model":"m","input":"hi","router":{"speed":9}}', "router", id="an unknown wish"),
        pytest.param(
            b'{"model":"m","input":[{"role":"user","content":"a"},{"type":"item_reference","id":"x"}]}',
            "input[1]",
            id="an item by reference",
        ),
    ],
)
def test_a_body_that_cannot_be_routed_is_refused_with_the_fields_name(body: bytes, param: str | None) -> None:
    """Before anything is spent on it."""
    with pytest.raises(Refused) as caught:
        peek(body)
    assert caught.value.param == param


def test_what_routing_needs_is_read_and_nothing_else_is_touched() -> None:
    """Spaces, order and unknown members stay; our own member is taken out; a text may name a reference."""
    body = b'{"input": [ {"content":"\\"item_reference\\""} ],"x": 1.50,"model":"m","router":{"fallback":false}}'
    seen = peek(body)
    assert (seen.model, seen.stream, seen.include_usage) == ("m", False, True)
    assert seen.requirements == Requirements(fallback=False)
    assert {name: bytes(value) for name, value in seen.fields.items()} == {
        "input": b'[ {"content":"\\"item_reference\\""} ]',
        "x": b"1.50",
        "model": b'"m"',
    }


def test_a_pointer_to_an_earlier_response_is_carried_and_never_translated() -> None:
    """A provider of this dialect may know it; to any other, half a conversation would read as all of it."""
    seen = ask(previous_response_id="resp_1")
    assert bytes(seen.fields["previous_response_id"]) == b'"resp_1"'
    assert b'"previous_response_id":"resp_1"' in patch_request(seen, "m")
    for name in ("previous_response_id", "conversation", "prompt"):
        with pytest.raises(Refused) as caught:
            canon(**{name: "resp_1"})
        assert caught.value.param == name
    assert canon(previous_response_id=None).messages == (HELLO,)


def test_a_body_passes_on_as_it_came_but_for_the_model() -> None:
    """Values byte for byte, order too."""
    body = b'{"store": true,"model":"mine","input": [ {"role":"user","content":"\\u00e9"} ], "x":1.50}'
    assert patch_request(peek(body), "theirs") == (
        b'{"store":true,"model":"theirs","input":[ {"role":"user","content":"\\u00e9"} ],"x":1.50}'
    )


def test_what_other_families_left_in_the_history_is_taken_out_of_a_passing_body() -> None:
    """A seal of ours reads as a forged one, and a packed id is too long; all else stays byte for byte."""
    thought = {"id": "rs_1", **shown_thought(Reasoning(text="hm", signature="s", family="anthropic"))}
    call = ToolCall(id="call_a", name="f", arguments="{}", signature="c2ln", family="gemini")
    shown = shown_call(call)
    own = {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}
    answer = {"type": "function_call_output", "call_id": shown["call_id"], "output": "ok"}
    body = json.loads(patch_request(ask(input=[own, thought, shown, answer, own]), "m"))
    plain = {"type": "function_call", "call_id": "call_a", "name": "f", "arguments": "{}"}
    assert body["input"] == [own, plain, {**answer, "call_id": "call_a"}, own]


def test_text_alone_is_what_the_user_says_and_instructions_come_first() -> None:
    """The two short forms."""
    assert canon(instructions="Be brief").messages == (said_by(Role.SYSTEM, Text(text="Be brief")), HELLO)


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant"])
def test_every_role_is_kept(role: str) -> None:
    """With and without saying that the item is a message."""
    for item in ({"role": role, "content": "a"}, {"type": "message", "role": role, "content": "a"}):
        assert canon(item).messages == (said_by(Role(role), Text(text="a")),)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        pytest.param({"type": "input_text", "text": "a"}, Text(text="a"), id="text"),
        pytest.param({"type": "text", "text": "a"}, Text(text="a"), id="text in another protocol's word"),
        pytest.param(
            {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
            Text(text="a", cache=CacheMark()),
            id="cache mark",
        ),
        pytest.param(
            {"type": "output_text", "text": "a", "annotations": [{"n": 1}]},
            Text(text="a", citations=(Raw(b'{"n": 1}'),)),
            id="said text with a citation",
        ),
        pytest.param({"type": "refusal", "refusal": "no"}, Refusal(text="no"), id="refusal"),
        pytest.param(
            {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "low"},
            Image(source=Source(data="aGk=", media_type="image/png"), detail="low"),
            id="image data",
        ),
        pytest.param(
            {"type": "input_image", "image_url": "https://x.test/a"},
            Image(source=Source(url="https://x.test/a")),
            id="url",
        ),
        pytest.param({"type": "input_image", "file_id": "f"}, Image(source=Source(file_id="f")), id="image file"),
        pytest.param(
            {"type": "input_file", "file_data": "data:application/pdf;base64,aGk=", "filename": "a.pdf"},
            Document(source=Source(data="aGk=", media_type="application/pdf"), name="a.pdf"),
            id="document data",
        ),
        pytest.param(
            {"type": "input_file", "file_url": "https://x.test/a"},
            Document(source=Source(url="https://x.test/a")),
            id="f",
        ),
        pytest.param({"type": "input_file", "file_id": "f"}, Document(source=Source(file_id="f")), id="document file"),
        pytest.param(
            {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
            Audio(data="aGk=", format="wav"),
            id="sound",
        ),
    ],
)
def test_every_part_is_read(part: object, expected: object) -> None:
    """In the words of this protocol."""
    assert parts_of(part) == (expected,)


def test_what_the_model_said_in_one_turn_is_one_message() -> None:
    """Thinking, text and calls are items here; other protocols want them together, and answers apart."""
    request = canon(
        {"role": "user", "content": "go"},
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "hm"}],
            "encrypted_content": "s",
        },
        {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "ok"}]},
        {"type": "function_call", "id": "fc_1", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "b", "name": "g", "input": "x"},
        {"type": "function_call_output", "call_id": "a", "output": "1"},
        {"type": "custom_tool_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "2"}]},
    )
    assert request.messages == (
        said_by(Role.USER, Text(text="go")),
        said_by(
            Role.ASSISTANT,
            Reasoning(text="hm", signature="s", family=FAMILY, id="rs_1"),
            Text(text="ok"),
            ToolCall(id="a", name="f", arguments="{}"),
            ToolCall(id="b", name="g", arguments="x", custom=True),
        ),
        said_by(Role.TOOL, ToolResult(call_id="a", parts=(Text(text="1"),))),
        said_by(Role.TOOL, ToolResult(call_id="b", parts=(Text(text="2"),))),
    )


def test_thinking_and_signatures_of_others_come_back_to_their_own_families() -> None:
    """Through `encrypted_content` and the call's id, which clients send back unread."""
    thoughts = (
        Reasoning(text="hm", signature="s", family="anthropic"),
        Reasoning(redacted="r", family="anthropic"),
        Reasoning(text="plain", family="openai-chat"),
    )
    call = ToolCall(id="a", name="f", arguments="{}", signature="c2ln", family="gemini")
    shown = shown_call(call)
    request = canon(
        *({"id": f"rs_{n}", **shown_thought(thought)} for n, thought in enumerate(thoughts)),
        shown,
        {"type": "function_call_output", "call_id": shown["call_id"], "output": "1"},
    )
    assert request.messages[0].parts == (*thoughts, call)
    assert request.messages[1].parts == (ToolResult(call_id="a", parts=(Text(text="1"),)),)


def test_a_seal_that_was_altered_is_nobodys() -> None:
    """It is kept as what a provider of this dialect would have sealed, and refused there."""
    sealed = str(shown_thought(Reasoning(text="a", signature="s", family="x"))["encrypted_content"])
    for altered in (sealed[:-6], sealed[:12], f"{sealed}é"):
        thought = canon({"type": "reasoning", "summary": [], "encrypted_content": altered}).messages[0].parts[0]
        assert thought == Reasoning(signature=altered, family=FAMILY)


def test_items_only_this_protocol_knows_stay_whole() -> None:
    """A search in the history is no reason to refuse; a target of another dialect names it as lost."""
    search = {"type": "web_search_call", "id": "ws_1"}
    clicked = {"type": "computer_call_output", "call_id": "c", "output": {}}
    request = canon(search, {"role": "assistant", "content": "found"}, clicked)
    assert [message.role for message in request.messages] == [Role.ASSISTANT, Role.USER]
    assert request.messages[0].parts[0] == Opaque(raw=Raw(json.dumps(search).encode()), family=FAMILY)
    body, lost = written(*request.messages)
    assert (body["input"], lost) == ([search, {"role": "assistant", "content": "found"}, clicked], ())


@pytest.mark.parametrize(
    ("items", "param"),
    [
        pytest.param([{"content": "a"}], "input[0].role", id="no role"),
        pytest.param([{"role": "tool", "content": "a"}], "input[0].role", id="a role of another protocol"),
        pytest.param([{"role": "user", "content": [{"type": "moon"}]}], "input[0].content[0].type", id="unknown part"),
        pytest.param([{"role": "user", "content": [{"type": "input_image"}]}], "input[0].content[0]", id="empty image"),
        pytest.param([{"type": "function_call", "name": "f"}], "input[0].call_id", id="a call without id"),
        pytest.param([{"type": "function_call_output", "call_id": "a"}], "input[0].output", id="an answer of nothing"),
        pytest.param(
            [{"type": "function_call_output", "call_id": "a", "output": {"x": 1}}], "input[0].output", id="an object"
        ),
        pytest.param(
            [{"type": "function_call_output", "call_id": "a", "output": [{"type": "refusal", "refusal": "x"}]}],
            "input[0].output",
            id="a tool that refuses",
        ),
    ],
)
def test_an_item_that_cannot_be_read_is_refused_at_its_place(items: list[object], param: str) -> None:
    """The caller can find it."""
    with pytest.raises(Refused) as caught:
        canon(*items)
    assert caught.value.param == param


def test_everything_around_the_items_is_read() -> None:
    """Tools are flat here, and the schema stands beside its type."""
    request = canon(
        tools=[
            {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": False},
            {"type": "custom", "name": "g", "description": "e", "format": {"type": "text"}},
            {"type": "web_search", "search_context_size": "low"},
        ],
        tool_choice={"type": "function", "name": "f"},
        parallel_tool_calls=False,
        text={"format": {"type": "json_schema", "name": "n", "schema": {"a": 1}, "strict": True}, "verbosity": "low"},
        reasoning={"effort": "high", "summary": "auto"},
        max_output_tokens=9,
        temperature=0.5,
        top_p=0.25,
        top_logprobs=2,
        include=["reasoning.encrypted_content", "message.output_text.logprobs", "web_search_call.results"],
        service_tier="flex",
        safety_identifier="u",
        prompt_cache_key="k",
        metadata={"a": "b"},
        store=True,
        max_tool_calls=3,
        stream=True,
    )
    assert [(tool.name, tool.kind) for tool in request.tools] == [
        ("f", "function"),
        ("g", "custom"),
        ("web_search", "server"),
    ]
    assert request.tools[0] == Tool(name="f", description="d", parameters=Raw(b'{"type": "object"}'), strict=False)
    assert request.tool_choice == ToolChoice(mode="named", name="f")
    assert request.parallel_tool_calls is False
    assert request.output == OutputFormat(mode="schema", name="n", schema=Raw(b'{"a": 1}'), strict=True)
    assert request.thinking == Thinking(effort="high", summary="auto")
    assert request.sampling == Sampling(max_tokens=9, temperature=0.5, top_p=0.25, logprobs=True, top_logprobs=2)
    assert (request.service_tier, request.user, request.prompt_cache_key) == ("flex", "u", "k")
    assert (request.metadata, request.stream, request.include_usage) == ((("a", "b"),), True, True)
    assert {name: bytes(value) for name, value in request.extra} == {
        "store": b"true",
        "max_tool_calls": b"3",
        "text.verbosity": b'"low"',
        "include": b'["web_search_call.results"]',
    }


def test_members_that_ask_for_what_happens_anyway_are_no_loss() -> None:
    """Every official client sends some of them."""
    harmless = {"store": False, "background": False, "truncation": "disabled", "user": None, "conversation": None}
    assert canon(**harmless, stream_options={"include_obfuscation": False}).extra == ()


@pytest.mark.parametrize(
    ("said", "expected", "names"),
    [
        pytest.param("auto", ToolChoice(mode="auto"), ["f", "g"], id="auto"),
        pytest.param("none", ToolChoice(mode="none"), ["f", "g"], id="none"),
        pytest.param("required", ToolChoice(mode="any"), ["f", "g"], id="required"),
        pytest.param({"type": "custom", "name": "g"}, ToolChoice(mode="named", name="g"), ["f", "g"], id="free-form"),
        pytest.param(
            {"type": "web_search"}, ToolChoice(mode="named", name="web_search"), ["f", "g"], id="the provider's own"
        ),
        pytest.param(
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
            ToolChoice(mode="any"),
            ["f"],
            id="allowed",
        ),
    ],
)
def test_every_tool_choice_is_read(said: object, expected: ToolChoice, names: list[str]) -> None:
    """A list of allowed tools is the tools there are."""
    tools = [{"type": "function", "name": name} for name in ("f", "g")]
    request = canon(tools=tools, tool_choice=said)
    assert (request.tool_choice, [tool.name for tool in request.tools]) == (expected, names)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        pytest.param({"tool_choice": "any"}, "tool_choice", id="another protocol's word"),
        pytest.param({"tools": [{"type": "function"}]}, "tools[0].name", id="a nameless tool"),
        pytest.param({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0].name", id="a nested tool"),
        pytest.param({"text": {"format": {"type": "json_schema"}}}, "text.format", id="a nameless schema"),
        pytest.param({"text": {"format": {"type": "xml"}}}, "text.format", id="another format"),
        pytest.param({"temperature": "hot"}, "temperature", id="a wrong type"),
        pytest.param({"metadata": {"a": 1}}, "metadata[...]", id="metadata that is no text"),
    ],
)
def test_a_member_that_cannot_be_read_is_refused_by_name(members: dict[str, Any], param: str) -> None:
    """And not passed over."""
    with pytest.raises(Refused) as caught:
        canon(**members)
    assert caught.value.param == param


@needs_recordings
@pytest.mark.parametrize("line", recordings("openai.responses"), ids=lambda line: line.id)
def test_a_recorded_request_comes_through_canon_with_every_call_and_answer(line: Recorded) -> None:
    """Ids one to one and in order, seals untouched; only tools that a provider runs itself are lost, by name."""
    recorded = json.loads((FOLDER / f"{line.id}.json").read_bytes())["request"]["json"]
    if recorded is None:
        pytest.skip("this exchange was recorded without its request")
    body = recorded if isinstance(recorded["input"], list) else {**recorded, "input": [{"role": "user"}]}
    request = decode_request(peek(json.dumps(recorded).encode()))
    encoded = encode_request(request, request.model)
    own = [tool for tool in body.get("tools", []) if tool["type"] not in ("function", "custom")]
    assert [name for name in encoded.lost if name.startswith("tools")] == [f"tools[{n}]" for n in range(len(own))]
    assert {name for name in encoded.lost if not name.startswith("tools")} <= {"extra.include"}
    instructions = [{"role": "system"}] if body.get("instructions") else []
    assert threads(json.loads(encoded.body)["input"]) == threads([*instructions, *body["input"]])


def threads(items: list[Any]) -> list[tuple[object, ...]]:
    """What holds a conversation together: who speaks, ids, arguments, answers and seals, in order."""
    members = ("role", "call_id", "name", "arguments", "encrypted_content")
    told = [item for item in items if isinstance(item, dict)]
    return [tuple(item.get(name) for name in members) for item in told]
