"""Canon to Anthropic and back, for everything the dialect can say: requests, whole answers and streams."""

from __future__ import annotations

import json
from itertools import pairwise

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.canon.event import Finish, Finished, ReasoningDelta, Started, TextDelta, ToolCallDelta, ToolCallStarted
from router.canon.reply import Choice, Reply
from router.canon.request import (
    CacheMark,
    ChatRequest,
    Document,
    Image,
    Message,
    Opaque,
    OutputFormat,
    Part,
    Reasoning,
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
from router.canon.usage import Usage
from router.wire.anthropic_messages.encoder import MessageEncoder
from router.wire.anthropic_messages.reply import decode_reply, encode_reply
from router.wire.anthropic_messages.request import decode_request, encode_request, peek
from tests.wire.anthropic_messages.test_stream import events_of, told
from tests.wire.calls import are_apart

MODEL = "claude-sonnet-4-6"
"""A generation that takes nearly all of the protocol."""

FAMILY = "anthropic"

some_words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda text: bool(text.strip()))
names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
json_text = st.dictionaries(names, st.integers() | some_words, max_size=3).map(
    lambda said: msgspec.json.encode(said).decode()
)
schemas = st.dictionaries(names, st.sampled_from(["string", "integer"]), max_size=3).map(
    lambda said: msgspec.Raw(
        msgspec.json.encode({"type": "object", "properties": {name: {"type": kind} for name, kind in said.items()}})
    )
)
lowered = st.dictionaries(names, st.sampled_from(["string", "integer"]), max_size=3).map(
    lambda said: msgspec.Raw(
        msgspec.json.encode(
            {
                "type": "object",
                "properties": {name: {"type": kind} for name, kind in said.items()},
                "additionalProperties": False,
            }
        )
    )
)
urls = names.map(lambda name: f"https://x.test/{name}")

texts = st.builds(Text, text=some_words)
images = st.builds(
    Image,
    source=st.builds(Source, url=urls)
    | st.builds(Source, file_id=names)
    | st.builds(Source, data=st.just("R0lG"), media_type=st.sampled_from(["image/png", "image/gif"])),
)
documents = st.builds(
    Document,
    source=st.builds(Source, url=urls)
    | st.builds(Source, data=st.just("JVBE"), media_type=st.just("application/pdf"))
    | st.builds(Source, data=some_words, media_type=st.just("text/plain")),
    name=st.none() | names,
    context=st.none() | some_words,
    citations=st.none() | st.booleans(),
)
opaques = st.builds(
    Opaque,
    raw=names.map(lambda name: msgspec.Raw(b'{"type":"server_tool_use","id":"%b"}' % name.encode())),
    family=st.just(FAMILY),
)
thoughts = st.builds(
    Reasoning, text=st.just("") | some_words, signature=some_words, family=st.just(FAMILY)
) | st.builds(Reasoning, redacted=some_words, family=st.just(FAMILY))
cited = st.builds(Text, text=some_words, citations=st.just((msgspec.Raw(b'{"type":"char_location"}'),)))


