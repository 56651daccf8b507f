"""The splitter of server-sent events, against the standard and against every way to cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.canon.event import Skipped, TextDelta
from router.errors import Reason, WireFault
from router.wire import anthropic_messages, openai_chat, openai_responses
from router.wire.dialect import Ask, Dialect, Frame, Requirements
from router.wire.sse import SKIPPED_NOTE, SseSplitter
from tests.wire.cutting import cuts, split

LIMIT_BYTES = 1 << 20
HOLE = (TextDelta(text="a"), Skipped(why="an event that cannot be read"), TextDelta(text="b"))


def frames_of(body: bytes) -> list[Frame]:
    """The frames of a body that came whole."""
    return split(SseSplitter(LIMIT_BYTES), [body])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"data: a\n\ndata: b\n\n", [("", b"a"), ("", b"b")], id="lf"),
        pytest.param(b"data: a\r\n\r\ndata: b\r\n\r\n", [("", b"a"), ("", b"b")], id="crlf"),
        pytest.param(b"data: a\r\rdata: b\r\r", [("", b"a"), ("", b"b")], id="cr"),
        pytest.param(b"data: a\r\n\ndata: b\n\r\n", [("", b"a"), ("", b"b")], id="mixed line ends"),
        pytest.param(b"data: a\ndata: b\n\n", [("", b"a\nb")], id="data of two lines"),
        pytest.param(b"data:a\n\n", [("", b"a")], id="no space after the colon"),
        pytest.param(b"data:  a\n\n", [("", b" a")], id="only one space belongs to the field"),
        pytest.param(b"event: ping\ndata: {}\n\n", [("ping", b"{}")], id="event name"),
        pytest.param(b"id: 7\nretry: 10\ndata: a\n\n", [("", b"a")], id="id and retry are ignored"),
        pytest.param(b": hello\n\n", [("", b"")], id="comment"),
        pytest.param(b": hello\ndata: a\n\n", [("", b"a")], id="comment inside an event"),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", [("", b"a")], id="byte order mark"),
        pytest.param(b"\n\ndata: a\n\n", [("", b""), ("", b"a")], id="blank lines before"),
        pytest.param(b"data: a\n\ndata: b", [("", b"a"), ("", b"b")], id="no blank line at the end"),
        pytest.param(b"data: a\n\n\n", [("", b"a")], id="one blank line too many at the end"),
        pytest.param(b"data: a\x0bb\xc2\x85c\n\n", [("", b"a\x0bb\xc2\x85c")], id="other separators are text"),
    ],
)
def test_events_are_read_as_the_standard_says(body: bytes, expected: list[tuple[str, bytes]]) -> None:
    """Every line end, field and comment form, whole and cut at every place."""
    assert [(frame.event, frame.data) for frame in frames_of(body)] == expected
    for blocks in cuts(body):
        assert split(SseSplitter(LIMIT_BYTES), blocks) == frames_of(body)


@settings(max_examples=150, deadline=None)
@given(
    body=st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"data: x", b"data", b":", b"event: e", b" "])).map(b"".join),
    places=st.lists(st.integers(0, 60), max_size=6),
)
def test_no_mixture_of_line_ends_shows_how_it_was_cut(body: bytes, places: list[int]) -> None:
    """Carriage returns are where splitters err: any soup of them is the same in any pieces."""
    edges = sorted({0, len(body), *(place for place in places if place < len(body))})
    blocks = [body[start:stop] for start, stop in itertools.pairwise(edges)]
    assert split(SseSplitter(LIMIT_BYTES), blocks) == frames_of(body)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"data: x", b": c"])).map(b"".join))
def test_the_raw_bytes_of_all_frames_are_the_stream(body: bytes) -> None:
    """What is passed on is what came, but for blank lines behind the last event."""
    raw = b"".join(frame.raw for frame in frames_of(body))
    assert body.startswith(raw)
    assert body[len(raw) :].strip(b"\r\n") == b""


def test_an_event_of_just_the_bound_passes_and_one_byte_more_does_not() -> None:
    """The bound counts the whole event, its terminator included, however it was cut."""
    event = b"data: " + b"x" * 92 + b"\n\n"
    assert len(event) == 100
    for blocks in cuts(event, stride=7):
        assert len(split(SseSplitter(100), blocks)) == 1
        with pytest.raises(WireFault, match="larger than 99 bytes") as caught:
            split(SseSplitter(99), blocks)
        assert caught.value.reason is Reason.MALFORMED


def test_good_events_before_one_too_large_are_not_lost() -> None:
    """The frames in front come out first, and the fault with the next call."""
    splitter = SseSplitter(20)
    assert [frame.data for frame in splitter.feed(b"data: a\n\n" + b"data: " + b"x" * 50)] == [b"a"]
    with pytest.raises(WireFault):
        splitter.feed(b"x")


def test_a_large_event_in_small_blocks_is_not_searched_again_and_again() -> None:
    """8 MiB in 512-byte blocks: searching from the start each time would be 64 GiB of work and hit the time limit."""
    body = b"data: " + b"x" * (8 << 20) + b"\n\n"
    splitter = SseSplitter(16 << 20)
    frames = split(splitter, (body[place : place + 512] for place in range(0, len(body), 512)))
    assert [len(frame.data) for frame in frames] == [8 << 20]


def test_an_event_that_ends_in_a_lone_carriage_return_waits_for_the_next_byte() -> None:
    """A line feed may belong to it; the end of the stream settles it."""
    splitter = SseSplitter(LIMIT_BYTES)
    assert splitter.feed(b"data: a\r\r") == ()
    assert [frame.raw for frame in splitter.feed(b"\ndata: b")] == [b"data: a\r\r\n"]
    assert [frame.data for frame in splitter.end()] == [b"b"]


@pytest.mark.parametrize(
    "dialect",
    [anthropic_messages.DIALECT, openai_chat.DIALECT, openai_responses.DIALECT],
    ids=lambda dialect: dialect.name,
)
def test_a_caller_is_shown_a_hole_where_it_is(dialect: Dialect) -> None:
    """Between the words before it and those behind it, also in an answer that is translated."""
    assert dialect.front is not None
    ask = Ask(model="m", stream=True, include_usage=None, requirements=Requirements(), fields={})
    encoder = dialect.front.encoder(ask)
    before, hole, behind = (encoder.feed((event,)) for event in HOLE)
    assert hole == SKIPPED_NOTE
    assert SKIPPED_NOTE not in before + behind
    assert [frame.is_comment for frame in frames_of(hole)] == [True]
