"""The vocabulary of answers, word by word: what each front tells callers, whole and streamed, or names as lost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from msgspec import Raw
from msgspec.structs import replace

from router.canon.event import (
    CitationAdded,
    Ended,
    Event,
    Finish,
    Finished,
    LogprobsAdded,
    OpaqueAdded,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from router.canon.reply import Choice, Reply
from router.canon.request import Opaque, Reasoning, Refusal, Text, ToolCall
from router.canon.usage import Usage
from router.wire.anthropic_messages import DIALECT as MESSAGES
from router.wire.dialect import Ask, Dialect, FrontHalf, Requirements
from router.wire.openai_chat import DIALECT as CHAT
from router.wire.openai_responses import DIALECT as RESPONSES
from router.wire.unsaid import UnsaidBook, unsaid_in
from tests.wire.fields import fields_of, set_in

FRONTS: Mapping[str, Dialect] = {"chat": CHAT, "responses": RESPONSES, "messages": MESSAGES}
MARK = "xyzzy"
OWN = "the caller's own family"
OTHER = "bedrock-converse"
USAGE = Usage(
    input=1001,
    cache_read=2002,
    cache_write=3003,
    cache_write_1h=4004,
    output=5005,
    reasoning=6006,
    audio_input=7007,
    audio_output=8008,
    image_input=9009,
    image_output=10010,
    tier="default",
)

ANSWERED = Text(text="a")
SaidPart = Text | Reasoning | ToolCall | Refusal | Opaque


class Word(NamedTuple):
    """What a provider of `family` answers, and which fronts cannot tell it: `named` say so, `mute` need not.

    `more` is of the choice, `whole` of the answer.

    A caller is mute about what it has no use for: another family's seals, and what its own protocol never asks for.
    """

    parts: tuple[SaidPart, ...]
    more: Mapping[str, Any] = {}
    family: str = OTHER
    named: frozenset[str] = frozenset()
    mute: frozenset[str] = frozenset()
    whole: Mapping[str, Any] = {}


def raw(value: object) -> Raw:
    """As JSON."""
    return Raw(json.dumps(value).encode())


def cited(value: object, *named: str, family: str = OTHER) -> Word:
    """An answer that stands on this source."""
    return Word((ANSWERED,), {"citations": (raw(value),)}, family, frozenset(named))


CALL = ToolCall(id="call_a", name="f", arguments="{}")
ALL = frozenset(FRONTS)
WORDS: Mapping[str, Word] = {
    "text": Word((Text(text=MARK),)),
    "thoughts": Word((Reasoning(text=MARK, family=OTHER), ANSWERED)),
    "a second thought": Word((Reasoning(text="t", family=OTHER), Reasoning(text=MARK, family=OTHER), ANSWERED)),
    "a seal of its own": Word((Reasoning(text="t", signature=MARK, family=OWN), ANSWERED), family=OWN),
    "another's seal": Word(
        (Reasoning(text="t", signature=MARK, family=OTHER), ANSWERED), mute=frozenset({"responses", "messages"})
    ),
    "hidden thoughts": Word(
        (Reasoning(redacted=MARK, family=OWN), ANSWERED), family=OWN, mute=frozenset({"responses"})
    ),
    "another's hidden thoughts": Word(
        (Reasoning(redacted=MARK, family=OTHER), ANSWERED), mute=frozenset({"responses", "messages"})
    ),
    "a call": Word((replace(CALL, name=MARK),), {"finish": Finish.TOOL_CALLS}),
    "arguments": Word((replace(CALL, arguments=f'{{"a":"{MARK}"}}'),), {"finish": Finish.TOOL_CALLS}),
    "a call in free form": Word((replace(CALL, arguments=MARK, custom=True),), {"finish": Finish.TOOL_CALLS}),
    "words of refusal": Word((Refusal(text=MARK),), {"finish": Finish.REFUSAL}),
    "a part of another family": Word((ANSWERED, Opaque(raw=raw({"type": "x", "y": MARK}), family=OTHER)), named=ALL),
    "log probabilities": Word(
        (ANSWERED,),
        {"logprobs": raw({"content": [{"token": MARK, "logprob": -1, "bytes": None, "top_logprobs": []}]})},
        mute=frozenset({"messages"}),
    ),
    "what stopped it": Word((ANSWERED,), {"stop_sequence": MARK}, mute=frozenset({"chat", "responses"})),
    "a page, flat": cited({"type": "url_citation", "url": f"https://e.test/{MARK}", "title": "t"}),
    "a page, nested": cited({"type": "url_citation", "url_citation": {"url": f"https://e.test/{MARK}", "title": "t"}}),
    "pages of Google's": cited({"groundingMetadata": {"groundingChunks": [{"web": {"uri": f"https://{MARK}.test"}}]}}),
    "a document": cited({"type": "char_location", "cited_text": MARK, "document_index": 0}, *ALL),
    "a document of Cohere's": cited({"start": 0, "end": 1, "text": MARK, "sources": [{"type": "document"}]}, *ALL),
    "what is no source": cited({"never": MARK}, *ALL),
    "a sealed call": Word((replace(CALL, signature=f"{MARK}abc", family="gemini"),), {"finish": Finish.TOOL_CALLS}),
    "the id of a thought": Word(
        (Reasoning(text="t", signature="s", id=f"rs_{MARK}", family=OWN), ANSWERED),
        family=OWN,
        mute=frozenset({"messages"}),
    ),
    "what ran the model": Word((ANSWERED,), whole={"fingerprint": MARK}, mute=frozenset({"responses", "messages"})),
    **{
        f"the tier {tier}": Word((ANSWERED,), whole={"usage": replace(USAGE, tier=tier)}, named=frozenset(fronts))
        for tier, fronts in {
            "flex": {"messages"},
            "scale": {"messages"},
            "batch": {"chat", "responses"},
            "xyzzy": ALL,
        }.items()
    },
}

TRACES = {"the tier flex": b"flex", "the tier scale": b"scale", "the tier batch": b"batch"}
"""What stands in an answer that tells the word, where that is not the mark."""

WHOLE_ONLY = frozenset({"the id of a thought"})
"""What only a whole answer tells: a stream's items have ids of their own."""


