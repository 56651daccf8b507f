"""Turns, media, calls and cache points in Converse's words."""

from __future__ import annotations

import base64
import json

import pytest
from msgspec import Raw
from msgspec.structs import replace

from router.canon.request import (
    Audio,
    CacheMark,
    Document,
    Image,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Role,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from router.wire.bedrock_converse import DIALECT
from tests.wire.bedrock_converse.asking import (
    CALLED,
    CLAUDE,
    HELLO,
    HIDDEN,
    LLAMA,
    MARK,
    MISTRAL,
    NOVA,
    PDF,
    PNG,
    POINT,
    WEATHER,
    blocks,
    request,
    said,
)

# Turns.


def test_the_operator_speaks_first_and_apart() -> None:
    """Both kinds of operator; what is blank is refused, so it is not said."""
    body = said(
        request(
            Message(role=Role.SYSTEM, parts=(Text(text="a", cache=CacheMark(ttl="1h")), Text(text=" "))),
            Message(role=Role.DEVELOPER, parts=(Text(text="b"),)),
            HELLO,
        )
    )
    point = {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert body["system"] == [{"text": "a"}, point, {"text": "b"}]
    assert body["messages"] == [{"role": "user", "content": [{"text": "hi"}]}]
    assert "system" not in said(request())


def test_the_operator_between_turns_stays_where_it_spoke() -> None:
    """As the user's words: moved to the front they would void every cached prefix. And behind a call's answer."""
    between = Message(role=Role.SYSTEM, parts=(Text(text="be brief"),))
    asked = request(HELLO, CALLED[0], between, CALLED[1], tools=(WEATHER,))
    body = said(asked, lost=("messages[2].role",))
    assert [list(block) for block in body["messages"][2]["content"]] == [["toolResult"], ["text"]]
    assert "system" not in body


def test_turns_alternate_and_begin_with_the_user() -> None:
    """Whoever speaks twice speaks once; who must speak first says as little as can be said."""
    answer = Message(role=Role.ASSISTANT, parts=(Text(text="a"),))
    empty = Message(role=Role.USER, parts=(Text(text=""),))
    body = said(request(answer, empty, answer, HELLO, HELLO))
    assert body["messages"] == [
        {"role": "user", "content": [{"text": "."}]},
        {"role": "assistant", "content": [{"text": "a"}, {"text": "a"}]},
        {"role": "user", "content": [{"text": "hi"}, {"text": "hi"}]},
    ]
    assert said(request(empty))["messages"] == [{"role": "user", "content": [{"text": "."}]}]


def test_an_answer_begun_for_the_model_does_not_end_in_white_space() -> None:
    """It is refused; white space inside the conversation stays."""
    begun = Message(role=Role.ASSISTANT, parts=(Text(text=" a \n"),))
    assert said(request(HELLO, begun))["messages"][1]["content"] == [{"text": " a"}]
    assert said(request(HELLO, begun, HELLO))["messages"][1]["content"] == [{"text": " a \n"}]


def test_what_was_refused_before_is_said_as_text_and_names_are_lost() -> None:
    """The protocol has no word for either."""
    turn = Message(role=Role.ASSISTANT, parts=(Refusal(text="no"),), name="ann")
    body = said(request(HELLO, turn, HELLO), lost=("messages[1].name",))
    assert body["messages"][1]["content"] == [{"text": "no"}]


# Media.


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        pytest.param(Image(source=PNG), {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}, id="png"),
        pytest.param(
            Image(source=Source(data="/9j/4AA", media_type="image/png")),
            {"format": "jpeg", "source": {"bytes": "/9j/4AA"}},
            id="a wrong type beside it",
        ),
        pytest.param(
            Image(source=Source(data="AAAA", media_type="image/jpg")),
            {"format": "jpeg", "source": {"bytes": "AAAA"}},
            id="another word for jpeg",
        ),
        pytest.param(
            Image(source=Source(url="s3://bucket/a.webp")),
            {"format": "webp", "source": {"s3Location": {"uri": "s3://bucket/a.webp"}}},
            id="in S3",
        ),
        pytest.param(Image(source=Source(url="https://x.test/a.png")), None, id="elsewhere"),
        pytest.param(Image(source=Source(data="AAAA", media_type="image/tiff")), None, id="of another type"),
        pytest.param(Image(source=Source(file_id="f")), None, id="a file's id"),
    ],
)
def test_a_picture_travels_with_its_bytes_or_lies_in_s3(image: Image, expected: object) -> None:
    """Nothing is fetched: any other is named as lost."""
    lost = () if expected else ("messages[0].parts[1]",)
    assert blocks(Text(text="see"), image, lost=lost)[1:] == ([{"image": expected}] if expected else [])


