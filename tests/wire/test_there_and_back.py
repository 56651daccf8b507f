"""One protocol to another and back: what both can say comes back as it was, in order, each call with its answer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from router.canon.request import (
    ChatRequest,
    Document,
    Image,
    Message,
    OutputFormat,
    Role,
    Sampling,
    Source,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from router.wire.anthropic_messages import DIALECT as MESSAGES
from router.wire.dialect import Dialect
from router.wire.openai_chat import DIALECT as CHAT
from router.wire.openai_responses import DIALECT as RESPONSES

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda text: text.strip() == text)
names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
objects = st.dictionaries(names, st.integers() | words, max_size=3).map(lambda said: msgspec.json.encode(said).decode())

texts = st.builds(Text, text=words)
images = st.builds(
    Image,
    source=st.builds(Source, data=st.just("iVBORw0KGgo="), media_type=st.just("image/png"))
    | st.builds(Source, url=st.just("https://example.com/a.png")),
)
documents = st.builds(
    Document,
    source=st.builds(Source, data=st.just("JVBERi0="), media_type=st.just("application/pdf")),
    name=st.just("a.pdf"),
)
heard = st.lists(texts | images | documents, min_size=1, max_size=3).map(tuple)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Turns as both protocols know them: who is heard, who answers, and every call with its result."""
    turns: list[Message] = []
    if draw(st.booleans()):
        turns.append(Message(role=Role.SYSTEM, parts=(draw(texts),)))
    turns.append(Message(role=Role.USER, parts=draw(heard)))
    calls = 0
    for _ in range(draw(st.integers(0, 3))):
        said: list[Text | ToolCall] = [draw(texts)] if draw(st.booleans()) else []
        made = [
            ToolCall(id=f"call_{calls + number}", name=draw(names), arguments=draw(objects))
            for number in range(draw(st.integers(0 if said else 1, 3)))
        ]
        calls += len(made)
        turns.append(Message(role=Role.ASSISTANT, parts=(*said, *made)))
        turns += [Message(role=Role.TOOL, parts=(ToolResult(call_id=call.id, parts=(draw(texts),)),)) for call in made]
        turns.append(Message(role=Role.USER, parts=draw(heard)))
    return tuple(turns)


tools = st.lists(
    st.builds(
        Tool,
        name=names,
        description=words,
        parameters=st.just(Raw(b'{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{}}}')),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda tool: tool.name,
).map(tuple)
samplings = st.builds(
    Sampling,
    max_tokens=st.integers(16, 9999),
    temperature=st.sampled_from([None, 0.0, 0.5, 1.0]),
)


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    """What Anthropic's and OpenAI's protocols can both say."""
    offered = draw(tools)
    choices = st.sampled_from([ToolChoice(mode=mode) for mode in ("auto", "none", "any")])
    named = st.sampled_from(offered).map(lambda tool: ToolChoice(mode="named", name=tool.name))
    return ChatRequest(
        model="m",
        messages=draw(conversations()),
        tools=offered,
        tool_choice=draw(choices | named),
        sampling=draw(samplings),
        user=draw(st.none() | names),
        stream=draw(st.booleans()),
        output=draw(st.none() | st.just(OutputFormat(mode="schema", name="answer", schema=FORM, strict=True))),
    )


FORM = Raw(b'{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}')

MODELS = {MESSAGES.name: "claude-sonnet-4-6", CHAT.name: "gpt-4.1-mini", RESPONSES.name: "gpt-4.1-mini"}


def through(dialect: Dialect, request: ChatRequest) -> ChatRequest:
    """The request as a server of this dialect would hear it."""
    front = dialect.front
    assert front is not None
    heard: ChatRequest = front.decode_request(front.peek(dialect.encode_request(request, MODELS[dialect.name]).body))
    return heard


def turns(request: ChatRequest) -> list[tuple[str, object]]:
    """What was said, part by part; protocols divide the same parts into messages in their own ways."""
    return [(role_of(message, part), part) for message in request.messages for part in message.parts]


def role_of(message: Message, part: object) -> str:
    """Who says a part: a tool's answer is a tool's, in whatever message it stands."""
    return "tool" if isinstance(part, ToolResult) else message.role.value


def answered_at_once(request: ChatRequest) -> Iterator[bool]:
    """For each call, whether its answers follow right behind the calls it was made with, in their order."""
    said = [part for _, part in turns(request)]
    waiting: list[str] = []
    for part, following in pairwise([*said, None]):
        if isinstance(part, ToolCall):
            waiting.append(part.id)
            if not isinstance(following, ToolCall | ToolResult):
                yield False
        elif isinstance(part, ToolResult):
            yield bool(waiting) and waiting.pop(0) == part.call_id


def plain(offered: tuple[Tool, ...]) -> list[Tool]:
    """The tools with strictness written out: not saying it means false, but in the Responses API it must be said."""
    return [replace(tool, strict=bool(tool.strict)) for tool in offered]


PATHS = [(MESSAGES, CHAT), (CHAT, MESSAGES), (MESSAGES, RESPONSES), (RESPONSES, CHAT), (CHAT, RESPONSES)]


@pytest.mark.parametrize(("one", "other"), PATHS, ids=lambda dialect: dialect.name)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(request=requests())
def test_there_and_back_is_where_it_began(one: Dialect, other: Dialect, request: ChatRequest) -> None:
    """Order kept, ids one to one, every call followed by its result; tools, choice, form and sampling as they were."""
    first = through(one, request)
    back = through(one, through(other, first))
    assert turns(back) == turns(first)
    assert turns(first) == turns(request)
    assert all(answered_at_once(back))
    assert (plain(back.tools), back.tool_choice, back.output) == (plain(first.tools), first.tool_choice, first.output)
    assert (back.sampling, back.user, back.stream) == (first.sampling, first.user, first.stream)
    assert [tool.parameters for tool in back.tools] == [tool.parameters for tool in request.tools]
