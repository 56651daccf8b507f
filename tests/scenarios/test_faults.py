"""Faults that are injected into a live router on request: what the caller, the account and the next caller notice."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from tests.fakes.replies import speak, stream
from tests.fakes.served import log_of
from tests.scenarios.scene import FIRST, LIMIT_S, SECOND, both, joined, paired, scenario, words
from tests.scenarios.tongues import Front, every_front, tell

WELL = speak(FIRST)
OPEN: dict[str, Any] = {"server": {"faults": True}}
SILENT_S = 4 * LIMIT_S
"""Far enough from `connect_s` that a machine which stands still for a moment does not make both clocks ring at once."""
QUICK = {"timeouts": {"connect_s": LIMIT_S, "first_byte_s": SILENT_S, "first_token_s": SILENT_S, "idle_s": LIMIT_S}}
KEY = "sk-of-the-operator-1618033"


def fault(text: str, **more: str) -> dict[str, str]:
    """The header."""
    return {"x-router-fault": text, **more}


BEFORE_CONTENT = {
    "connect:refuse": "connect",
    "connect:hang": "connect_timeout",
    "head:429;retry_after=2": "throttled",
    "head:503": "overloaded",
    "head:cut": "cut_stream",
    "head:401": "credential",
}


@pytest.mark.parametrize("text", BEFORE_CONTENT)
@both
@every_front
@scenario
async def test_a_fault_before_any_content_is_unseen_by_the_caller(
    front: Front, streamed: bool, text: str, tmp_path: Path
) -> None:
    """The next target answers; nothing was sent to the first; and the answer says that this was no provider's doing."""
    async with paired(tmp_path, WELL, keys=QUICK, **OPEN) as pair:
        told = await tell(pair.router, front, streamed, headers=fault(text))
        assert pair.asked == (0, 1)
        rows = await pair.router.entries(2)
    assert told.is_whole(SECOND)
    assert told.headers["x-router-fault"] == f"one:m {text.partition(';')[0]}"
    assert rows[0].reason == BEFORE_CONTENT[text]


@pytest.mark.parametrize(
    "text", ["head:hang", "first_token:hang", "first_token:delay=5", "frame:1:stall", "frame:1:cut"]
)
@every_front
@scenario
async def test_silence_and_cuts_before_content_are_bounded_by_the_clocks(
    front: Front, text: str, tmp_path: Path
) -> None:
    """The first target's own clocks run: they are not told that this is a drill."""
    async with paired(tmp_path, WELL, keys=QUICK, **OPEN) as pair:
        began = perf_counter()
        told = await tell(pair.router, front, headers=fault(text))
        assert perf_counter() - began < SILENT_S + 1
        await pair.one.until(lambda: pair.one.open_connections == 0 or not pair.one.running)
    assert told.is_whole(SECOND)


FORTY = words(40)


@pytest.mark.parametrize(("text", "why"), [("frame:20:cut", "cut_stream"), ("frame:20:stall", "idle_timeout")])
@every_front
@scenario
async def test_a_fault_after_content_ends_it_honestly(front: Front, text: str, why: str, tmp_path: Path) -> None:
    """Without a policy to rescue: so much of the answer, then the error, and the header that named it beforehand."""
    async with paired(tmp_path, stream(FORTY), keys=QUICK, **OPEN) as pair:
        told = await tell(pair.router, front, headers=fault(text))
        assert pair.asked == (1, 0)
    assert told.is_broken_off(joined(FORTY[:18]), why)
    assert told.headers["x-router-fault"] == f"one:m {text}"
    assert b"was injected here on request" in told.body or why == "idle_timeout"


@every_front
@scenario
async def test_a_fault_after_content_is_rescued_where_the_route_does(front: Front, tmp_path: Path) -> None:
    """What an operator wants to prove: the one stream holds the whole answer, once."""
    resumed = {"resume": ["splice"]}
    async with paired(tmp_path, stream(FORTY), stream(FORTY), failover=resumed, **OPEN) as pair:
        told = await tell(pair.router, front, headers=fault("frame:20:cut"))
        assert pair.asked == (1, 1)
    assert told.is_whole(joined(FORTY))


@scenario
async def test_one_malformed_event_is_left_out(tmp_path: Path) -> None:
    """As a provider's own would be."""
    async with paired(tmp_path, stream(words(3)), **OPEN) as pair:
        heard = await pair.ask(streamed=True, headers=fault("frame:3:malformed"))
    assert heard.text == "w0 w2 "
    assert heard.done == 1


@scenario
async def test_the_last_event_can_be_cut_off(tmp_path: Path) -> None:
    """A finish without `[DONE]` is complete."""
    async with paired(tmp_path, WELL, **OPEN) as pair:
        heard = await pair.ask(streamed=True, headers=fault("frame:end:cut"))
        assert pair.asked == (1, 0)
    assert heard.is_from(FIRST)


