"""Where kept answers are, when they are not in memory: by key, as bytes, for a while and up to a size."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class AnswersRefuse(Exception):
    """They cannot be read or written now. Trying again later may help; meanwhile nothing is kept."""


class KeptAnswer(Struct, frozen=True, kw_only=True):
    """An answer as bytes, and since when it is kept, epoch seconds."""

    body: bytes
    at: float


class Shelf(Struct, frozen=True, kw_only=True):
    """What is there; and what had to go for the last one that came, by its age or for want of room."""

    entries: int = 0
    size_bytes: int = 0
    expired: int = 0
    evicted: int = 0


class Answers(Protocol):
    """Every call blocks, may be made from any thread, one at a time, and raises `AnswersRefuse` only. Any of them opens
    what is not open."""

    def open(self) -> Shelf:
        """Make ready; does nothing more when it already is."""
        ...

    def get(self, key: str, since_at: float) -> KeptAnswer | None:
        """What is kept under that key, and not for longer."""
        ...

    def put(self, key: str, answer: KeptAnswer, since_at: float, size_bytes: int) -> Shelf:
        """Keep it, in the place of an older one. What is older than `since_at` goes, and the oldest where all would
        take more than `size_bytes`; one that is larger than that by itself is not kept."""
        ...

    def prune(self, since_at: float) -> Shelf:
        """Let go what is older."""
        ...

    def close(self) -> None:
        """Give everything back. Safe to call twice."""
        ...