def up_to(element: st.SearchStrategy[Part], most: int = 3, least: int = 0) -> st.SearchStrategy[tuple[Part, ...]]:
    """Tuples of a few."""
    return st.lists(element, min_size=least, max_size=most).map(tuple)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Turns as clients send them: the operator first, each call answered right behind its turn, and a last question."""
    said: list[Message] = []
    if draw(st.booleans()):
        said.append(Message(role=Role.SYSTEM, parts=draw(up_to(texts, least=1))))
    for turn in range(draw(st.integers(0, 2))):
        said.append(Message(role=Role.USER, parts=draw(up_to(texts | images | documents, least=1))))
        calls = tuple(
            ToolCall(id=f"toolu_{turn}_{number}", name=draw(names), arguments=draw(json_text))
            for number in range(draw(st.integers(0, 3)))
        )
        spoken = draw(up_to(thoughts, most=2)) + draw(up_to(texts | cited | opaques, least=1)) + calls
        said.append(Message(role=Role.ASSISTANT, parts=spoken))
        if calls:
            results = tuple(
                ToolResult(call_id=call.id, parts=draw(up_to(texts | images | documents)), is_error=draw(st.booleans()))  # type: ignore[arg-type]
                for call in calls
            )
            said.append(Message(role=Role.TOOL, parts=results))
    said.append(Message(role=Role.USER, parts=draw(up_to(texts, least=1))))
    return tuple(said)


@st.composite
def marked(draw: st.DrawFn) -> tuple[Message, ...]:
    """The same, with up to four places where a cached prefix ends."""
    messages = list(draw(conversations()))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(messages) - 1))
        parts = list(messages[place].parts)
        which = draw(st.integers(0, len(parts) - 1))
        if not isinstance(parts[which], Reasoning | Opaque):
            mark = CacheMark(ttl=draw(st.sampled_from([None, "5m", "1h"])))
            parts[which] = msgspec.structs.replace(parts[which], cache=mark)
        messages[place] = msgspec.structs.replace(messages[place], parts=tuple(parts))
    return tuple(messages)


tools = st.lists(
    st.builds(Tool, name=names, description=st.none() | some_words, parameters=schemas)
    | st.builds(Tool, name=names, parameters=lowered, strict=st.just(True))
    | st.just(
        Tool(name="web", kind="server", raw=msgspec.Raw(b'{"type":"web_search_20260318","name":"web","max_uses":2}'))
    ),
    min_size=1,
    max_size=3,
).map(tuple)
samplings = st.builds(
    Sampling,
    max_tokens=st.integers(1, 1000),
    temperature=st.none() | st.floats(0, 0.9),
    top_k=st.none() | st.integers(1, 99),
    stop=st.lists(some_words, max_size=3).map(tuple),
) | st.builds(Sampling, max_tokens=st.integers(1, 1000), top_p=st.none() | st.floats(0, 1))
choices = st.builds(ToolChoice, mode=st.sampled_from(["auto", "any"])) | st.builds(
    ToolChoice, mode=st.just("named"), name=names
)
forms = st.fixed_dictionaries(
    {},
    optional={
        "output": st.builds(OutputFormat, mode=st.just("schema"), schema=lowered, strict=st.just(True)),
        "service_tier": st.sampled_from(["auto", "default"]),
        "user": some_words,
        "stream": st.just(True),
    },
)


def said_anew(request: ChatRequest, model: str = MODEL) -> ChatRequest:
    """A request through the wire and back; nothing of it may be lost."""
    encoded = encode_request(request, model)
    assert encoded.lost == ()
    return decode_request(peek(encoded.body))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(marked(), samplings, forms)
def test_a_conversation_comes_back_as_it_was(
    messages: tuple[Message, ...], sampling: Sampling, form: dict[str, object]
) -> None:
    """Order of parts, ids, arguments byte for byte, marks, sources, seals, and every field beside them."""
    request = ChatRequest(model=MODEL, messages=messages, sampling=sampling, include_usage=True, **form)  # type: ignore[arg-type]
    assert said_anew(request) == request


@settings(max_examples=60, deadline=None)
@given(tools, st.none() | choices, st.none() | st.booleans())
def test_tools_and_how_they_may_be_called_come_back_as_they_were(
    offered: tuple[Tool, ...], choice: ToolChoice | None, several: bool | None
) -> None:
    """Schemas byte for byte; whether several calls are welcome can only be said with a choice."""
    asked = (Message(role=Role.USER, parts=(Text(text="hi"),)),)
    request = ChatRequest(
        model=MODEL,
        messages=asked,
        tools=offered,
        tool_choice=choice,
        parallel_tool_calls=several,
        sampling=Sampling(max_tokens=1),
        include_usage=True,
    )
    back = said_anew(request)
    if choice is None and several is not None:
        request = msgspec.structs.replace(request, tool_choice=ToolChoice(mode="auto"))
    assert back == request


@pytest.mark.shows(79)
@given(st.sampled_from(["low", "medium", "high", "max"]), st.none() | st.just("auto"))
def test_thinking_comes_back_as_it_was(effort: str, summary: str | None) -> None:
    """By effort on newer models, by budget on older ones."""
    asked = (Message(role=Role.USER, parts=(Text(text="hi"),)),)
    sampling = Sampling(max_tokens=9000)
    by_effort = ChatRequest(
        model=MODEL,
        messages=asked,
        sampling=sampling,
        thinking=Thinking(effort=effort, summary=summary, enabled=True),
        include_usage=True,
    )
    assert said_anew(by_effort) == by_effort
    by_budget = msgspec.structs.replace(
        by_effort, model="claude-sonnet-4-5", thinking=Thinking(budget_tokens=2048, enabled=True)
    )
    assert said_anew(by_budget, "claude-sonnet-4-5") == by_budget


@pytest.mark.shows(80)
@settings(max_examples=80, deadline=None)
@given(conversations())
def test_every_answer_of_a_tool_stands_right_behind_its_call(messages: tuple[Message, ...]) -> None:
    """In one turn of the user's, before anything else in it, one for each call and in their order."""
    turns = json.loads(encode_request(ChatRequest(model=MODEL, messages=messages), MODEL).body)["messages"]
    for turn, following in pairwise(turns):
        blocks = turn["content"] if isinstance(turn["content"], list) else []
        calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
        if calls:
            answers = following["content"][: len(calls)]
            assert following["role"] == "user"
            assert [block.get("tool_use_id") for block in answers] == calls
            assert all(block["type"] != "tool_result" for block in following["content"][len(calls) :])