def family_of(front: str) -> str:
    """The family whose words a front says as they came."""
    family = half_of(front).family
    assert family
    return family


def answer_of(word: Word, front: str) -> Reply:
    """The word as a whole answer."""
    own = family_of(front)
    parts = tuple(replace(part, family=own) if getattr(part, "family", None) == OWN else part for part in word.parts)
    choice = Choice(index=0, parts=parts, said="s", **{"finish": Finish.STOP, **word.more})
    family = own if word.family == OWN else word.family
    members = {"usage": USAGE, **word.whole}
    return Reply(id="r1", model="m", choices=(choice,), created_s=5, family=family, **members)


def pieces(part: SaidPart, index: int, choice: int) -> tuple[Event, ...]:
    """A part as events; `index` counts what of its choice is counted."""
    match part:
        case Text():
            return (TextDelta(text=part.text, choice=choice),)
        case Reasoning():
            return (
                ReasoningDelta(
                    text=part.text,
                    signature=part.signature,
                    redacted=part.redacted,
                    family=part.family,
                    block=index,
                    choice=choice,
                ),
            )
        case Refusal():
            return (RefusalDelta(text=part.text, choice=choice),)
        case Opaque():
            return (OpaqueAdded(raw=part.raw, family=part.family, choice=choice),)
        case ToolCall():
            begun = ToolCallStarted(
                index=0,
                id=part.id,
                name=part.name,
                custom=part.custom,
                signature=part.signature,
                family=part.family,
                choice=choice,
            )
            return (begun, ToolCallDelta(index=0, arguments=part.arguments, choice=choice))


