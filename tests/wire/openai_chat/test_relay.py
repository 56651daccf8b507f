"""The same dialect in and out: byte for byte, but for what the gateway added and what clients crash on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.canon.event import ToolCallStarted
from router.canon.request import ToolCall
from router.errors import Reason, UpstreamFailed, WireFault
from router.wire.openai_chat import DIALECT
from router.wire.openai_chat.relay import ChatRelay, mended_reply
from router.wire.openai_chat.reply import decode_reply
from router.wire.openai_chat.request import peek
from router.wire.sse import SKIPPED_NOTE
from tests.wire.cutting import split
from tests.wire.recorded import Recorded, needs_recordings, recordings, response_of

STREAMS = [line for line in recordings("openai.chat", "mistral.chat") if line.stream and line.status == 200]
ASKED = {"stream_options": {"include_usage": True}}
LIMIT_BYTES = 1 << 20


def relayed(body: bytes, **members: object) -> bytes:
    """What the caller gets of a stream, up to its end or its first fault."""
    ask = peek(json.dumps({"model": "m", "messages": [{}], "stream": True, **members}).encode())
    relay, decoder = ChatRelay(ask), DIALECT.decoder()
    said = b""
    try:
        for frame in split(DIALECT.splitter(LIMIT_BYTES), [body]):
            said += relay.feed(frame, decoder.feed(frame))
    except WireFault:
        return said
    return said + relay.end()


def chunks_of(stream: bytes) -> list[dict[str, Any]]:
    """The JSON of every chunk."""
    lines = stream.decode().splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def has_odd_calls(body: bytes) -> bool:
    """Whether a tool call lacks an index or an id where it begins, or shares its index with another."""
    begun: dict[object, object] = {}
    for call in calls_of(body):
        index, named = call.get("index"), bool(call["function"].get("name"))
        if (
            index is None
            or (named and not call.get("id"))
            or (named and begun.setdefault(index, call["id"]) != call["id"])
        ):
            return True
    return False


def calls_of(body: bytes) -> list[dict[str, Any]]:
    """Every piece of a tool call in a stream."""
    choices = [choice for chunk in chunks_of(body) for choice in chunk.get("choices", [])]
    return [call for choice in choices for call in (choice.get("delta") or {}).get("tool_calls") or []]


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_a_recorded_stream_passes_byte_for_byte_to_who_asked_for_usage(line: Recorded) -> None:
    """With `[DONE]` where the provider left it out; a stream that breaks passes up to the break."""
    _, _, body = response_of(line.id)
    said = relayed(body, **ASKED)
    if has_odd_calls(body):
        assert not has_odd_calls(said)
    elif "error-in-stream" in line.id:
        assert body.startswith(said)
        assert b"[DONE]" not in said
    elif b"[DONE]" in body:
        assert body.startswith(said)
        assert body[len(said) :].strip() == b""
    else:
        assert said.startswith(body.rstrip())
        assert said[len(body.rstrip()) :].strip() == b"data: [DONE]"


@needs_recordings
@pytest.mark.parametrize("line", STREAMS, ids=lambda line: line.id)
def test_a_recorded_stream_shows_no_usage_that_only_we_asked_for(line: Recorded) -> None:
    """No chunk of usage alone, no null usage; every choice passes as it was."""
    _, _, body = response_of(line.id)
    said = chunks_of(relayed(body))
    assert not [chunk for chunk in said if "usage" in chunk and (chunk["usage"] is None or not chunk["choices"])]
    if "error-in-stream" in line.id or has_odd_calls(body):
        return
    kept = [chunk for chunk in chunks_of(body) if chunk["choices"] or not chunk.get("usage")]
    for chunk in kept:
        if chunk.get("usage", ...) is None:
            del chunk["usage"]
    assert said == kept


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param('"usage":null}', id="last"),
        pytest.param('"usage":null,"obfuscation":"a"}', id="before padding"),
        pytest.param('"usage":null,"x":{"usage":null}}', id="another one nested behind it"),
        pytest.param('"usage": null}', id="with a space"),
        pytest.param('"usage":null,"fingerprint":"}"}', id="a brace in a text behind it"),
    ],
)
def test_only_the_chunks_own_null_usage_is_taken_out(tail: str) -> None:
    """Text that looks like it, and members inside other objects, are not ours to touch."""
    content = json.dumps('says ,"usage":null} ok')
    head = f'{{"id":"c","choices":[{{"index":0,"delta":{{"content":{content},"m":{{"a":1,"usage":null}}}}}}],'
    expected = json.loads(head + tail)
    del expected["usage"]
    assert chunks_of(relayed(f"data: {head}{tail}\n\n".encode())) == [expected]


def test_a_first_member_that_is_null_usage_is_taken_out_too() -> None:
    """Order is the provider's."""
    body = b'data: {"usage":null,"id":"c","choices":[]}\n\n'
    assert relayed(body) == b'data: {"id":"c","choices":[]}\n\ndata: [DONE]\n\n'
    assert relayed(body, **ASKED) == body + b"data: [DONE]\n\n"


