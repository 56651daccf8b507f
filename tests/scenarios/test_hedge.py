"""S07 where the route hedges: a second target beside one that is later than it usually is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from tests.fakes.replies import silence, speak, stall_after, status
from tests.fakes.turn import Script
from tests.scenarios.scene import FIRST, SECOND, Scripts, both, paired, scenario
from tests.scenarios.tongues import Front, every_front, tell

EAGER = {"share": 1.0, "min_after_ms": 1, "max_after_ms": 100, "min_sample": 1}
"""A hedge for every request, soon, and after one answer."""


def hedging(**keys: Any) -> dict[str, Any]:
    """The group of both providers, hedged."""
    return {"chat": {"targets": ["one:m", "two:m"], "hedge": {**EAGER, **keys}}}


def warm(then: Script) -> Scripts:
    """Well once, so that its history is known; then that."""
    return [speak(FIRST), then]


@both
@every_front
@scenario
async def test_s07_a_late_target_is_overtaken(front: Front, streamed: bool, tmp_path: Path) -> None:
    """The second answers at once; the first's request is closed, and its entry says that it was let go."""
    async with paired(tmp_path, warm(silence()), failover_groups=hedging()) as pair:
        assert (await tell(pair.router, front, streamed)).is_whole(FIRST)
        began = perf_counter()
        heard = await tell(pair.router, front, streamed)
        assert perf_counter() - began < 2.0
        assert pair.asked == (2, 1)
        await pair.one.until(lambda: pair.one.left == 1)
        rows = await pair.router.entries(3)
    assert heard.is_whole(SECOND)
    assert heard.headers["x-router-provider"] == "two"
    assert heard.headers["x-router-attempts"] == "2"
    assert {row.provider: (row.end, row.reason) for row in rows[1:]} == {
        "one": ("superseded", "superseded"),
        "two": ("completed", None),
    }
    assert sorted(row.number or 0 for row in rows[1:]) == [1, 2]


@both
@scenario
async def test_s07_a_second_that_fails_ends_nothing(streamed: bool, tmp_path: Path) -> None:
    """The first is still waited for, and its answer is the answer."""

    async with paired(tmp_path, warm(slowly(FIRST)), status(500), failover_groups=hedging()) as pair:
        await pair.ask(streamed)
        heard = await pair.ask(streamed)
        assert pair.asked == (2, 1)
    assert heard.is_from(FIRST)


@both
@scenario
async def test_s07_a_first_that_fails_ends_nothing(streamed: bool, tmp_path: Path) -> None:
    """As above, the other way round."""
    first = slowly(FIRST, then=status(500))
    async with paired(tmp_path, warm(first), slowly(SECOND, after_s=0.5), failover_groups=hedging()) as pair:
        await pair.ask(streamed)
        heard = await pair.ask(streamed)
        assert pair.asked == (2, 1)
    assert heard.is_from(SECOND)


@scenario
async def test_s07_when_both_fail_the_caller_hears_of_both(tmp_path: Path) -> None:
    """Line 17 holds for a race: one error, every try, and no more requests than are allowed."""
    groups = {"chat": {**hedging()["chat"], "max_attempts": 2}}
    first = slowly(FIRST, then=status(500))
    async with paired(tmp_path, warm(first), slowly(SECOND, then=status(503)), failover_groups=groups) as pair:
        await pair.ask(streamed=True)
        heard = await pair.ask(streamed=True)
        assert pair.asked == (2, 1)
    assert heard.error is not None
    assert {note["target"] for note in heard.error["metadata"]["attempts"]} == {"one:m", "two:m"}


@pytest.mark.parametrize(
    "keys",
    [{"share": 0.02}, {"max_usd_per_hour": 1}, {"min_sample": 5}],
    ids=["no share left", "no known price", "no history"],
)
@scenario
async def test_s07_without_means_nobody_is_asked_beside_it(keys: dict[str, Any], tmp_path: Path) -> None:
    """A late target is then waited for, as if the route did not hedge."""
    async with paired(tmp_path, warm(slowly(FIRST)), failover_groups=hedging(**keys)) as pair:
        await pair.ask(streamed=True)
        assert (await pair.ask(streamed=True)).is_from(FIRST)
        assert pair.asked == (2, 0)


@scenario
async def test_line_59_a_hedge_is_one_of_the_attempts(tmp_path: Path) -> None:
    """With every knob set and providers that always fail, the number of requests stays the documented one."""
    groups = {"chat": {**hedging()["chat"], "max_attempts": 3, "resume": ["continue", "splice", "hold"]}}
    failing = slowly(FIRST, then=status(500))
    async with paired(
        tmp_path, warm(failing), failing, failover_groups=groups, retry={"max_attempts": 9, "base_delay_ms": 1}
    ) as pair:
        await pair.ask(streamed=True)
        await pair.ask(streamed=True)
        assert sum(pair.asked) == 1 + 3


@scenario
async def test_line_59_a_rescue_is_one_of_the_attempts(tmp_path: Path) -> None:
    """Answers that always break off: as many requests as the route allows, whatever it wishes."""
    groups = {"chat": {"targets": ["one:m", "two:m"], "max_attempts": 4, "resume": ["continue", "splice"]}}
    broken = {"timeouts": {"idle_s": 0.05}}
    async with paired(
        tmp_path,
        stall_after(["a "]),
        stall_after(["a ", "b "]),
        keys=broken,
        second=broken,
        failover_groups=groups,
        retry={"max_attempts": 9, "base_delay_ms": 1},
    ) as pair:
        heard = await pair.ask(streamed=True)
        assert pair.asked == (1, 1), "a target that falls silent is asked once"
    assert heard.is_broken_off("a b ")


def slowly(text: str, *, after_s: float = 0.3, then: Script | None = None) -> Script:
    """Silent for so long, then this."""

    async def script(turn: Any) -> None:
        await asyncio.sleep(after_s)
        await (then or speak(text))(turn)

    return script