def test_documents_have_names_that_are_taken_and_differ() -> None:
    """Letters, digits, single spaces, hyphens and brackets; the ending is the format's; text stands beside them."""
    plain = Source(data="hé", media_type="text/plain")
    found = blocks(
        Document(source=PDF, name="Q3_report (v1.2).pdf", context="c", citations=True),
        Document(source=PDF, name="Q3_report (v1.2).pdf"),
        Document(source=plain),
        Document(source=Source(data="YQ=="), name="table.xlsx"),
        Document(source=Source(url="s3://b/x.md"), name="///"),
    )
    said_of = [block["document"] for block in found[:-1]]
    assert [document["name"] for document in said_of] == [
        "Q3-report (v1-2)",
        "Q3-report (v1-2) (2)",
        "document",
        "table-xlsx",
        "document (2)",
    ]
    assert [document["format"] for document in said_of] == ["pdf", "pdf", "txt", "pdf", "md"]
    assert (said_of[0]["context"], said_of[0]["citations"]) == ("c", {"enabled": True})
    assert base64.b64decode(said_of[2]["source"]["bytes"]).decode() == "hé"
    assert found[-1] == {"text": "."}
    assert len(blocks(Document(source=PDF), Text(text="read it"))) == 2


def test_other_media_are_said_where_they_can_be() -> None:
    """Sound in the formats that are known; the hint of how closely to look is not."""
    lost = ("messages[0].parts[1]", "messages[0].parts[2]", "messages[0].parts[3].detail", "messages[0].parts[4]")
    found = blocks(
        Audio(data="AAAA", format="WAV"),
        Audio(data="AAAA", format="midi"),
        Document(source=Source(data="AAAA", media_type="application/zip")),
        Image(source=PNG, detail="low"),
        Opaque(raw=Raw(b'{"type":"x"}'), family="anthropic"),
        Opaque(raw=Raw(b'{"guardContent": {"text": {"text":"q"}}}'), family="bedrock-converse"),
        lost=lost,
    )
    assert [next(iter(block)) for block in found] == ["audio", "image", "guardContent"]
    assert found[0]["audio"]["format"] == "wav"


# Tools.


def test_a_call_and_its_answer_keep_their_ids_and_their_bytes() -> None:
    """The input is an object again, its digits untouched; the answer is the user's."""
    encoded = DIALECT.encode_request(request(HELLO, *CALLED, tools=(WEATHER,)), CLAUDE)
    assert b'"input":{"a":1.0}' in encoded.body
    _, call, result = json.loads(encoded.body)["messages"]
    assert call["content"] == [{"toolUse": {"toolUseId": "call_1", "name": "weather", "input": {"a": 1.0}}}]
    assert result == {
        "role": "user",
        "content": [{"toolResult": {"toolUseId": "call_1", "content": [{"text": "sun"}]}}],
    }


