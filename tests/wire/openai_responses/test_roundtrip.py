"""Canon to the Responses API and back, for everything the dialect can say: requests, whole answers and streams."""

from __future__ import annotations

import json

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.canon.event import (
    Event,
    Finish,
    Finished,
    OpaqueAdded,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from router.canon.reply import Choice, Reply
from router.canon.request import (
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
from router.canon.usage import Usage
from router.wire.openai_responses import DIALECT
from router.wire.openai_responses.reply import decode_reply, encode_reply
from router.wire.openai_responses.request import decode_request, encode_request, peek
from router.wire.openai_responses.stream import ResponsesEncoder
from tests.wire.cutting import split

FAMILY = "openai-responses"

words = st.text(st.characters(codec="utf-8"), max_size=12)
some_words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
names = st.from_regex(r"[a-np-z][a-z0-9_]{0,8}", fullmatch=True)
"""And of models, of which none is OpenAI's own `o1`."""
ids = names.map(lambda name: f"call_{name}")
json_text = st.dictionaries(names, st.integers() | words, max_size=3).map(
    lambda said: msgspec.json.encode(said).decode()
)
base64 = st.sampled_from(["aGk=", "R0lG", ""])
urls = names.map(lambda name: f"https://x.test/{name}")

texts = st.builds(Text, text=words)
images = st.builds(
    Image,
    source=st.builds(Source, url=urls)
    | st.builds(Source, file_id=names)
    | st.builds(Source, data=base64, media_type=st.sampled_from(["image/png", "image/gif"])),
    detail=st.none() | st.sampled_from(["low", "high", "auto"]),
)
documents = st.builds(
    Document, source=st.builds(Source, data=base64, media_type=st.just("application/pdf")), name=names
) | st.builds(Document, source=st.builds(Source, file_id=names) | st.builds(Source, url=urls))
thoughts = st.builds(
    Reasoning, text=words, signature=some_words, family=st.just(FAMILY), id=st.none() | names
) | st.builds(Reasoning, text=some_words, family=st.just(FAMILY), id=st.none() | names)
calls = st.builds(ToolCall, id=ids, name=names, arguments=json_text, custom=st.booleans())
others = st.builds(
    Opaque, raw=names.map(lambda n: msgspec.Raw(json.dumps({"type": f"{n}_call"}).encode())), family=st.just(FAMILY)
)


def up_to(element: st.SearchStrategy[object], most: int = 3, least: int = 0) -> st.SearchStrategy[tuple[object, ...]]:
    """Tuples of a few."""
    return st.lists(element, min_size=least, max_size=most).map(tuple)


def joined(groups: list[tuple[object, ...]]) -> tuple[object, ...]:
    """One tuple of several."""
    return tuple(part for group in groups for part in group)


said_texts = st.builds(Text, text=some_words) | st.builds(Refusal, text=some_words)
# Thinking is told only with what it led to.
runs = up_to(said_texts | calls | others, least=1) | st.tuples(thoughts, said_texts | calls)
answer_parts = st.lists(runs, min_size=1, max_size=3).map(joined)
results = st.builds(ToolResult, call_id=ids, parts=up_to(texts | images | documents, least=1))
asked = st.builds(
    Message, role=st.sampled_from([Role.SYSTEM, Role.DEVELOPER]), parts=up_to(texts, least=1)
) | st.builds(Message, role=st.just(Role.USER), parts=up_to(texts | images | documents, least=1))
answered = st.builds(Message, role=st.just(Role.ASSISTANT), parts=answer_parts)
told = st.builds(Message, role=st.just(Role.TOOL), parts=st.tuples(results))


def apart(messages: list[Message]) -> tuple[Message, ...]:
    """Without an answer right behind an answer: this protocol tells turns apart by who speaks."""
    kept: list[Message] = []
    for message in messages:
        if not kept or message.role is not Role.ASSISTANT or kept[-1].role is not Role.ASSISTANT:
            kept.append(message)
    return tuple(kept)


schemas = json_text.map(lambda text: msgspec.Raw(text.encode()))
optional_int = st.none() | st.integers(0, 1000)
optional_float = st.none() | st.floats(-2, 2, allow_nan=False)
requests = st.builds(
    ChatRequest,
    model=names,
    messages=st.lists(asked | answered | told, min_size=1, max_size=5).map(apart),
    tools=up_to(
        st.builds(Tool, name=names, description=st.none() | words, parameters=schemas, strict=st.just(False)),
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
        max_tokens=st.none() | st.integers(16, 1000),
        temperature=optional_float,
        top_p=optional_float,
        logprobs=st.booleans(),
        top_logprobs=optional_int,
    ),
    thinking=st.none()
    | st.builds(Thinking, effort=st.sampled_from(["low", "high"]), summary=st.none() | st.just("auto")),
    stream=st.booleans(),
    include_usage=st.just(True),
    service_tier=st.none() | names,
    user=st.none() | names,
    prompt_cache_key=st.none() | names,
    metadata=st.dictionaries(names, words, max_size=2).map(lambda said: tuple(said.items())),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(requests)
def test_a_request_comes_back_as_it_was(request: ChatRequest) -> None:
    """Order, ids, tool calls, thinking and every value; nothing is lost that could be said."""
    encoded = encode_request(request, request.model)
    assert encoded.lost == ()
    assert decode_request(peek(encoded.body)) == request


choices = st.builds(
    Choice,
    index=st.just(0),
    parts=answer_parts,
    finish=st.just(Finish.LENGTH),
    said=st.just("max_output_tokens"),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(choices)
def test_an_answer_comes_back_as_it_was(choice: Choice) -> None:
    """Said as a response and read again, but for the ids of thoughts that had none."""
    usage = Usage(input=3, cache_read=1, output=2, reasoning=1, reported_total=7)
    reply = Reply(id="resp_1", model="m", created_s=17, choices=(choice,), usage=usage, family=FAMILY)
    back = decode_reply(encode_reply(reply))
    parts = tuple(
        msgspec.structs.replace(new, id=old.id) if isinstance(new, Reasoning) and isinstance(old, Reasoning) else new
        for new, old in zip(back.choices[0].parts, choice.parts, strict=True)
    )
    assert msgspec.structs.replace(back, choices=(msgspec.structs.replace(back.choices[0], parts=parts),)) == reply


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """An answer whose pieces interleave as a provider may send them."""
    pieces: list[Event] = []
    calls = 0
    block = -1
    for kind in draw(
        st.lists(st.sampled_from(["text", "think", "refuse", "call", "more", "other"]), min_size=1, max_size=20)
    ):
        if kind == "call":
            pieces.append(ToolCallStarted(index=calls, id=f"call_{calls}", name=draw(names)))
            pieces.append(ToolCallDelta(index=calls, arguments=draw(some_words)))
            calls += 1
        elif kind == "more" and calls:
            pieces.append(ToolCallDelta(index=draw(st.integers(0, calls - 1)), arguments=draw(some_words)))
        elif kind == "think":
            block += 1
            pieces.append(ReasoningDelta(text=draw(some_words), family=FAMILY, block=block))
            pieces.append(ReasoningDelta(signature=draw(some_words), family=FAMILY, block=block))
        elif kind == "other":
            raw = msgspec.Raw(json.dumps({"type": "web_search_call", "id": draw(names)}).encode())
            pieces.append(OpaqueAdded(raw=raw, family=FAMILY))
        else:
            pieces.append((RefusalDelta if kind == "refuse" else TextDelta)(text=draw(some_words)))
    return pieces


def by_kind(pieces: list[Event]) -> dict[str, list[object]]:
    """The pieces, those of calls apart: the last pieces of a call may be said behind what followed them."""
    spoken: list[object] = []
    called: list[object] = []
    for piece in pieces:
        (called if isinstance(piece, ToolCallStarted | ToolCallDelta) else spoken).append(piece)
    return {"spoken": spoken, "called": called}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(streams())
def test_a_stream_comes_back_piece_by_piece(pieces: list[Event]) -> None:
    """Every piece in its order, between one start and one end."""
    usage = UsageReported(usage=Usage(input=3, output=2, reported_total=5))
    finish = Finished(reason=Finish.LENGTH, said="max_output_tokens")
    encoder = ResponsesEncoder(peek(b'{"model":"m","input":"hi","stream":true}'))
    said = encoder.feed((*pieces, usage, finish)) + encoder.end()
    decoder = DIALECT.decoder()
    back = [event for frame in split(DIALECT.splitter(1 << 20), [said]) for event in decoder.feed(frame)]
    assert back[-3:-1] == [usage, finish]
    assert by_kind(back[1:-3]) == by_kind(pieces)
