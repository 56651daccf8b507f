"""What of a second telling is new, and who may tell it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from router.canon.event import (
    CitationAdded,
    Ended,
    Event,
    Finish,
    Finished,
    LogprobsAdded,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallStarted,
    UsageReported,
)
from router.canon.target import Target
from router.canon.usage import Usage
from router.errors import Reason, WireFault
from router.policy.rescue import Continuation, Method, Splice, Taker, Transcript, choose_method, rescue_order

ENDING: tuple[Event, ...] = (Finished(reason=Finish.STOP, said="stop"), Ended())
TEXTS = st.text(alphabet="ab \n", max_size=12)
PIECES = st.lists(TEXTS, max_size=6)


def told(taker: Taker, pieces: list[str]) -> str:
    """What a reader is told of an answer that comes in these pieces and then ends."""
    said = [event for piece in pieces for event in taker.take((TextDelta(text=piece),))]
    said += taker.take(ENDING)
    assert tuple(said[-2:]) == ENDING
    return "".join(event.text for event in said if isinstance(event, TextDelta))


@given(said=TEXTS, pieces=PIECES)
def test_a_splice_makes_one_answer_or_none(said: str, pieces: list[str]) -> None:
    """However it is cut: what was said and what follows are exactly the second telling, or there is an error."""
    whole = "".join(pieces)
    try:
        rest = told(Splice(said, None), pieces)
    except WireFault as fault:
        assert fault.reason is Reason.DIVERGED
        assert not whole.startswith(said)
    else:
        assert said + rest == whole


@given(said=TEXTS, pieces=PIECES)
def test_a_continuation_is_added_but_for_blanks_that_come_again(said: str, pieces: list[str]) -> None:
    """White space that was not sent, because a provider takes none at the end, may come once more."""
    whole, blanks = "".join(pieces), said[len(said.rstrip()) :]
    rest = told(Continuation(said, None), pieces)
    again = whole[: len(whole) - len(rest)]
    assert whole.endswith(rest)
    assert blanks.startswith(again)
    assert again == blanks or not whole[len(again) :].startswith(blanks[len(again) :][:1] or "\0")


@given(said=TEXTS.filter(str.strip), rest=PIECES, cut=st.integers(0, 20))
def test_an_echo_is_left_out_however_it_is_cut(said: str, rest: list[str], cut: int) -> None:
    """A provider known for it says the beginning again, and then what is new."""
    beginning = said.rstrip()
    taker = Continuation(said, None)
    taker.expect_echo()
    plain = Continuation(said, None)
    pieces = [beginning[:cut], beginning[cut:], *rest]
    assert told(taker, pieces) == told(plain, rest)


def test_what_only_begins_like_an_echo_is_told() -> None:
    """The provider did not repeat the beginning after all: nothing of it is lost."""
    taker = Continuation("one two", None)
    taker.expect_echo()
    assert told(taker, ["one", " three"]) == "one three"
    taker = Continuation("one two", None)
    taker.expect_echo()
    assert told(taker, ["one"]) == "one"


@pytest.mark.parametrize("taker", [Splice("a", None), Continuation("a", None)], ids=["splice", "continue"])
def test_thoughts_and_beginnings_of_a_second_telling_are_left_out(taker: Taker) -> None:
    """The reader was shown others; counts are added up."""
    said = taker.take(
        (
            Started(id="x", model="m"),
            ReasoningDelta(text="hm"),
            LogprobsAdded(logprobs=Raw(b"{}")),
            UsageReported(usage=Usage(input=1)),
        )
    )
    assert said == (UsageReported(usage=Usage(input=1)),)


def test_counts_are_those_of_all_who_told_the_answer() -> None:
    """Money that each of them said is known of both."""
    taker = Splice("", Usage(input=5, output=40, reported_usd="0.1"))
    (event,) = taker.take((UsageReported(usage=Usage(input=50, output=60, reported_usd="0.2")),))
    assert event == UsageReported(usage=Usage(input=55, output=100, reported_usd="0.3"))


@pytest.mark.parametrize(
    "event",
    [RefusalDelta(text="no"), ToolCallStarted(index=0, id="c", name="f"), ENDING[0]],
    ids=["refuses", "calls", "ends"],
)
def test_a_second_telling_that_does_something_else_differs(event: Event) -> None:
    """Before all that was said came again."""
    taker = Splice("said", None)
    taker.take((TextDelta(text="sa"),))
    with pytest.raises(WireFault) as raised:
        taker.take((event,))
    assert raised.value.reason is Reason.DIVERGED


def test_a_call_after_the_repetition_passes() -> None:
    """The answer goes on with it."""
    call = ToolCallStarted(index=0, id="c", name="f")
    assert Splice("said", None).take((TextDelta(text="said so"), call)) == (TextDelta(text=" so"), call)


@pytest.mark.parametrize(
    "event",
    [
        ToolCallStarted(index=0, id="c", name="f"),
        ReasoningDelta(text="hm", signature="s"),
        ReasoningDelta(redacted="r"),
        RefusalDelta(text="no"),
        TextDelta(text="b", choice=1),
        LogprobsAdded(logprobs=Raw(b"{}")),
        CitationAdded(citation=Raw(b"{}"), family="f"),
        Finished(reason=Finish.STOP, said="stop"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_bars_a_rescue(event: Event) -> None:
    """Each alone, whatever was said beside it."""
    transcript = Transcript()
    transcript.note((Started(id="x", model="m"), TextDelta(text="a"), ReasoningDelta(text="hm")))
    assert transcript.bar is None
    transcript.note((event, TextDelta(text="more")))
    assert transcript.bar is not None


def test_a_transcript_is_told_again_in_few_events() -> None:
    """All that an encoder must have said to go on."""
    transcript = Transcript()
    begun, thought = Started(id="x", model="m"), ReasoningDelta(text="hm")
    transcript.note((begun, thought, TextDelta(text="a"), UsageReported(usage=Usage())))
    transcript.note((TextDelta(text="b"),))
    assert transcript.events() == (begun, thought, TextDelta(text="ab"))


A, B, C = (Target(provider=name, model="m") for name in "abc")
BOTH = (Method.CONTINUE, Method.SPLICE)


def test_who_goes_on_is_who_can_in_the_most_wished_way() -> None:
    """Then in the order of the route; a way that nobody wishes is no way."""
    only_b = {B}.__contains__
    assert rescue_order((A, B, C), BOTH, only_b) == (B, A, C)
    assert rescue_order((A, B, C), (Method.SPLICE, Method.CONTINUE), only_b) == (A, B, C)
    assert rescue_order((A, B, C), (Method.CONTINUE,), only_b) == (B,)
    assert rescue_order((A, B, C), (Method.HOLD,), only_b) == ()
    assert choose_method((Method.HOLD, *BOTH), continues=False) is Method.SPLICE