def test_all_answers_of_a_turn_come_together_and_first() -> None:
    """Whatever the user said between them; an empty one says that it is."""
    calls = tuple(ToolCall(id=f"c{n}", name="weather", arguments="") for n in range(3))
    results = [
        Message(role=Role.TOOL, parts=(ToolResult(call_id=f"c{n}", parts=(), is_error=n == 1),)) for n in range(3)
    ]
    asked = request(HELLO, Message(role=Role.ASSISTANT, parts=calls), results[0], HELLO, *results[1:], tools=(WEATHER,))
    *_, turn = said(asked)["messages"]
    *answers, text = turn["content"]
    assert [answer["toolResult"]["toolUseId"] for answer in answers] == ["c0", "c1", "c2"]
    assert [answer["toolResult"].get("status") for answer in answers] == [None, "error", None]
    assert answers[0]["toolResult"]["content"] == [{"text": "(no output)"}]
    assert text == {"text": "hi"}


def test_a_failed_answer_is_only_said_to_families_that_know_the_word() -> None:
    """The others refuse it."""
    failed = Message(role=Role.TOOL, parts=(ToolResult(call_id="call_1", parts=(Text(text="x"),), is_error=True),))
    lost = ("messages[2].parts[0].is_error",)
    body = said(request(HELLO, CALLED[0], failed, tools=(WEATHER,)), LLAMA, lost=lost)
    assert "status" not in body["messages"][2]["content"][0]["toolResult"]


def test_a_tools_answer_is_never_lowered() -> None:
    """What looks like a schema in it is the tool's own words; pictures and documents stay inside."""
    text = '{"anyOf":[{"$ref":"#/x"}]}'
    parts = (Text(text=text), Image(source=PNG), Document(source=PDF, name="a"), Text(text=""))
    result = Message(role=Role.TOOL, parts=(ToolResult(call_id="call_1", parts=parts),))
    body = said(request(HELLO, CALLED[0], result, tools=(WEATHER,)), NOVA)
    content = body["messages"][2]["content"][0]["toolResult"]["content"]
    assert content[0] == {"text": text}
    assert [next(iter(block)) for block in content] == ["text", "image", "document"]


@pytest.mark.parametrize(
    ("model", "given", "form"),
    [
        pytest.param(CLAUDE, "toolu_01-x.y:z", "toolu_01-x.y:z", id="as it is"),
        pytest.param(CLAUDE, "functions.f/0 é", "", id="letters that are refused"),
        pytest.param(CLAUDE, "c" * 65, "", id="too long"),
        pytest.param(CLAUDE, "", "", id="none at all"),
        pytest.param(MISTRAL, "abcDEF123", "abcDEF123", id="nine, as they are"),
        pytest.param(MISTRAL, "call_1", "", id="not nine"),
    ],
)
def test_ids_are_put_in_the_form_a_family_takes_alike_in_call_and_answer(model: str, given: str, form: str) -> None:
    """Different ones stay different."""
    call = ToolCall(id=given, name="weather", arguments="{}")
    other = ToolCall(id=given + "x", name="weather", arguments="{}")
    results = tuple(ToolResult(call_id=one.id, parts=(Text(text="r"),)) for one in (call, other))
    asked = request(
        HELLO,
        Message(role=Role.ASSISTANT, parts=(call, other)),
        Message(role=Role.TOOL, parts=results),
        tools=(WEATHER,),
    )
    _, said_calls, said_results = said(asked, model)["messages"]
    ids = [block["toolUse"]["toolUseId"] for block in said_calls["content"]]
    assert ids == [block["toolResult"]["toolUseId"] for block in said_results["content"]]
    assert len(set(ids)) == 2
    assert ids[0] == (form or ids[0])
    assert all(len(one) == 9 if model == MISTRAL else 0 < len(one) <= 64 for one in ids)