def streamed(reply: Reply) -> Iterator[Event]:
    """The same as a stream."""
    yield Started(id=reply.id, model=reply.model, created_s=5, fingerprint=reply.fingerprint)
    for choice in reply.choices:
        yield from spoken(choice, reply.family or "")
    for choice in reply.choices:
        yield Finished(reason=choice.finish, said=choice.said, stop_sequence=choice.stop_sequence, choice=choice.index)
    if reply.usage is not None:
        yield UsageReported(usage=reply.usage)
    yield Ended()


def spoken(choice: Choice, family: str) -> Iterator[Event]:
    """One choice of it."""
    for place, part in enumerate(choice.parts):
        yield from pieces(part, place, choice.index)
    for source in choice.citations:
        yield CitationAdded(citation=source, family=family, choice=choice.index)
    if choice.logprobs is not None:
        yield LogprobsAdded(logprobs=choice.logprobs, choice=choice.index)


def said(front: str, reply: Reply) -> tuple[bytes, bytes]:
    """The answer as a front says it, whole and streamed."""
    half = half_of(front)
    ask = Ask(model="m", stream=True, include_usage=True, requirements=Requirements(), fields={})
    encoder = half.encoder(ask)
    return half.encode_reply(reply), encoder.feed(tuple(streamed(reply))) + encoder.end()


def half_of(front: str) -> FrontHalf:
    """Of the dialect, what the front needs."""
    half = FRONTS[front].front
    assert half is not None
    return half


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("name", WORDS)
def test_a_word_is_told_or_named(name: str, front: str) -> None:
    """Nothing that its caller could use is left out in silence."""
    word, half = WORDS[name], half_of(front)
    reply = answer_of(word, front)
    tells = front not in word.named and front not in word.mute
    trace = TRACES.get(name, MARK.encode())
    told = [trace in block for block in said(front, reply)]
    assert told == [tells, tells and name not in WHOLE_ONLY]
    book = UnsaidBook(half)
    book.read(tuple(streamed(reply)))
    named = front in word.named
    assert (bool(unsaid_in(reply, half)), bool(book.note())) == (named, named)


OF_ONE = frozenset({"what ran the model", *(name for name in WORDS if name.startswith("the tier"))})


@pytest.mark.parametrize("name", [name for name in WORDS if name not in OF_ONE])
def test_a_second_answer_is_told_as_well_as_the_first(name: str) -> None:
    """By the one protocol that has a word for asking for several; the others say the first, and nothing of it twice."""
    for front in FRONTS:
        word = WORDS[name]
        alone = answer_of(word, front)
        first = Choice(index=0, parts=(Text(text="plugh"),), finish=Finish.LENGTH, said="s")
        reply = replace(alone, choices=(first, replace(alone.choices[0], index=1)))
        tells = front == "chat" and front not in word.named | word.mute
        for place, block in enumerate(said(front, reply)):
            assert (MARK.encode() in block) == (tells and not (place and name in WHOLE_ONLY))
            assert block.count(b"plugh") == said_times(front, place)
            roles = block.count(b'"role":"assistant"')
            assert front != "chat" or roles == 2


def said_times(front: str, place: int) -> int:
    """How often a text stands in an answer: a stream of Responses tells it again where each thing around it is done."""
    return 5 if front == "responses" and place else 1


ASKED_ONLY = frozenset({"Text.cache", "Text.citations", "Text.signature", "ToolCall.cache", "CacheMark.ttl"})
"""Fields of parts that callers send, and no answer has."""

_BOOKED = ("reported_usd", "reported_total", "billed_input", "billed_output", "images", "search_units")
OURS = frozenset({"Skipped.why", "Started.prompt_tokens", *(f"Usage.{name}" for name in _BOOKED)})
"""Fields that are for the account, or told in words of our own; `test_encoder.py` of each dialect has them."""


