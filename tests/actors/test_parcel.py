"""Answers as bytes and back: everything that is told again survives."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

import pytest
from msgspec import Raw

from actors.messages import Answered, Committed, Flow, Piece, Stored, Whole
from actors.parcel import Unreadable, pack, unpack
from router.canon.count import TokenCount
from router.canon.embedding import Embeddings
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
    Skipped,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from router.canon.ranking import Ranked, Ranking
from router.canon.reply import Answer, Choice, Reply
from router.canon.request import Opaque, Reasoning, Text, ToolCall
from router.canon.target import Target
from router.canon.usage import Usage

TARGET = Target(provider="p", model="m:free")
USAGE = Usage(input=10, output=5, reported_usd="0.001")
BEGUN = Committed(target=TARGET, model="m-2026", attempts=0, lost=("seed",))
END = Answered(usage=USAGE, cost_usd=Decimal("0.000000000001"), raw=b"data: [DONE]\n\n")
EVENTS: tuple[Event, ...] = (
    Started(id="c", model="m"),
    TextDelta(text="gr\u00fcn \U0001f7e2"),
    ReasoningDelta(text="hm", signature="s", family="f"),
    RefusalDelta(text="no"),
    ToolCallStarted(index=0, id="t", name="f"),
    ToolCallDelta(index=0, arguments='{"a":'),
    CitationAdded(citation=Raw(b'{"url": "x"}'), family="f"),
    LogprobsAdded(logprobs=Raw(b'{"content":[1.50]}')),
    OpaqueAdded(raw=Raw(b'{"type":"search"}'), family="f"),
    UsageReported(usage=USAGE),
    Finished(reason=Finish.TOOL_CALLS, said="tool_use"),
    Skipped(why="x"),
    Ended(),
)
PARTS = (
    Text(text="a"),
    Reasoning(text="b"),
    ToolCall(id="c", name="f", arguments="{}"),
    Opaque(raw=Raw(b"{}"), family="f"),
)
REPLIES: tuple[Answer, ...] = (
    Reply(id="r", model="m", choices=(Choice(index=0, parts=PARTS, finish=Finish.STOP, said="stop"),), usage=USAGE),
    Embeddings(model="m", vectors=(Raw(b"[0.10,2]"),), usage=USAGE),
    Ranking(id="r", model="m", results=(Ranked(index=1, score=0.5),)),
    TokenCount(tokens=7, model="m"),
)


def stored(*told: Piece, passed: bool = False) -> Stored:
    """A complete answer."""
    return Stored(key="k", pieces=(BEGUN, *told, END), size_bytes=1, passed=passed)


@pytest.mark.parametrize(
    "answer",
    [
        stored(*(Flow(events=(event,), raw=b"data: \xc3\xbc\n\n") for event in EVENTS), passed=True),
        stored(Flow(events=EVENTS)),
        *(stored(Whole(reply=reply, raw=b'{"a": 1.50}')) for reply in REPLIES),
    ],
    ids=["passed_on", "translated", *(type(reply).__name__ for reply in REPLIES)],
)
def test_an_answer_comes_back_as_it_was(answer: Stored) -> None:
    """Every piece, byte and number; what was the first caller's alone is not in it."""
    hit = unpack(pack(answer), 7.0)
    assert (hit.pieces, hit.age_s, hit.passed) == (answer.pieces, 7.0, answer.passed)


def test_every_event_there_is_can_be_packed() -> None:
    """A new one must be tried above."""
    assert {type(event) for event in EVENTS} == set(get_args(Event))


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[1,2]", pack(stored(Flow(events=EVENTS[:2]))).replace(b"TextDelta", b"NextDelta")],
    ids=["nothing", "empty", "another", "of_a_later_version"],
)
def test_what_is_no_answer_is_said_to_be_none(body: bytes) -> None:
    """Whatever a file holds, it raises one kind of error."""
    with pytest.raises(Unreadable):
        unpack(body, 0.0)


def test_half_a_character_has_no_bytes() -> None:
    """Some providers send one; such an answer is not kept in a file."""
    with pytest.raises(Unreadable):
        pack(stored(Flow(events=(TextDelta(text="\ud83d"),))))