def test_comments_pass_and_events_that_cannot_be_read_do_not() -> None:
    """A provider's keepalive is the caller's too, and a hole in the answer is shown as one."""
    good = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n'
    body = b": WAIT\n\n" + good + b"data: {broken\n\n" + b"event: note\ndata: {}\n\n"
    assert relayed(body) == b": WAIT\n\n" + good + SKIPPED_NOTE + b"data: {}\n\n" + b"data: [DONE]\n\n"


def test_remarks_of_azures_filter_do_not_pass() -> None:
    """A choice without a delta ends OpenAI's own client; its finish of null would replace the one that was said."""
    good = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n'
    remark = b'data: {"id":"","choices":[{"index":0,"finish_reason":null,"content_filter_offsets":{}}]}\n\n'
    prompt = b'data: {"id":"","choices":[],"prompt_filter_results":[]}\n\n'
    passed = prompt + SKIPPED_NOTE + good + SKIPPED_NOTE + b"data: [DONE]\n\n"
    assert relayed(prompt + remark + good + remark) == passed


@pytest.mark.parametrize(
    "end", [b"\n\n", b"\r\n\r\n", b"\n", b"\r\n", b""], ids=["lf", "crlf", "half", "half crlf", "none"]
)
def test_done_is_said_exactly_once_and_closed(end: bytes) -> None:
    """Repeated, unterminated or missing: a client reads one, with the blank line it needs."""
    good = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
    for body in (good + end, good + b"\n\ndata: [DONE]" + end, good + b"\n\ndata: [DONE]\n\ndata: [DONE]" + end):
        said = relayed(body)
        assert said.count(b"[DONE]") == 1
        assert said.endswith((b"[DONE]\n\n", b"[DONE]\r\n\r\n", b"[DONE]\n\n\n", b"[DONE]\r\n\n\n"))
        assert len(chunks_of(said)) == 1


def test_done_behind_an_answer_that_is_not_complete_does_not_pass() -> None:
    """It would make a cut answer look whole."""
    ask = peek(b'{"model":"m","messages":[{}],"stream":true}')
    relay, decoder = ChatRelay(ask), DIALECT.decoder()
    body = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"a"}}]}\n\ndata: [DONE]\n\n'
    said = b"".join(relay.feed(f, decoder.feed(f)) for f in split(DIALECT.splitter(LIMIT_BYTES), [body]))
    assert b"[DONE]" not in said
    broken = relay.fault(UpstreamFailed("cut", target="p:m", reason=Reason.CUT_STREAM))
    assert broken.startswith(b'data: {"error":{"message":"cut"') and broken.endswith(b"}\n\n")


