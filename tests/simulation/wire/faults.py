"""What goes wrong with the bytes of an answer, whatever they say. A new one is a function here, with `@wire_fault`."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from msgspec import Struct

from router.upstream.memory import Delay, Fail, Silence, Step
from tests.simulation.wire.http import CONTINUE

WireFault = Callable[["Answer", Random], tuple[Step, ...]]
WIRE_FAULTS: dict[str, WireFault] = {}
"""By name, in the order they stand here."""


class Answer(Struct, frozen=True, kw_only=True):
    """A whole answer in HTTP: its head, its body in pieces as they are framed, and what ends it."""

    head: bytes
    pieces: tuple[bytes, ...]
    last: bytes

    @property
    def all(self) -> bytes:
        """Every byte."""
        return b"".join((self.head, *self.pieces, self.last))


def wire_fault(make: WireFault) -> WireFault:
    """Enter a fault under its function's name."""
    WIRE_FAULTS[make.__name__] = make
    return make


def _ending(chance: Random) -> Step:
    """A reset, an end in order, or silence for ever."""
    return chance.choice((Fail(), b"", Silence()))


@wire_fault
def cut_anywhere(answer: Answer, chance: Random) -> tuple[Step, ...]:
    """At any byte: of the head, of a chunk's size, of an event, of a character, or of the last chunk."""
    return answer.all[: chance.randrange(len(answer.all))], _ending(chance)


@wire_fault
def cut_at_a_header(answer: Answer, chance: Random) -> tuple[Step, ...]:
    """Before or after a line of the head."""
    lines = answer.head.split(b"\r\n")
    return b"\r\n".join(lines[: chance.randrange(len(lines))]) + chance.choice((b"", b"\r\n")), _ending(chance)


@wire_fault
def cut_in_a_character(answer: Answer, chance: Random) -> tuple[Step, ...]:
    """Between the two bytes of an é."""
    places = [place + 1 for place in range(len(answer.all)) if answer.all.startswith("é".encode(), place)]
    return answer.all[: chance.choice(places)] if places else answer.head, _ending(chance)


@wire_fault
def cut_in_a_chunk_size(answer: Answer, chance: Random) -> tuple[Step, ...]:
    """The body stops within the size of a chunk."""
    said = b"".join((answer.head, *answer.pieces[: chance.randrange(len(answer.pieces) + 1)]))
    return said + b"1f", _ending(chance)


@wire_fault
def cut_before_the_last_chunk(answer: Answer, chance: Random) -> tuple[Step, ...]:
    """All is said, `[DONE]` too, and the chunk that ends the body never comes."""
    return b"".join((answer.head, *answer.pieces)), _ending(chance)


@wire_fault
def bad_chunk_size(answer: Answer, chance: Random) -> tuple[Step, ...]:
    """Where a size should stand is none."""
    place = chance.randrange(len(answer.pieces) + 1)
    strange = chance.choice((b"zz\r\n", b"-1\r\n", b"\r\n\r\n", b"99999999999999999999\r\n"))
    return b"".join((answer.head, *answer.pieces[:place])), strange, Silence()


@wire_fault
def single_bytes(answer: Answer, chance: Random) -> tuple[Step, ...]:
    """Nothing is wrong but that each byte comes alone, for a while."""
    start = chance.randrange(len(answer.all))
    middle, rest = answer.all[start : start + 300], answer.all[start + 300 :]
    return (answer.all[:start], *(middle[place : place + 1] for place in range(len(middle))), rest)


@wire_fault
def dripping(answer: Answer, chance: Random) -> tuple[Step, ...]:
    """Pieces of any size, each a while after the other."""
    size = chance.randint(20, 400)
    places = range(0, len(answer.all), size)
    return tuple(step for place in places for step in (Delay(chance.random()), answer.all[place : place + size]))


@wire_fault
def no_http(answer: Answer, chance: Random) -> tuple[Step, ...]:
    """Somebody else listens there."""
    return (chance.choice((b"SSH-2.0-OpenSSH_9.6\r\n", b"\x15\x03\x01\x00\x02\x02\x46", b"HTTP/9.9 200 OK\r\n\r\n")),)


@wire_fault
def endless_head(answer: Answer, chance: Random) -> tuple[Step, ...]:
    """A header longer than anybody may send."""
    return b"HTTP/1.1 200 OK\r\nx-long: " + b"x" * 100_000, _ending(chance)


@wire_fault
def early_hints(answer: Answer, chance: Random) -> tuple[Step, ...]:
    """Answers on the way to the answer, which are none."""
    return CONTINUE * chance.randint(1, 3), Delay(chance.random()), answer.all


@wire_fault
def closed_behind(answer: Answer, chance: Random) -> tuple[Step, ...]:
    """The connection is closed, or reset, as soon as the answer is out: the next request must not fail of it."""
    return answer.all, Delay(chance.random() * 0.01), chance.choice((Fail(), b""))
