"""Recorded against heard: what differs, and what could not be said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tests.replay.fronts import CHAT, MESSAGES, Front, sayable
from tests.replay.hearing import Wrong, hear, words
from tests.replay.reading import read
from tests.replay.recordings import Recording
from tests.replay.said import ENDINGS, Answer, Said


class Heard(NamedTuple):
    """What came back for one request."""

    status: int
    body: bytes
    streamed: bool


class Verdict(NamedTuple):
    """Of one cell: what is wrong with it, and else why it could not be said whole; neither when it passed."""

    wrong: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """For the table."""
        return "fail" if self.wrong else "cannot" if self.cannot else "pass"


def judge(recording: Recording, front: Front, heard: Heard, *, relays: bool) -> Verdict:
    """Compare a recording with what a client of this front end heard.

    Args:
        relays: whether the provider's answers are passed on as they are to callers who speak its protocol.
    """
    recorded = read(recording)
    passed = relays and recording.api in front.apis
    try:
        said = hear(front, heard.status, heard.body, streamed=heard.streamed, passed=passed)
    except Wrong as rule:
        return Verdict((str(rule),))
    if recorded.fault is not None:
        return Verdict(tuple(_failure(front, recorded, said, heard)))
    if heard.status != 200:
        return Verdict((f"status {heard.status} ({said.fault}) for an answer",))
    wrong = [*_answers(front, recorded, said), *_endings(front, recorded, heard, passed=passed)]
    # A call without an id is given one: nobody could answer it otherwise. All else is passed on as it came.
    kept = passed and not heard.streamed and all(call.id for answer in recorded.answers for call in answer.calls)
    wrong += _ids(front, recorded, said, kept=kept)
    if kept and heard.body != recording.body:
        wrong.append("an answer that needed no translation is not the provider's own bytes")
    return Verdict(tuple(wrong), front.cannot(recorded, said))


OTHER_FORM = "the answer has the form that was not asked for: told as malformed, so that another target is asked"


def judge_crossed(recording: Recording, front: Front, heard: Heard) -> Verdict:
    """What a client must hear when a provider streams what was asked whole, or the other way round.

    Nothing of the answer: half of it would look like all. An error that was recorded inside is as good a reason.
    """
    try:
        said = hear(front, heard.status, heard.body, streamed=heard.streamed, passed=False)
    except Wrong as rule:
        return Verdict((str(rule),))
    reasons = {"malformed", read(recording).fault}
    if said.fault not in reasons or heard.status != front.statuses.get(said.fault or "", 502):
        return Verdict((f"status {heard.status} ({said.fault}) for an answer in the other form",))
    wrong = tuple(f"an answer beside the error: {_short(said.first.text)}" for _ in said.answers if said.first.text)
    return Verdict(wrong, () if wrong else (OTHER_FORM,))


def _failure(front: Front, recorded: Said, said: Said, heard: Heard) -> Iterator[str]:
    """An error: its reason, its status, and what had been said before it, no more and no less."""
    assert recorded.fault is not None
    begun = recorded.spoke and heard.streamed
    status = 200 if begun else front.statuses.get(recorded.fault, 502)
    if heard.status != status:
        yield f"status {heard.status}, not {status}"
    if said.fault != recorded.fault:
        yield f"reason {said.fault}, not {recorded.fault}"
    if begun:
        yield from _answer(said.first, recorded.first)


def _answers(front: Front, recorded: Said, said: Said) -> Iterator[str]:
    expected = sayable(front, recorded)
    if len(said.answers) != len(expected):
        yield f"{len(said.answers)} answers, not {len(expected)}"
    for one, other in zip(said.answers, expected, strict=False):
        yield from _answer(one, other)
    counted = said.usage if any(said.usage or ()) or front is CHAT else None
    if counted != recorded.usage:
        yield f"usage {said.usage}, not {recorded.usage}"


def _answer(said: Answer, recorded: Answer) -> Iterator[str]:
    yield from _same("text", said.text, recorded.text)
    yield from _same("refusal", said.refusal, recorded.refusal)
    yield from _same("thinking", _bare(said.thinking), _bare(recorded.thinking))
    calls = [(call.name, call.arguments) for call in said.calls]
    yield from _same("calls", calls, [(call.name, call.arguments) for call in recorded.calls])
    if said.own:
        yield from _same("own parts", said.own, recorded.own)


def _endings(front: Front, recorded: Said, heard: Heard, *, passed: bool) -> Iterator[str]:
    """The word each answer ends with; one that was passed on may be the provider's own for the same."""
    found = words(front, heard.body, streamed=heard.streamed)
    expected = sayable(front, recorded)
    if len(found) != len(expected):
        yield f"{len(found)} endings for {len(expected)} answers"
    for word, one in zip(found, expected, strict=False):
        ending = "stop" if front is CHAT and one.finish == "refused" and one.refusal else one.finish
        known = {front.endings[ending]} | set(ENDINGS[one.finish] if passed else ())
        # A call ends an answer whatever the word beside it; providers that say another are passed on.
        known |= {"stop", "", "end_turn", "stop_sequence"} if passed and one.calls else set()
        known |= {"stop_sequence"} if word == "stop_sequence" and one.finish == "stop" else set()
        if word not in known:
            yield f"ending {word!r} for {one.finish!r}"


def _same(what: str, said: object, recorded: object) -> Iterator[str]:
    if said != recorded:
        yield f"{what}: {_short(said)}, not {_short(recorded)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 160 else f"{text[:70]} ... {text[-70:]} ({len(text)})"


def _ids(front: Front, recorded: Said, said: Said, *, kept: bool) -> Iterator[str]:
    """Ids tell calls apart, and are the provider's own where the caller's protocol takes its letters.

    A signature may stand around one. What was passed on whole keeps its own.
    """
    for one, other in zip(said.answers, recorded.answers, strict=False):
        ids, own = [call.id for call in one.calls], [call.id for call in other.calls]
        if kept:
            yield from _same("ids", ids, own)
            continue
        if len({*ids}) != len(ids) or not all(ids):
            yield f"ids {ids} do not tell calls apart"
        if front is MESSAGES:
            own = [id if re.fullmatch(r"[\w-]+", id, re.A) else "" for id in own]
        if not all(map(_same_id, ids, own)):
            yield f"ids {ids}, not {own}"


def _same_id(id: str, own: str) -> bool:
    return not own or id == own or (id.startswith("psig-") and f"-{own}-" in id)


def _bare(text: str) -> str:
    return "".join(text.split())
