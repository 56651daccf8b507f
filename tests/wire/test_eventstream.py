"""The splitter of AWS event streams, against the specification, recorded streams and every way to cut."""

from __future__ import annotations

import base64
import json
import sys

import pytest

from router.errors import Reason, WireFault
from router.wire.dialect import Frame
from router.wire.eventstream import EventStreamSplitter, exception_of, load_reader
from tests.wire.awsframes import event, exception, frame, sealed
from tests.wire.cutting import cuts, split
from tests.wire.recorded import Recorded, needs_recordings, recordings, response_of

LIMIT_BYTES = 1 << 20

SAMPLE = bytes.fromhex(
    "00000083000000518f0874490d3a6d6573736167652d747970650700056576656e740b3a6576656e742d7479706507000b6d65737361676553"
    "746f700d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e7b2270223a226162222c2273746f70526561736f6e"
    "223a22656e645f7475726e227d4a50d020"
)
"""A frame of the real service."""

STREAMS = [line for line in recordings("bedrock.converse_stream", "bedrock.invoke_stream") if line.stream]


def frames_of(body: bytes) -> list[Frame]:
    """The frames of a body that came whole."""
    return split(EventStreamSplitter(LIMIT_BYTES), [body])


def naive(body: bytes) -> list[tuple[str, bytes]]:
    """Event names and payloads by counting bytes, checksums unread."""
    found = []
    while body:
        total, headers = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big")
        name = body[12 : 12 + headers].partition(b":event-type\x07")[2]
        length = int.from_bytes(name[:2], "big")
        found.append((name[2 : 2 + length].decode(), body[12 + headers : total - 4]))
        body = body[total:]
    return found


def test_a_frame_of_the_real_service_is_read() -> None:
    """Its event type and its payload; `raw` is all of it."""
    assert frames_of(SAMPLE) == [Frame(raw=SAMPLE, data=b'{"p":"ab","stopReason":"end_turn"}', event="messageStop")]


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_a_recorded_stream_is_cut_into_what_a_naive_reader_finds(line: Recorded) -> None:
    """Whole, in two pieces at many places, and byte by byte: the same frames, and together the same bytes."""
    _, _, body = response_of(line.id)
    whole = frames_of(body)
    assert [(found.event, found.data) for found in whole] == naive(body)
    assert b"".join(found.raw for found in whole) == body
    for blocks in cuts(body, max(1, len(body) // 400)):
        assert split(EventStreamSplitter(LIMIT_BYTES), blocks) == whole


def test_an_exception_is_told_from_an_event_of_the_same_name() -> None:
    """By its message type; an unmodelled error has its words in headers, which become its data."""
    error = frame(b"", message_type="error", error_code="InternalError", error_message='it "broke"')
    body = event("throttlingException", {}) + exception("throttlingException", {"message": "slow"}) + error
    plain, thrown, unmodelled = frames_of(body)
    assert exception_of(plain) is None
    assert (exception_of(thrown), json.loads(thrown.data)) == ("throttlingException", {"message": "slow"})
    assert (exception_of(unmodelled), json.loads(unmodelled.data)) == ("InternalError", {"message": 'it "broke"'})


def test_an_exception_without_a_name_is_still_none() -> None:
    """What only says that it is an exception must not pass for an event."""
    assert [exception_of(found) for found in frames_of(frame(b"{}", message_type="exception"))] == [""]


@pytest.mark.parametrize("place", [0, 5, 9, 40, 100, 130])
def test_a_flipped_bit_is_malformed(place: int) -> None:
    """In the length, the prelude's checksum, the headers, the payload and the message's checksum; however cut, and
    behind a frame like it too."""
    broken = SAMPLE[:place] + bytes([SAMPLE[place] ^ 1]) + SAMPLE[place + 1 :]
    for blocks in ([broken], [broken[:12], broken[12:]], [broken[i : i + 1] for i in range(len(broken))]):
        for before in ([], [SAMPLE]):
            splitter = EventStreamSplitter(LIMIT_BYTES)
            assert len(split(splitter, before)) == len(before)
            with pytest.raises(WireFault) as caught:
                split(splitter, blocks)
            assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(sealed(b"", b"", total_bytes=0), id="of no length"),
        pytest.param(sealed(b"", b"", total_bytes=12), id="of a prelude's length"),
        pytest.param(sealed(b"\x01a\x07\x00\x01b", b"", total_bytes=18), id="shorter than its headers"),
        pytest.param(sealed(b"\x01a\x63", b"{}"), id="a header of an unknown type"),
        pytest.param(sealed(b"\x01a", b"{}"), id="a header without a value"),
        pytest.param(sealed(b"\x01\xff\x07\x00\x01b", b"{}"), id="a header's name that is no text"),
        pytest.param(sealed(b"\x01a\x00\x01a\x00", b"{}"), id="a header twice"),
        pytest.param(sealed(b"", b"", total_bytes=1 << 31), id="longer than anybody sends"),
    ],
)
def test_a_frame_whose_checksums_are_right_but_nothing_else_is_malformed(body: bytes) -> None:
    """None of them makes the splitter wait for more, loop or crash."""
    with pytest.raises(WireFault) as caught:
        EventStreamSplitter(LIMIT_BYTES).feed(body)
    assert caught.value.reason is Reason.MALFORMED


