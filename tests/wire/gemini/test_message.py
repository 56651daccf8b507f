"""Turns of a conversation in Google's contents: every call answered at once, signatures where they were given."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from router.canon.request import (
    Audio,
    CacheMark,
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
    ToolResult,
)
from router.wire.gemini import DIALECT, VERTEX
from router.wire.gemini.message import NO_SIGNATURE
from router.wire.gemini.reply import decode_reply
from router.wire.signatures import pack_id
from tests.wire.recorded import needs_recordings, response_of

FIRST = Message(role=Role.USER, parts=(Text(text="go"),))


def said(role: Role, *parts: Part) -> Message:
    """A turn."""
    return Message(role=role, parts=parts)


def call(call_id: str, name: str = "f", signature: str | None = None, family: str | None = None) -> ToolCall:
    """A call without arguments."""
    return ToolCall(id=call_id, name=name, arguments="", signature=signature, family=family)


def result(call_id: str, text: str = "ok") -> ToolResult:
    """A tool's answer in words."""
    return ToolResult(call_id=call_id, parts=(Text(text=text),))


def encoded(*messages: Message, model: str = "gemini-2.5-pro", dialect: Any = DIALECT) -> tuple[Any, tuple[str, ...]]:
    """(the body, what was lost) of a conversation."""
    done = dialect.encode_request(ChatRequest(model="public", messages=messages), model)
    body = json.loads(done.body)
    body.pop("store", None)
    return body, done.lost


def contents(*messages: Message, model: str = "gemini-2.5-pro", dialect: Any = DIALECT) -> Any:
    """The contents of a conversation that begins with the user."""
    return encoded(FIRST, *messages, model=model, dialect=dialect)[0]["contents"][1:]


def test_instructions_before_the_first_turn_are_the_system_instruction() -> None:
    """Those behind it have no place of their own: they are said as the user, and named."""
    body, lost = encoded(
        said(Role.SYSTEM, Text(text="a"), Text(text="b")),
        said(Role.DEVELOPER, Text(text="c")),
        FIRST,
        said(Role.SYSTEM, Text(text="later")),
    )
    assert body == {
        "systemInstruction": {"parts": [{"text": "a"}, {"text": "b"}, {"text": "c"}]},
        "contents": [{"role": "user", "parts": [{"text": "go"}, {"text": "later"}]}],
    }
    assert lost == ("messages[3].role",)


def test_a_model_without_instructions_reads_them_as_the_users_first_words() -> None:
    """Gemma refuses a system instruction."""
    body, lost = encoded(said(Role.SYSTEM, Text(text="a")), FIRST, model="gemma-3-27b-it")
    assert body == {"contents": [{"role": "user", "parts": [{"text": "a"}, {"text": "go"}]}]}
    assert lost == ()


def test_instructions_alone_are_said_as_the_user() -> None:
    """A request without contents is refused."""
    body, _ = encoded(said(Role.SYSTEM, Text(text="a")))
    assert body == {"contents": [{"role": "user", "parts": [{"text": "a"}]}]}


def test_results_follow_their_calls_in_one_turn_and_in_the_order_of_the_calls() -> None:
    """Most calls have no ids, so Google matches by name and order; what the user said comes after."""
    ours = "call_gemini_0123"
    turns = contents(
        said(Role.ASSISTANT, Text(text="calling"), call("a", "f"), call(ours, "g"), call("c", "f")),
        said(Role.USER, Text(text="wait")),
        said(Role.TOOL, result("c", "3")),
        said(Role.TOOL, result("a", "1")),
        said(Role.USER, result(ours, "2"), Text(text="now go on")),
    )
    assert turns == [
        {
            "role": "model",
            "parts": [
                {"text": "calling"},
                {"functionCall": {"id": "a", "name": "f", "args": {}}},
                {"functionCall": {"name": "g", "args": {}}},
                {"functionCall": {"id": "c", "name": "f", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "a", "name": "f", "response": {"output": "1"}}},
                {"functionResponse": {"name": "g", "response": {"output": "2"}}},
                {"functionResponse": {"id": "c", "name": "f", "response": {"output": "3"}}},
            ],
        },
        {"role": "user", "parts": [{"text": "wait"}, {"text": "now go on"}]},
    ]


def test_the_users_turns_are_one_where_nothing_is_left_between_them() -> None:
    """Another model's thinking says nothing here; after tools' answers the user's words stay a turn of their own."""
    thought = said(Role.ASSISTANT, Reasoning(text="hm", signature="s", family="anthropic"))
    whole = encoded(FIRST, thought, said(Role.USER, Text(text="well?")))[0]["contents"]
    assert whole == [{"role": "user", "parts": [{"text": "go"}, {"text": "well?"}]}]
    tools = (said(Role.ASSISTANT, call("1")), Message(role=Role.TOOL, parts=(result("1"),)))
    roles = [(each["role"], len(each["parts"])) for each in contents(*tools, said(Role.USER, Text(text="and?")))]
    assert roles == [("model", 1), ("user", 1), ("user", 1)]


