"""The same dialect in and out: byte for byte, up to the provider's own last event."""

from __future__ import annotations

import json

import pytest

from router.errors import Reason, UpstreamFailed
from router.wire.openai_responses import DIALECT
from router.wire.openai_responses.relay import ResponsesRelay
from router.wire.openai_responses.request import peek
from router.wire.sse import SKIPPED_NOTE
from tests.wire.cutting import cuts, split
from tests.wire.recorded import Recorded, needs_recordings, recordings, response_of

STREAMS = [line for line in recordings("openai.responses") if line.stream and line.status == 200]
WHOLE = [line for line in STREAMS if "error-in-stream" not in line.id]
ASK = peek(b'{"model":"m","input":"hi","stream":true}')
GONE = UpstreamFailed("it was cut", target="a:m", reason=Reason.CUT_STREAM)


def relayed(blocks: list[bytes]) -> bytes:
    """What the caller gets of a stream."""
    relay, decoder = ResponsesRelay(ASK), DIALECT.decoder()
    frames = split(DIALECT.splitter(1 << 20), blocks)
    return b"".join(relay.feed(frame, decoder.feed(frame)) for frame in frames) + relay.end()


@needs_recordings
@pytest.mark.parametrize("line", WHOLE, ids=lambda line: line.id)
def test_a_recorded_stream_passes_byte_for_byte(line: Recorded) -> None:
    """But for OpenRouter's `[DONE]` behind its last event, however the bytes were cut."""
    _, _, body = response_of(line.id)
    expected = body.removesuffix(b"data: [DONE]\n\n")
    for blocks in cuts(body, len(body) // 5):
        assert relayed(blocks) == expected


def test_an_event_that_cannot_be_read_is_left_out() -> None:
    """Clients throw on it; a comment says that there was one."""
    good = b'event: response.in_progress\ndata: {"type":"response.in_progress"}\n\n'
    assert relayed([good + b"data: {\n\n" + b": ping\n\n"]) == good + SKIPPED_NOTE + b": ping\n\n"


def test_a_last_event_without_its_blank_line_is_closed() -> None:
    """Clients drop it otherwise."""
    last = b'data: {"type":"response.completed","response":{"output":[]}}'
    assert relayed([last]) == last + b"\n\n"


def test_nothing_passes_after_the_last_event() -> None:
    """Whether it came in time would depend on how the bytes were cut."""
    last = b'data: {"type":"response.completed","response":{"output":[]}}\n\n'
    assert relayed([last + b": late\n\ndata: [DONE]\n\n" + last]) == last


def test_a_closing_word_behind_an_incomplete_answer_does_not_pass() -> None:
    """It would be a lie."""
    assert relayed([b"data: [DONE]\n\n"]) == b""


@pytest.mark.parametrize(
    ("passed", "number"),
    [
        pytest.param(b"", 0, id="nothing passed"),
        pytest.param(b'data: {"type":"response.created","sequence_number":6}\n\n: ping\n\n', 7, id="behind the last"),
        pytest.param(b'data: {"type":"response.created"}\n\n', 0, id="the provider does not count"),
    ],
)
def test_an_answer_that_breaks_off_says_so_behind_what_passed(passed: bytes, number: int) -> None:
    """In the dialect's own words, with the next number."""
    relay, decoder = ResponsesRelay(ASK), DIALECT.decoder()
    for frame in split(DIALECT.splitter(1 << 20), [passed]):
        relay.feed(frame, decoder.feed(frame))
    event, data, *_ = relay.fault(GONE).split(b"\n")
    said = json.loads(data.removeprefix(b"data: "))
    assert event == b"event: error"
    assert (said["type"], said["sequence_number"], said["error"]["code"]) == ("error", number, "provider_cut_stream")
