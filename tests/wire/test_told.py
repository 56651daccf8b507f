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
from router.wire.dialect import Ask, Dialect, Requirements
from router.wire.openai_chat import DIALECT as CHAT
from router.wire.openai_responses import DIALECT as RESPONSES
from router.wire.unsaid import UnsaidBook, unsaid_in

FRONTS: Mapping[str, Dialect] = {"chat": CHAT, "responses": RESPONSES, "messages": MESSAGES}
MARK = "xyzzy"
OWN = "the caller's own family"
OTHER = "bedrock-converse"
USAGE = Usage(input=1001, cache_read=2002, cache_write=3003, cache_write_1h=4004, output=5005, reasoning=6006)

ANSWERED = Text(text="a")
SaidPart = Text | Reasoning | ToolCall | Refusal | Opaque


class Word(NamedTuple):
    """What a provider of `family` answers, and which fronts cannot tell it: `named` say so, `mute` need not.

    A caller is mute about what it has no use for: another family's seals, and what its own protocol never asks for.
    """

    parts: tuple[SaidPart, ...]
    more: Mapping[str, Any] = {}
    family: str = OTHER
    named: frozenset[str] = frozenset()
    mute: frozenset[str] = frozenset()


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
}


def family_of(front: str) -> str:
    """The family whose words a front says as they came."""
    half = FRONTS[front].front
    assert half is not None and half.family
    return half.family


def answer_of(word: Word, front: str) -> Reply:
    """The word as a whole answer."""
    own = family_of(front)
    parts = tuple(replace(part, family=own) if getattr(part, "family", None) == OWN else part for part in word.parts)
    choice = Choice(index=0, parts=parts, said="s", **{"finish": Finish.STOP, **word.more})
    family = own if word.family == OWN else word.family
    return Reply(id="r1", model="m", choices=(choice,), usage=USAGE, created_s=5, family=family)


def pieces(part: SaidPart) -> tuple[Event, ...]:
    """A part as events."""
    match part:
        case Text():
            return (TextDelta(text=part.text),)
        case Reasoning():
            thought = ReasoningDelta(
                text=part.text, signature=part.signature, redacted=part.redacted, family=part.family
            )
            return (thought,)
        case Refusal():
            return (RefusalDelta(text=part.text),)
        case Opaque():
            return (OpaqueAdded(raw=part.raw, family=part.family),)
        case ToolCall():
            begun = ToolCallStarted(index=0, id=part.id, name=part.name, custom=part.custom)
            return (begun, ToolCallDelta(index=0, arguments=part.arguments))


def streamed(reply: Reply) -> Iterator[Event]:
    """The same as a stream."""
    (choice,) = reply.choices
    yield Started(id=reply.id, model=reply.model, created_s=5)
    for part in choice.parts:
        yield from pieces(part)
    for source in choice.citations:
        yield CitationAdded(citation=source, family=reply.family or "")
    if choice.logprobs is not None:
        yield LogprobsAdded(logprobs=choice.logprobs)
    yield Finished(reason=choice.finish, said=choice.said, stop_sequence=choice.stop_sequence)
    yield UsageReported(usage=USAGE)
    yield Ended()


def said(front: str, reply: Reply) -> tuple[bytes, bytes]:
    """The answer as a front says it, whole and streamed."""
    half = FRONTS[front].front
    assert half is not None
    ask = Ask(model="m", stream=True, include_usage=True, requirements=Requirements(), fields={})
    encoder = half.encoder(ask)
    return half.encode_reply(reply), encoder.feed(tuple(streamed(reply))) + encoder.end()


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("name", WORDS)
def test_a_word_is_told_or_named(name: str, front: str) -> None:
    """Nothing is left out in silence that its caller could use."""
    word, family = WORDS[name], family_of(front)
    reply = answer_of(word, front)
    tells = front not in word.named and front not in word.mute
    assert [MARK.encode() in block for block in said(front, reply)] == [tells, tells]
    book = UnsaidBook(family)
    book.read(tuple(streamed(reply)))
    named = front in word.named
    assert (bool(unsaid_in(reply, family)), bool(book.note())) == (named, named)


def test_what_was_left_out_has_its_path_and_number() -> None:
    """A whole answer's head says where, a stream's comment how many."""
    document = raw({"type": "char_location"})
    parts = (ANSWERED, Opaque(raw=raw({}), family=OTHER))
    choice = Choice(index=0, parts=parts, finish=Finish.STOP, said="s", citations=(document, document))
    reply = Reply(id="r", model="m", choices=(choice,), usage=None, family=OTHER)
    assert unsaid_in(reply, "openai-chat") == (
        "choices[0].parts[1]",
        "choices[0].citations[0]",
        "choices[0].citations[1]",
    )
    book = UnsaidBook("openai-chat")
    book.read(tuple(streamed(reply)))
    assert book.note() == b": x-router-lost 1 parts, 2 citations\n\n"
    assert unsaid_in(reply, OTHER) == ()


ENDINGS: Mapping[Finish, tuple[str, str, str]] = {
    Finish.STOP: ("stop", "completed", "end_turn"),
    Finish.LENGTH: ("length", "max_output_tokens", "max_tokens"),
    Finish.TOOL_CALLS: ("tool_calls", "completed", "tool_use"),
    Finish.CONTENT_FILTER: ("content_filter", "content_filter", "refusal"),
    Finish.REFUSAL: ("content_filter", "completed", "refusal"),
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


COUNTS: Mapping[str, tuple[int, ...]] = {
    "chat": (1001 + 2002 + 3003 + 4004, 2002, 3003 + 4004, 5005 + 6006, 6006),
    "responses": (1001 + 2002 + 3003 + 4004, 2002, 3003 + 4004, 5005 + 6006, 6006),
    "messages": (1001, 2002, 3003, 4004, 5005 + 6006),
}
"""The numbers of tokens that each front tells: prompt, read from a cache, written to one, answer, thoughts."""


@pytest.mark.parametrize("front", FRONTS)
def test_every_count_is_told(front: str) -> None:
    """In the sums and parts that the protocol has for it."""
    for block in said(front, answer_of(WORDS["text"], front)):
        numbers = {int(number) for number in re.findall(rb":(\d{4,5})\b", block)}
        assert set(COUNTS[front]) <= numbers