def test_every_field_of_an_answer_has_a_row() -> None:
    """A field that nobody wrote a row for would be held to nothing."""
    replies = [answer_of(word, front) for word in WORDS.values() for front in FRONTS]
    replies += [replace(one, choices=(one.choices[0], replace(one.choices[0], index=1))) for one in replies]
    found = set_in(*replies, *(tuple(streamed(reply)) for reply in replies))
    assert fields_of(Reply, Event) - found == ASKED_ONLY | OURS


def test_what_was_left_out_has_its_path_and_number() -> None:
    """A whole answer's head says where, a stream's comment how many."""
    document = raw({"type": "char_location"})
    parts = (ANSWERED, Opaque(raw=raw({}), family=OTHER))
    choice = Choice(index=0, parts=parts, finish=Finish.STOP, said="s", citations=(document, document))
    reply = Reply(id="r", model="m", choices=(choice,), usage=None, family=OTHER)
    assert unsaid_in(reply, half_of("chat")) == (
        "choices[0].parts[1]",
        "choices[0].citations[0]",
        "choices[0].citations[1]",
    )
    book = UnsaidBook(half_of("chat"))
    book.read(tuple(streamed(reply)))
    assert book.note() == b": x-router-lost 1 parts, 2 citations\n\n"
    assert unsaid_in(replace(reply, family=family_of("messages")), half_of("messages")) == ("choices[0].parts[1]",)


ENDINGS: Mapping[Finish, tuple[str, str, str]] = {
    Finish.STOP: ("stop", "completed", "end_turn"),
    Finish.LENGTH: ("length", "max_output_tokens", "max_tokens"),
    Finish.TOOL_CALLS: ("tool_calls", "completed", "tool_use"),
    Finish.CONTENT_FILTER: ("content_filter", "content_filter", "refusal"),
    Finish.REFUSAL: ("content_filter", "content_filter", "refusal"),
    Finish.PAUSED: ("length", "max_output_tokens", "pause_turn"),
    Finish.CONTEXT_FULL: ("length", "max_output_tokens", "model_context_window_exceeded"),
    Finish.OTHER: ("stop", "completed", "end_turn"),
}
"""Each ending in the words of chat, Responses and Messages; of Responses the reason where it is incomplete."""

_ENDS = re.compile(rb'"(?:finish_reason|stop_reason|reason)":"([a-z_]+)"')


@pytest.mark.parametrize("ending", Finish)
def test_every_ending_has_a_word_in_each_front(ending: Finish) -> None:
    """One that clients know, the same whole and streamed."""
    for front, word in zip(FRONTS, ENDINGS[ending], strict=True):
        for block in said(front, answer_of(Word((ANSWERED,), {"finish": ending}), front)):
            found = {match.decode() for match in _ENDS.findall(block)}
            assert found == (set() if word == "completed" else {word})
            assert b'"status":"completed"' in block or front != "responses" or word != "completed"


PROMPT, ANSWER = USAGE.input_total, USAGE.output_total
COUNTS: Mapping[str, tuple[int, ...]] = {
    "chat": (PROMPT, ANSWER, PROMPT + ANSWER, 2002, 3003 + 4004, 6006, 7007, 8008),
    "responses": (PROMPT, ANSWER, PROMPT + ANSWER, 2002, 3003 + 4004, 6006),
    "messages": (1001 + 7007 + 9009, 2002, 3003, 4004, ANSWER, 6006),
}
"""The numbers of tokens that each front tells: the prompt's, the answer's, and their parts that it has words for."""


@pytest.mark.parametrize("front", FRONTS)
def test_every_count_is_told(front: str) -> None:
    """In the sums and parts that the protocol has for it."""
    for block in said(front, answer_of(WORDS["text"], front)):
        numbers = {int(number) for number in re.findall(rb":(\d{4,6})\b", block)}
        assert set(COUNTS[front]) <= numbers
