"""Every recording through every front end, and whether the replay would notice if one came out differently."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.replay.fronts import CHAT, FRONTS, MESSAGES, RESPONSES, Front
from tests.replay.operations import OPERATIONS, replay_operations
from tests.replay.recordings import ABSENT, BESIDE_CHAT, Recording, recordings
from tests.replay.replay import Outcome, cells, crossed, replay, replay_crossed, unknown
from tests.replay.table import lines
from tests.replay.verdict import Heard, judge, judge_crossed

PROVIDERS = sorted({one.provider for one in recordings()})

ANSWER: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Here.",
                "reasoning_content": "Hm.",
                "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"n":1}'}},
                    {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
                ],
            },
            "finish_reason": "tool_calls",
        }
    ],
    "usage": {
        "prompt_tokens": 3,
        "completion_tokens": 2,
        "total_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 1},
    },
}


def recorded(body: object = ANSWER, *, status: int = 200, api: str = "openai.chat") -> Recording:
    """An exchange as a file of the folder would hold it."""
    headers = {"content-type": "application/json"}
    return Recording("made-up", "nobody", api, "m", False, status, headers, json.dumps(body).encode(), ())


@pytest.mark.skipif(not PROVIDERS, reason=ABSENT)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_recorded_provider_is_heard_through_every_front_end(provider: str, tmp_path: Path) -> None:
    """Text, calls, thinking, ending and counts as they were recorded; errors as errors, for their reason."""
    told = asyncio.run(replay([one for one in recordings() if one.provider == provider], tmp_path))
    assert [
        (outcome.cell.recording.id, outcome.cell.front.name, outcome.verdict.wrong) for outcome in _failed(told)
    ] == []


@pytest.mark.skipif(not PROVIDERS, reason=ABSENT)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_answer_in_the_form_not_asked_for_is_a_fault_and_no_answer(provider: str, tmp_path: Path) -> None:
    """A stream for a whole request and the other way round: every cell that the recordings do not fill themselves."""
    found = [one for one in recordings() if one.provider == provider]
    told = asyncio.run(replay_crossed(found, tmp_path))
    assert [
        (outcome.cell.recording.id, outcome.cell.front.name, outcome.verdict.wrong) for outcome in _failed(told)
    ] == []
    filled = {(cell.recording.id, cell.front.name, cell.streamed) for cell in (*cells(found), *crossed(found))}
    every = {cell.recording.id for cell in cells(found)}
    assert filled == {(id, front.name, streamed) for id in every for front in FRONTS for streamed in (True, False)}


@pytest.mark.skipif(not PROVIDERS, reason=ABSENT)
def test_a_recording_beside_chat_is_heard_through_the_front_that_fits(tmp_path: Path) -> None:
    """Every vector in both forms, every place in a ranking, every count, and errors as whose fault they are."""
    told = asyncio.run(replay_operations(recordings(), tmp_path))
    assert [(one.recording.id, one.form, one.wrong) for one in told if one.wrong] == []
    assert {one.recording.api for one in told} == BESIDE_CHAT == set(OPERATIONS)


def _failed(told: list[Outcome]) -> list[Outcome]:
    return [outcome for outcome in told if outcome.verdict.wrong]


def test_a_recording_that_is_dropped_into_the_folder_is_replayed(tmp_path: Path) -> None:
    """Without a change of code, from a provider nobody has heard of."""
    (tmp_path / "index.json").write_text("[]")
    (tmp_path / "new.json").write_text(
        json.dumps(
            {
                **{"id": "new", "provider": "nobody", "api": "openai.chat", "model": "m", "kind": [], "stream": False},
                "response": {
                    "status": 200,
                    "headers": {"content-type": "application/json"},
                    "body": json.dumps(ANSWER),
                },
            }
        )
    )
    told = asyncio.run(replay(recordings(tmp_path), tmp_path))
    assert [(outcome.cell.front, outcome.verdict.word) for outcome in told] == [(front, "pass") for front in FRONTS]
    assert "3 pass, 0 fail, 0 cannot" in list(lines(told, []))


def test_a_protocol_that_nobody_named_is_not_skipped_in_silence() -> None:
    """Somebody must say who speaks it, or why nobody does."""
    assert unknown([recorded(api="acme.chat.v9"), recorded()]) == ["acme.chat.v9"]


def _message(body: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = body["choices"][0]["message"]
    return message


_CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "text lost": lambda body: _message(body).update(content=None),
    "text invented": lambda body: _message(body).update(content="Here. And there."),
    "thinking lost": lambda body: _message(body).pop("reasoning_content"),
    "thinking as text": lambda body: _message(body).update(content="Hm.Here."),
    "a call lost": lambda body: _message(body)["tool_calls"].pop(),
    "calls turned around": lambda body: _message(body)["tool_calls"].reverse(),
    "an argument changed": lambda body: _message(body)["tool_calls"][0]["function"].update(arguments='{"n":"1"}'),
    "another name": lambda body: _message(body)["tool_calls"][0]["function"].update(name="ff"),
    "another id": lambda body: _message(body)["tool_calls"][0].update(id="c"),
    "the same id twice": lambda body: _message(body)["tool_calls"][0].update(id="b"),
    "another ending": lambda body: body["choices"][0].update(finish_reason="length"),
    "an ending nobody knows": lambda body: body["choices"][0].update(finish_reason="STOP"),
    "fewer tokens": lambda body: body["usage"].update(completion_tokens=1, total_tokens=4),
    "a cache forgotten": lambda body: body["usage"].pop("prompt_tokens_details"),
    "thinking counted as words": lambda body: body["usage"].update(completion_tokens_details=None),
    "no counts": lambda body: body.update(usage=None),
    "an answer more": lambda body: body["choices"].append({**body["choices"][0], "index": 1}),
    "no answer of the protocol": lambda body: body.update(object="completion"),
}


@pytest.mark.parametrize("change", _CHANGES.values(), ids=_CHANGES)
def test_a_difference_is_noticed(change: Callable[[dict[str, Any]], object]) -> None:
    """Each alone, in an answer that is right without it."""
    body = json.loads(json.dumps(ANSWER))
    assert judge(recorded(), CHAT, _whole(body), relays=False).word == "pass"
    change(body)
    assert judge(recorded(), CHAT, _whole(body), relays=False).word == "fail"


def _whole(body: object, status: int = 200) -> Heard:
    return Heard(status, json.dumps(body).encode(), False)


def test_an_answer_passed_on_is_the_providers_own_bytes() -> None:
    """Even where the difference has no meaning."""
    spaced = Heard(200, json.dumps(ANSWER, indent=1).encode(), False)
    assert judge(recorded(), CHAT, spaced, relays=True).word == "fail"
    assert judge(recorded(), CHAT, _whole(ANSWER), relays=True).word == "pass"


def test_an_answer_that_got_through_in_the_other_form_is_noticed() -> None:
    """However right it looks; an error of another reason is no better."""
    assert judge_crossed(recorded(), CHAT, _whole(ANSWER)).word == "fail"
    error = {"message": "no", "type": "x", "param": None, "code": "x", "metadata": {"reason": "malformed"}}
    assert judge_crossed(recorded(), CHAT, _whole({"error": error}, 502)).word == "cannot"
    other = {**error, "metadata": {"reason": "timeout"}}
    assert judge_crossed(recorded(), CHAT, _whole({"error": other}, 504)).word == "fail"


_THROTTLED: dict[str, Any] = {
    **{"message": "slow down", "type": "rate_limit_error", "param": None, "code": "x"},
    "metadata": {"reason": "throttled"},
}
_TO_CLAUDE = {"type": "error", "error": _THROTTLED, "request_id": "req-1"}
_ERRORS: dict[str, tuple[Front, int, object, str]] = {
    "right": (CHAT, 429, {"error": _THROTTLED}, "pass"),
    "right in Anthropic's form": (MESSAGES, 429, _TO_CLAUDE, "pass"),
    "another status": (CHAT, 503, {"error": _THROTTLED}, "fail"),
    "another reason": (CHAT, 429, {"error": {**_THROTTLED, "metadata": {"reason": "overloaded"}}}, "fail"),
    "no reason": (CHAT, 429, {"error": {**_THROTTLED, "metadata": {}}}, "fail"),
    "no words": (CHAT, 429, {"error": {**_THROTTLED, "message": ""}}, "fail"),
    "another dialect's form": (MESSAGES, 429, {"error": _THROTTLED}, "fail"),
    "no error object": (RESPONSES, 429, {"detail": "slow down"}, "fail"),
    "an answer": (CHAT, 200, ANSWER, "fail"),
}


@pytest.mark.parametrize(("front", "status", "body", "word"), _ERRORS.values(), ids=_ERRORS)
def test_an_error_must_be_the_same_error_in_the_callers_own_form(
    front: Front, status: int, body: object, word: str
) -> None:
    """Status, reason and members."""
    recording = recorded({"error": {"message": "rate limit"}}, status=429)
    assert judge(recording, front, _whole(body, status), relays=False).word == word


_CHUNK = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "usage": None}


def _chunk(delta: object, finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return f"data: {json.dumps({**_CHUNK, 'choices': [choice]})}\n\n"


_BEGUN = _chunk({"role": "assistant", "content": ""}) + _chunk({"content": "Here."})
_ENDED = _chunk({}, "stop")
_COUNTED = f"data: {json.dumps({**_CHUNK, 'choices': [], 'usage': {'prompt_tokens': 3, 'completion_tokens': 2}})}\n\n"
_DONE = "data: [DONE]\n\n"
_FAULT = f"data: {json.dumps({'error': _THROTTLED})}\n\n"
_STREAMS = {
    "right": (_BEGUN + _ENDED + _COUNTED + _DONE, "pass"),
    "never done": (_BEGUN + _ENDED + _COUNTED, "fail"),
    "done twice": (_BEGUN + _ENDED + _COUNTED + _DONE * 2, "fail"),
    "ended twice": (_BEGUN + _ENDED * 2 + _COUNTED + _DONE, "fail"),
    "never ended": (_BEGUN + _COUNTED + _DONE, "fail"),
    "two roles": (_BEGUN + _chunk({"role": "assistant"}) + _ENDED + _COUNTED + _DONE, "fail"),
    "counts before the end": (_BEGUN + _COUNTED + _ENDED + _DONE, "fail"),
    "an event with a name": ("event: chunk\n" + _BEGUN + _ENDED + _COUNTED + _DONE, "fail"),
    "an error": (_BEGUN + _FAULT, "fail"),
    "said twice": (_BEGUN + _chunk({"content": "Here."}) + _ENDED + _COUNTED + _DONE, "fail"),
}


@pytest.mark.parametrize(("stream", "word"), _STREAMS.values(), ids=_STREAMS)
def test_a_translated_stream_must_keep_to_the_rules(stream: str, word: str) -> None:
    """Those that clients crash on, or wait for ever on."""
    recording = recorded()._replace(streamed=True, body=(_BEGUN + _ENDED + _COUNTED + _DONE).encode())
    assert judge(recording, CHAT, Heard(200, stream.encode(), True), relays=False).word == word


_BROKEN = {
    "an honest end": (_BEGUN + _FAULT, "pass"),
    "a finish before it": (_BEGUN + _ENDED + _FAULT, "fail"),
    "done after it": (_BEGUN + _FAULT + _DONE, "fail"),
    "a whole answer": (_BEGUN + _ENDED + _COUNTED + _DONE, "fail"),
    "less than was said": (_chunk({"role": "assistant", "content": ""}) + _FAULT, "fail"),
}


@pytest.mark.parametrize(("stream", "word"), _BROKEN.values(), ids=_BROKEN)
def test_a_stream_that_failed_must_not_look_whole(stream: str, word: str) -> None:
    """What was said before the error, the error, and nothing else."""
    error = f"data: {json.dumps({'error': {'message': 'rate limit', 'code': 429}})}\n\n"
    recording = recorded()._replace(streamed=True, body=(_BEGUN + error).encode())
    assert judge(recording, CHAT, Heard(200, stream.encode(), True), relays=False).word == word
