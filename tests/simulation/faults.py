"""Every way in which a simulated provider can fail to answer. A new one is one function here, with `@fault`.

A fault is given what the provider would have said and the world's chance, and returns what it does instead. What it
leaves whole counts as an answer: whether the last word was said is read off the bytes, not declared.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from email.utils import formatdate
from itertools import pairwise
from random import Random

from actors.runtime.virtual import EPOCH_S
from router.errors import Reason
from router.upstream.memory import Delay, Fail, Scripted, Silence, Step
from tests.simulation.answers import DONE, Speech
from tests.wire.awsframes import frame

Fault = Callable[[Speech, Random], Scripted]
FAULTS: dict[str, Fault] = {}
"""By name, in the order they stand here."""

_JSON = ("content-type", "application/json")
SLAB = b"x" * (5 * 1024 * 1024)
"""Four of these are more than an attempt takes as one event."""


def fault(make: Fault) -> Fault:
    """Enter a fault under its function's name."""
    FAULTS[make.__name__] = make
    return make


def well(speech: Speech, chance: Random) -> Scripted:
    """No fault at all; cut into blocks as networks do, now and then slowly."""
    return answering(speech, *_cut(speech, chance))


def answering(speech: Speech, *steps: Step, before: tuple[Step, ...] = ()) -> Scripted:
    """A head that promises an answer, and `steps`."""
    return Scripted(before=before, headers=(("content-type", speech.content_type),), steps=steps)


def _cut(speech: Speech, chance: Random) -> tuple[Step, ...]:
    """One event a block, all in one, or cut anywhere; with waits between them or without."""
    body, way = speech.body, chance.random()
    if way < 0.5:
        blocks = list(speech.blocks)
    elif way < 0.7:
        blocks = [body]
    else:
        edges = sorted({0, len(body), *(chance.randrange(len(body)) for _ in range(8))})
        blocks = [body[left:right] for left, right in pairwise(edges)]
    pause_s = chance.choice((0.0, 0.01, 0.2))
    return tuple(step for block in blocks for step in (Delay(chance.random() * pause_s), block))


def _upto(speech: Speech, chance: Random) -> list[Step]:
    """The answer up to any byte, the first and the last included."""
    body = speech.body[: chance.randrange(len(speech.body) + 1)]
    middle = chance.randrange(len(body) + 1)
    return [body[:middle], Delay(chance.random()), body[middle:]]


def _with(speech: Speech, chance: Random, *strange: Step) -> Scripted:
    """A stream with something between two of its events; of a whole answer, instead of it."""
    if not speech.streamed:
        return answering(speech, *strange)
    place = chance.randrange(len(speech.blocks))
    return answering(speech, *speech.blocks[:place], *strange, *speech.blocks[place:])


@fault
def connect_refused(speech: Speech, chance: Random) -> Scripted:
    """Nobody listens there."""
    return answering(speech, before=(Delay(chance.random() * 0.1), Fail(Reason.CONNECT)))


@fault
def connect_hangs(speech: Speech, chance: Random) -> Scripted:
    """The connection does not come about."""
    return answering(speech, before=(Silence(connecting=True),))


@fault
def silence_before_head(speech: Speech, chance: Random) -> Scripted:
    """The request is taken, and nothing comes."""
    return answering(speech, before=(Silence(),))


@fault
def reset_before_head(speech: Speech, chance: Random) -> Scripted:
    """The connection dies while the head is awaited."""
    return answering(speech, before=(Delay(chance.random()), Fail()))


@fault
def silence_after_head(speech: Speech, chance: Random) -> Scripted:
    """A head, then nothing."""
    return answering(speech, Silence())


@fault
def throttled(speech: Speech, chance: Random) -> Scripted:
    """429, with every form of Retry-After, and with none."""
    return _refusing(429, chance, speech)


@fault
def failing(speech: Speech, chance: Random) -> Scripted:
    """A status of 500 and above, its body JSON, a page, or nothing."""
    return _refusing(chance.choice((500, 502, 503, 504, 529)), chance, speech)


@fault
def rejected(speech: Speech, chance: Random) -> Scripted:
    """A status that blames the caller, the key or the model."""
    return _refusing(chance.choice((400, 401, 402, 403, 404, 408, 413, 422)), chance, speech)


def _refusing(status: int, chance: Random, speech: Speech) -> Scripted:
    soon = round(chance.random() * 5, 2)
    forms = (
        (),
        (("retry-after", str(int(soon))),),
        (("retry-after", str(soon)),),
        (("retry-after-ms", str(int(soon * 1000))),),
        (("retry-after", formatdate(EPOCH_S + soon, usegmt=True)),),
        (("retry-after", formatdate(EPOCH_S + 86_400 * 400, usegmt=True)),),
        (("retry-after", chance.choice(("-3", "soon", "", "1e400", "nan", "99999999999"))),),
        (("x-ratelimit-reset-requests", f"{soon}s"),),
        (("anthropic-ratelimit-requests-reset", "2023-11-14T22:13:30Z"),),
    )
    bodies = (json.dumps(_error(speech.dialect, "on purpose")).encode(), b"<html>no</html>", b"", b"{", b"null", b"[]")
    ending: tuple[Step, ...] = chance.choice(((), (), (), (Fail(),), (Silence(),)))
    headers = (_JSON, *chance.choice(forms))
    return Scripted(status=status, headers=headers, steps=(chance.choice(bodies), *ending))


