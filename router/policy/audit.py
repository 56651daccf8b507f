"""A chain of acts: each row's digest covers the one before it, so that none can be altered, left out or moved unseen.

What a chain cannot show by itself is that its newest rows were cut off: for that its last number and digest are kept
elsewhere too (the head of the journal). That its oldest rows were let go on purpose is an act of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256

from msgspec import DecodeError, Struct
from msgspec.json import decode, encode

PRUNED = "audit.pruned"
"""The act of letting old acts go. The newest of them names where every chain begins that has lost some."""

START = (0, "")
"""Number and digest before the first act."""


class Act(Struct, frozen=True, kw_only=True):
    """One row of a chain; the fields are those of `store.journal.AuditRow`, which says what they mean."""

    chain: str
    number: int
    at: float
    actor: str
    act: str
    subject: str
    outcome: str
    detail: str
    previous: str


class Checkpoint(Struct, frozen=True, kw_only=True):
    """The last act of a chain that was let go: what is left of it goes on from there."""

    chain: str
    number: int
    digest: str


class _Pruned(Struct, frozen=True):
    chains: dict[str, tuple[int, str]]


class Flaw(Struct, frozen=True, kw_only=True):
    """Where a chain is not what it was when it was written, and how that shows."""

    chain: str
    number: int
    why: str


def digest_of(act: Act) -> str:
    """SHA-256 over every field, in order, as JSON: no two acts have the same text."""
    values = tuple(getattr(act, name) for name in Act.__struct_fields__)
    return sha256(encode(values)).hexdigest()


def flaws_of(act: Act, said: str, before: tuple[int, str]) -> Iterator[Flaw]:
    """What is wrong with one act, by the digest that stands beside it, and number and digest of the act before it."""
    number, digest = before
    if act.number != number + 1:
        yield Flaw(chain=act.chain, number=act.number, why=f"follows {number}: what was between is missing")
    elif act.previous != digest:
        yield Flaw(chain=act.chain, number=act.number, why="does not follow from the row before it")
    if digest_of(act) != said:
        yield Flaw(chain=act.chain, number=act.number, why="was altered")


def detail_of(checkpoints: Iterable[Checkpoint]) -> str:
    """What an act of letting go says of chains."""
    return encode(_Pruned({each.chain: (each.number, each.digest) for each in checkpoints})).decode()


def checkpoints_in(detail: str) -> tuple[Checkpoint, ...]:
    """The same, read; nothing of what cannot be."""
    try:
        pruned = decode(detail, type=_Pruned)
    except DecodeError:
        return ()
    return tuple(
        Checkpoint(chain=name, number=number, digest=digest) for name, (number, digest) in pruned.chains.items()
    )


def find_flaws(acts: Iterable[tuple[Act, str]]) -> Iterator[Flaw]:
    """Every place where a chain is broken.

    Args:
        acts: the rows of one chain with the digest that stands beside each, by number.
    """
    before = START
    for act, said in acts:
        yield from flaws_of(act, said, before)
        before = act.number, said
