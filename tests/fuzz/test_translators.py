"""Hostile bytes through every translator: refused, a fault, or said to the other side in JSON it can read."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.app.dialects import CODECS
from tests.fuzz.__main__ import trouble
from tests.fuzz.cases import Case, answer_of, dialect_of, question_of, sound
from tests.fuzz.crossing import answer, ask, stream
from tests.fuzz.questions import QUESTIONS
from tests.fuzz.spoiling import NASTY, spoiled
from tests.replay.recordings import ABSENT

bounded = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 2**40)


@bounded
@given(seeds)
def test_a_hostile_request_is_refused_or_said(seed: int) -> None:
    """To every dialect, under names that translators read something into."""
    question_of(seed).run()


@pytest.mark.skipif(not sound(), reason=ABSENT)
@bounded
@given(seeds)
def test_a_hostile_answer_is_a_fault_or_said(seed: int) -> None:
    """To every front end, as a whole, as a stream, and as an error."""
    answer_of(seed).run()


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_requests_are_sound_before_they_are_spoiled(name: str) -> None:
    """Or nothing would get past the first check: most of them can be said to someone."""
    for question in QUESTIONS[name]:
        assert ask(CODECS[name], json.dumps(question).encode()) > 0
    assert sum(bool(_is_said(name, seed)) for seed in range(12)) > 0


def _is_said(name: str, seed: int) -> object:
    case = question_of(seed)
    return case.run() if case.what == name else True


@pytest.mark.skipif(not sound(), reason=ABSENT)
def test_the_answers_are_sound_before_they_are_spoiled() -> None:
    """Each is read and said to all fronts."""
    for recording in sound()[::9]:
        if not recording.is_error and "error" not in recording.id:
            dialect = dialect_of(recording)
            assert stream(dialect, [recording.body]) if recording.streamed else answer(dialect, recording.body)


def test_a_seed_finds_the_same_bytes_again() -> None:
    """Or nobody could look at what was found."""
    assert [question_of(seed).body for seed in range(50)] == [question_of(seed).body for seed in range(50)]
    assert len({question_of(seed).body for seed in range(50)}) > 40


def test_what_is_found_is_told_by_its_place() -> None:
    """An exception of any kind, and where it was raised."""

    def fails() -> None:
        raise KeyError("x")

    found = trouble(Case("x", b"", fails))
    assert found is not None
    assert (found[0], found[1].split(":")[0]) == ("KeyError", __file__)
    assert trouble(Case("x", b"", lambda: None)) is None


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_nasty_value_passes_for_a_body(name: str) -> None:
    """Whatever seeds come by: each in the place of the whole request, and of what is asked about."""
    question = QUESTIONS[name][0]
    member = next(member for member in ("messages", "input", "prompt", "documents") if member in question)
    for nasty in NASTY:
        assert ask(CODECS[name], nasty) == 0
        ask(CODECS[name], spoiled(question, (member,), nasty))