@scenario
async def test_a_whole_answer_is_one_event(tmp_path: Path) -> None:
    """Cut, it never came; late, it is whole."""
    async with paired(tmp_path, WELL, **OPEN) as pair:
        cut = await pair.ask(headers=fault("frame:end:cut"))
        late = await pair.ask(headers=fault("frame:1:delay=0.05"))
        assert pair.asked == (2, 1)
    assert cut.is_from(SECOND)
    assert late.is_from(FIRST)


@scenario
async def test_conditions_say_whom_it_hits_and_how_often(tmp_path: Path) -> None:
    """A target that is not asked is not hit; `all` hits until nobody is left, and the error names every fault."""
    async with paired(tmp_path, WELL, failover={"max_attempts": 3}, **OPEN) as pair:
        other = await pair.ask(headers=fault("head:503;target=two:m"))
        assert other.is_from(FIRST) and "x-router-fault" not in other.headers
        second = await pair.ask(headers=fault("connect:refuse;attempts=2"))
        assert second.is_from(FIRST) and second.headers["x-router-attempts"] == "3"
        both_ill = await pair.ask(headers=fault("head:500;target=one, head:503;target=two;attempts=all"))
        assert both_ill.is_from(FIRST)
        none = await pair.ask(headers=fault("head:500;attempts=all"))
    assert none.status == 502
    assert none.error is not None
    assert none.error["metadata"]["injected_faults"] == ["one:m head:500", "two:m head:500", "one:m head:500"]
    assert none.headers["x-router-fault"].count("head:500") == 3
    assert "was injected here on request" in none.error["message"]


@pytest.mark.parametrize("more", ["", ";counts=no"])
@scenario
async def test_a_fault_counts_unless_told_otherwise(more: str, tmp_path: Path) -> None:
    """To prove a breaker it must open; a drill beside real callers may leave breaker, quiet and score as they are."""
    async with paired(tmp_path, WELL, breaker={"failure_threshold": 2}, **OPEN) as pair:
        for _ in range(3):
            heard = await pair.ask(headers=fault(f"head:503;target=one:m;retry_after=30{more}"))
            assert heard.is_from(SECOND)
        after = await pair.ask()
        await asyncio.sleep(0.2)
        _, health = await pair.router.get("/health/providers")
    report = health["providers"]["one"]
    assert after.is_from(FIRST if more else SECOND)
    assert (report["health_score"] == 1.0) == bool(more)


@scenario
async def test_only_who_has_the_admin_key_may(tmp_path: Path) -> None:
    """A clear 403 for everybody else, and nobody is asked."""
    async with paired(tmp_path, WELL, admin={"key": KEY}) as pair:
        without = await pair.ask(headers=fault("head:503"))
        wrong = await pair.ask(headers=fault("head:503", **{"x-admin-key": "sk-of-somebody"}))
        assert pair.asked == (0, 0)
        with_key = await pair.ask(headers=fault("head:503", **{"x-admin-key": KEY}))
        assert pair.asked == (0, 1)
        assert "x-admin-key" not in pair.two.turns[0].headers
        assert "x-router-fault" not in pair.two.turns[0].headers
    assert (without.status, wrong.status) == (403, 403)
    assert without.error is not None and "admin key" in without.error["message"]
    assert with_key.is_from(SECOND)


@scenario
async def test_without_a_key_and_a_setting_nobody_may(tmp_path: Path) -> None:
    """The default."""
    async with paired(tmp_path, WELL) as pair:
        heard = await pair.ask(headers=fault("head:503", **{"x-admin-key": ""}))
        assert pair.asked == (0, 0)
    assert heard.status == 403


@pytest.mark.parametrize(
    "text",
    ["", "head", "head:200", "head:hang=3", "connect:delay", "frame:0:cut", "frame:x:cut", "head:503;attempts=0",
     "head:503;after=2", "connect:delay=1e9", "head:429;retry_after=nan", ",".join(["head:503"] * 17)],
)  # fmt: skip
@scenario
async def test_what_cannot_be_read_is_refused(text: str, tmp_path: Path) -> None:
    """A drill that is not what its author meant proves nothing."""
    async with paired(tmp_path, WELL, **OPEN) as pair:
        heard = await pair.ask(headers=fault(text))
        assert pair.asked == (0, 0)
    assert heard.status == 400
    assert heard.error is not None and heard.error["param"] == "x-router-fault"


@scenario
async def test_an_operator_sees_that_it_was_a_drill(tmp_path: Path) -> None:
    """In the log lines of the exchange and of its attempt, and in a count."""
    async with paired(tmp_path, WELL, telemetry={"log_level": "debug"}, **OPEN) as pair:
        await pair.ask(headers=fault("head:503"))
        async with asyncio.timeout(2):
            while 'pointsman_injected_faults_total{model="m",provider="one"} 1' not in await pair.metrics():
                continue
        log = pair.router.log.read
    (told,) = log_of(log, "exchange ended")
    assert told["injected_faults"] == ["one:m head:503"]
    assert [line["injected_fault"] for line in log_of(log, "attempt ended")] == ["head:503", None]
