"""Claude behind InvokeModel: what comes out is what Anthropic would have sent."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode

import pytest

from router.canon.event import Ended, Skipped, Started
from router.errors import Reason, WireFault
from router.wire.anthropic_messages import DIALECT as ANTHROPIC
from router.wire.dialect import Frame
from router.wire.invoke import InvokeSplitter, invoke_body
from router.wire.sse import SseSplitter
from tests.wire.awsframes import exception, frame
from tests.wire.cutting import cuts, split
from tests.wire.recorded import needs_recordings, response_of

LIMIT_BYTES = 1 << 20
CLAUDE = (
    "bedrock-invoke-stream-stream-parallel-tool-calls-0cc80a9b",
    "bedrock-invoke-stream-stream-reasoning-faa43e58",
)


def frames_of(body: bytes) -> list[Frame]:
    """The events of a body that came whole."""
    return split(InvokeSplitter(LIMIT_BYTES), [body])


def chunk(data: bytes) -> bytes:
    """One event as InvokeModel wraps it."""
    payload = json.dumps({"bytes": b64encode(data).decode(), "p": "abc"}).encode()
    return frame(payload, message_type="event", event_type="chunk")


@needs_recordings
@pytest.mark.parametrize("recording_id", CLAUDE)
def test_a_recorded_stream_reads_as_anthropics_own(recording_id: str) -> None:
    """Each event named as inside it, its JSON untouched, and as server-sent events the same again; however cut."""
    _, _, body = response_of(recording_id)
    whole = frames_of(body)
    kinds = [json.loads(found.data)["type"] for found in whole]
    assert [found.event for found in whole] == kinds
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    raw = b"".join(found.raw for found in whole)
    assert split(SseSplitter(LIMIT_BYTES), [raw]) == whole
    for blocks in cuts(body, max(1, len(body) // 200)):
        assert split(InvokeSplitter(LIMIT_BYTES), blocks) == whole


@needs_recordings
@pytest.mark.parametrize("recording_id", CLAUDE)
def test_anthropics_decoder_reads_it_to_its_end(recording_id: str) -> None:
    """Without knowing where it came from."""
    decoder = ANTHROPIC.decoder()
    events = [said for found in frames_of(response_of(recording_id)[2]) for said in decoder.feed(found)]
    assert (type(events[0]), type(events[-1])) == (Started, Ended)
    assert not [said for said in events if isinstance(said, Skipped)]


def test_an_exception_is_a_fault_to_anthropics_decoder() -> None:
    """For the reason that AWS gave."""
    (found,) = frames_of(exception("throttlingException", {"message": "slow"}))
    with pytest.raises(WireFault, match="slow") as caught:
        ANTHROPIC.decoder().feed(found)
    assert caught.value.reason is Reason.THROTTLED


@needs_recordings
def test_the_bytes_inside_are_passed_on_as_they_were() -> None:
    """Against base64 and JSON by hand."""
    _, _, body = response_of(CLAUDE[0])
    inner = [b64decode(part.partition(b'"')[0]) for part in body.split(b'{"bytes":"')[1:]]
    assert [found.data for found in frames_of(body)] == inner


@pytest.mark.parametrize(
    ("name", "said", "kind", "words"),
    [
        pytest.param("throttlingException", {"message": "slow"}, "rate_limit_error", "slow", id="throttled"),
        pytest.param("serviceUnavailableException", {"message": "no"}, "overloaded_error", "no", id="overloaded"),
        pytest.param(
            "modelStreamErrorException",
            {"message": "m", "originalMessage": "the model broke"},
            "api_error",
            "the model broke",
            id="the model",
        ),
        pytest.param("validationException", {"message": "bad"}, "invalid_request_error", "bad", id="rejected"),
        pytest.param("modelTimeoutException", {}, "timeout_error", "modelTimeoutException", id="without words"),
        pytest.param("somethingNew", "text", "api_error", "somethingNew", id="unheard of"),
    ],
)
def test_an_exception_becomes_anthropics_error(name: str, said: object, kind: str, words: str) -> None:
    """Which its decoder knows: nobody sees an empty answer."""
    (found,) = frames_of(exception(name, said))
    error = json.loads(found.data)["error"]
    assert (found.event, error["type"]) == ("error", kind)
    assert words in error["message"]


def test_json_with_line_ends_is_still_one_event() -> None:
    """A pretty-printed event may not break the stream it is passed on in."""
    (found,) = frames_of(chunk(b'{\n "type": "ping"\n}'))
    (again,) = split(SseSplitter(LIMIT_BYTES), [found.raw])
    assert (again.event, json.loads(again.data)) == ("ping", {"type": "ping"})


@pytest.mark.parametrize("payload", [b"{}", b'{"bytes":"***"}', b'{"bytes":"eA=="}', b"no json"])
def test_a_chunk_that_cannot_be_unwrapped_is_left_to_the_decoder(payload: bytes) -> None:
    """It reports what it cannot read, and the stream goes on."""
    (found,) = frames_of(frame(payload, message_type="event", event_type="chunk"))
    assert found.event == ""
    assert found.data
    assert found.raw == b""


def test_a_broken_frame_is_malformed_here_too() -> None:
    """The checks are the inner splitter's."""
    with pytest.raises(WireFault) as caught:
        frames_of(chunk(b"{}")[:-1] + b"x")
    assert caught.value.reason is Reason.MALFORMED


def test_a_body_loses_model_and_stream_and_nothing_else() -> None:
    """Both are in the URL; every other byte stays, so that prompt caches hold."""
    body = b'{"model":"m","max_tokens":1e2,"stream":true,"messages":[ {"role":"user"} ],"system":"a\\u0062"}'
    expected = b'{"max_tokens":1e2,"messages":[ {"role":"user"} ],"system":"a\\u0062","anthropic_version":'
    assert invoke_body(body) == expected + b'"bedrock-2023-05-31"}'
    assert json.loads(invoke_body(body, ("a", "b")))["anthropic_beta"] == ["a", "b"]
    assert json.loads(invoke_body(b'{"anthropic_version":"x"}')) == {"anthropic_version": "x"}
