"""S08, S09 and S14, and what a rescue must never do: half-sent answers where the route may rescue them."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.replies import cut_after, delta, paused_stream, stall_after, status, stream
from tests.fakes.turn import Gate, Script, Turn
from tests.replay.said import Usage
from tests.scenarios.scene import LIMIT_S, Pair, Scripts, joined, paired, scenario, words
from tests.scenarios.tongues import CHAT, MESSAGES, RESPONSES, Front, every_front, tell
from tests.simulation.answers import Meaning, speech

ALL = words(60)
FORTY = ALL[:40]
IDLE = {"timeouts": {"idle_s": LIMIT_S}}
NO_PREFIX = {"error": {"message": "the last message must be from user", "type": "invalid_request_error"}}

_Resumed = dict[str, Any]


def resuming(*methods: str, **more: Any) -> _Resumed:
    """A route that rescues in these ways."""
    return {"resume": list(methods), **more}


def goes_on(echo: str = "") -> Script:
    """A provider that goes on with the beginning it is given, and refuses a request that has none."""

    async def script(turn: Turn) -> None:
        last = turn.asked()["messages"][-1]
        if last["role"] != "assistant":
            await status(400)(turn)
            return
        whole = joined(ALL)
        assert whole.startswith(last["content"])
        await stream([echo, whole[len(last["content"]) :]])(turn)

    return script


def only_anew(pieces: list[str]) -> Script:
    """A provider that takes no beginning of an answer, and says these when it is asked anew."""

    async def script(turn: Turn) -> None:
        begun = turn.asked()["messages"][-1]["role"] == "assistant"
        await (status(400, body=NO_PREFIX) if begun else stream(pieces))(turn)

    return script


def rescued(
    home: Path, one: Script, two: Scripts, failover: _Resumed, second: dict[str, Any]
) -> AbstractAsyncContextManager[Pair]:
    """A pair whose first stalls soon and whose second has these keys."""
    return paired(home, one, two, keys=IDLE, second=second, failover=failover)


TAKES = {"models": [{"name": "m", "prefix": "turn"}]}


@pytest.mark.parametrize("broken", [cut_after(FORTY), stall_after(FORTY)], ids=["S08", "S09"])
@every_front
@scenario
async def test_s08_a_half_sent_answer_is_gone_on_with(front: Front, broken: Script, tmp_path: Path) -> None:
    """The client's one stream holds the complete answer once, by the rules of its protocol."""
    async with rescued(tmp_path, broken, goes_on(), resuming("continue"), TAKES) as pair:
        heard = await tell(pair.router, front)
        assert pair.asked == (1, 1)
        rows = await pair.router.entries(2)
    assert heard.is_whole(joined(ALL))
    assert heard.body.count(b": x-router-rescued continue two:m\n\n") == 1
    assert [row.end for row in rows] == [rows[0].end, "completed"]
    assert rows[0].end in ("cut", "timeout")


@every_front
@scenario
async def test_s09_an_answer_asked_anew_is_spliced(front: Front, tmp_path: Path) -> None:
    """It is held back as long as it repeats what was said, however it is cut."""
    again = [joined(ALL)[:7], joined(ALL)[7:300], joined(ALL)[300:]]
    async with rescued(tmp_path, stall_after(FORTY), stream(again), resuming("splice"), {}) as pair:
        heard = await tell(pair.router, front)
        assert pair.asked == (1, 1)
    assert heard.is_whole(joined(ALL))
    assert heard.body.count(b": x-router-rescued splice two:m\n\n") == 1


@every_front
@scenario
async def test_s14_a_refused_beginning_is_followed_by_a_splice(front: Front, tmp_path: Path) -> None:
    """And never given to that target again: the next broken answer is spliced at once."""
    async with rescued(
        tmp_path, cut_after(FORTY), only_anew(ALL), resuming("continue", "splice", max_attempts=3), TAKES
    ) as pair:
        heard = await tell(pair.router, front)
        assert pair.asked == (1, 2)
        again = await tell(pair.router, front)
        assert pair.asked == (2, 3)
    assert heard.is_whole(joined(ALL))
    assert again.is_whole(joined(ALL))


@every_front
@scenario
async def test_s08_without_the_policy_it_ends_in_an_honest_error(front: Front, tmp_path: Path) -> None:
    """The default: nothing is appended, and nobody is asked."""
    async with paired(tmp_path, cut_after(FORTY)) as pair:
        heard = await tell(pair.router, front)
        assert pair.asked == (1, 0)
    assert heard.is_broken_off(joined(FORTY), "cut_stream")


