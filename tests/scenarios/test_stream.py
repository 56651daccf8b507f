"""Lines 21 to 37: what a stream must be, however the provider's ended, was cut or was shaped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from router.canon.outcome import UsageSource
from tests.fakes.replies import (
    DONE,
    USAGE,
    cut_after,
    event,
    raw,
    reset_after,
    speak,
    stall_after,
    status,
    stream,
)
from tests.fakes.stream import ChatStream
from tests.fakes.turn import Gate, Script, Turn
from tests.scenarios.scene import FIRST, LIMIT_S, SECOND, joined, paired, scenario, words

FORTY = words(40)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def events(*blocks: bytes, ends: bool = True) -> Script:
    """A 200 with these bytes as its stream, ended in order."""

    async def script(turn: Turn) -> None:
        await turn.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        for block in blocks:
            await turn.chunk(block)
        if ends:
            await turn.chunk(b"")
        else:
            turn.cut()

    return script


def chunk(fields: dict[str, Any] | None = None, finish: str | None = None, **more: object) -> bytes:
    """One chunk with one choice; without `fields`, with none."""
    choices = [] if fields is None else [{"index": 0, "delta": fields, "finish_reason": finish}]
    return event(
        {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}
    )


def call(index: int | None, arguments: str, *, id: str | None = None, name: str | None = None) -> dict[str, Any]:
    """A piece of a tool call as providers send it."""
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    said: dict[str, Any] = {"function": function}
    if index is not None:
        said["index"] = index
    return said if id is None else {**said, "id": id, "type": "function"}


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(cut_after(FORTY), id="closed_inside_the_body"),
        pytest.param(stream(FORTY, finish=None, usage=None, done=False), id="body_ended_in_order"),
        pytest.param(stream(FORTY, finish=None), id="done_without_a_finish"),
    ],
)
@scenario
async def test_line_21_a_clean_close_without_finish_is_an_error_and_never_a_stop(
    script: Script, tmp_path: Path
) -> None:
    """40 of 60 chunks and a FIN: the caller has them, and an error; nothing says that this was all."""
    async with paired(tmp_path, script) as pair:
        heard = await pair.ask(streamed=True)
    assert heard.is_broken_off(joined(FORTY))
    assert heard.why == "cut_stream"
    assert pair.asked == (1, 0)


@scenario
async def test_line_22_a_reset_in_the_middle_is_an_error(tmp_path: Path) -> None:
    """As a clean close; the reset comes once the caller has heard all that was sent."""
    gate = Gate()
    async with paired(tmp_path, reset_after(FORTY, gate=gate)) as pair, pair.router.stream() as heard:
        await heard.begin()
        gate.open()
        await heard.rest()
    assert heard.broken_off
    assert heard.error is not None and heard.error["metadata"]["reason"] == "cut_stream"
    assert joined(FORTY).startswith(heard.text)


@scenario
async def test_line_23_a_tool_call_cut_in_its_arguments_is_an_error(tmp_path: Path) -> None:
    """Half a JSON text must not look like a call that may be carried out."""
    first = chunk({"role": "assistant", "tool_calls": [call(0, "", id="call_1", name="pay")]})
    half = chunk({"tool_calls": [call(0, '{"amount": 1')]})
    async with paired(tmp_path, events(first, half, ends=False)) as pair:
        heard = await pair.ask(streamed=True)
    assert heard.is_broken_off("")
    assert pair.asked == (1, 0)


@pytest.mark.parametrize("ends", [True, False], ids=["body_ended", "connection_closed"])
@scenario
async def test_line_24_a_finish_without_done_is_complete(ends: bool, tmp_path: Path) -> None:
    """The provider said why it stopped; `[DONE]` is added."""
    blocks = (chunk({"role": "assistant", "content": FIRST}), chunk({}, "stop"))
    async with paired(tmp_path, events(*blocks, ends=ends)) as pair:
        heard = await pair.ask(streamed=True)
        rows = await pair.router.entries(1)
    assert heard.is_from(FIRST)
    assert rows[0].end == "completed"


@scenario
async def test_line_25_a_stall_is_ended_by_the_idle_limit(tmp_path: Path) -> None:
    """Silence in the middle: an error, and the provider's socket is closed."""
    async with paired(tmp_path, stall_after(FORTY), keys={"timeouts": {"idle_s": LIMIT_S}}) as pair:
        began = perf_counter()
        heard = await pair.ask(streamed=True)
        assert LIMIT_S <= perf_counter() - began < LIMIT_S + 1
        await pair.one.until(lambda: pair.one.open_connections == 0)
    assert heard.is_broken_off(joined(FORTY))
    assert heard.why == "idle_timeout"


