"""Whole answers: every recorded one against a reader that knows none of our code, and the faults inside a 200."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw
from openai.types.responses import Response

from router.canon.event import Finish
from router.canon.reply import Choice, Reply
from router.canon.request import Opaque, Reasoning, Refusal, Text, ToolCall
from router.canon.usage import Usage
from router.errors import Reason, WireFault
from router.wire.openai_responses.reply import decode_reply, encode_reply
from tests.wire.recorded import Recorded, needs_recordings, recordings, response_of

REPLIES = [line for line in recordings("openai.responses") if not line.stream and line.status == 200]
FAMILY = "openai-responses"


def body_of(*output: object, **members: object) -> bytes:
    """A whole answer with these items."""
    return json.dumps({"id": "resp_1", "object": "response", "model": "m", "output": output, **members}).encode()


def message(*content: object) -> dict[str, Any]:
    """A message item."""
    return {"type": "message", "role": "assistant", "content": content}


def parts_of(*output: object, **members: object) -> tuple[object, ...]:
    """What these items say in canon."""
    return decode_reply(body_of(*output, **members)).choices[0].parts


def answer(*parts: Any, finish: Finish = Finish.STOP, usage: Usage | None = None, **members: Any) -> dict[str, Any]:
    """An answer as a caller reads it."""
    choice = Choice(index=0, parts=parts, finish=finish, said="x", **members)
    reply = Reply(id="resp_1", model="m", created_s=17, choices=(choice,), usage=usage, family=FAMILY)
    said: dict[str, Any] = json.loads(encode_reply(reply))
    return said


@needs_recordings
@pytest.mark.parametrize("line", REPLIES, ids=lambda line: line.id)
def test_a_recorded_answer_is_read_without_loss(line: Recorded) -> None:
    """Texts, thoughts, seals, calls, usage and ending, by the plainest means."""
    _, _, body = response_of(line.id)
    found = json.loads(body)
    reply = decode_reply(body)
    choice = reply.choices[0]
    items = found["output"]
    thoughts = [item for item in items if item["type"] == "reasoning"]
    calls = [item for item in items if item["type"] == "function_call"]
    assert (reply.id, reply.model, reply.created_s) == (found["id"], found["model"], found["created_at"])
    assert [part.text for part in choice.parts if isinstance(part, Text)] == [
        part["text"] for item in items if item["type"] == "message" for part in item["content"]
    ]
    assert [(part.id, part.name, part.arguments) for part in choice.parts if isinstance(part, ToolCall)] == [
        (item["call_id"], item["name"], item["arguments"]) for item in calls
    ]
    said = [
        (
            "".join(part["text"] for part in [*item["summary"], *(item.get("content") or [])]),
            item.get("encrypted_content"),
        )
        for item in thoughts
    ]
    assert [(part.text, part.signature) for part in choice.parts if isinstance(part, Reasoning)] == [
        pair for pair in said if any(pair)
    ]
    assert choice.finish is (Finish.TOOL_CALLS if calls else Finish.STOP)
    usage = reply.usage
    assert usage is not None
    assert (usage.input_total, usage.output_total, usage.reported_total) == (
        found["usage"]["input_tokens"],
        found["usage"]["output_tokens"],
        found["usage"]["total_tokens"],
    )
    assert usage.reasoning == found["usage"]["output_tokens_details"]["reasoning_tokens"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", Reason.EMPTY_ANSWER, id="nothing"),
        pytest.param(b" \n\n ", Reason.EMPTY_ANSWER, id="blank"),
        pytest.param(b"<!DOCTYPE html><html></html>", Reason.MALFORMED, id="a web page"),
        pytest.param(b"[]", Reason.MALFORMED, id="a list"),
        pytest.param(b'{"id":"resp_1"', Reason.MALFORMED, id="cut"),
        pytest.param(b'{"id":"resp_1"}', Reason.MALFORMED, id="no output"),
        pytest.param(b"[" * 100_000, Reason.MALFORMED, id="nested without end"),
        pytest.param(b'{"choices":[]}', Reason.MALFORMED, id="a chat completion"),
        pytest.param(
            b'{"output":[{"type":"function_call","name":"f","arguments":"\xff"}]}', Reason.MALFORMED, id="bytes"
        ),
        pytest.param(
            b'{"error":{"code":"insufficient_quota","message":"x"}}', Reason.QUOTA_EXHAUSTED, id="error in 200"
        ),
        pytest.param(b'{"object":"error","code":"slow_down","message":"x"}', Reason.THROTTLED, id="flat error in 200"),
        pytest.param(body_of(status="failed", error=None), Reason.SERVER_ERROR, id="failed without a reason"),
        pytest.param(
            body_of(status="failed", error={"code": "server_error", "message": "x"}), Reason.SERVER_ERROR, id="failed"
        ),
        pytest.param(body_of(status="cancelled"), Reason.SERVER_ERROR, id="cancelled"),
        pytest.param(body_of(status="in_progress"), Reason.MALFORMED, id="not finished"),
        pytest.param(body_of(status="queued"), Reason.MALFORMED, id="not begun"),
    ],
)
def test_what_is_no_answer_is_a_fault(body: bytes, reason: Reason) -> None:
    """A 200 proves nothing."""
    with pytest.raises(WireFault) as caught:
        decode_reply(body)
    assert caught.value.reason is reason


def test_blank_lines_before_an_answer_are_skipped() -> None:
    """They keep a connection open while a provider waits."""
    assert decode_reply(b"\n\n \n" + body_of()).id == "resp_1"


def test_items_only_this_protocol_knows_stay_whole_and_in_their_place() -> None:
    """A search the provider made itself is part of the answer, and no call of the caller's tools."""
    search = {"type": "web_search_call", "id": "ws_1", "action": {"query": "x"}}
    parts = parts_of(search, message({"type": "output_text", "text": "a"}))
    assert parts == (Opaque(raw=Raw(json.dumps(search).encode()), family=FAMILY), Text(text="a"))
    own = {"type": "custom_tool_call", "call_id": "c", "name": "x_search", "input": "q"}
    reply = decode_reply(body_of(own, tools=[{"type": "x_search"}]))
    assert isinstance(reply.choices[0].parts[0], Opaque)
    assert reply.choices[0].finish is Finish.STOP
    assert parts_of(own) == (ToolCall(id="c", name="x_search", arguments="q", custom=True),)


