"""Canon to OpenAI and back, for everything the dialect can say: requests, whole answers and streams."""

from __future__ import annotations

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.canon.event import (
    Event,
    Finish,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from router.canon.reply import Choice, Reply
from router.canon.request import (
    Audio,
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
from router.canon.usage import Usage
from router.wire.openai_chat import DIALECT
from router.wire.openai_chat.reply import decode_reply, encode_reply
from router.wire.openai_chat.request import decode_request, encode_request, peek
from router.wire.openai_chat.stream import ChatEncoder
from tests.wire.calls import are_apart
from tests.wire.cutting import split

FAMILY = "openai-chat"

words = st.text(st.characters(codec="utf-8"), max_size=12)
some_words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
names = st.from_regex(r"[a-np-z][a-z0-9_]{0,8}", fullmatch=True)
"""And of models, of which none is OpenAI's own `o1`."""
ids = names.map(lambda name: f"call_{name}")
json_text = st.dictionaries(names, st.integers() | words, max_size=3).map(
    lambda said: msgspec.json.encode(said).decode()
)
base64 = st.sampled_from(["aGk=", "R0lG", ""])

texts = st.builds(Text, text=words)
images = st.builds(
    Image,
    source=st.builds(Source, url=names.map(lambda n: f"https://x.test/{n}"))
    | st.builds(Source, data=base64, media_type=st.sampled_from(["image/png", "image/gif"])),
    detail=st.none() | st.sampled_from(["low", "high", "auto"]),
)
documents = st.builds(
    Document, source=st.builds(Source, data=base64, media_type=st.just("application/pdf")), name=names
) | st.builds(Document, source=st.builds(Source, file_id=names), name=st.none() | names)
audios = st.builds(Audio, data=base64, format=st.sampled_from(["wav", "mp3"]))
thoughts = st.builds(Reasoning, text=some_words, family=st.just(FAMILY))
calls = st.builds(ToolCall, id=ids, name=names, arguments=json_text, custom=st.booleans())


def up_to(element: st.SearchStrategy[object], most: int = 3, least: int = 0) -> st.SearchStrategy[tuple[object, ...]]:
    """Tuples of a few."""
    return st.lists(element, min_size=least, max_size=most).map(tuple)


def joined(*parts: tuple[object, ...]) -> tuple[object, ...]:
    """The parts of an answer in the order OpenAI has fields for."""
    return tuple(part for group in parts for part in group)


answer_parts = st.builds(
    joined,
    up_to(thoughts, most=1),
    up_to(st.builds(Text, text=some_words), most=1),
    up_to(st.builds(Refusal, text=some_words), most=1),
    up_to(calls),
)
messages = st.one_of(
    st.builds(
        Message,
        role=st.sampled_from([Role.SYSTEM, Role.DEVELOPER]),
        parts=up_to(texts, least=1),
        name=st.none() | names,
    ),
    st.builds(
        Message,
        role=st.just(Role.USER),
        parts=up_to(texts | images | documents | audios, least=1),
        name=st.none() | names,
    ),
    st.builds(Message, role=st.just(Role.ASSISTANT), parts=answer_parts.filter(bool)),
    st.builds(
        Message,
        role=st.just(Role.TOOL),
        parts=st.tuples(st.builds(ToolResult, call_id=ids, parts=up_to(texts, least=1))),
    ),
)
schemas = json_text.map(lambda text: msgspec.Raw(text.encode()))
optional_int = st.none() | st.integers(0, 1000)
optional_float = st.none() | st.floats(-2, 2, allow_nan=False)
requests = st.builds(
    ChatRequest,
    model=names,
    messages=up_to(messages, most=5, least=1),
    tools=up_to(
        st.builds(
            Tool,
            name=names,
            description=st.none() | words,
            parameters=st.none() | schemas,
            strict=st.none() | st.just(False),
        ),
        least=1,
    ),
    tool_choice=st.none()
    | st.builds(ToolChoice, mode=st.sampled_from(["auto", "none", "any"]))
    | st.builds(ToolChoice, mode=st.just("named"), name=names),
    parallel_tool_calls=st.none() | st.booleans(),
    output=st.none()
    | st.builds(OutputFormat, mode=st.just("json"))
    | st.builds(
        OutputFormat,
        mode=st.just("schema"),
        name=names,
        schema=schemas,
        strict=st.none() | st.just(False),
        description=st.none() | words,
    ),
    sampling=st.builds(
        Sampling,
        max_tokens=optional_int,
        temperature=optional_float,
        top_p=optional_float,
        seed=optional_int,
        frequency_penalty=optional_float,
        presence_penalty=optional_float,
        logit_bias=st.none() | schemas,
        stop=up_to(some_words),
        choices=st.integers(1, 3),
        logprobs=st.booleans(),
        top_logprobs=optional_int,
    ),
    thinking=st.none() | st.builds(Thinking, effort=st.sampled_from(["low", "high"])),
    service_tier=st.none() | names,
    user=st.none() | names,
    prompt_cache_key=st.none() | names,
    metadata=st.dictionaries(names, words, max_size=2).map(lambda said: tuple(said.items())),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(requests)
def test_a_request_comes_back_as_it_was(request: ChatRequest) -> None:
    """Order, ids, tool calls and every value; nothing is lost that could be said."""
    encoded = encode_request(request, request.model)
    assert encoded.lost == ()
    assert decode_request(peek(encoded.body)) == request


choices = st.builds(
    Choice,
    index=st.just(0),
    parts=answer_parts.filter(are_apart),
    finish=st.just(Finish.LENGTH),
    said=st.just("length"),
    logprobs=st.none() | st.just(msgspec.Raw(b'{"content":[],"refusal":null}')),
)


@settings(max_examples=60, deadline=None)
@given(choices)
def test_an_answer_comes_back_as_it_was(choice: Choice) -> None:
    """Said as a chat completion and read again."""
    reply = Reply(
        id="chatcmpl-1",
        model="m",
        created_s=17,
        choices=(choice, msgspec.structs.replace(choice, index=1)),
        usage=Usage(input=3, output=2, reported_total=5),
        family=FAMILY,
    )
    assert decode_reply(encode_reply(reply)) == reply


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """Two choices whose pieces interleave as a provider may send them."""
    pieces: list[Event] = []
    open_calls = {0: 0, 1: 0}
    for choice in draw(st.lists(st.integers(0, 1), min_size=1, max_size=20)):
        kind = draw(st.sampled_from(["text", "think", "refuse", "call", "more"]))
        if kind == "call":
            index = open_calls[choice]
            open_calls[choice] += 1
            pieces.append(ToolCallStarted(index=index, id=f"call_{choice}_{index}", name=draw(names), choice=choice))
            pieces.append(ToolCallDelta(index=index, arguments=draw(some_words), choice=choice))
        elif kind == "more" and open_calls[choice]:
            index = draw(st.integers(0, open_calls[choice] - 1))
            pieces.append(ToolCallDelta(index=index, arguments=draw(some_words), choice=choice))
        elif kind == "think":
            pieces.append(ReasoningDelta(text=draw(some_words), family=FAMILY, choice=choice))
        else:
            pieces.append((RefusalDelta if kind == "refuse" else TextDelta)(text=draw(some_words), choice=choice))
    return pieces


def unblocked(event: Event) -> Event:
    """Thinking without its block: OpenAI has no word for where a block ends."""
    return msgspec.structs.replace(event, block=0) if isinstance(event, ReasoningDelta) else event


@settings(max_examples=60, deadline=None)
@given(streams())
def test_a_stream_comes_back_piece_by_piece(pieces: list[Event]) -> None:
    """Every delta in its order, between one start and one end."""
    finishes = [
        Finished(reason=Finish.LENGTH, said="length", choice=choice)
        for choice in dict.fromkeys(piece.choice for piece in pieces if hasattr(piece, "choice"))
    ]
    usage = UsageReported(usage=Usage(input=3, output=2, reported_total=5))
    encoder = ChatEncoder(peek(b'{"model":"m","messages":[{}],"stream":true,"stream_options":{"include_usage":true}}'))
    said = encoder.feed((*pieces, usage, *finishes)) + encoder.end()
    decoder = DIALECT.decoder()
    back = [event for frame in split(DIALECT.splitter(1 << 20), [said]) for event in decoder.feed(frame)]
    assert [unblocked(event) for event in back[1:-1]] == [*pieces, *finishes, usage]