def cut_at(body: bytes, places: Sequence[int]) -> Script:
    """The same bytes, in segments that end at `places`."""

    async def script(turn: Turn) -> None:
        await turn.send(HEAD)
        start = 0
        for place in (*places, len(body)):
            await turn.send(body[start:place])
            start = place
            await asyncio.sleep(0)
        turn.cut()

    return script


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
@scenario
async def test_line_26_how_bytes_were_cut_never_shows(line_end: bytes, tmp_path: Path) -> None:
    """Cut in two at every place, inside a character and inside a line end, and into single bytes."""
    said = (chunk({"role": "assistant", "content": "né 🦜"}), b": note\n\n", chunk({}, "stop"), DONE)
    body = b"".join(said).replace(b"\n", line_end)
    cuts = [(), *((place,) for place in range(1, len(body))), tuple(range(1, len(body)))]
    async with paired(tmp_path, [cut_at(body, places) for places in cuts]) as pair:
        heard = [(await pair.ask(streamed=True)).body for _ in cuts]
    assert set(heard) == {heard[0]}
    assert "né 🦜".encode() in heard[0].replace(b"\\u", b"")
    assert heard[0].count(b"[DONE]") == 1


@pytest.mark.parametrize("size_bytes", [1 << 20, 8 << 20], ids=["1_MiB", "8_MiB"])
@scenario
async def test_line_27_a_large_event_is_delivered(size_bytes: int, tmp_path: Path) -> None:
    """One event far larger than any buffer on the way."""
    text = "x" * size_bytes
    async with paired(tmp_path, speak(text)) as pair:
        heard = await pair.ask(streamed=True)
    assert heard.is_from(text)


@scenario
async def test_line_27_an_event_past_the_bound_is_a_clear_error(tmp_path: Path) -> None:
    """More than a gateway should hold: said as it is, after what came before it."""
    block = b"data: " + b"x" * (1 << 20)
    blocks = (chunk({"role": "assistant", "content": FIRST}), block, *[b"x" * (1 << 20)] * 16)
    async with paired(tmp_path, events(*blocks, ends=False)) as pair:
        heard = await pair.ask(streamed=True)
    assert heard.is_broken_off(FIRST)
    assert heard.error is not None and "larger than" in heard.error["message"]


@scenario
async def test_line_28_pieces_are_passed_on_one_by_one(tmp_path: Path) -> None:
    """Each piece is heard before the provider says the next; no proxy on the way is invited to gather them."""
    gate = Gate()
    gate.let()
    pieces = words(5)
    late_s = []
    async with paired(tmp_path, stream(pieces, gate=gate)) as pair, pair.router.stream() as heard:
        await heard.begin()
        for count in range(2, len(pieces) + 1):
            gate.let()
            began = perf_counter()
            while heard.text != joined(pieces[:count]):
                assert await heard.read_line()
            late_s.append(perf_counter() - began)
        await heard.rest()
        headers = heard.response.headers
    assert heard.complete
    assert max(late_s) < 0.05
    assert headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in headers


PINGS = {"first_ping_after_s": 0.1, "ping_every_s": 0.05}


@scenario
async def test_line_29_silence_before_the_first_token_is_filled_with_comments(tmp_path: Path) -> None:
    """Keepalives come between events and in their own form, and the answer after them is whole."""
    gate = Gate()
    async with paired(tmp_path, stream([FIRST], gate=gate), server=PINGS) as pair, pair.router.stream() as heard:
        while heard.comments < 3:
            assert await heard.read_line()
        gate.open()
        await heard.rest()
    assert heard.complete and heard.text == FIRST


