"""What is remembered of an answer: all of it, and only where it may be given again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from actors.messages import Answered, Committed, Flow, Hit, Piece, Rescued, Whole
from actors.recall import Recall, replayed
from router.canon.event import Ended, Finish, Finished, Skipped, TextDelta, ToolCallStarted
from router.canon.reply import Choice, Reply
from router.canon.request import Text, ToolCall
from router.canon.target import Target
from router.policy.rescue import Method

TARGET = Target(provider="p", model="m")
BEGINNING = Committed(target=TARGET, model="m", attempts=2, shown=(("x-a", "b"),))
TEXT = Flow(events=(TextDelta(text="red"),), raw=b"data: red\n\n")
STOPPED = Flow(events=(Finished(reason=Finish.STOP, said="stop"), Ended()))
END = Answered(usage=None, cost_usd=Decimal(3), raw=b"data: [DONE]\n\n")


def remembered(*pieces: Piece, most_bytes: int = 1 << 20, tool_calls: bool = False) -> Recall:
    """A recall that was told these."""
    recall = Recall("k", most_bytes, tool_calls=tool_calls)
    for piece in pieces:
        recall.note(piece)
    return recall


def whole(finish: Finish, part: Text | ToolCall) -> Whole:
    """An answer that was not streamed."""
    choice = Choice(index=0, parts=(part,), finish=finish, said=finish.value)
    return Whole(reply=Reply(id="r", model="m", choices=(choice,), usage=None))


@pytest.mark.parametrize(
    "said",
    [(TEXT, STOPPED), (whole(Finish.STOP, Text(text="red")),)],
    ids=["streamed", "whole"],
)
def test_a_complete_answer_is_replayed_free_and_as_a_hit(said: tuple[Piece, ...]) -> None:
    """What was said stands as it was; attempts, cost and a provider's standing were the first caller's."""
    stored = remembered(BEGINNING, *said, END).stored()
    assert stored is not None and stored.pieces == (BEGINNING, *said, END)
    committed, *told, answered = replayed(Hit(pieces=stored.pieces, age_s=7.0), ())
    assert tuple(told) == said and isinstance(committed, Committed) and isinstance(answered, Answered)
    assert (committed.cache, committed.age_s, committed.attempts, committed.shown) == ("hit", 7.0, 0, ())
    assert (answered.cost_usd, answered.raw) == (Decimal(0), END.raw)


@pytest.mark.parametrize(
    "pieces",
    [
        (BEGINNING, TEXT, STOPPED),
        (BEGINNING, STOPPED, END),
        (BEGINNING, TEXT, Flow(events=(Finished(reason=Finish.LENGTH, said="length"),)), END),
        (BEGINNING, TEXT, Flow(events=(ToolCallStarted(index=0, id="c", name="f"),)), STOPPED, END),
        (BEGINNING, TEXT, Flow(events=(Skipped(why="it is not UTF-8"),)), STOPPED, END),
        (BEGINNING, TEXT, Rescued(target=TARGET, method=Method.SPLICE, told=()), STOPPED, END),
        (Committed(target=TARGET, model="m", attempts=1, injected=("cut",)), TEXT, STOPPED, END),
        (BEGINNING, whole(Finish.TOOL_CALLS, ToolCall(id="c", name="f", arguments="{}")), END),
    ],
    ids=["cut", "empty", "length", "tool_call", "unreadable", "rescued", "drilled", "whole_tool_call"],
)
def test_any_other_answer_is_not_kept(pieces: tuple[Piece, ...]) -> None:
    """It is not complete, has effects, or is worth asking again."""
    assert remembered(*pieces).stored() is None


CALL = Flow(events=(ToolCallStarted(index=0, id="c", name="f"),))
CALLED = Flow(events=(Finished(reason=Finish.TOOL_CALLS, said="tool_calls"), Ended()))


@pytest.mark.parametrize(
    ("pieces", "kept"),
    [
        ((BEGINNING, CALL, CALLED, END), True),
        ((BEGINNING, TEXT, CALL, STOPPED, END), True),
        ((BEGINNING, whole(Finish.TOOL_CALLS, ToolCall(id="c", name="f", arguments="{}")), END), True),
        ((BEGINNING, CALL, Flow(events=(Finished(reason=Finish.LENGTH, said="length"),)), END), False),
        ((BEGINNING, whole(Finish.LENGTH, ToolCall(id="c", name="f", arguments="{")), END), False),
    ],
    ids=["streamed", "after_text", "whole", "cut_by_its_length", "whole_and_cut"],
)
def test_tool_calls_are_kept_where_they_are_asked_for(pieces: tuple[Piece, ...], kept: bool) -> None:
    """Whole ones: half a call is none."""
    assert (remembered(*pieces, tool_calls=True).stored() is not None) is kept
    assert remembered(*pieces).stored() is None


def test_a_long_answer_is_not_held() -> None:
    """Past its bound nothing of it is, and its short end does not bring it back."""
    assert remembered(BEGINNING, TEXT, STOPPED, END, most_bytes=1100).stored() is None
