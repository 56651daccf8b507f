"""Lines 71 to 77, 94, 98 and 100: headers, bodies and errors as the caller gets them, and what never leaves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.claude import speaking
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer, cut_after, error_event, raw, silence, speak, status, stream
from tests.fakes.served import Caller, remote, routed, served
from tests.fakes.turn import Script, Turn
from tests.scenarios.scene import FIRST, LIMIT_S, SECOND, ask, asked_for, both, paired, post, scenario, words
from tests.scenarios.tongues import CHAT, tell

LIMITS = {
    "retry-after": "7",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-tokens": "6s",
    "anthropic-ratelimit-requests-remaining": "0",
    "request-id": "req_upstream",
    "x-request-id": "req_openai",
    "set-cookie": "session=secret",
    "openai-organization": "our-company",
}


@both
@scenario
async def test_line_71_what_a_provider_says_of_its_limits_reaches_the_caller(streamed: bool, tmp_path: Path) -> None:
    """Rate limits, waiting time and its own request id; cookies and our account stay inside."""
    async with paired(tmp_path, status(429, LIMITS), only_one=True) as pair:
        heard = await pair.ask(streamed, router={"deadline_s": 1.0})
    assert heard.status == 429
    for name in (
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-tokens",
        "anthropic-ratelimit-requests-remaining",
    ):
        assert heard.headers[name] == LIMITS[name]
    assert heard.headers["request-id"] == "req_upstream"
    assert heard.headers["x-provider-request-id"] == "req_openai"
    assert heard.headers["x-request-id"].startswith("req-")
    assert 6 <= int(heard.headers["retry-after"]) <= 8
    assert heard.headers.getall("retry-after") == [heard.headers["retry-after"]]
    assert "set-cookie" not in heard.headers
    assert "openai-organization" not in heard.headers


@both
@scenario
async def test_line_71_limits_of_a_good_answer_reach_the_caller_too(streamed: bool, tmp_path: Path) -> None:
    """Clients pace themselves by them."""
    headers = {"x-ratelimit-remaining-requests": "41", "set-cookie": "session=secret"}

    async def script(turn: Turn) -> None:
        await (stream([FIRST], headers=headers) if streamed else answer(FIRST, headers=headers))(turn)

    async with paired(tmp_path, script) as pair:
        heard = await pair.ask(streamed)
    assert heard.is_from(FIRST)
    assert heard.headers["x-ratelimit-remaining-requests"] == "41"
    assert "set-cookie" not in heard.headers


@both
@scenario
async def test_line_72_when_all_want_quiet_the_earliest_moment_is_told(streamed: bool, tmp_path: Path) -> None:
    """Beyond the deadline there is no use in waiting; and nobody is asked again meanwhile."""
    async with paired(tmp_path, status(429, {"retry-after": "9"}), status(429, {"retry-after": "5"})) as pair:
        first = await pair.ask(streamed, router={"deadline_s": 2.0})
        again = await pair.ask(streamed, router={"deadline_s": 2.0})
        assert pair.asked == (1, 1)
    for heard in (first, again):
        assert heard.status in (429, 503)
        assert 4 <= int(heard.headers["retry-after"]) <= 6


@both
@scenario
async def test_line_71_a_try_that_was_not_made_hides_no_answer(streamed: bool, tmp_path: Path) -> None:
    """The first answers 429, the second's breaker is open: status, words and headers are the first's."""
    rests = {"failure_threshold": 1, "recovery_timeout_s": 60}
    async with paired(tmp_path, status(500), status(500), breaker=rests) as pair:
        await pair.ask(model="two:m")
        pair.one.play(status(429, {"x-ratelimit-limit-requests": "3", "retry-after": "40"}))
        heard = await pair.ask(streamed)
        assert pair.asked == (1, 1)
    assert heard.status == 429
    assert heard.error is not None
    assert "scripted 429" in heard.error["message"]
    assert [note["target"] for note in heard.error["metadata"]["attempts"]] == ["one:m", "two:m"]
    assert heard.headers["x-ratelimit-limit-requests"] == "3"
    assert int(heard.headers["retry-after"]) > 30


@both
@scenario
async def test_line_73_a_529_is_said_in_openais_words(streamed: bool, tmp_path: Path) -> None:
    """Overloaded is a 503, never a 500."""
    said = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    async with paired(tmp_path, status(529, body=said), only_one=True) as pair:
        heard = await pair.ask(streamed, router={"max_attempts": 1})
    assert heard.status == 503
    assert heard.error is not None
    assert heard.error["code"] == "provider_overloaded"


@both
@scenario
async def test_line_74_an_unknown_model_is_a_404_and_asks_nobody(streamed: bool, tmp_path: Path) -> None:
    """In the dialect, with the id of the request."""
    async with paired(tmp_path, speak(FIRST)) as pair:
        heard = await pair.ask(streamed, model="gpt-nothing")
        assert pair.asked == (0, 0)
    assert heard.status == 404
    assert heard.error is not None
    assert heard.error["code"] == "model_not_found"
    assert heard.headers["x-request-id"]


@both
@scenario
async def test_line_75_after_failover_everything_names_who_answered(streamed: bool, tmp_path: Path) -> None:
    """Headers and `model` are the second's, in its own words."""
    async with ScriptedProvider(status(500)) as one, ScriptedProvider(speak(SECOND)) as two:
        second = remote(two, models=[{"name": "m", "upstream": "the-real-one"}])
        async with served(routed(one, second), tmp_path) as router:
            heard = await ask(router, streamed)
    assert heard.headers["x-router-provider"] == "two"
    assert heard.headers["x-router-model"] == "m"
    assert heard.headers["x-router-attempts"] == "2"
    assert {chunk["model"] for chunk in heard.chunks} == {"the-real-one"}
    assert two.turns[0].asked()["model"] == "the-real-one"