def test_vertex_is_sent_no_ids() -> None:
    """Some of its models refuse a call that has one."""
    turns = contents(said(Role.ASSISTANT, call("a")), said(Role.TOOL, result("a")), dialect=VERTEX)
    assert turns[0]["parts"] == [{"functionCall": {"name": "f", "args": {}}}]
    assert turns[1]["parts"] == [{"functionResponse": {"name": "f", "response": {"output": "ok"}}}]


@pytest.mark.parametrize(
    ("arguments", "args", "lost"),
    [
        pytest.param('{"x":1.0,"y":12345678901234567890}', '{"x":1.0,"y":12345678901234567890}', (), id="an object"),
        pytest.param("", "{}", (), id="none"),
        pytest.param("[1]", '{"input":"[1]"}', ("messages[1].parts[0].arguments",), id="a list"),
        pytest.param('{"x":', '{"input":"{\\"x\\":"}', ("messages[1].parts[0].arguments",), id="cut"),
    ],
)
def test_arguments_are_an_object_whatever_the_history_holds(arguments: str, args: str, lost: tuple[str, ...]) -> None:
    """Text in its place is refused; digits stay as they were written."""
    turn = said(Role.ASSISTANT, ToolCall(id="a", name="f", arguments=arguments))
    done = DIALECT.encode_request(ChatRequest(model="p", messages=(FIRST, turn)), "gemini-2.5-pro")
    assert f'"args":{args}'.encode() in done.body
    assert done.lost == lost


def test_a_tools_answer_passes_untouched_whatever_json_it_holds() -> None:
    """Text inside an object: as an object of its own, a `$ref` would be taken for a pointer."""
    text = '{"$ref": "#/x", "additionalProperties": false}'
    turns = contents(said(Role.ASSISTANT, call("a")), said(Role.TOOL, result("a", text)))
    assert turns[1]["parts"][0]["functionResponse"]["response"] == {"output": text}


def test_errors_several_texts_and_no_text_are_answers_too() -> None:
    """Each in an object."""
    turns = contents(
        said(Role.ASSISTANT, call("a"), call("b"), call("c")),
        said(Role.TOOL, ToolResult(call_id="a", parts=(Text(text="no"),), is_error=True)),
        said(Role.TOOL, ToolResult(call_id="b", parts=(Text(text="1"), Text(text="2")))),
        said(Role.TOOL, ToolResult(call_id="c", parts=())),
    )
    responses = [part["functionResponse"]["response"] for part in turns[1]["parts"]]
    assert responses == [{"error": "no"}, {"output": ["1", "2"]}, {"output": ""}]


@pytest.mark.parametrize("newer", [True, False])
def test_pictures_in_a_tools_answer_are_inside_it_or_beside_it(newer: bool) -> None:
    """Models before 3 refuse them inside; one that is only an address stands beside it always."""
    picture = Image(source=Source(data="iVBOR", media_type="image/png"))
    linked = Image(source=Source(url="https://x.test/a.webp"))
    answer = ToolResult(call_id="a", parts=(Text(text="see"), picture, linked))
    model = "gemini-3-flash" if newer else "gemini-2.5-flash"
    parts = contents(said(Role.ASSISTANT, call("a")), said(Role.TOOL, answer), model=model)[1]["parts"]
    inline = {"inlineData": {"mimeType": "image/png", "data": "iVBOR"}}
    file = {"fileData": {"mimeType": "image/webp", "fileUri": "https://x.test/a.webp"}}
    assert parts[0]["functionResponse"].get("parts") == ([inline] if newer else None)
    assert parts[1:] == ([file] if newer else [inline, file])


def test_a_result_that_answers_no_call_keeps_its_name() -> None:
    """Google refuses it, in its own words; an answer without a name would say less."""
    orphan = ToolResult(call_id="z", parts=(), name="known")
    body, _ = encoded(said(Role.TOOL, orphan))
    assert body["contents"][0]["parts"][0]["functionResponse"]["name"] == "known"


# Signatures.


def test_a_signature_stands_beside_its_call_and_never_inside() -> None:
    """Gateways that put it inside were refused."""
    turns = contents(said(Role.ASSISTANT, call("a", signature="sig", family="gemini"), call("b")), model="gemini-3-pro")
    assert turns[0]["parts"] == [
        {"functionCall": {"id": "a", "name": "f", "args": {}}, "thoughtSignature": "sig"},
        {"functionCall": {"id": "b", "name": "f", "args": {}}},
    ]


