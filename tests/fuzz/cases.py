"""One hostile input by its number: the same seed finds the same bytes, and takes them the same way."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from random import Random
from typing import NamedTuple

from router.app.dialects import CODECS
from router.wire.dialect import Dialect
from tests.fuzz import crossing
from tests.fuzz.questions import QUESTIONS
from tests.fuzz.spoiling import hurt, spoil
from tests.replay.invoke import KIND as INVOKED
from tests.replay.recordings import KINDS, Recording, recordings

LARGEST_BYTES = 40_000
"""Longer recordings are left out: they hold no more kinds of things, and each run takes as long as its input."""


class Case(NamedTuple):
    """What is spoiled, the bytes, and how they are taken."""

    what: str
    body: bytes
    run: Callable[[], object]


def question_of(seed: int) -> Case:
    """A request of some front end."""
    rng = Random(seed)
    name = rng.choice(list(QUESTIONS))
    body = spoil(rng, rng.choice(QUESTIONS[name]))
    return Case(name, body, partial(crossing.ask, CODECS[name], body))


def answer_of(seed: int) -> Case:
    """An answer, a stream or an error as some provider once sent it, but for the harm done."""
    rng = Random(seed)
    recording = rng.choice(sound())
    dialect = dialect_of(recording)
    body = spoiled_answer(rng, recording)
    if recording.is_error:
        return Case(recording.id, body, partial(crossing.fault, dialect, recording.status, recording.headers, body))
    if recording.streamed:
        # Where a block ends must not matter, least of all here.
        cut = rng.randint(0, len(body))
        return Case(recording.id, body, partial(crossing.stream, dialect, (body[:cut], body[cut:])))
    return Case(recording.id, body, partial(crossing.answer, dialect, body))


@cache
def sound() -> tuple[Recording, ...]:
    """The recordings that are spoiled."""
    return tuple(
        one for one in recordings() if one.why_not is None and one.api in KINDS and len(one.body) <= LARGEST_BYTES
    )


def dialect_of(recording: Recording) -> Dialect:
    """What its provider speaks."""
    name = KINDS[recording.api]
    return INVOKED.dialect if name == INVOKED.name else crossing.kinds()[name].dialect


def spoiled_answer(rng: Random, recording: Recording) -> bytes:
    """The body, spoiled in its JSON where it is made of JSON."""
    if not recording.streamed:
        return _spoiled_json(rng, recording.body)
    lines = recording.body.split(b"\n")
    spoken = [number for number, line in enumerate(lines) if line.startswith((b"data: {", b"{"))]
    if not spoken or rng.random() < 0.2:
        return hurt(rng, recording.body)
    number = rng.choice(spoken)
    prefix = b"data: " if lines[number].startswith(b"data: ") else b""
    lines[number] = prefix + _spoiled_json(rng, lines[number].removeprefix(prefix)).replace(b"\n", b" ")
    return b"\n".join(lines)


def _spoiled_json(rng: Random, body: bytes) -> bytes:
    try:
        return spoil(rng, json.loads(body))
    except ValueError:
        return hurt(rng, body)
