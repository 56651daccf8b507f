"""Lines 1 to 19: who answers when the first provider does not, and what is too late to be mended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import pytest

from tests.fakes.provider import ScriptedProvider, refused
from tests.fakes.replies import (
    answer,
    error_event,
    event,
    head_then_silence,
    raw,
    silence,
    speak,
    status,
    stream,
)
from tests.fakes.served import remote, routed, served
from tests.fakes.turn import Script, Turn
from tests.scenarios.scene import FIRST, LIMIT_S, SECOND, ask, both, joined, paired, scenario, words

SILENT = {"timeouts": {"first_byte_s": LIMIT_S, "first_token_s": LIMIT_S}}
HTML = "<html><body>Welcome to the captive portal</body></html>"
INSUFFICIENT = {"error": {"message": "You exceeded your current quota", "type": "insufficient_quota", "code": None}}


def headed(content_type: str, body: bytes) -> Script:
    """A 200 with exactly this body."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return raw(head.encode() + body, then="keep")


def in_band(payload: object) -> Script:
    """A 200 whose stream holds one event and ends in order."""
    return headed("text/event-stream", event(payload))


def empty(finish: str) -> Script:
    """Nothing said and nothing counted, streamed or whole as asked."""
    usage = {"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 5}

    async def script(turn: Turn) -> None:
        streamed = turn.asked().get("stream")
        await (stream([], usage=usage, finish=finish) if streamed else answer("", usage=usage, finish=finish))(turn)

    return script


@both
@scenario
async def test_line_1_a_refused_connection_is_answered_by_the_second(streamed: bool, tmp_path: Path) -> None:
    """Nobody listens at the first; the headers name who answered and count the tries."""
    with refused() as nowhere:
        async with ScriptedProvider(speak(SECOND)) as two:
            first = {"kind": "openai-compatible", "base_url": nowhere, "models": ["m"]}
            async with served(routed(first, two), tmp_path) as router:
                heard = await ask(router, streamed)
    assert heard.is_from(SECOND)
    assert heard.provider == "two"
    assert heard.headers["x-router-attempts"] == "2"


@both
@scenario
async def test_line_2_a_silent_provider_is_left_within_its_limit(streamed: bool, tmp_path: Path) -> None:
    """It accepts and never sends a byte: asked once, its socket closed, the second answers in time."""
    async with paired(tmp_path, silence(), keys=SILENT) as pair:
        began = perf_counter()
        heard = await pair.ask(streamed)
        assert perf_counter() - began < LIMIT_S + 1
        await pair.one.until(lambda: pair.one.open_connections == 0)
        assert pair.one.left == 1
    assert heard.is_from(SECOND)
    assert pair.asked == (1, 1)


@scenario
async def test_line_3_a_head_and_then_silence_is_left_within_its_limit(tmp_path: Path) -> None:
    """The head of an answer is not an answer."""
    async with paired(tmp_path, head_then_silence(), keys=SILENT) as pair:
        began = perf_counter()
        heard = await pair.ask(streamed=True)
        assert perf_counter() - began < LIMIT_S + 1
        await pair.one.until(lambda: pair.one.left == 1)
    assert heard.is_from(SECOND)
    assert pair.asked == (1, 1)


@scenario
async def test_line_4_a_role_and_then_an_error_leaves_no_trace(tmp_path: Path) -> None:
    """A role-only chunk commits nothing: the caller hears the second alone, and one role."""
    async with paired(tmp_path, error_event("boom")) as pair:
        heard = await pair.ask(streamed=True)
    assert heard.is_from(SECOND)
    assert pair.asked == (1, 1)


@scenario
async def test_line_6_an_error_beside_empty_choices_is_an_error(tmp_path: Path) -> None:
    """OpenRouter's form, as the first event of a 200."""
    chunk = {"id": "x", "choices": [], "error": {"message": "upstream is down", "code": 502}}
    async with paired(tmp_path, in_band(chunk)) as pair:
        heard = await pair.ask(streamed=True)
    assert heard.is_from(SECOND)


@scenario
async def test_line_7_an_error_inside_a_200_is_an_error(tmp_path: Path) -> None:
    """A whole answer that is an error object, whatever its status says."""
    async with paired(tmp_path, status(200, body={"error": {"message": "boom", "type": "server_error"}})) as pair:
        heard = await pair.ask()
    assert heard.is_from(SECOND)


@both
@scenario
async def test_line_8_a_web_page_is_an_error_and_is_never_quoted(streamed: bool, tmp_path: Path) -> None:
    """A captive portal answers 200; where nobody else is left the caller reads our words, not its page."""
    page = headed("text/html", HTML.encode())
    async with paired(tmp_path, page) as pair:
        assert (await pair.ask(streamed)).is_from(SECOND)
        pair.two.play(page)
        heard = await pair.ask(streamed)
    assert heard.status == 502
    assert heard.why == "malformed"
    assert b"captive" not in heard.body and b"<html" not in heard.body


@both
@scenario
async def test_line_9_an_empty_answer_is_no_answer(streamed: bool, tmp_path: Path) -> None:
    """No content, no output tokens, and a plain stop."""
    async with paired(tmp_path, empty("stop")) as pair:
        heard = await pair.ask(streamed)
    assert heard.is_from(SECOND)


@both
@pytest.mark.parametrize("finish", ["length", "content_filter"])
@scenario
async def test_line_9_an_empty_answer_that_is_explained_stands(finish: str, streamed: bool, tmp_path: Path) -> None:
    """A refusal, or a limit that the caller set, is an answer."""
    async with paired(tmp_path, empty(finish)) as pair:
        heard = await pair.ask(streamed)
    assert heard.status == 200
    assert heard.finishes == [finish]
    assert pair.asked == (1, 0)


@both
@scenario
async def test_line_9_an_empty_answer_that_was_counted_stands(streamed: bool, tmp_path: Path) -> None:
    """Output tokens without text were thought in secret and will be billed: asking another pays twice."""
    usage = {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14}

    async def script(turn: Turn) -> None:
        await (stream([], usage=usage) if streamed else answer("", usage=usage))(turn)

    async with paired(tmp_path, script) as pair:
        heard = await pair.ask(streamed)
    assert heard.finishes == ["stop"]
    assert pair.asked == (1, 0)


@both
@pytest.mark.parametrize("promised", [b"500", b"5000000"], ids=["cut", "endless"])
@scenario
async def test_line_12_an_error_whose_body_does_not_arrive_is_still_that_error(
    promised: bytes, streamed: bool, tmp_path: Path
) -> None:
    """The status says whose fault it is: the body cut, or longer than anybody reads."""
    head = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: " + promised + b"\r\n\r\n"
    sent = min(int(promised) - 1, 2_000_000)
    async with paired(tmp_path, raw(head + b"{" + b" " * sent)) as pair:
        heard = await pair.ask(streamed)
    assert heard.status == 400
    assert pair.asked == (1, 0)


@scenario
async def test_line_2_a_body_that_stalls_is_left_by_the_idle_limit(tmp_path: Path) -> None:
    """Half of a whole answer, and then nothing: not waited for as long as an answer may take."""
    half = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"id":"c","choices":['
    async with paired(tmp_path, raw(half, then="silence"), keys={"timeouts": {"idle_s": LIMIT_S}}) as pair:
        heard = await pair.ask()
        await pair.one.until(lambda: pair.one.left == 1)
    assert heard.is_from(SECOND)


@both
@scenario
async def test_line_10_a_429_without_a_hint_fails_over_at_once(streamed: bool, tmp_path: Path) -> None:
    """In the same request, whatever our own backoff for capacity is."""
    async with paired(tmp_path, status(429)) as pair:
        began = perf_counter()
        heard = await pair.ask(streamed)
        assert perf_counter() - began < 0.5
    assert heard.is_from(SECOND)
    assert pair.asked == (1, 1)


@both
@scenario
async def test_line_11_a_retry_after_is_a_quiet_for_everybody(streamed: bool, tmp_path: Path) -> None:
    """Fail over now, and no other request asks the first before its time; then it is asked again."""
    hint = {"retry-after-ms": "400"}
    async with paired(tmp_path, [status(429, hint), speak(FIRST)]) as pair:
        heard = await pair.ask(streamed)
        began = perf_counter()
        assert heard.is_from(SECOND)
        while len(pair.one.turns) == 1:
            heard = await pair.ask(streamed)
        assert perf_counter() - began > 0.38
        assert len(pair.two.turns) > 5
    assert heard.is_from(FIRST)


@both
@scenario
async def test_line_12_the_callers_fault_is_told_to_the_caller(streamed: bool, tmp_path: Path) -> None:
    """A 400 stays one: no second provider is bothered, and the provider's words arrive."""
    said = {"error": {"message": "tools[0] is bad", "type": "invalid_request_error", "code": None, "param": "tools"}}
    async with paired(tmp_path, status(400, body=said)) as pair:
        heard = await pair.ask(streamed)
    assert heard.status == 400
    assert heard.error is not None and heard.error["message"] == "tools[0] is bad"
    assert heard.headers["x-should-retry"] == "false"
    assert pair.asked == (1, 0)


@both
@scenario
async def test_line_13_a_refusal_by_policy_is_an_answer(streamed: bool, tmp_path: Path) -> None:
    """Another model is not asked what this one refused."""
    said = {"error": {"message": "flagged", "type": "invalid_request_error", "code": "content_policy_violation"}}
    async with paired(tmp_path, status(400, body=said)) as pair:
        heard = await pair.ask(streamed)
    assert heard.status == 400
    assert heard.error is not None and heard.error["code"] == "content_policy_violation"
    assert pair.asked == (1, 0)


TOO_LONG = {
    "openai": {"message": "too long", "code": "context_length_exceeded"},
    "anthropic": {"message": "prompt is too long: 210000 tokens > 200000 maximum", "type": "invalid_request_error"},
    "vllm": {
        "message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
        "type": "BadRequestError",
        "code": 400,
    },
    "sglang": {
        "message": "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
        "type": "BadRequestError",
    },
}


@both
@pytest.mark.parametrize("larger", [True, False], ids=["larger", "smaller"])
@pytest.mark.parametrize("said", TOO_LONG.values(), ids=TOO_LONG)
@scenario
async def test_line_14_a_request_too_long_goes_to_a_larger_window_only(
    said: dict[str, object], larger: bool, streamed: bool, tmp_path: Path
) -> None:
    """In whatever words the first provider says it."""
    async with ScriptedProvider(status(400, body={"error": said})) as one, ScriptedProvider(speak(SECOND)) as two:
        first = remote(one, models=[{"name": "m", "context_window": 8_000}])
        second = remote(two, models=[{"name": "m", "context_window": 128_000 if larger else 4_000}])
        async with served(routed(first, second), tmp_path) as router:
            heard = await ask(router, streamed)
    assert len(one.turns) == 1
    assert len(two.turns) == int(larger)
    if larger:
        assert heard.is_from(SECOND)
    else:
        assert heard.status == 400
        assert heard.why == "context_length" or heard.error is not None


@scenario
async def test_line_15_an_error_after_content_ends_the_stream_honestly(tmp_path: Path) -> None:
    """What was sent stands once, the error follows, and no second answer is appended."""
    pieces = words(3)
    async with paired(tmp_path, error_event("boom", after=pieces)) as pair:
        heard = await pair.ask(streamed=True)
    assert heard.is_broken_off(joined(pieces))
    assert heard.why == "server_error"
    assert pair.asked == (1, 0)


@scenario
async def test_line_15_content_in_the_same_block_as_the_error_is_not_lost(tmp_path: Path) -> None:
    """One segment may hold the last words and the error: both arrive, in order."""

    def chunk(text: str) -> bytes:
        return event({"id": "c", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})

    block = chunk("all ") + chunk("of it") + event({"error": {"message": "boom", "type": "server_error"}})
    async with paired(tmp_path, headed("text/event-stream", block)) as pair:
        heard = await pair.ask(streamed=True)
    assert heard.is_broken_off("all of it")
    assert pair.asked == (1, 0)


FAULTS: dict[str, tuple[Callable[[], Script], str]] = {
    "silent": (silence, "first_byte_timeout"),
    "silent_after_the_head": (head_then_silence, "first_token_timeout"),
    "role_then_error": (lambda: error_event("boom"), "server_error"),
    "out_of_money": (lambda: in_band(INSUFFICIENT), "quota_exhausted"),
    "error_beside_choices": (
        lambda: in_band({"choices": [], "error": {"message": "upstream is down", "code": 502}}),
        "server_error",
    ),
}


@pytest.mark.parametrize("how", ["body", "header"])
@pytest.mark.parametrize("fault", FAULTS)
@scenario
async def test_line_16_a_caller_may_forbid_the_fallback(fault: str, how: str, tmp_path: Path) -> None:
    """The second is not asked, and the caller hears what the first one did."""
    make, reason = FAULTS[fault]
    wish = {"router": {"fallback": False}} if how == "body" else {"headers": {"x-router-fallback": "false"}}
    async with paired(tmp_path, make(), keys=SILENT) as pair:
        heard = await pair.ask(streamed=True, **wish)
    assert heard.why == reason
    assert pair.asked[1] == 0
    assert all("router" not in turn.asked() for turn in pair.one.turns)


@scenario
async def test_line_16_a_refused_connection_without_a_fallback_is_told(tmp_path: Path) -> None:
    """As the other faults: unreachable is said, and nobody else is asked."""
    with refused() as nowhere:
        async with ScriptedProvider(speak(SECOND)) as two:
            first = {"kind": "openai-compatible", "base_url": nowhere, "models": ["m"]}
            async with served(routed(first, two), tmp_path) as router:
                heard = await ask(router, router={"fallback": False})
    assert heard.status == 502
    assert heard.why == "connect"
    assert two.turns == []


@both
@scenario
async def test_line_17_when_all_fail_one_error_lists_every_try(streamed: bool, tmp_path: Path) -> None:
    """The status is that of the last failure; the list has both, in order."""
    async with paired(tmp_path, status(500), status(503), failover={"max_attempts": 2}) as pair:
        heard = await pair.ask(streamed)
    assert heard.status == 503
    assert heard.error is not None
    assert heard.error["metadata"]["attempts"] == [
        {"target": "one:m", "reason": "server_error"},
        {"target": "two:m", "reason": "overloaded"},
    ]


@pytest.mark.parametrize("filler", [b": still here\n\n", b'data: {"choices":[]}\n\n'], ids=["comments", "no_content"])
@scenario
async def test_line_18_signs_of_life_are_no_content(filler: bytes, tmp_path: Path) -> None:
    """Comments and empty chunks drip; the first-token limit runs on."""

    async def dripping(turn: Turn) -> None:
        await turn.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        while True:
            await turn.chunk(filler)
            await asyncio.sleep(0.02)

    async with paired(tmp_path, dripping, keys=SILENT) as pair:
        heard = await pair.ask(streamed=True)
        await pair.one.until(lambda: pair.one.left == 1)
    assert heard.is_from(SECOND)


REFUSED_KEY = 'pointsman_key_state{key="default",provider="one"} 2'
"""What the alert PointsmanCredentialRejected reads."""


@both
@scenario
async def test_line_19_a_wrong_key_of_ours_is_not_the_callers_to_see(streamed: bool, tmp_path: Path) -> None:
    """Fail over and tell the operator; neither the key nor the provider's words about it reach the caller."""
    key = "sk-canary-3141592653589793"
    said = {"error": {"message": f"Incorrect API key provided: {key}", "code": "invalid_api_key"}}
    async with paired(tmp_path, status(401, body=said), keys={"api_key": key}) as pair:
        assert (await pair.ask(streamed)).is_from(SECOND)
        assert pair.one.turns[0].headers["authorization"] == f"Bearer {key}"
        heard = await pair.ask(streamed, router={"fallback": False})
        async with asyncio.timeout(2):
            while REFUSED_KEY not in await pair.metrics():
                continue
        assert len(pair.one.turns) == 1
    assert heard.status == 502
    assert b"canary" not in heard.body and b"Incorrect" not in heard.body
    assert not any("canary" in value for value in heard.headers.values())