@every_front
@scenario
async def test_s08_the_first_difference_ends_a_splice(front: Front, tmp_path: Path) -> None:
    """No second answer is appended to the first; the account has both, and says why the second was let go."""
    other = [*ALL[:10], "something else"]
    async with rescued(tmp_path, cut_after(FORTY), stall_after(other), resuming("splice"), {}) as pair:
        heard = await tell(pair.router, front)
        assert pair.asked == (1, 1)
        rows = await pair.router.entries(2)
    assert heard.is_broken_off(joined(FORTY), "cut_stream")
    assert [row.reason for row in rows] == ["cut_stream", "diverged"]


@every_front
@scenario
async def test_s08_an_answer_that_breaks_off_twice_is_gone_on_with_twice(front: Front, tmp_path: Path) -> None:
    """What the first rescuer said is part of the beginning for the next."""
    half = [joined(FORTY), joined(ALL[40:50])]
    async with rescued(tmp_path, cut_after(FORTY), [cut_after(half), stream(ALL)], resuming("splice"), {}) as pair:
        pair.one.play(cut_after(FORTY), stream(ALL))
        heard = await tell(pair.router, front)
        assert sum(pair.asked) == 3
    assert heard.is_whole(joined(ALL))


@scenario
async def test_s08_a_lone_target_may_rescue_itself(tmp_path: Path) -> None:
    """Nobody else is there: the same target is asked again, as any failure allows."""
    async with paired(tmp_path, [cut_after(FORTY), stream(ALL)], only_one=True, failover=resuming("splice")) as pair:
        heard = await tell(pair.router, CHAT)
        assert pair.asked == (2, 0)
    assert heard.is_whole(joined(ALL))


@pytest.mark.parametrize(
    "wish",
    [{"router": {"resume": ["splice"]}}, {"headers": {"x-router-resume": "continue, splice"}}],
    ids=["body", "header"],
)
@scenario
async def test_s08_a_caller_may_ask_for_it(wish: dict[str, Any], tmp_path: Path) -> None:
    """Where the route has no such policy."""
    async with paired(tmp_path, cut_after(FORTY), stream(ALL)) as pair:
        assert (await tell(pair.router, CHAT, **wish)).is_whole(joined(ALL))


@scenario
async def test_s08_a_caller_may_forbid_it(tmp_path: Path) -> None:
    """And have the honest error instead."""
    async with rescued(tmp_path, cut_after(FORTY), stream(ALL), resuming("splice"), {}) as pair:
        heard = await tell(pair.router, CHAT, headers={"x-router-resume": "off"})
        assert pair.asked == (1, 0)
    assert heard.is_broken_off(joined(FORTY), "cut_stream")


@scenario
async def test_s08_a_failure_within_the_hold_is_unseen(tmp_path: Path) -> None:
    """The reader hears the second from its beginning, and a header says that there was another."""
    held = resuming("hold", hold_tokens=1000, hold_ms=10_000)
    async with rescued(tmp_path, cut_after(FORTY), stream(words(3)), held, {}) as pair:
        heard = await tell(pair.router, CHAT)
        assert pair.asked == (1, 1)
    assert heard.is_whole(joined(words(3)))
    assert heard.headers["x-router-rescued"] == "hold"
    assert heard.headers["x-router-provider"] == "two"


@scenario
async def test_s08_a_hold_ends_by_its_time(tmp_path: Path) -> None:
    """However little came: a reader waits no longer than it for the first words."""
    gate = Gate()
    held = resuming("hold", hold_tokens=1000, hold_ms=50)
    async with (
        paired(tmp_path, paused_stream(words(2), gate), failover=held) as pair,
        pair.router.stream() as heard,
    ):
        assert (await heard.begin()).text == words(1)[0]
        gate.open()
        assert (await heard.rest()).complete


@pytest.mark.parametrize("methods", [("continue", "splice"), ("splice",)], ids=["both", "splice"])
@every_front
@scenario
async def test_s08_never_with_half_a_tool_call(front: Front, methods: tuple[str, ...], tmp_path: Path) -> None:
    """Line 23 holds: what a tool would be called with is not made up of two tellings."""

    async def calling(turn: Turn) -> None:
        await turn.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a'}}
        await turn.chunk(delta(turn, {"role": "assistant", "content": None, "tool_calls": [call]}))
        turn.cut()

    async with rescued(tmp_path, calling, stream(ALL), resuming(*methods), TAKES) as pair:
        heard = await tell(pair.router, front)
        assert pair.asked == (1, 0)
    assert heard.said.fault == "cut_stream"


