"""A fixed set of worlds on the wire holds, repeats, and its own HTTP is HTTP."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from random import Random

import pytest

from tests.simulation.answers import draw_meaning, speech
from tests.simulation.schedule import Limits
from tests.simulation.wire.faults import WIRE_FAULTS, Answer
from tests.simulation.wire.http import LAST_CHUNK, Message, Unsound, chunk, dechunked
from tests.simulation.wire.invariants import one_outcome_per_exchange
from tests.simulation.wire.world import draw_wire_plan, run_wire_world
from tests.wire.cutting import cuts

pytestmark = pytest.mark.timeout(60)  # worlds that share their cores with others


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The ledger's own words about refusals on purpose would fill the report."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", range(3), ids=str)
def test_a_world_on_the_wire_holds_every_invariant(seed: int) -> None:
    """One without faults of the wire, one with some, one with many; `make sim` does the rest."""
    world = run_wire_world(draw_wire_plan(seed, most=80))
    assert world.broken == []
    assert {"answered"} <= {heard.end for heard in world.story.heard}


def test_who_never_met_a_provider_is_not_taken_for_a_caller_of_its_name() -> None:
    """The router numbers its exchanges as the callers number theirs; a stopped tree and a dead group part the two."""
    faults = frozenset({"disk_hangs@1", "disk_hangs@2", "stop@1", "actor_crashes@2"})
    assert run_wire_world(draw_wire_plan(252298800), Limits(only=faults)).broken == []


def test_the_clock_of_heads_does_not_run_on_a_body() -> None:
    """One that arrives right behind its head, before its handler is awake, waits for its answer like any."""
    assert run_wire_world(draw_wire_plan(1004, most=60), Limits(only=frozenset())).broken == []


def test_an_exchange_ended_once_too_often_is_found_under_any_name() -> None:
    """Whether its name was learned of an attempt, of its caller, or never."""
    world = run_wire_world(draw_wire_plan(0, most=20))
    known = next(iter(world.story.ends))
    for exchange in (known, "req-000900"):
        world.story.ends[exchange] += 2
    assert {words.partition(" ended")[0] for words in one_outcome_per_exchange(world)} == {known, "req-000900"}


def test_callers_are_told_what_another_asked() -> None:
    """Out of the cache or beside that one, through real connections; and each such answer is booked once, for
    nothing."""
    world = run_wire_world(draw_wire_plan(2013, most=60))
    assert world.broken == []
    assert sum(heard.repeats and heard.end == "answered" for heard in world.story.heard) > 5


def test_a_character_is_cut_in_two() -> None:
    """Providers say theirs as they are: a JSON that escapes them has no character of two bytes."""
    said = speech("openai-chat", draw_meaning(Random(1), "[req-000001 p1 1]", "m"), streamed=True)
    answer = Answer(head=b"HTTP/1.1 200 OK\r\n\r\n", pieces=said.blocks, last=b"")
    cut = WIRE_FAULTS["cut_in_a_character"](answer, Random(1))[0]
    assert isinstance(cut, bytes)
    with pytest.raises(UnicodeDecodeError, match="unexpected end"):
        cut.decode()


def test_the_same_seed_gives_the_same_bytes() -> None:
    """Through aiohttp's own parsers, timers and tasks."""
    digests = [run_wire_world(draw_wire_plan(5, most=40)).story.digest for _ in range(2)]
    assert digests[0] == digests[1]


def test_chunks_are_taken_apart_as_far_as_they_came() -> None:
    """Cut at every byte, a body is the beginning of itself, and complete only at its end."""
    framed = chunk(b"one ") + chunk("zwei é".encode()) + LAST_CHUNK
    for cut in range(len(framed)):
        body, complete = dechunked(framed[:cut])
        assert "one zwei é".encode().startswith(body) and not complete
    assert dechunked(framed) == ("one zwei é".encode(), True)


@pytest.mark.parametrize(
    "framing",
    [
        b"transfer-encoding: chunked\r\n\r\n" + chunk(b"one ") + chunk(b"two") + LAST_CHUNK,
        b"content-length: 3\r\n\r\nall",
    ],
    ids=["chunks", "length"],
)
def test_how_a_message_was_cut_does_not_show(framing: bytes) -> None:
    """In two at every place, and in single bytes: it is complete with its last byte, and more than that is unsound."""
    said = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n" + framing
    whole = Message(ends_with_connection=True)
    whole.feed(said)
    for pieces in cuts(said):
        cut = Message(ends_with_connection=True)
        for piece in pieces:
            assert not cut.complete or not piece
            cut.feed(piece)
        assert (cut.status, cut.body, cut.complete) == (200, whole.body, True)
        with pytest.raises(Unsound):
            cut.feed(b"more")


@pytest.mark.parametrize("framed", [b"zz\r\n", b"2\r\nabc\r\n", b"0\r\n\r\nmore"], ids=["size", "ending", "behind"])
def test_what_is_no_chunk_is_said(framed: bytes) -> None:
    """A reader that reads over it would find nothing wrong."""
    with pytest.raises(Unsound):
        dechunked(framed)


def test_a_body_without_a_length_is_complete_only_for_a_request() -> None:
    """A request without one has none; a response without one goes on until its connection ends."""
    response = Message(ends_with_connection=True)
    response.feed(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall")
    assert (response.status, response.body, response.complete) == (200, b"all", False)