@scenario
async def test_line_29_pings_come_at_event_boundaries_only(tmp_path: Path) -> None:
    """Half an event upstream is nothing downstream: no comment lands inside it."""
    gate = Gate()
    block = chunk({"role": "assistant", "content": FIRST})
    parts = (HEAD + block[:30], block[30:] + chunk({}, "stop") + DONE)
    async with paired(tmp_path, raw(*parts, gate=gate), server=PINGS) as pair, pair.router.stream() as heard:
        while heard.comments < 2:
            assert await heard.read_line()
        gate.open()
        await heard.rest()
    assert heard.complete and heard.text == FIRST


@scenario
async def test_line_29_a_quick_answer_has_no_ping(tmp_path: Path) -> None:
    """Comments cost nothing only where they are needed."""
    async with paired(tmp_path, speak(FIRST), server=PINGS) as pair:
        heard = await pair.ask(streamed=True)
    assert heard.is_from(FIRST)
    assert not any(line.startswith(b":") for line in heard.body.splitlines())


async def _pinged_then(gate: Gate, heard: ChatStream) -> None:
    """Let the provider go on once the caller has heard two pings."""
    while heard.comments < 2:
        assert await heard.read_line()
    gate.open()
    await heard.rest()


@scenario
async def test_line_30_failover_goes_on_after_pings(tmp_path: Path) -> None:
    """The 200 is said, the answer is not: the second's is heard as if nothing had been."""
    gate = Gate()

    async def late(turn: Turn) -> None:
        await gate.wait()
        await status(429)(turn)

    async with paired(tmp_path, late, server=PINGS) as pair, pair.router.stream() as heard:
        await _pinged_then(gate, heard)
    assert heard.complete and heard.text == SECOND


@scenario
async def test_line_30_when_all_fail_after_pings_the_error_is_in_band(tmp_path: Path) -> None:
    """The status is spent; the stream says it."""
    gate = Gate()

    async def late(turn: Turn) -> None:
        await gate.wait()
        await status(429)(turn)

    failover = {"max_attempts": 2}
    async with (
        paired(tmp_path, late, status(429), server=PINGS, failover=failover) as pair,
        pair.router.stream() as heard,
    ):
        await _pinged_then(gate, heard)
    assert heard.broken_off and heard.text == ""
    assert heard.error is not None and heard.error["metadata"]["reason"] == "throttled"


@scenario
async def test_line_31_a_429_before_the_first_ping_is_a_429(tmp_path: Path) -> None:
    """Not an error inside a 200: clients read the status."""
    async with paired(tmp_path, status(429), status(429), failover={"max_attempts": 2}) as pair:
        heard = await pair.ask(streamed=True)
    assert heard.status == 429
    assert not heard.is_stream


@scenario
async def test_line_32_no_event_names_reach_an_openai_client(tmp_path: Path) -> None:
    """A provider that names its events is passed on without the names."""
    said = (chunk({"role": "assistant", "content": FIRST}), chunk({}, "stop"), DONE)
    named = [b"event: message\nid: 7\n" + block for block in said]
    async with paired(tmp_path, events(*named)) as pair:
        heard = await pair.ask(streamed=True)
    assert heard.is_from(FIRST)
    assert not any(line.startswith(b"event:") for line in heard.body.splitlines())


