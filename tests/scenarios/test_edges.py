"""Lines 13, 16 and 17 where a route says for which reasons it moves on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.replies import answer, error_event, speak, status, stream
from tests.fakes.turn import Script, Turn
from tests.scenarios.scene import FIRST, SECOND, Scripts, both, joined, paired, scenario, words
from tests.scenarios.tongues import CHAT, Front, every_front, tell

FLAGGED = {"error": {"message": "flagged", "type": "invalid_request_error", "code": "content_policy_violation"}}
WIDENED = {"fallbacks_on": ["default", "content_policy"]}


def declining(pieces: tuple[str, ...] = ()) -> Script:
    """A 200 whose model says so much and then that the rest is filtered."""

    async def script(turn: Turn) -> None:
        told = stream(pieces, finish="content_filter")
        whole = answer("".join(pieces), finish="content_filter")
        await (told if turn.asked().get("stream") else whole)(turn)

    return script


@both
@every_front
@scenario
async def test_line_13_a_refusal_moves_on_along_an_edge_that_names_it(
    front: Front, streamed: bool, tmp_path: Path
) -> None:
    """The operator wants another model asked: it answers, whole and alone."""
    async with paired(tmp_path, status(400, body=FLAGGED), failover=WIDENED) as pair:
        heard = await tell(pair.router, front, streamed)
        assert pair.asked == (1, 1)
    assert heard.is_whole(SECOND)


@both
@scenario
async def test_line_13_a_refusal_inside_a_200_moves_on_along_its_edge(streamed: bool, tmp_path: Path) -> None:
    """How a provider says that it will not answer is its own affair; the entry of the first says why it ended."""
    async with paired(tmp_path, declining(), failover=WIDENED) as pair:
        heard = await tell(pair.router, CHAT, streamed)
        rows = await pair.router.entries(2)
    assert heard.is_whole(SECOND)
    assert [row.reason for row in rows] == ["content_policy", None]


@scenario
async def test_line_13_words_that_were_said_stand(tmp_path: Path) -> None:
    """A filter in the middle of a stream ends that answer, whatever edges there are."""
    async with paired(tmp_path, declining(tuple(words(3))), failover=WIDENED) as pair:
        heard = await tell(pair.router, CHAT)
        assert pair.asked == (1, 0)
    assert heard.said.first.text == joined(words(3))
    assert heard.said.first.finish == "filtered"


@both
@scenario
async def test_line_13_the_last_refusal_is_the_answer(streamed: bool, tmp_path: Path) -> None:
    """With nobody left to ask, a model's refusal is no failure: it reaches the caller as it was said."""
    async with paired(tmp_path, declining(), declining(), failover=WIDENED) as pair:
        heard = await tell(pair.router, CHAT, streamed)
        assert pair.asked == (1, 1)
    assert heard.said.fault is None
    assert heard.said.first.finish == "filtered"


@both
@scenario
async def test_line_16_a_reason_without_an_edge_stays_where_it_happened(streamed: bool, tmp_path: Path) -> None:
    """The same target may be asked again, no other is."""
    async with paired(tmp_path, status(500), failover={"fallbacks_on": ["throttled"], "max_attempts": 3}) as pair:
        heard = await tell(pair.router, CHAT, streamed)
        assert pair.asked == (3, 0)
    assert heard.status == 502


@scenario
async def test_line_16_a_reason_with_an_edge_moves_on(tmp_path: Path) -> None:
    """As above, the other way round."""
    async with paired(tmp_path, status(429), failover={"fallbacks_on": ["throttled"]}) as pair:
        assert (await tell(pair.router, CHAT)).is_whole(SECOND)


@pytest.mark.parametrize(
    "wish",
    [{"router": {"fallbacks_on": ["throttled"]}}, {"headers": {"x-router-fallbacks-on": "throttled, overloaded"}}],
    ids=["body", "header"],
)
@scenario
async def test_line_16_a_caller_may_narrow_the_edges(wish: Mapping[str, Any], tmp_path: Path) -> None:
    """Of the route's reasons only those that the caller names."""
    async with paired(tmp_path, [status(500), speak(FIRST)]) as pair:
        assert (await tell(pair.router, CHAT, **wish)).is_whole(FIRST)
        assert pair.asked == (2, 0)


@scenario
async def test_line_16_a_caller_may_not_widen_them(tmp_path: Path) -> None:
    """Where a refused prompt may be sent is the operator's to say; the caller is told so, and nobody is asked."""
    async with paired(tmp_path, status(400, body=FLAGGED)) as pair:
        heard = await pair.ask(router=WIDENED)
        assert pair.asked == (0, 0)
    assert heard.status == 400
    assert heard.error is not None
    assert "content_policy" in heard.error["message"]
    assert heard.error["param"] == "router.fallbacks_on"


@pytest.mark.parametrize("first", [status(500), error_event("down")], ids=["status", "inside"])
@every_front
@scenario
async def test_line_17_a_last_word_lists_all_on_every_protocol(front: Front, first: Scripts, tmp_path: Path) -> None:
    """An edge does not change what a caller hears when all fail: one error with every try."""
    async with paired(tmp_path, first, status(503), failover={"max_attempts": 2}) as pair:
        heard = await tell(pair.router, front)
        assert pair.asked == (1, 1)
    assert heard.status == front.statuses["overloaded"]
    assert heard.said.fault == "overloaded"