@pytest.mark.parametrize("keeps_fields", [True, False])
def test_a_signature_comes_back_through_a_client_that_keeps_only_ids(keeps_fields: bool) -> None:
    """Scenario 82: with the extra fields and without; the provider sees neither the packed id nor one of ours."""
    packed = pack_id("call_gemini_77", "c2ln", "gemini")
    replayed = call(packed, signature="c2ln" if keeps_fields else None, family="gemini" if keeps_fields else None)
    turns = contents(said(Role.ASSISTANT, replayed), said(Role.TOOL, result(packed)), model="gemini-3-pro")
    assert turns == [
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "c2ln"}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "ok"}}}]},
    ]


@pytest.mark.parametrize(
    ("model", "marked"),
    [
        ("gemini-3-pro-preview", True),
        ("gemini-4-argon", True),
        ("gemini-flash-latest", True),
        ("gemini-2.5-pro", False),
    ],
)
def test_a_history_without_signatures_is_marked_for_models_that_demand_them(model: str, marked: bool) -> None:
    """On the first call of each step only, as Google documents it."""
    turns = contents(
        said(Role.ASSISTANT, call("a"), call("b")),
        said(Role.TOOL, result("a"), result("b")),
        said(Role.ASSISTANT, Text(text="then"), call("c")),
        said(Role.TOOL, result("c")),
        model=model,
    )
    signed = [part.get("thoughtSignature") for turn in turns for part in turn["parts"] if "functionCall" in part]
    assert signed == ([NO_SIGNATURE, None, NO_SIGNATURE] if marked else [None, None, None])


def test_a_signature_of_another_maker_is_lost_and_replaced_by_the_mark() -> None:
    """It would be refused as corrupted: signatures of Vertex are foreign to the Gemini API, and the other way round."""
    turn = said(Role.ASSISTANT, call("a", signature="sig", family="gemini"))
    body, lost = encoded(FIRST, turn, model="gemini-3-pro", dialect=VERTEX)
    assert body["contents"][1]["parts"][0]["thoughtSignature"] == NO_SIGNATURE
    assert lost == ("messages[1].parts[0].signature",)


def test_thinking_goes_back_to_who_thought_it() -> None:
    """Summaries as thoughts, a seal without words as the empty text it came as; others' thinking is named as lost."""
    body, lost = encoded(
        FIRST,
        said(
            Role.ASSISTANT,
            Reasoning(text="hm", signature="s1", family="gemini"),
            Reasoning(text="foreign", signature="s", family="anthropic"),
            Text(text="a"),
            Reasoning(signature="s2", family="gemini"),
            Reasoning(family="gemini"),
            Text(text=""),
            Refusal(text="no"),
        ),
    )
    assert body["contents"][1]["parts"] == [
        {"text": "hm", "thought": True, "thoughtSignature": "s1"},
        {"text": "a"},
        {"text": "", "thoughtSignature": "s2"},
        {"text": "no"},
    ]
    assert lost == ("messages[1].parts[1]", "messages[1].parts[4]")


@needs_recordings
@pytest.mark.parametrize(
    "recording_id",
    [
        "gemini-generatecontent-json-tool-call-b04a40c3",
        "gemini-generatecontent-json-reasoning-c5c97fe4",
        "vertex-gemini-generatecontent-json-parallel-tool-calls-7e8728b1",
        "vertex-gemini-generatecontent-json-reasoning-5494e02c",
    ],
)
def test_a_recorded_answer_goes_back_part_for_part(recording_id: str) -> None:
    """As the model's turn of the next request: nothing of it is missing, moved or unsigned."""
    body = response_of(recording_id)[2]
    parts = json.loads(body)["candidates"][0]["content"]["parts"]
    turn = said(Role.ASSISTANT, *decode_reply(body).choices[0].parts)
    sent = contents(turn, model="gemini-3-pro")[0]["parts"]
    expected = []
    for part in parts:
        if "text" in part and "thoughtSignature" in part and not part.get("thought"):
            expected += [{"text": part["text"]}, {"text": "", "thoughtSignature": part["thoughtSignature"]}]
        else:
            expected.append(part)
    assert sent == expected


def test_own_parts_go_back_as_they_were() -> None:
    """To the service that said them, and to no other."""
    code = Raw(b'{"executableCode":{"code":"1"},"thoughtSignature":"s"}')
    turn = said(Role.ASSISTANT, Opaque(raw=code, family="gemini"), Opaque(raw=Raw(b'{"x":1}'), family="anthropic"))
    body, lost = encoded(FIRST, turn)
    assert body["contents"][1]["parts"] == [{"executableCode": {"code": "1"}, "thoughtSignature": "s"}]
    assert lost == ("messages[1].parts[1]",)


