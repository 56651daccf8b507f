"""The splitter of lines, against every way to cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.errors import Reason, WireFault
from router.wire.dialect import Frame
from router.wire.jsonl import JsonlSplitter
from tests.wire.cutting import cuts, split

LIMIT_BYTES = 1 << 20


def frames_of(body: bytes) -> list[Frame]:
    """The frames of a body that came whole."""
    return split(JsonlSplitter(LIMIT_BYTES), [body])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b'{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}'], id="line feeds"),
        pytest.param(b'{"a":1}\r\n{"b":2}\r\n', [b'{"a":1}', b'{"b":2}'], id="carriage returns too"),
        pytest.param(b'{"a":1}\n{"b":2}', [b'{"a":1}', b'{"b":2}'], id="no line feed at the end"),
        pytest.param(b'{"a":1}\n\n{"b":2}\n\n', [b'{"a":1}', b"", b'{"b":2}', b""], id="blank lines"),
        pytest.param(b'{"a":1}\n \t', [b'{"a":1}'], id="spaces behind the last line"),
        pytest.param(b'\xef\xbb\xbf{"a":1}\n', [b'{"a":1}'], id="byte order mark"),
        pytest.param(b"\xef\xbb", [b"\xef\xbb"], id="half a byte order mark"),
        pytest.param(
            '{"a":"😊\u2028\x85"}\n'.encode(), ['{"a":"😊\u2028\x85"}'.encode()], id="other separators are text"
        ),
        pytest.param(b"", [], id="nothing"),
    ],
)
def test_a_frame_is_a_line_wherever_the_bytes_were_cut(body: bytes, expected: list[bytes]) -> None:
    """Whole, cut in two at every place, and byte by byte."""
    assert [frame.data for frame in frames_of(body)] == expected
    for blocks in cuts(body):
        assert split(JsonlSplitter(LIMIT_BYTES), blocks) == frames_of(body)


@settings(max_examples=150, deadline=None)
@given(
    body=st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"{}", b" ", b"\xef\xbb\xbf", b"\xef"])).map(b"".join),
    places=st.lists(st.integers(0, 40), max_size=6),
)
def test_no_mixture_of_line_ends_shows_how_it_was_cut(body: bytes, places: list[int]) -> None:
    """Any soup of line ends is the same in any pieces, and what is passed on is what came."""
    edges = sorted({0, len(body), *(place for place in places if place < len(body))})
    blocks = [body[start:stop] for start, stop in itertools.pairwise(edges)]
    frames = frames_of(body)
    assert split(JsonlSplitter(LIMIT_BYTES), blocks) == frames
    whole = body.removeprefix(b"\xef\xbb\xbf")
    raw = b"".join(frame.raw for frame in frames)
    assert whole.startswith(raw)
    assert whole[len(raw) :].strip() == b""


def test_a_blank_line_counts_as_a_comment() -> None:
    """It resets no clock."""
    assert [frame.is_comment for frame in frames_of(b"\n{}\n")] == [True, False]


def test_a_line_of_just_the_bound_passes_and_one_byte_more_does_not() -> None:
    """The bound counts the whole line, its line feed included, however it was cut."""
    line = b'{"a":"' + b"x" * 91 + b'"}\n'
    assert len(line) == 100
    for blocks in cuts(line, stride=7):
        assert len(split(JsonlSplitter(100), blocks)) == 1
        with pytest.raises(WireFault, match="larger than 99 bytes") as caught:
            split(JsonlSplitter(99), blocks)
        assert caught.value.reason is Reason.MALFORMED


def test_a_line_without_end_is_refused_before_it_ends() -> None:
    """Memory is bounded by the limit, not by what the server sends."""
    splitter = JsonlSplitter(100)
    with pytest.raises(WireFault):
        splitter.feed(b"x" * 101)


def test_good_lines_before_one_too_large_are_not_lost() -> None:
    """The frames in front come out first, and the fault with the next call."""
    splitter = JsonlSplitter(20)
    assert [frame.data for frame in splitter.feed(b"{}\n" + b"x" * 50)] == [b"{}"]
    with pytest.raises(WireFault):
        splitter.end()


def test_a_large_line_in_small_blocks_is_not_searched_again_and_again() -> None:
    """8 MiB in 16-byte blocks: searching from the start each time would be 2 TiB of work and hit the time limit."""
    body = b"x" * (8 << 20) + b"\n"
    splitter = JsonlSplitter(16 << 20)
    frames = split(splitter, (body[place : place + 16] for place in range(0, len(body), 16)))
    assert [len(frame.data) for frame in frames] == [8 << 20]