@scenario
async def test_s08_never_with_several_choices(tmp_path: Path) -> None:
    """Which of them would the second be?"""
    async with rescued(tmp_path, cut_after(FORTY), stream(ALL), resuming("splice"), {}) as pair:
        heard = await pair.ask(streamed=True, n=2)
        assert pair.asked == (1, 0)
    assert heard.why == "cut_stream"


@scenario
async def test_s08_usage_and_account_name_every_attempt(tmp_path: Path) -> None:
    """The answer's usage is the sum of what was counted; each attempt has its entry; the rescue is counted."""
    counted = stream(ALL, usage={"prompt_tokens": 50, "completion_tokens": 60, "total_tokens": 110})
    previewing = previewed(FORTY, {"prompt_tokens": 5, "completion_tokens": 40, "total_tokens": 45})
    async with rescued(tmp_path, previewing, counted, resuming("splice"), {}) as pair:
        heard = await tell(pair.router, CHAT)
        rows = await pair.router.entries(2)
        counts = 'pointsman_rescues_total{method="splice",outcome="completed"} 1'
        async with asyncio.timeout(2):
            while counts not in await pair.metrics():
                continue
    assert heard.said.usage == Usage(55, 100)
    assert [(row.provider, row.usage.output if row.usage else None) for row in rows] == [("one", 40), ("two", 60)]


def previewed(pieces: list[str], usage: dict[str, int]) -> Script:
    """Counts on the way, then its connection is cut."""

    async def script(turn: Turn) -> None:
        await turn.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        for place, piece in enumerate(pieces):
            await turn.chunk(delta(turn, {"content": piece, **({} if place else {"role": "assistant"})}, usage=usage))
        turn.cut()

    return script


KINDS = {
    "openai-chat": "openai-compatible",
    "anthropic-messages": "anthropic-compatible",
    "openai-responses": "openai-responses",
}


def saying(dialect: str, pieces: list[str], *, blocks: int | None = None) -> Script:
    """A provider of that protocol; with `blocks` its connection is cut after so many events."""

    async def script(turn: Turn) -> None:
        meaning = Meaning(words=tuple(pieces), usage=(5, 7), model="m", id="a")
        said = speech(dialect, meaning, streamed=True).blocks
        await turn.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        for block in said[:blocks]:
            await turn.chunk(block)
        if blocks is None:
            await turn.chunk(b"")
        else:
            turn.cut()

    return script


@pytest.mark.parametrize("second", KINDS)
@pytest.mark.parametrize("first", KINDS)
@every_front
@scenario
async def test_s08_whoever_speaks_what(front: Front, first: str, second: str, tmp_path: Path) -> None:
    """Bytes that were passed on are gone on with in the same numbers, ids and blocks, and so are translated ones."""
    async with paired(
        tmp_path,
        saying(first, ALL, blocks=30),
        saying(second, ALL),
        keys={"kind": KINDS[first], "api_key": "k"},
        second={"kind": KINDS[second], "api_key": "k"},
        failover=resuming("splice"),
    ) as pair:
        heard = await tell(pair.router, front)
        assert pair.asked == (1, 1)
    assert heard.is_whole(joined(ALL))
    assert heard.body.count(b": x-router-rescued splice two:m\n\n") == 1


CUTS = [
    *((CHAT, "openai-chat", blocks) for blocks in (2, 3, 40, 61)),
    *((MESSAGES, "anthropic-messages", blocks) for blocks in (2, 3, 40, 62, 63)),
    *((RESPONSES, "openai-responses", blocks) for blocks in (3, 4, 5, 40, 64, 65, 66, 67)),
]
"""Each front with the protocol whose bytes it passes on, and after how many events these are cut: up to the last one
before the word for why the answer ended."""


@pytest.mark.parametrize(("front", "dialect", "blocks"), CUTS, ids=lambda value: getattr(value, "name", value))
@scenario
async def test_s08_wherever_passed_bytes_are_cut(front: Front, dialect: str, blocks: int, tmp_path: Path) -> None:
    """Before, between and after the pieces, up to the event before the last: never a rule of the protocol broken."""
    keys = {"kind": KINDS[dialect], "api_key": "k"}
    async with paired(
        tmp_path,
        saying(dialect, ALL, blocks=blocks),
        saying(dialect, ALL),
        keys=keys,
        second=keys,
        failover=resuming("splice"),
    ) as pair:
        assert (await tell(pair.router, front)).is_whole(joined(ALL))