# Media.


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        pytest.param(
            Image(source=Source(data="AAAA", media_type="image/gif")),
            {"inlineData": {"mimeType": "image/gif", "data": "AAAA"}},
            id="a picture",
        ),
        pytest.param(
            Image(source=Source(data="/9j/4AAQ")),
            {"inlineData": {"mimeType": "image/jpeg", "data": "/9j/4AAQ"}},
            id="a picture whose type its bytes tell",
        ),
        pytest.param(
            Document(source=Source(data="JVBERi0x", media_type="application/pdf")),
            {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0x"}},
            id="a document",
        ),
        pytest.param(
            Document(source=Source(data="plain words", media_type="text/plain")),
            {"text": "plain words"},
            id="plain text",
        ),
        pytest.param(
            Image(source=Source(url="https://x.test/a/b.PNG?c=.gif")),
            {"fileData": {"mimeType": "image/png", "fileUri": "https://x.test/a/b.PNG?c=.gif"}},
            id="an address",
        ),
        pytest.param(
            Document(source=Source(file_id="https://generativelanguage.googleapis.com/v1beta/files/abc")),
            {
                "fileData": {
                    "mimeType": "application/pdf",
                    "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc",
                }
            },
            id="a file in Google's store",
        ),
        pytest.param(
            Audio(data="AAAA", format="mp3"), {"inlineData": {"mimeType": "audio/mp3", "data": "AAAA"}}, id="sound"
        ),
    ],
)
def test_each_medium_has_its_form(part: Part, expected: object) -> None:
    """With the type Google demands."""
    body, lost = encoded(said(Role.USER, part))
    assert body["contents"][0]["parts"] == [expected]
    assert lost == ()


def test_what_the_user_says_and_google_cannot_is_named_by_path() -> None:
    """Never dropped in silence."""
    _, lost = encoded(
        Message(role=Role.USER, parts=(Text(text="a", cache=CacheMark()), Text(text="b")), name="ann"),
        said(
            Role.USER,
            Image(source=Source(file_id="file-abc"), detail="high"),
            Document(source=Source(data="JVBERi"), name="n.pdf", context="c", citations=True),
        ),
        said(Role.ASSISTANT, ToolCall(id="a", name="f", arguments="ls", custom=True)),
    )
    assert lost == (
        "messages[0].name",
        "messages[0].parts[0].cache",
        "messages[1].parts[0].detail",
        "messages[1].parts[0]",
        "messages[1].parts[1].name",
        "messages[1].parts[1].context",
        "messages[1].parts[1].citations",
        "messages[2].parts[0].custom",
    )


# Any conversation.

names = st.sampled_from(["f", "g", "3d"])


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Turns as clients send them: calls, then their results in any order and in any number of messages."""
    messages = [FIRST]
    for turn in range(draw(st.integers(0, 3))):
        calls = [call(f"c{turn}_{number}", draw(names)) for number in range(draw(st.integers(0, 3)))]
        before = [Text(text=draw(st.text(st.characters(codec="utf-8"), min_size=1, max_size=5)))]
        messages.append(said(Role.ASSISTANT, *(before if draw(st.booleans()) or not calls else []), *calls))
        results = [result(one.id, one.id) for one in draw(st.permutations(calls))]
        split_at = draw(st.integers(0, len(results)))
        for group in (results[:split_at], results[split_at:]):
            messages += [said(Role.TOOL, *group)] if group else []
        messages += [said(Role.USER, Text(text="next"))] if draw(st.booleans()) or not calls else []
    return tuple(messages)


@given(conversations())
def test_in_any_conversation_every_call_is_answered_at_once_and_in_order(messages: tuple[Message, ...]) -> None:
    """One result for each call, in the turn behind it, by name and id; every text stays, in its order."""
    body, lost = encoded(*messages)
    turns = body["contents"]
    assert lost == ()
    assert {turn["role"] for turn in turns} <= {"user", "model"}
    for turn, following in zip(turns, [*turns[1:], {"parts": []}], strict=True):
        calls = [part["functionCall"] for part in turn["parts"] if "functionCall" in part]
        answers = [part["functionResponse"] for part in following["parts"] if "functionResponse" in part]
        assert not calls or len(answers) == len(following["parts"])
        assert [(one["id"], one["name"]) for one in calls] == [(one["id"], one["name"]) for one in answers]
        assert all(one["response"] == {"output": one["id"]} for one in answers)
    texts = [part["text"] for turn in turns for part in turn["parts"] if "text" in part]
    assert texts == [part.text for message in messages for part in message.parts if isinstance(part, Text)]