def test_tool_deltas_without_index_or_id_are_put_in_order() -> None:
    """Index from 0, id, type and name on the first of each; the rest of the chunk is as it came."""
    body = (
        b'data: {"id":"c","x":1,"choices":[{"index":0,"delta":{"role":"assistant","tool_calls":['
        b'{"function":{"name":"f","arguments":"{\\"a\\""},"id":""}]}}]}\n\n'
        b'data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"function":{"arguments":":1}"}}]}}]}\n\n'
        b'data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"function":{"name":"g","arguments":"{}"},'
        b'"id":"b"}]},"finish_reason":"tool_calls"}]}\n\n'
    )
    first, second, third = chunks_of(relayed(body))
    made_up = first["choices"][0]["delta"]["tool_calls"][0]["id"]
    assert made_up.startswith("call_")
    assert first == {
        "id": "c",
        "x": 1,
        "choices": [
            {
                "index": 0,
                "delta": {
                    "role": "assistant",
                    "tool_calls": [
                        {
                            "index": 0,
                            "id": made_up,
                            "type": "function",
                            "function": {"name": "f", "arguments": '{"a"'},
                        }
                    ],
                },
            }
        ],
    }
    assert second["choices"][0]["delta"]["tool_calls"] == [{"index": 0, "function": {"arguments": ":1}"}}]
    assert third["choices"][0]["delta"]["tool_calls"] == [
        {"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}}
    ]
    assert third["choices"][0]["finish_reason"] == "tool_calls"


def test_an_id_and_name_that_are_repeated_are_said_once() -> None:
    """Accumulators append what is repeated: the id would double up."""
    piece = (
        b'data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","type":"function",'
        b'"function":{"name":"f","arguments":"%b"}}]}}]}\n\n'
    )
    said = relayed(piece % b"{" + piece % b"}")
    assert said.startswith(piece % b"{")
    assert calls_of(said)[1:] == [{"index": 0, "function": {"arguments": "}"}}]


def test_a_mended_stream_means_what_the_original_meant() -> None:
    """Reading it again gives the same calls, ids that were made up included."""
    call = b'{"function":{"name":"f","arguments":"{}"},"id":"%b","index":%d}'
    odd = call % (b"", 1) + b"," + call % (b"x", 2)
    body = b'data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[%b]},"finish_reason":"stop"}]}\n\n' % odd

    def calls(stream: bytes) -> list[ToolCallStarted]:
        decoder = DIALECT.decoder()
        frames = split(DIALECT.splitter(LIMIT_BYTES), [stream])
        return [event for frame in frames for event in decoder.feed(frame) if isinstance(event, ToolCallStarted)]

    assert calls(relayed(body)) == calls(body)
    assert len(calls(body)) == 2


def test_names_of_events_are_taken_off() -> None:
    """Clients of this dialect know events by nothing but their data: a named one is passed by, or crashes them."""
    said = b'{"id":"c","choices":[{"index":0,\n"delta":{"content":"well"},"finish_reason":"stop"}]}'
    lines = said.replace(b"\n", b"\ndata: ")
    named = b"event: ping\n\nevent: message\ndata: " + lines + b"\n\nevent: end\ndata: [DONE]\n\n"
    assert relayed(named) == b"data: " + lines + b"\n\ndata: [DONE]\n\n"


def _whole(calls: bytes) -> bytes:
    """A whole answer with these calls, written as no encoder of ours would."""
    message = b'{"content":null,"tool_calls":%b}' % calls
    return b'{ "choices":[{"finish_reason":"tool_calls","index":0,"message":%b}],"x":1.0}' % message


def test_a_whole_answer_passes_byte_for_byte() -> None:
    """Whatever stands in it, as long as every call has an id."""
    call = b'{"id":"call_1","type":"function","function":{"name":"f","arguments":"{ }"}}'
    for body in (_whole(b"[%b]" % call), _whole(b"null"), _whole(b"[ ]")):
        assert mended_reply(body, decode_reply(body)) == body


def test_calls_without_an_id_get_the_one_that_was_read() -> None:
    """As Gemini's compatible endpoint sends them; each its own, and all around them stays as it came."""
    call = b'{"id":"","type":"function","function":{"name":"f","arguments":"{ }"},"extra_content":{"a":1.0}}'
    other = call.replace(b'"f"', b'"g"')
    body = _whole(b"[%b,%b]" % (call, other))
    reply = decode_reply(body)
    ids = [part.id.encode() for part in reply.choices[0].parts if isinstance(part, ToolCall)]
    assert len({*ids, b""}) == 3
    named = [one.replace(b'"id":""', b'"id":"%b"' % id) for one, id in zip((call, other), ids, strict=True)]
    assert mended_reply(body, reply) == _whole(b"[%b]" % b",".join(named)).replace(b"{ ", b"{", 1)
