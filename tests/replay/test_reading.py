"""The reader itself: one that finds nothing anywhere would agree with a router that says nothing."""

from __future__ import annotations

import pytest

from tests.replay.faults import why
from tests.replay.reading import read
from tests.replay.recordings import ABSENT, BESIDE_CHAT, KINDS, NOT_REPLAYED, Recording, recordings
from tests.replay.said import Said

ANSWERS = [one for one in recordings() if one.why_not is None and one.api in KINDS and not one.is_error]

pytestmark = pytest.mark.skipif(not recordings(), reason=ABSENT)


def _tags(said: Said) -> dict[str, bool]:
    """What the collectors of the recordings must have seen too, by their own tags."""
    first = said.first
    return {
        "tool_call": bool(first.calls),
        "refusal": bool(first.refusal),
        "max_tokens": first.finish == "length",
        "content_filter": first.finish == "filtered",
        "n>1": len(said.answers) > 1,
    }


@pytest.mark.parametrize("recording", ANSWERS, ids=lambda one: one.id)
def test_a_reading_sees_what_the_collector_saw(recording: Recording) -> None:
    """Calls, refusals, limits, filters, errors: found where somebody else found them, and nowhere else."""
    said = read(recording)
    assert {tag for tag, seen in _tags(said).items() if seen} == set(_tags(said)) & set(recording.tags)
    assert (said.fault is not None) == any(tag.startswith("error") for tag in recording.tags)
    # Thinking may be sealed, so that a tag promises no text; text without a tag would be none.
    assert not said.first.thinking or "reasoning" in recording.tags
    assert not {"server_tool_call"} & set(recording.tags) or said.first.own


@pytest.mark.parametrize("recording", ANSWERS, ids=lambda one: one.id)
def test_an_answer_has_an_ending_and_says_something(recording: Recording) -> None:
    """But for one that spent its tokens on thinking nobody may see."""
    said = read(recording)
    if said.fault is None:
        assert all(one.finish in ("stop", "length", "calls", "filtered", "refused") for one in said.answers)
        assert said.spoke or said.first.finish == "length"
        assert said.usage is not None and said.usage.input > 0 and said.usage.output > 0


def test_no_recording_is_of_a_protocol_that_nobody_thought_of() -> None:
    """Each is replayed or has a reason why not."""
    assert {one.api for one in recordings()} <= {*KINDS, *BESIDE_CHAT, *NOT_REPLAYED}
    assert len(ANSWERS) > 150


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        pytest.param({"message": "no"}, 401, "credential", id="a status alone"),
        pytest.param("prompt is too long: 9 tokens > 8", 400, "context_length", id="words before the status"),
        pytest.param({"message": "context length"}, 503, "overloaded", id="no words above 500"),
        pytest.param({"code": 502, "message": "no"}, None, "server_error", id="a number inside a 200"),
        pytest.param({"type": "overloaded_error", "message": "no"}, None, "overloaded", id="a name inside a 200"),
        pytest.param("no", None, "server_error", id="nothing to go by"),
    ],
)
def test_an_error_is_read_by_its_words_and_then_by_its_status(error: object, status: int | None, reason: str) -> None:
    """As an operator would."""
    assert why(error, status) == reason
