"""The same dialect in and out: byte for byte, but for what would break a client."""

from __future__ import annotations

import pytest

from router.errors import Reason, UpstreamFailed, WireFault
from router.wire.anthropic_messages import DIALECT
from router.wire.anthropic_messages.encoder import STOP_EVENT
from router.wire.anthropic_messages.relay import MessageRelay
from router.wire.anthropic_messages.request import peek
from router.wire.sse import SKIPPED_NOTE
from tests.wire.anthropic_messages.test_stream import LIMIT_BYTES, START, STOP, STREAMS, TEXT, finish, sse
from tests.wire.cutting import cuts, split
from tests.wire.recorded import Recorded, needs_recordings, response_of

ASK = peek(b'{"model":"m","max_tokens":1,"messages":[{}],"stream":true}')


def relayed(*blocks: bytes) -> bytes:
    """What the caller gets of a stream, up to its end or its first fault."""
    relay, decoder = MessageRelay(ASK), DIALECT.decoder()
    said = b""
    try:
        for frame in split(DIALECT.splitter(LIMIT_BYTES), blocks):
            said += relay.feed(frame, decoder.feed(frame))
    except WireFault:
        return said
    return said + relay.end()


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_a_recorded_stream_passes_byte_for_byte(line: Recorded) -> None:
    """Pings, padding and unknown members too, wherever it was cut; blank lines behind the last event are no event."""
    _, _, body = response_of(line.id)
    for blocks in cuts(body, len(body) // 10):
        passed = relayed(*blocks)
        assert body.startswith(passed)
        assert body[len(passed) :].strip() == b""


WHOLE = sse(START, *TEXT, finish(), STOP)


@pytest.mark.parametrize(
    ("body", "passed"),
    [
        pytest.param(b": hello\n\n" + WHOLE, b": hello\n\n" + WHOLE, id="comments"),
        pytest.param(
            sse({"type": "moonrise", "at": 1}) + WHOLE, sse({"type": "moonrise", "at": 1}) + WHOLE, id="events to come"
        ),
        pytest.param(WHOLE.replace(b"\n", b"\r\n"), WHOLE.replace(b"\n", b"\r\n"), id="other line ends"),
        pytest.param(
            sse(START) + b"data: {oops\n\n" + sse(*TEXT, finish(), STOP),
            sse(START) + SKIPPED_NOTE + sse(*TEXT, finish(), STOP),
            id="unreadable",
        ),
        pytest.param(sse(START) + sse(START, *TEXT, finish(), STOP), WHOLE, id="a second start"),
        pytest.param(WHOLE + b"data: [DONE]\n\n", WHOLE, id="DONE behind it"),
        pytest.param(WHOLE[:-2], WHOLE, id="a last line that is not ended"),
        pytest.param(WHOLE + sse(*TEXT), WHOLE, id="words behind the end"),
        pytest.param(
            sse(START, *TEXT, finish()) + b"data: [DONE]\n\n",
            sse(START, *TEXT, finish()) + STOP_EVENT,
            id="DONE for a stop",
        ),
        pytest.param(sse(START, *TEXT, finish()), sse(START, *TEXT, finish()) + STOP_EVENT, id="no stop"),
        pytest.param(
            b"\n\n".join(event.partition(b"\n")[2] for event in WHOLE.split(b"\n\n")[:-1]) + b"\n\n",
            WHOLE,
            id="no names",
        ),
    ],
)
def test_only_what_breaks_a_client_is_mended(body: bytes, passed: bytes) -> None:
    """Everything else is the provider's own bytes."""
    assert relayed(body) == passed


def test_a_stop_behind_an_answer_that_never_said_why_it_ends_does_not_pass() -> None:
    """It would make a cut answer look complete."""
    relay, decoder = MessageRelay(ASK), DIALECT.decoder()
    frames = split(DIALECT.splitter(LIMIT_BYTES), [sse(START, *TEXT, STOP)])
    assert b"".join(relay.feed(frame, decoder.feed(frame)) for frame in frames) == sse(START, *TEXT)


def test_nothing_follows_an_error() -> None:
    """The provider's error is said in our words, by whoever ends the exchange."""
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "x"}}
    assert relayed(sse(START, *TEXT, error, STOP)) == sse(START, *TEXT)
    failed = UpstreamFailed("it broke", target="a:m", reason=Reason.OVERLOADED)
    said = MessageRelay(ASK).fault(failed)
    assert said.startswith(b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"')
    assert said.endswith(b"\n\n")
