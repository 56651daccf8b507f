"""Where kept answers are, when they are not in memory: by key, as bytes, for a while and up to a size."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class AnswersRefuse(Exception):
    """They cannot be read or written now. Trying again later may help; meanwhile nothing is kept."""


class Label(Struct, frozen=True, kw_only=True):
    """What kept answers can be told apart by, when some of them are to go. Of a wish "" is whatever it may be.

    Args:
        client: the id of the client key that asked; "" for none.
        model: the name that was asked for; of a wish also `provider:model` that answered.
        target: `provider:model` that answered; no part of a wish.
        user: a digest of the end user's name, for the name itself is nobody's business here; "" for none.
    """

    client: str = ""
    model: str = ""
    target: str = ""
    user: str = ""

    def fits(self, wish: Label) -> bool:
        """Whether an answer with this label is meant."""
        return (
            wish.client in ("", self.client)
            and wish.user in ("", self.user)
            and wish.model in ("", self.model, self.target)
        )


class KeptAnswer(Struct, frozen=True, kw_only=True):
    """An answer as bytes, and since when it is kept, epoch seconds."""

    body: bytes
    at: float
    label: Label = Label()


class Shelf(Struct, frozen=True, kw_only=True):
    """What is there; and what had to go now, by its age, for want of room, or because somebody wanted it gone."""

    entries: int = 0
    size_bytes: int = 0
    expired: int = 0
    evicted: int = 0
    purged: int = 0


class Answers(Protocol):
    """Every call blocks, may be made from any thread, one at a time, and raises `AnswersRefuse` only. Any of them opens
    what is not open."""

    def open(self) -> Shelf:
        """Make ready; does nothing more when it already is."""
        ...

    def get(self, key: str, since_at: float) -> KeptAnswer | None:
        """What is kept under that key, and not for longer, without its label. It is the last to make room then."""
        ...

    def put(self, key: str, answer: KeptAnswer, since_at: float, size_bytes: int) -> Shelf:
        """Keep it, in the place of an older one. What is older than `since_at` goes, and the least recently used
        where all would take more than `size_bytes`; one that is larger than that by itself is not kept."""
        ...

    def prune(self, since_at: float) -> Shelf:
        """Let go what is older."""
        ...

    def purge(self, wish: Label) -> Shelf:
        """Let go what is meant. `purged` of the answer counts it."""
        ...

    def close(self) -> None:
        """Give everything back. Safe to call twice."""
        ...
