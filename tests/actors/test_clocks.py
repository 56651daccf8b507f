"""The floor under an answer's speed, and a limit for the first token that follows the target's own history."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from actors.messages import Answered
from actors.runtime import ChannelClosed, run_virtual
from router.errors import GatewayError, Reason
from router.upstream.memory import Delay, Scripted, Silence, Step, in_turn
from tests.fakes.embedded import NOWHERE, STREAMED, Embedded, Read, embedded, read

DONE = b"data: [DONE]\n\n"


def said(text: str = "", finish: str | None = None, **delta: Any) -> bytes:
    """One chunk of a stream."""
    choice = {"index": 0, "delta": {"content": text, **delta}, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "c", "model": "m", "choices": [choice]}).encode() + b"\n\n"


END = (said(finish="stop"), DONE)


def streamed(*steps: Step) -> Scripted:
    """A 200 with this stream."""
    return Scripted(headers=STREAMED, steps=steps)


def provider(**timeouts: Any) -> dict[str, Any]:
    """The one provider, with these clocks."""
    return {"p0": {"kind": "openai-compatible", "base_url": NOWHERE, "models": ["m"], "timeouts": timeouts}}


FLOOR = {"min_tokens_per_s": 2.0, "slow_window_s": 10.0}
"""Eighty bytes in ten seconds."""


def answered(*steps: Step, **timeouts: Any) -> tuple[Read, float]:
    """One call with these clocks, and how long it took."""

    async def main() -> tuple[Read, float]:
        async with embedded(in_turn(streamed(*steps)), providers=provider(**timeouts)) as router:
            began = asyncio.get_running_loop().time()
            return await read(router.open()), asyncio.get_running_loop().time() - began

    return run_virtual(main())


def every(seconds: float, chunk: bytes, times: int) -> tuple[Step, ...]:
    """The same chunk again and again."""
    return (chunk, Delay(seconds)) * times


def test_an_answer_slower_than_its_floor_is_cut() -> None:
    """Eight bytes a second are two tokens and enough; one byte less is not, for all that the idle clock never rings."""
    well, _ = answered(*every(1.0, said("8 bytes "), 30), *END, **FLOOR)
    assert well.complete
    slow, took_s = answered(*every(1.0, said("7 bytes"), 30), *END, **FLOOR)
    assert slow.error is not None and slow.error.reason is Reason.TOO_SLOW
    assert took_s == pytest.approx(10.0, abs=0.01)
    assert b"7 bytes" in slow.raw and DONE not in slow.raw


def test_without_a_floor_any_speed_will_do() -> None:
    """It is off unless it is set."""
    got, _ = answered(*every(20.0, said("x"), 20), *END)
    assert got.complete


def test_slowness_that_begins_late_is_seen_within_two_windows() -> None:
    """A fast beginning is no credit for what follows."""
    quick = every(0.1, said("w" * 100), 50)
    got, took_s = answered(*quick, *every(1.0, said("x"), 60), *END, **FLOOR)
    assert got.error is not None and got.error.reason is Reason.TOO_SLOW
    assert 15.0 <= took_s <= 25.01


def test_a_first_token_is_not_waited_for_by_the_floor() -> None:
    """Before content it is the first-token clock's time."""
    got, _ = answered(Delay(40.0), *every(1.0, said("8 bytes "), 5), *END, **FLOOR)
    assert got.complete


def test_the_end_of_an_answer_is_not_slow() -> None:
    """After the last finish reason only usage may follow, and it is still waited for."""
    usage = b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}\n\n'
    steps = (said("all"), said(finish="stop"), Delay(4.0), usage, DONE)
    got, _ = answered(*steps, min_tokens_per_s=2.0, slow_window_s=3.0)
    assert got.complete
    last = got.pieces[-1]
    assert isinstance(last, Answered) and last.usage is not None


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "8 bytes "},
        {"tool_calls": [{"index": 0, "function": {"arguments": "8 bytes "}}]},
        {"refusal": "8 bytes "},
        {"content": "四字四"},
    ],
    ids=["thinking", "arguments", "refusal", "three_bytes_a_letter"],
)
def test_every_kind_of_content_counts(delta: dict[str, Any]) -> None:
    """A model that thinks aloud or writes arguments is not slow."""
    opening = said(tool_calls=[{"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": ""}}])
    got, _ = answered(opening, *every(1.0, said(**delta), 25), *END, **FLOOR)
    assert got.complete, got.error