@pytest.mark.parametrize("size_bytes", [3 << 19, 30 << 20], ids=["1.5_MiB", "30_MiB"])
@scenario
async def test_line_76_a_large_body_is_passed_on_byte_for_byte(size_bytes: int, tmp_path: Path) -> None:
    """All but the model's name, which is the target's."""
    spaced = b'{ "model": "chat",  "messages":[{"role":"user",\n"content":"%b"}], "x":1.0e2}' % (b"y" * size_bytes)
    async with paired(tmp_path, speak(FIRST), only_one=True) as pair:
        heard = await post(pair.router, spaced)
        sent = pair.one.turns[0].body
    assert heard.is_from(FIRST)
    messages = spaced[spaced.index(b"[") : spaced.rindex(b"]") + 1]
    assert messages in sent
    assert b'"m"' in sent and b"1.0e2" in sent


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
@scenario
async def test_line_76_a_body_past_the_bound_is_a_413(declared: bool, tmp_path: Path) -> None:
    """In the dialect, whether its length was declared or found out; nobody is asked."""
    body = b'{"model":"chat","messages":[{"role":"user","content":"%b"}]}' % (b"y" * 4096)
    async with paired(tmp_path, speak(FIRST), server={"max_body_bytes": 2048}) as pair:
        heard = await post(pair.router, body if declared else _in_pieces(body))
        assert pair.asked == (0, 0)
    assert heard.status == 413
    assert heard.error is not None
    assert heard.error["code"] == "request_too_large"


async def _in_pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 1024):
        yield body[start : start + 1024]


@both
@scenario
async def test_line_77_unknown_fields_are_passed_on_unchanged(streamed: bool, tmp_path: Path) -> None:
    """What this gateway never heard of is the provider's to judge."""
    fields = {"brand_new": {"nested": [1, 2.50, None]}, "temperature": 0.1, "metadata": {"a": "b"}}
    async with paired(tmp_path, speak(FIRST)) as pair:
        heard = await pair.ask(streamed, **fields)
        sent = pair.one.turns[0].asked()
    assert heard.is_from(FIRST)
    assert fields.items() <= sent.items()
    assert "x-router-lost" not in heard.headers


@scenario
async def test_line_94_a_body_cannot_redirect_or_dress_a_request(tmp_path: Path) -> None:
    """Addresses, keys and headers in the body, at any depth, are words to the provider and nothing to the router."""
    async with ScriptedProvider(speak("stolen")) as evil, ScriptedProvider(speak(FIRST)) as one:
        host = evil.base_url
        tricks = {
            "api_base": host,
            "base_url": host,
            "api_key": "sk-from-the-caller",
            "extra_headers": {"authorization": "Bearer sk-from-the-caller", "host": "evil"},
            "extra_body": {"api_base": host},
            "litellm_params": {"api_base": host, "api_key": "sk-from-the-caller"},
            "metadata": {"litellm_params": {"api_base": host}},
        }
        async with served(routed(remote(one, api_key="sk-of-the-operator")), tmp_path) as router:
            headers = {
                "authorization": "Bearer sk-of-the-caller",
                "x-api-key": "sk-of-the-caller",
                "host": "localhost:1",
            }
            heard = await ask(router, headers=headers, **tricks)
        assert evil.connections == 0
        assert heard.is_from(FIRST)
        assert asked_for(one.turns[0]) == ("Bearer sk-of-the-operator", f"127.0.0.1:{one.port}")
        assert "x-api-key" not in one.turns[0].headers


