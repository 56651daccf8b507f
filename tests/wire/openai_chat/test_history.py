"""What is in the ids of calls: callers see it and send it back, servers of this dialect never do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.canon.event import Finish, Finished, Started, ToolCallDelta, ToolCallStarted
from router.canon.reply import Choice, Reply
from router.canon.request import Text, ToolCall, ToolResult
from router.wire.openai_chat.reply import encode_reply
from router.wire.openai_chat.request import decode_request, encode_request, patch_request, peek
from router.wire.openai_chat.stream import ChatEncoder
from router.wire.signatures import pack_id

PACKED = pack_id("call_1", "c2lnbmVk", "vertex")


def history(call_id: str, **more: object) -> list[dict[str, Any]]:
    """A call with that id, and its answer."""
    call = {"id": call_id, "type": "function", "function": {"name": "f", "arguments": "{ }"}, **more}
    return [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call_id, "content": "done"},
    ]


def body(messages: object) -> bytes:
    """A request with these messages."""
    return json.dumps({"model": "m", "messages": messages}).encode()


@pytest.mark.parametrize("family", ["gemini", "vertex"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_signed_call_comes_back_signed_from_a_client_that_keeps_only_ids(family: str, streamed: bool) -> None:
    """Whoever signed it."""
    signed = ToolCall(id="call_1", name="f", arguments="{ }", signature="c2lnbmVk", family=family)
    seen = _streamed(signed) if streamed else _whole(signed)
    turns = decode_request(peek(body(history(seen)))).messages
    assert turns[1].parts == (signed,)
    assert turns[2].parts == (ToolResult(call_id="call_1", parts=(Text(text="done"),)),)


def _whole(call: ToolCall) -> str:
    choice = Choice(index=0, parts=(call,), finish=Finish.TOOL_CALLS, said="STOP")
    said = json.loads(encode_reply(Reply(id="1", model="m", choices=(choice,), usage=None)))
    seen: str = said["choices"][0]["message"]["tool_calls"][0]["id"]
    return seen


def _streamed(call: ToolCall) -> str:
    encoder = ChatEncoder(peek(body([{}])))
    begun = ToolCallStarted(index=0, id=call.id, name=call.name, signature=call.signature, family=call.family)
    said = encoder.feed((Started(id="1", model="m"), begun, ToolCallDelta(index=0, arguments=call.arguments)))
    said += encoder.feed((Finished(reason=Finish.TOOL_CALLS, said="STOP"),)) + encoder.end()
    deltas = [json.loads(line[6:])["choices"][0]["delta"] for line in said.decode().split("\n\n") if "{" in line]
    (seen,) = [call["id"] for delta in deltas for call in delta.get("tool_calls", ()) if "id" in call]
    return str(seen)


def test_a_call_that_nobody_signed_keeps_its_id() -> None:
    """Most do."""
    assert _whole(ToolCall(id="call_1", name="f", arguments="{}")) == "call_1"
    assert _streamed(ToolCall(id="call_1", name="f", arguments="{}")) == "call_1"


def test_a_server_of_this_dialect_sees_the_calls_own_id_and_nothing_of_the_signature() -> None:
    """Whether the request passes untouched or goes through canon."""
    seen = history(PACKED, extra_content={"google": {"thought_signature": "c2lnbmVk"}})
    assert json.loads(patch_request(peek(body(seen)), "m"))["messages"] == history("call_1")
    translated = json.loads(encode_request(decode_request(peek(body(seen))), "m").body)
    assert translated["messages"] == history("call_1")


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param(history("call_1", extra_content={"google": {"thought_signature": "s"}}), id="a server's own"),
        pytest.param(history(PACKED[:-1] + "x", extra_content={"google": {}}), id="altered on its way"),
        pytest.param([{"role": "user", "content": f"what is {PACKED}?"}], id="words about one"),
        pytest.param([{"role": "assistant", "tool_calls": PACKED}, {"tool_call_id": [PACKED]}], id="in odd places"),
    ],
)
def test_whatever_holds_nothing_of_ours_passes_as_it_came(messages: object) -> None:
    """Value for value."""
    assert json.loads(patch_request(peek(body(messages)), "m"))["messages"] == messages


def test_only_the_turn_that_holds_a_signature_is_touched() -> None:
    """Its neighbours pass byte for byte: prompt caches look at bytes."""
    turns = b'{ "role":"user" , "content":"go" },'
    call = b'{"role":"assistant","tool_calls":[{"id":"%b"}]}'
    asked = b'{"model":"m","messages":[' + turns + call % PACKED.encode() + b"]}"
    assert patch_request(peek(asked), "m") == b'{"model":"m","messages":[' + turns + call % b"call_1" + b"]}"


def test_what_cannot_be_read_passes_as_it_came() -> None:
    """The server says better what is wrong with it."""
    asked = b'{"model":"m","messages":[{"tool_calls":[3],"id":"%b"}]}' % PACKED.encode()
    assert patch_request(peek(asked), "m") == asked