def test_log_probabilities_and_citations_of_all_texts_are_kept() -> None:
    """The entries untouched."""
    reply = decode_reply(
        body_of(
            message({"type": "output_text", "text": "a", "logprobs": [{"token": "a"}], "annotations": [{"n": 1}]}),
            message({"type": "output_text", "text": "b", "logprobs": [{"token": "b"}], "annotations": [{"n": 2}]}),
        )
    )
    assert reply.choices[0].logprobs == Raw(b'{"content":[{"token": "a"},{"token": "b"}],"refusal":null}')
    assert reply.choices[0].citations == (Raw(b'{"n": 1}'), Raw(b'{"n": 2}'))


def test_a_refusal_ends_as_one_only_where_nothing_else_was_said() -> None:
    """Text beside it is an answer."""
    refusal, text = {"type": "refusal", "refusal": "no"}, {"type": "output_text", "text": "a"}
    assert decode_reply(body_of(message(refusal))).choices[0].finish is Finish.REFUSAL
    assert decode_reply(body_of(message(text, refusal))).choices[0].finish is Finish.STOP


def test_nobody_counted_is_not_zero() -> None:
    """Neither in what is read, nor in what is said."""
    assert decode_reply(body_of()).usage is None
    assert decode_reply(body_of(usage={})).usage is None
    assert answer(Text(text="a"))["usage"] is None


@pytest.mark.parametrize(
    ("finish", "status", "reason"),
    [
        pytest.param(Finish.STOP, "completed", None, id="stop"),
        pytest.param(Finish.TOOL_CALLS, "completed", None, id="calls"),
        pytest.param(Finish.REFUSAL, "incomplete", "content_filter", id="refusal"),
        pytest.param(Finish.OTHER, "completed", None, id="other"),
        pytest.param(Finish.LENGTH, "incomplete", "max_output_tokens", id="length"),
        pytest.param(Finish.CONTEXT_FULL, "incomplete", "max_output_tokens", id="full window"),
        pytest.param(Finish.PAUSED, "incomplete", "max_output_tokens", id="paused"),
        pytest.param(Finish.CONTENT_FILTER, "incomplete", "content_filter", id="filter"),
    ],
)
def test_every_ending_has_its_words(finish: Finish, status: str, reason: str | None) -> None:
    """A turn that is not done never reads as complete."""
    said = answer(Text(text="a"), finish=finish)
    assert said["status"] == status
    assert (said["incomplete_details"] or {}).get("reason") == reason


def test_openais_sdk_reads_an_answer_with_everything_in_it() -> None:
    """Strictly: each member has the type its own client declares, and `output_text` is put together from the items."""
    said = answer(
        Reasoning(text="hm", signature="seal", family=FAMILY, id="rs_1"),
        Text(text="Hel"),
        Text(text="lo"),
        ToolCall(id="call_a", name="f", arguments=""),
        ToolCall(id="call_b", name="g", arguments="x", custom=True),
        Refusal(text="no more"),
        finish=Finish.TOOL_CALLS,
        usage=Usage(input=5, cache_read=3, output=4, reasoning=2),
        citations=(Raw(b'{"type":"url_citation","start_index":0,"end_index":1,"url":"u","title":"t"}'),),
        logprobs=Raw(b'{"content":[{"token":"a","bytes":[97],"logprob":-0.5,"top_logprobs":[]}],"refusal":null}'),
    )
    response = Response.model_validate(said, strict=True)
    assert response.output_text == "Hello"
    assert [item.type for item in response.output] == [
        "reasoning",
        "message",
        "function_call",
        "custom_tool_call",
        "message",
    ]
    assert len({getattr(item, "id", None) for item in response.output}) == 5
    assert said["output"][0]["encrypted_content"] == "seal"
    assert said["output"][2]["arguments"] == "{}"
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens, response.usage.total_tokens) == (8, 6, 14)
    assert response.usage.input_tokens_details.cached_tokens == 3
    assert response.usage.output_tokens_details.reasoning_tokens == 2


def test_only_this_dialects_own_items_and_citations_are_said() -> None:
    """Another protocol's would be read as something they are not."""
    own = Opaque(raw=Raw(b'{"type":"web_search_call","id":"ws_1"}'), family=FAMILY)
    foreign = Opaque(raw=Raw(b'{"type":"server_tool_use"}'), family="anthropic")
    assert [item["type"] for item in answer(own, foreign, Text(text="a"))["output"]] == ["web_search_call", "message"]
    choice = Choice(index=0, parts=(Text(text="a"),), finish=Finish.STOP, said="x", citations=(Raw(b'{"c":1}'),))
    reply = Reply(id="", model="m", choices=(choice,), usage=None, family="anthropic")
    said = json.loads(encode_reply(reply))
    assert said["output"][0]["content"][0]["annotations"] == []
    assert said["id"].startswith("resp_")