_ERRORS: dict[str, Callable[[dict[str, str]], dict[str, object]]] = {
    "anthropic-messages": lambda said: {"type": "error", "error": said},
    "cohere-v2": lambda said: {"id": "1", "message": said["message"]},
    "ollama-chat": lambda said: {"error": said["message"]},
    "bedrock-converse": lambda said: {"message": said["message"]},
}


def _error(dialect: str, words: str) -> dict[str, object]:
    said = {"type": "overloaded_error", "message": words}
    return _ERRORS[dialect](said) if dialect in _ERRORS else {"error": {**said, "code": 503}}


_FRAMED: dict[str, Callable[[bytes], bytes]] = {
    "ollama-chat": lambda body: body + b"\n",
    "bedrock-converse": lambda body: frame(body, message_type="exception", exception_type="throttlingException"),
}


@fault
def error_inside(speech: Speech, chance: Random) -> Scripted:
    """An error inside a 200, before, between and after the events."""
    body = json.dumps(_error(speech.dialect, "on purpose")).encode()
    if not speech.streamed:
        return answering(speech, body)
    said = speech.blocks[: chance.randrange(speech.terminal + 1)]
    framed = _FRAMED.get(speech.dialect)
    return answering(speech, *said, framed(body) if framed else b"event: error\ndata: " + body + b"\n\n")


@fault
def reset(speech: Speech, chance: Random) -> Scripted:
    """The connection dies at any byte."""
    return answering(speech, *_upto(speech, chance), Fail())


@fault
def early_end(speech: Speech, chance: Random) -> Scripted:
    """The body ends in order at any byte, as behind a proxy that gave up."""
    return answering(speech, *_upto(speech, chance))


@fault
def stall(speech: Speech, chance: Random) -> Scripted:
    """Silence at any byte, for ever."""
    return answering(speech, *_upto(speech, chance), Silence())


@fault
def pause(speech: Speech, chance: Random) -> Scripted:
    """Silence somewhere, then the rest: perhaps in time."""
    place = chance.randrange(len(speech.body) + 1)
    return answering(speech, speech.body[:place], Delay(chance.random() * 20), speech.body[place:])


@fault
def drip(speech: Speech, chance: Random) -> Scripted:
    """Event by event, each long after the other."""
    return answering(speech, *(step for block in speech.blocks for step in (Delay(chance.random() * 3), block)))


@fault
def pings_only(speech: Speech, chance: Random) -> Scripted:
    """Comments and pings keep coming, and no content: they are no answer."""
    pings = {"ollama-chat": (b"\n",), "bedrock-converse": (frame(b"{}", message_type="event", event_type="ping"),)}
    sent = pings.get(speech.dialect, (b": ping\n\n", b"event: ping\ndata: {}\n\n"))
    steps = (Delay(1.0), chance.choice(sent))
    return answering(speech, *(steps * 100), Silence())


_STRANGE_EVENTS = (
    *(b"data: {\n\n", b"data: \xff\xfe\n\n", b"data: 7\n\n", b"data: [[]]\n\n", b'data: {"choices":7}\n\n'),
    *(b"nonsense\n\n", b"data: " + b"[" * 5000 + b"\n\n"),
)
_STRANGE = {
    "ollama-chat": (b"{\n", b"7\n", b"[[]]\n", b'{"message":7}\n', b"\xff\xfe\n", b"data: {}\n\n", b"[" * 5000 + b"\n"),
    "bedrock-converse": (
        *(b"\x00\x00\x00\x11", b"\xff" * 40, frame(b"{", message_type="event", event_type="contentBlockDelta")),
        *(frame(b"[]", message_type="event", event_type="messageStop"), frame(b"{}")),
    ),
}
"""What nobody can read, each whole by itself, so that it takes nothing of what comes behind it along."""


@fault
def malformed(speech: Speech, chance: Random) -> Scripted:
    """Events that nobody can read, between good ones."""
    strange = _STRANGE.get(speech.dialect, _STRANGE_EVENTS)
    return _with(speech, chance, chance.choice(strange))


_LARGE = b"data: " + b"x" * 65_536 + b"\n\n"


@fault
def oversized(speech: Speech, chance: Random) -> Scripted:
    """One event larger than anybody expects; one in eight is larger than anybody may send: 20 MB take as long as ten
    exchanges."""
    return _with(speech, chance, *((_LARGE,) if chance.random() < 0.875 else (b"data: ", *[SLAB] * 4)))


@fault
def empty(speech: Speech, chance: Random) -> Scripted:
    """A 200 and nothing in it."""
    return answering(speech, *chance.choice(((), (b"\n\n",), (DONE,), (b"{}",), (b": hello\n\n",))))


@fault
def wrong_type(speech: Speech, chance: Random) -> Scripted:
    """A page where an answer was asked for."""
    return Scripted(headers=(("content-type", "text/html"),), steps=(b"<html>sign in</html>",))


@fault
def without_done(speech: Speech, chance: Random) -> Scripted:
    """All is said but what follows the last word; then silence, an end, or a reset. Complete none the less."""
    said = speech.blocks[: speech.terminal + 1]
    return answering(speech, *said, *chance.choice(((), (Silence(),), (Fail(),))))


@fault
def babble(speech: Speech, chance: Random) -> Scripted:
    """The connection stays open behind the end, or more comes after it."""
    return answering(speech, *speech.blocks, *chance.choice(((Silence(),), (Delay(9.0),), (b": more\n\n", Silence()))))
