"""What the first of two providers does, line by line, and what a caller of any protocol must then find."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from tests.fakes.replies import (
    DONE,
    USAGE,
    cut_after,
    drip,
    error_event,
    event,
    head_then_silence,
    raw,
    reset_after,
    silence,
    speak,
    stall_after,
    status,
    stream,
)
from tests.fakes.turn import Gate, Script, Turn
from tests.scenarios.scene import FIRST, LIMIT_S, SECOND, WELL, Pair, joined, words
from tests.scenarios.tongues import Told

FORTY = words(40)
QUICK = {"timeouts": {"first_byte_s": LIMIT_S, "first_token_s": LIMIT_S, "idle_s": LIMIT_S}}
PINGS = {"first_ping_after_s": 0.05, "ping_every_s": 0.05}
HTML = b"<html>captive portal</html>"
Found = Callable[[Told, Pair], bool]


class Case(Struct, frozen=True, kw_only=True):
    """One line: what the first does, and whether a caller found what it must. `modes` are those it has a meaning in."""

    line: int
    name: str
    one: Callable[[], Script]
    found: Found
    two: Script = WELL
    keys: Mapping[str, Any] = {}
    second: Mapping[str, Any] = {}
    sections: Mapping[str, Any] = {}
    fields: Mapping[str, Any] = {}
    modes: tuple[bool, ...] = (True, False)


def opened() -> Gate:
    """A gate that holds nobody up."""
    gate = Gate()
    gate.open()
    return gate


def by_second(told: Told, pair: Pair) -> bool:
    """The second's whole answer and nothing else, named by the headers."""
    return told.is_whole(SECOND) and told.headers["x-router-provider"] == "two" and len(pair.two.turns) == 1


def by_first(told: Told, pair: Pair) -> bool:
    """The first's whole answer, and nobody else was asked."""
    return told.is_whole(FIRST) and not pair.two.turns


def failed(why: str, code: int | None = None, asked: tuple[int, int] = (1, 0)) -> Found:
    """An error for that reason before any answer."""

    def found(told: Told, pair: Pair) -> bool:
        statuses = code if code is not None else 502
        return (told.said.fault, told.status, pair.asked) == (why, statuses, asked) and not told.said.spoke

    return found


def broken(text: str, why: str) -> Found:
    """So much of an answer, then the honest error; no second answer."""
    return lambda told, pair: told.is_broken_off(text, why) and pair.asked == (1, 0)


def json_error(**error: Any) -> dict[str, Any]:
    """OpenAI's envelope."""
    return {"error": {"message": "said so", "type": "invalid_request_error", **error}}


def events(*payloads: dict[str, Any] | bytes, ends: str = "cut") -> Callable[[], Script]:
    """A 200 whose stream says these and closes, in order or not."""

    async def script(turn: Turn) -> None:
        await turn.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        for payload in payloads:
            await turn.chunk(payload if isinstance(payload, bytes) else event(payload))
        if ends == "end":
            await turn.chunk(b"")
        else:
            turn.cut()

    return lambda: script