@pytest.mark.parametrize("field", ["api_base", "targets", "provider"])
@scenario
async def test_line_94_the_router_object_takes_only_its_own_wishes(field: str, tmp_path: Path) -> None:
    """An unknown wish is refused by name instead of being believed or ignored."""
    async with paired(tmp_path, speak(FIRST)) as pair:
        heard = await pair.ask(router={field: "http://evil.test"})
        assert pair.asked == (0, 0)
    assert heard.status == 400


KEY = "sk-canary-of-the-operator-271828"
CALLER = "sk-canary-of-the-caller-161803"
PROMPT = "canary-of-the-prompt-141421"
QUOTED = {"error": {"message": f"key {KEY}, you said {PROMPT}", "type": "server_error"}}

LEAKS: dict[str, Callable[[], Script]] = {
    "refused_key": lambda: status(401, body=QUOTED),
    "throttled": lambda: status(429, body=QUOTED),
    "failed": lambda: status(500, body=QUOTED),
    "silent": silence,
    "cut": lambda: cut_after(words(3)),
    "in_band": lambda: error_event(f"key {KEY}", after=words(3)),
    "page": lambda: status(200, {"Content-Type": "text/html"}, body=f"<html>{KEY}</html>".encode()),
    "well": lambda: speak(FIRST),
}


@pytest.mark.parametrize("fault", LEAKS)
@both
@scenario
async def test_line_98_no_secret_and_no_prompt_is_repeated(streamed: bool, fault: str, tmp_path: Path) -> None:
    """Planted values, whatever fails, at the debug level: not in logs, errors, headers, metrics or pages."""
    keys = {"api_key": KEY, "timeouts": {"first_byte_s": LIMIT_S}, "headers": {"x-team": f"{KEY}-too"}}
    sections: dict[str, Any] = {"telemetry": {"log_level": "debug"}, "failover": {"max_attempts": 1}}
    async with paired(tmp_path, LEAKS[fault](), keys=keys, only_one=True, **sections) as pair:
        router = pair.router
        heard = await pair.ask(
            streamed,
            messages=[{"role": "user", "content": PROMPT}],
            headers={"authorization": f"Bearer {CALLER}"},
        )
        await router.entries(1)
        pages = [await _page(router, path) for path in ("/metrics", "/health/detailed", "/v1/models")]
        log = router.log
    told = [heard.body, repr(heard.headers).encode(), *pages, *log.kept]
    for text in told:
        assert KEY.encode() not in text
        assert CALLER.encode() not in text
    for text in (repr(heard.headers).encode(), *pages, *log.kept):
        assert PROMPT.encode() not in text
    assert any(json.loads(line)["event"] == "exchange ended" for line in log.kept)


async def _page(router: Caller, path: str) -> bytes:
    async with router.http.get(router.url + path) as response:
        return await response.read()


@scenario
async def test_line_100_being_watched_asks_no_provider_anything(tmp_path: Path) -> None:
    """A day of probes, one each second, in a moment: 500 of each."""
    async with paired(tmp_path, speak(FIRST)) as pair:
        for path in ("/livez", "/readyz", "/health", "/health/detailed", "/health/providers", "/metrics", "/v1/models"):
            for _ in range(100):
                await _page(pair.router, path)
        assert pair.asked == (0, 0)
        assert (pair.one.connections, pair.two.connections) == (0, 0)


@both
@scenario
async def test_a_source_that_cannot_be_said_is_named(streamed: bool, tmp_path: Path) -> None:
    """A place in a document that was sent, which OpenAI's callers have no words for: in the head, or before the end."""
    source = {"type": "char_location", "cited_text": "c", "document_index": 0}
    told = {"type": "text", "text": FIRST, "citations": [source]}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "up", "stop_reason": "end_turn"}
    usage = {"input_tokens": 5, "output_tokens": 2}
    begun = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    events: tuple[dict[str, Any], ...] = (
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None, "usage": usage}},
        begun,
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": FIRST}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": source}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
        {"type": "message_stop"},
    )
    body = b"".join(b"event: %b\ndata: %b\n\n" % (each["type"].encode(), json.dumps(each).encode()) for each in events)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(body)
    script = (
        raw(head + body, then="keep") if streamed else status(200, body={**message, "content": [told], "usage": usage})
    )
    async with ScriptedProvider(script) as one, served(routed(speaking(one)), tmp_path) as router:
        answer = await tell(router, CHAT, streamed)
    assert answer.is_whole(FIRST)
    if streamed:
        assert b": x-router-lost 1 citations\n\n" in answer.body
    else:
        assert answer.headers["x-router-lost"] == "choices[0].citations[0]"
