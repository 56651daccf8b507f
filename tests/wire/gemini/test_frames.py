"""The two forms of a stream, and the law: how bytes were cut never shows."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import Reason, WireFault
from router.wire.dialect import Frame
from router.wire.gemini.frames import GeminiSplitter
from tests.wire.cutting import cuts, split

LIMIT_BYTES = 1 << 16

json_values = st.recursive(
    st.none() | st.integers() | st.text(max_size=8) | st.sampled_from(['"', "\\", "{", "}", '\\"', "]["]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=4), json_values, max_size=4)


@given(st.lists(objects, max_size=4), st.sampled_from([None, 2]), st.booleans())
def test_objects_of_a_list_come_out_whole_and_as_they_were(said: list[object], indent: int | None, ascii: bool) -> None:
    """Whatever braces, quotes and backslashes are inside their texts; all bytes of the stream are in the frames."""
    body = json.dumps(said, indent=indent, ensure_ascii=ascii).encode()
    for blocks in cuts(body, max(1, len(body) // 12)):
        frames = split(GeminiSplitter(LIMIT_BYTES), blocks)
        assert [json.loads(frame.data) for frame in frames if frame.data] == said
        assert b"".join(frame.raw for frame in frames) == body


def test_events_are_cut_as_events() -> None:
    """Blank lines before the first do not hide which form it is."""
    body = b'\n\ndata: {"a":"{"}\r\n\r\ndata: {"b":1}\r\n\r\n'
    for blocks in cuts(body):
        frames = split(GeminiSplitter(LIMIT_BYTES), blocks)
        assert [frame.data for frame in frames if frame.data] == [b'{"a":"{"}', b'{"b":1}']


def test_an_object_that_was_cut_is_shown_as_it_is() -> None:
    """So that whoever reads it can tell a cut answer from a whole one."""
    frames = split(GeminiSplitter(LIMIT_BYTES), [b'[{"a":1},{"b":"x'])
    assert [frame.data for frame in frames] == [b'{"a":1}', b'{"b":"x']


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'[{"a":1},{"b":"' + b"x" * 100, id="an object without end"),
        pytest.param(b'[{"a":1},{"b":"' + b"x" * 100 + b'"}]', id="an object"),
        pytest.param(b'[{"a":1}' + b" " * 100, id="blanks in a list"),
        pytest.param(b" " * 100, id="blanks before anything"),
    ],
)
def test_what_is_larger_than_the_bound_is_refused_wherever_it_was_cut(body: bytes) -> None:
    """Behind what came before it, which is handed out."""
    for blocks in cuts(body, 3):
        splitter = GeminiSplitter(50)
        seen: list[Frame] = []
        with pytest.raises(WireFault) as caught:
            for block in blocks:
                seen += splitter.feed(block)
            seen += splitter.end()
        assert caught.value.reason is Reason.MALFORMED
        assert [frame.data for frame in seen] == ([b'{"a":1}'] if body.startswith(b"[") else [])