def test_a_frame_of_just_the_bound_passes_and_one_byte_more_does_not() -> None:
    """The bound counts the whole frame, and is known from its first bytes."""
    assert len(split(EventStreamSplitter(len(SAMPLE)), [SAMPLE])) == 1
    with pytest.raises(WireFault, match="larger than 130 bytes") as caught:
        EventStreamSplitter(len(SAMPLE) - 1).feed(SAMPLE[:12])
    assert caught.value.reason is Reason.MALFORMED


def test_a_length_is_not_believed_before_its_checksum_is_read() -> None:
    """A flipped bit in it would have the splitter wait for bytes that never come."""
    with pytest.raises(WireFault) as caught:
        EventStreamSplitter(LIMIT_BYTES).feed(b"\x00\x00\x04" + SAMPLE[3:12])
    assert caught.value.reason is Reason.MALFORMED


def test_good_frames_before_a_broken_one_are_not_lost() -> None:
    """The frames in front come out first, and the fault with every call after that."""
    splitter = EventStreamSplitter(LIMIT_BYTES)
    assert len(splitter.feed(SAMPLE + SAMPLE[:50] + b"x" * 200)) == 1
    with pytest.raises(WireFault):
        splitter.feed(b"x")
    with pytest.raises(WireFault):
        splitter.end()


def test_a_frame_that_was_cut_tells_nothing() -> None:
    """The rest of it may be anything: the answer shows as cut because its end never came."""
    assert len(frames_of(SAMPLE + SAMPLE[:-1])) == 1


def test_a_large_frame_in_small_blocks_is_not_copied_again_and_again() -> None:
    """8 MiB in 512-byte blocks: a reader that copies what it holds at each would hit the time limit."""
    payload = json.dumps({"bytes": base64.b64encode(b"x" * (6 << 20)).decode()}).encode()
    body = frame(payload, message_type="event", event_type="chunk")
    blocks = (body[place : place + 512] for place in range(0, len(body), 512))
    assert [found.data for found in split(EventStreamSplitter(16 << 20), blocks)] == [payload]


def test_without_botocore_the_fault_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """An optional extra that is missing is the operator's, and the words name it."""
    monkeypatch.setitem(sys.modules, "botocore.eventstream", None)
    with pytest.raises(WireFault, match=r"pip install pointsman\[aws\]") as caught:
        load_reader()
    assert caught.value.reason is Reason.INTERNAL
    with pytest.raises(WireFault):
        EventStreamSplitter(LIMIT_BYTES)