def test_arguments_that_are_no_object_are_put_into_one_and_named() -> None:
    """A model's broken JSON, and a free-form call; none at all is the empty object."""
    calls = (
        ToolCall(id="a", name="weather", arguments='{"a":'),
        ToolCall(id="b", name="weather", arguments="free", custom=True),
        ToolCall(id="c", name="weather", arguments=" "),
        ToolCall(id="d", name="weather", arguments="{}", signature="s", family="gemini"),
    )
    lost = ("messages[1].parts[0].arguments", "messages[1].parts[1].arguments", "messages[1].parts[3].signature")
    body = said(request(HELLO, Message(role=Role.ASSISTANT, parts=calls), tools=(WEATHER,)), lost=lost)
    inputs = [block["toolUse"]["input"] for block in body["messages"][1]["content"]]
    assert inputs == [{"arguments": '{"a":'}, {"input": "free"}, {}, {}]


def test_thinking_goes_back_only_as_claude_sealed_it() -> None:
    """With the service's own wrapping around what is redacted; to nobody else at all."""
    parts = (
        Reasoning(text="hm", signature="s", family="anthropic"),
        Reasoning(redacted="EtkE==", family="anthropic"),
        Text(text="a"),
        Reasoning(text="unsigned", family="anthropic"),
        Reasoning(text="other", signature="s", family="gemini"),
    )
    foreign = tuple(f"messages[1].parts[{n}]" for n in (3, 4))
    wrapped = base64.b64encode(b"EtkE==").decode()
    expected = [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": wrapped}},
        {"text": "a"},
    ]
    for model in (CLAUDE, HIDDEN):
        assert blocks(*parts, role=Role.ASSISTANT, model=model, lost=foreign) == expected
    mine = tuple(f"messages[1].parts[{n}]" for n in (0, 1))
    assert blocks(*parts, role=Role.ASSISTANT, model=NOVA, lost=mine + foreign) == [{"text": "a"}]


def test_cache_points_stand_behind_what_they_mark() -> None:
    """Beside a tool's answer, never in it; a duration nobody knows is named."""
    marked = ToolResult(call_id="call_1", parts=(Text(text="x", cache=CacheMark(ttl="1h")),))
    asked = request(
        Message(role=Role.USER, parts=(Text(text="a", cache=MARK), Text(text="b"))),
        CALLED[0],
        Message(role=Role.TOOL, parts=(marked,)),
        Message(role=Role.USER, parts=(Image(source=PNG, cache=CacheMark(ttl="9d")),)),
        tools=(WEATHER,),
    )
    first, _, last = said(asked, lost=("messages[3].parts[0].cache.ttl",))["messages"]
    assert first["content"] == [{"text": "a"}, POINT, {"text": "b"}]
    long = {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert [block if "cachePoint" in block else next(iter(block)) for block in last["content"]] == [
        "toolResult",
        long,
        "image",
        POINT,
    ]


def test_of_too_many_cache_points_the_last_ones_stay() -> None:
    """They end the longest prefixes; a fifth is refused."""
    tools = tuple(replace(WEATHER, name=f"t{n}", cache=MARK) for n in range(2))
    turn = Message(role=Role.USER, parts=tuple(Text(text=f"{n}", cache=MARK) for n in range(4)))
    body = said(request(turn, tools=tools), lost=("tools[0].cache", "tools[1].cache"))
    assert len(body["toolConfig"]["tools"]) == 2
    assert body["messages"][0]["content"].count(POINT) == 4


def test_families_without_a_cache_get_no_points() -> None:
    """They refuse them; Nova takes all but those of tools."""
    turn = Message(role=Role.USER, parts=(Text(text="a", cache=MARK),))
    tool = replace(WEATHER, cache=MARK)
    said(request(turn, tools=(tool,)), LLAMA, lost=("tools[0].cache", "messages[0].parts[0].cache"))
    said(request(turn, tools=(tool,)), NOVA, lost=("tools[0].cache",))


def test_citations_of_earlier_answers_are_lost_by_name() -> None:
    """Whose they are is not known, and a wrong one is refused."""
    cited = Text(text="a", citations=(Raw(b"{}"),), signature="s")
    lost = ("messages[1].parts[0].citations", "messages[1].parts[0].signature")
    assert blocks(cited, role=Role.ASSISTANT, lost=lost) == [{"text": "a"}]