def chunk(delta: dict[str, Any] | None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """One chunk."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    kept = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**kept, "choices": choices, **more}


def call(index: int | None, arguments: str, id: str | None = None, name: str | None = None) -> dict[str, Any]:
    """A piece of a tool call."""
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    said: dict[str, Any] = {"function": function}
    if index is not None:
        said["index"] = index
    return said if id is None else {**said, "id": id, "type": "function"}


def tools(*calls: dict[str, Any]) -> list[dict[str, Any]]:
    """A chunk for each piece."""
    return [chunk({"role": "assistant"}), *(chunk({"tool_calls": [one]}) for one in calls)]


async def filtered(turn: Turn) -> None:
    """Ends with a content filter before it has said anything."""
    if turn.asked().get("stream"):
        await stream([], finish="content_filter")(turn)
    else:
        choice = {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "content_filter"}
        await status(200, body={"id": "c", "model": "m", "choices": [choice], "usage": USAGE})(turn)


async def empty(turn: Turn) -> None:
    """Says nothing, and that nothing was counted."""
    usage = {"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 5}
    if turn.asked().get("stream"):
        await stream([], usage=usage)(turn)
    else:
        choice = {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
        await status(200, body={"id": "c", "model": "m", "choices": [choice], "usage": usage})(turn)


def half_a_body() -> Script:
    """A whole answer, cut in its middle."""
    return raw(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"id":"c","choices":[')


def page() -> Script:
    """A captive portal."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(HTML)
    return raw(head + HTML, then="keep")


def called(*expected: tuple[str, Any]) -> Found:
    """These tool calls."""

    def found(told: Told, pair: Pair) -> bool:
        first = told.said.first
        return first.finish == "calls" and tuple((one.name, one.arguments) for one in first.calls) == expected

    return found


def unfinished(told: Told, pair: Pair) -> bool:
    """An error, and no word that would have a tool called with half of its arguments."""
    ends = (b'"finish_reason":"tool_calls"', b'"stop_reason":"tool_use"', b"function_call_arguments.done")
    return told.said.fault == "cut_stream" and pair.asked == (1, 0) and not any(end in told.body for end in ends)


def listed(told: Told, pair: Pair) -> bool:
    """The last failure's status, and both tries in order."""
    tries = json.loads(told.body)["error"]["metadata"]["attempts"]
    return told.said.fault == "overloaded" and [one["target"] for one in tries] == ["one:m", "two:m"]


def unquoted(told: Told, pair: Pair) -> bool:
    """Neither the key nor the provider's words about it."""
    return by_second(told, pair) and b"canary" not in told.body


INSUFFICIENT = {"error": {"message": "quota", "type": "insufficient_quota", "code": "insufficient_quota"}}
LARGE = {"models": [{"name": "m", "context_window": 128_000}]}
SMALL = {"models": [{"name": "m", "context_window": 4_000}]}
WINDOW = {"models": [{"name": "m", "context_window": 8_000}]}
TOO_LONG = json_error(code="context_length_exceeded")
WEATHER = call(0, '{"city":"Wien"}', "call_a", "weather")
TIME = call(1, "{}", "call_b", "time")
ENDED = (chunk({}, "tool_calls"), chunk(None, usage=USAGE), DONE)
NO_FALLBACK = {"headers": {"x-router-fallback": "false"}}

CASES = (
    Case(line=2, name="silent", one=silence, keys=QUICK, found=by_second),
    Case(line=3, name="silent_after_the_head", one=head_then_silence, keys=QUICK, found=by_second),
    Case(line=4, name="role_then_error", one=lambda: error_event("boom"), found=by_second, modes=(True,)),
    Case(line=5, name="quota_inside_a_200", one=events(INSUFFICIENT, ends="end"), found=by_second, modes=(True,)),
    Case(
        line=6,
        name="error_beside_empty_choices",
        one=events({"id": "x", "choices": [], "error": {"message": "down", "code": 502}}, ends="end"),
        found=by_second,
        modes=(True,),
    ),
    Case(
        line=7,
        name="error_inside_a_200",
        one=lambda: status(200, body={"error": {"message": "boom", "type": "server_error"}}),
        found=by_second,
    ),
    Case(line=8, name="web_page", one=page, found=by_second),
    Case(line=9, name="nothing_said", one=lambda: empty, found=by_second),
    Case(line=10, name="429", one=lambda: status(429), found=by_second),
    Case(line=12, name="400", one=lambda: status(400, body=json_error(param="tools")), found=failed("rejected", 400)),
    Case(
        line=13,
        name="policy",
        one=lambda: status(400, body=json_error(code="content_policy_violation")),
        found=failed("content_policy", 400),
    ),
    Case(
        line=13,
        name="policy_with_an_edge",
        one=lambda: status(400, body=json_error(code="content_policy_violation")),
        sections={"failover": {"fallbacks_on": ["default", "content_policy"]}},
        found=by_second,
    ),
    Case(
        line=13,
        name="filter_is_an_answer",
        one=lambda: filtered,
        found=lambda told, pair: (
            told.status == 200 and told.said.first.finish in ("filtered", "refused") and pair.asked == (1, 0)
        ),
    ),
    Case(line=14, name="larger", one=lambda: status(400, body=TOO_LONG), keys=WINDOW, second=LARGE, found=by_second),
    Case(
        line=14,
        name="smaller",
        one=lambda: status(400, body=TOO_LONG),
        keys=WINDOW,
        second=SMALL,
        found=failed("context_length", 400),
    ),
    Case(
        line=15,
        name="error_after_content",
        one=lambda: error_event("boom", after=words(3)),
        found=broken(joined(words(3)), "server_error"),
        modes=(True,),
    ),
    Case(line=15, name="cut_inside_the_body", one=half_a_body, found=by_second, modes=(False,)),
    Case(
        line=16,
        name="no_fallback",
        one=silence,
        keys=QUICK,
        fields=NO_FALLBACK,
        found=failed("first_byte_timeout", 504),
        modes=(True,),
    ),
    Case(
        line=16,
        name="no_fallback_whole",
        one=silence,
        keys=QUICK,
        fields=NO_FALLBACK,
        found=lambda told, pair: told.status == 504 and pair.asked == (1, 0),
        modes=(False,),
    ),
    Case(
        line=17,
        name="all_fail",
        one=lambda: status(500),
        two=status(503),
        found=listed,
        sections={"failover": {"max_attempts": 2}},
    ),
    Case(line=18, name="comments", one=lambda: drip(opened_slowly()), keys=QUICK, found=by_second, modes=(True,)),
    Case(
        line=19,
        name="401",
        one=lambda: status(401, body=json_error(message="sk-canary", code="invalid_api_key")),
        found=unquoted,
    ),
    Case(line=21, name="fin", one=lambda: cut_after(FORTY), found=broken(joined(FORTY), "cut_stream"), modes=(True,)),
    Case(
        line=21,
        name="end_without_finish",
        one=lambda: stream(FORTY, finish=None, usage=None, done=False),
        found=broken(joined(FORTY), "cut_stream"),
        modes=(True,),
    ),
    Case(
        line=22,
        name="rst",
        one=lambda: reset_after(FORTY, gate=later()),
        found=lambda told, pair: told.said.fault == "cut_stream" and joined(FORTY).startswith(told.said.first.text),
        modes=(True,),
    ),
    Case(
        line=23,
        name="half_a_call",
        one=events(*tools(call(0, '{"amount": 1', "call_a", "pay"))),
        found=unfinished,
        modes=(True,),
    ),
    Case(
        line=24,
        name="finish_without_done",
        one=events(chunk({"role": "assistant", "content": FIRST}), chunk({}, "stop"), chunk(None, usage=USAGE)),
        found=by_first,
        modes=(True,),
    ),
    Case(
        line=25,
        name="stall",
        one=lambda: stall_after(FORTY),
        keys={"timeouts": {"idle_s": LIMIT_S}},
        found=broken(joined(FORTY), "idle_timeout"),
        modes=(True,),
    ),
    Case(
        line=27,
        name="1_MiB_event",
        one=lambda: speak("x" * (1 << 20)),
        found=lambda told, pair: told.is_whole("x" * (1 << 20)),
    ),
    Case(
        line=31,
        name="429_before_a_ping",
        one=lambda: status(429),
        two=status(429),
        sections={"server": PINGS, "failover": {"max_attempts": 2}},
        found=failed("throttled", 429, (1, 1)),
    ),
    Case(
        line=32,
        name="framing",
        one=lambda: speak(FIRST),
        found=lambda told, pair: by_first(told, pair) and framed(told),
        modes=(True,),
    ),
    Case(
        line=33,
        name="usage_before_and_after",
        one=events(
            chunk(None, usage={"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 5}),
            chunk({"role": "assistant", "content": FIRST}),
            chunk({}, "stop"),
            chunk(None, usage={"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}),
            DONE,
            ends="end",
        ),
        found=lambda told, pair: by_first(told, pair) and told.said.usage is not None and told.said.usage.output == 3,
        modes=(True,),
    ),
    Case(
        line=35,
        name="calls_without_index",
        one=events(
            *tools(call(None, '{"city":"Wien"}', "call_a", "weather"), call(None, "{}", "call_b", "time")),
            *ENDED,
            ends="end",
        ),
        found=called(("weather", {"city": "Wien"}), ("time", {})),
        modes=(True,),
    ),
    Case(
        line=36,
        name="interleaved_calls",
        one=events(
            *tools(
                call(0, "", "call_a", "weather"),
                call(1, "", "call_b", "time"),
                call(0, '{"city":'),
                call(1, '{"zone":'),
                call(0, '"Wien"}'),
                call(1, '"UTC"}'),
            ),
            *ENDED,
            ends="end",
        ),
        found=called(("weather", {"city": "Wien"}), ("time", {"zone": "UTC"})),
        modes=(True,),
    ),
    Case(
        line=59,
        name="always_500",
        one=lambda: status(500),
        two=status(500),
        sections={"failover": {"max_attempts": 5}, "retry": {"max_attempts": 4, "base_delay_ms": 1, "jitter": False}},
        found=lambda told, pair: told.status == 502 and sum(pair.asked) == 5,
    ),
    Case(
        line=60,
        name="retries_in_the_body",
        one=lambda: status(500),
        two=status(500),
        sections={"failover": {"max_attempts": 2}},
        fields={"max_retries": 9, "num_retries": 9},
        found=lambda told, pair: told.status == 502 and pair.asked == (1, 1),
    ),
    Case(line=68, name="one_500", one=lambda: status(500), found=by_second),
    Case(
        line=73,
        name="529",
        one=lambda: status(529, body=json_error(type="overloaded_error")),
        two=status(529, body=json_error(type="overloaded_error")),
        sections={"failover": {"max_attempts": 2}},
        found=lambda told, pair: told.said.fault == "overloaded" and told.status in (503, 529),
    ),
)


def opened_slowly() -> Gate:
    """A gate that lets one through each time somebody waits, after a moment."""

    class Slow(Gate):
        async def wait(self) -> None:
            await asyncio.sleep(0.02)

    return Slow()


def later() -> Gate:
    """A gate that opens when all that was sent has been read."""

    class Later(Gate):
        async def wait(self) -> None:
            await asyncio.sleep(0.1)

    return Later()


def framed(told: Told) -> bool:
    """Event names and `[DONE]` only where the protocol has them."""
    lines = told.body.splitlines()
    has_names = any(line.startswith(b"event:") for line in lines)
    return has_names != (b"data: [DONE]" in lines)