@scenario
async def test_line_33_a_preview_of_usage_does_not_end_the_stream(tmp_path: Path) -> None:
    """A first chunk with usage and no choices; the last count is the true one."""
    preview = chunk(usage={"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 5})
    final = chunk(usage={"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8})
    said = (preview, chunk({"role": "assistant", "content": FIRST}), chunk({}, "stop"), final, DONE)
    async with paired(tmp_path, events(*said)) as pair:
        heard = await pair.ask(streamed=True, stream_options={"include_usage": True})
        rows = await pair.router.entries(1)
    assert heard.is_from(FIRST)
    assert heard.usages[-1]["completion_tokens"] == 3
    assert rows[0].usage is not None and rows[0].usage.output == 3


def obliging() -> Script:
    """Reports usage when it is asked to, as OpenAI does: null on every chunk, then a chunk of its own."""

    async def script(turn: Turn) -> None:
        wanted = (turn.asked().get("stream_options") or {}).get("include_usage")
        nothing = {"usage": None} if wanted else {}
        said = [chunk({"role": "assistant", "content": FIRST}, **nothing), chunk({}, "stop", **nothing)]
        await events(*said, *([chunk(usage=USAGE)] if wanted else []), DONE)(turn)

    return script


@pytest.mark.parametrize(
    ("option", "shown", "counted"),
    [({}, 0, True), ({"include_usage": True}, 1, True), ({"include_usage": False}, 0, False)],
    ids=["nothing_said", "wanted", "not_wanted"],
)
@scenario
async def test_line_34_usage_is_shown_only_to_who_asked(
    option: dict[str, bool], shown: int, counted: bool, tmp_path: Path
) -> None:
    """The ledger has the provider's count unless the caller forbade it; an explicit false reaches the provider."""
    fields = {"stream_options": option} if option else {}
    async with paired(tmp_path, obliging()) as pair:
        heard = await pair.ask(streamed=True, **fields)
        rows = await pair.router.entries(1)
    assert heard.is_from(FIRST)
    assert sum(not said["choices"] for said in heard.chunks) == shown
    assert any("usage" in said for said in heard.chunks) == bool(shown)
    assert (rows[0].usage_source is UsageSource.FINAL) == counted


@scenario
async def test_line_35_tool_deltas_without_index_get_one(tmp_path: Path) -> None:
    """Clients crash on calls without an index, an id or a name on the first piece."""
    said = (
        chunk({"role": "assistant", "tool_calls": [call(None, '{"a": 1}', id="call_a", name="first")]}),
        chunk({"tool_calls": [call(None, '{"b": 2}', id="call_b", name="second")]}),
        chunk({}, "tool_calls"),
        DONE,
    )
    async with paired(tmp_path, events(*said)) as pair:
        heard = await pair.ask(streamed=True)
    assert collected(heard.said) == {
        0: ("call_a", "first", {"a": 1}),
        1: ("call_b", "second", {"b": 2}),
    }
    assert heard.finishes == ["tool_calls"]


@scenario
async def test_line_36_interleaved_tool_calls_are_put_together_as_they_were_meant(tmp_path: Path) -> None:
    """Two calls whose arguments come in turns."""
    said = (
        chunk({"role": "assistant", "tool_calls": [call(0, "", id="call_a", name="first")]}),
        chunk({"tool_calls": [call(1, "", id="call_b", name="second")]}),
        *(
            chunk({"tool_calls": [call(index, part)]})
            for index, part in ((0, '{"a"'), (1, '{"b"'), (0, ": 1"), (1, ": 2"), (1, "}"), (0, "}"))
        ),
        chunk({}, "tool_calls"),
        DONE,
    )
    async with paired(tmp_path, events(*said)) as pair:
        heard = await pair.ask(streamed=True)
    assert collected(heard.said) == {0: ("call_a", "first", {"a": 1}), 1: ("call_b", "second", {"b": 2})}
    assert heard.body == b"".join(said)


def collected(said: list[dict[str, Any]]) -> dict[int, tuple[str, str, Any]]:
    """The calls as a client reassembles them: by index, id and name from the first piece."""
    calls: dict[int, list[str]] = {}
    for piece in (piece for delta_said in said for piece in delta_said.get("tool_calls", ())):
        function = piece["function"]
        if piece["index"] not in calls:
            calls[piece["index"]] = [piece["id"], function["name"], ""]
        else:
            assert not piece.get("id") and not function.get("name")
        calls[piece["index"]][2] += function.get("arguments", "")
    return {index: (id_, name, json.loads(text)) for index, (id_, name, text) in calls.items()}


@scenario
async def test_line_37_a_slow_reader_throttles_the_provider(tmp_path: Path) -> None:
    """A caller that does not read: the provider is held after a bounded number of bytes, and nothing is dropped."""
    piece, count = "x" * 65_536, 300
    async with paired(tmp_path, stream([piece] * count)) as pair, pair.router.stream() as heard:
        await heard.begin()
        before = -1
        while before != pair.one.bytes_sent:
            before = pair.one.bytes_sent
            await asyncio.sleep(0.05)
        held_bytes = pair.one.bytes_sent
        await heard.rest()
    assert held_bytes < 16 << 20
    assert heard.complete
    assert len(heard.text) == count * len(piece)