usages = st.builds(
    Usage,
    input=st.integers(0, 99),
    cache_read=st.integers(0, 99),
    cache_write=st.integers(0, 99),
    cache_write_1h=st.integers(0, 99),
    output=st.integers(0, 99),
    reasoning=st.integers(0, 99),
)
calls = st.builds(ToolCall, id=names, name=names, arguments=json_text)


@settings(max_examples=100, deadline=None)
@given(up_to(thoughts | texts | cited | opaques | calls, most=5).filter(are_apart), usages, st.text(max_size=3))
def test_a_whole_answer_comes_back_as_it_was(parts: tuple[Part, ...], usage: Usage, suffix: str) -> None:
    """Parts in their order, counts in their buckets."""
    called = any(isinstance(part, ToolCall) for part in parts)
    finish = Finish.TOOL_CALLS if called else Finish.STOP
    said = "tool_use" if called else "end_turn"
    sources = tuple(source for part in parts if isinstance(part, Text) for source in part.citations)
    choice = Choice(index=0, parts=parts, finish=finish, said=said, citations=sources)  # type: ignore[arg-type]
    reply = Reply(id=f"msg_{suffix}", model="m", choices=(choice,), usage=usage, family=FAMILY)
    assert decode_reply(encode_reply(reply)) == reply


@settings(max_examples=100, deadline=None)
@given(up_to(thoughts | texts | calls, most=5).filter(are_apart))
def test_a_stream_comes_back_as_it_was(parts: tuple[Part, ...]) -> None:
    """The same words, seals and calls, whatever they were."""
    events: list[object] = [Started(id="msg_1", model="m")]
    blocks, numbers = 0, 0
    for part in parts:
        match part:
            case Text():
                events.append(TextDelta(text=part.text))
            case Reasoning():
                events.append(
                    ReasoningDelta(
                        text=part.text,
                        signature=part.signature,
                        redacted=part.redacted,
                        family=part.family,
                        block=blocks,
                    )
                )
                blocks += 1
            case ToolCall():
                events.append(ToolCallStarted(index=numbers, id=part.id, name=part.name))
                events.append(ToolCallDelta(index=numbers, arguments=part.arguments))
                numbers += 1
    events.append(Finished(reason=Finish.STOP, said="x"))
    encoder = MessageEncoder(peek(b'{"model":"m","max_tokens":1,"messages":[{}]}'))
    stream = encoder.feed(tuple(events)) + encoder.end()  # type: ignore[arg-type]
    assert told(events_of([stream])) == told(events)  # type: ignore[arg-type]