@pytest.mark.parametrize("pause_s", [25.0, 0.5], ids=["once", "at_every_piece"])
def test_a_slow_reader_is_not_a_slow_provider(pause_s: float) -> None:
    """The time in which a piece waits for its reader is not the provider's, whose speed is just enough before and
    after."""

    async def main() -> Read:
        steps = (*(said(f"{n % 10}") for n in range(20)), *every(1.0, said("8 bytes "), 30), *END)
        async with embedded(in_turn(streamed(*steps)), providers=provider(**FLOOR)) as router:
            opened = router.open()
            await asyncio.sleep(25.0)
            got = Read()
            try:
                while True:
                    got.pieces.append(await opened.outbox.get())
                    await asyncio.sleep(0.0 if pause_s > 1 else pause_s)
            except ChannelClosed:
                return got
            except GatewayError as error:
                got.error = error
                return got

    got = run_virtual(main())
    assert got.error is None
    assert got.complete


def failed_over(first: Step, **timeouts: Any) -> tuple[Read, float]:
    """A call that begins at a provider that says this and no more; another one would answer."""

    async def main() -> tuple[Read, float]:
        scripts = (in_turn(streamed(first, Silence())), in_turn(streamed(said("well"), *END)))
        both = provider(**timeouts) | {"p1": provider()["p0"]}
        async with embedded(*scripts, providers=both) as router:
            began = asyncio.get_running_loop().time()
            return await read(router.open()), asyncio.get_running_loop().time() - began

    return run_virtual(main())


def test_after_the_commit_point_too_slow_is_a_cut() -> None:
    """The reader has words of this answer: it ends with an error, and nobody begins another one behind them."""
    got, took_s = failed_over(said("a word"), **FLOOR)
    assert got.error is not None and got.error.reason is Reason.TOO_SLOW
    assert took_s == pytest.approx(10.0, abs=0.01)
    assert b"well" not in got.raw


class Teacher:
    """A router whose first provider begins its answers when it is told to; the second one is there for the rest."""

    def __init__(self, router: Embedded, wait: list[float]) -> None:
        self._router = router
        self._wait = wait

    async def ask(self, wait_s: float, times: int = 1) -> tuple[str, float]:
        """So many calls; who answered the last one, and how long that took."""
        for _ in range(times):
            self._wait[0] = wait_s
            began = asyncio.get_running_loop().time()
            got = await read(self._router.open())
            assert got.complete, got.error
        return got.target.provider, round(asyncio.get_running_loop().time() - began, 2)


def taught(lesson: Any, **timeouts: Any) -> Any:
    """Run a lesson with a teacher."""

    async def main() -> Any:
        wait = [0.0]
        late = lambda request: streamed(Delay(wait[0]), said("late"), *END)  # noqa: E731
        well = lambda request: streamed(said("well"), *END)  # noqa: E731
        both = provider(**timeouts) | {"p1": provider()["p0"]}
        breaker = {"failure_threshold": 1000, "failure_rate": 1.0}
        async with embedded(late, well, providers=both, breaker=breaker) as router:
            return await lesson(Teacher(router, wait))

    return run_virtual(main())


def test_a_first_token_limit_is_learned_from_the_targets_own_history() -> None:
    """Thirty answers after four seconds: eight are the limit then, and before them the configured sixty."""

    async def lesson(teacher: Teacher) -> None:
        assert await teacher.ask(30.0) == ("p0", 30.0)
        await teacher.ask(4.0, times=99)
        assert await teacher.ask(7.9) == ("p0", 7.9)
        assert await teacher.ask(30.0) == ("p1", 8.0)

    taught(lesson, learn=True)


def test_a_learned_limit_gives_way_to_a_provider_that_became_slower() -> None:
    """A few answers are lost to the old limit, and then none: who would otherwise never be heard again is."""

    async def lesson(teacher: Teacher) -> None:
        await teacher.ask(4.0, times=100)
        answered = [(await teacher.ask(20.0))[0] for _ in range(10)]
        assert answered == ["p1"] * 4 + ["p0"] * 6

    taught(lesson, learn=True)


def test_nothing_is_learned_unless_it_is_switched_on_nor_above_the_configured_limit() -> None:
    """The configured limit holds."""

    async def lesson(teacher: Teacher) -> None:
        await teacher.ask(4.0, times=100)
        assert await teacher.ask(19.0) == ("p0", 19.0)
        assert await teacher.ask(21.0) == ("p1", 20.0)

    taught(lesson, first_token_s=20.0)

    async def above(teacher: Teacher) -> None:
        await teacher.ask(4.0, times=100)
        assert await teacher.ask(6.0) == ("p1", 5.0)

    taught(above, first_token_s=5.0, learn=True)
