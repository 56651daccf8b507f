"""Texts in order of what they have to do with a question."""

from __future__ import annotations

from msgspec import Raw, Struct

from router.canon.computed import Computed


class RankRequest(Struct, frozen=True, kw_only=True):
    """Texts to put in order.

    Args:
        top: at most so many come back; None for all.
        max_tokens_each: a longer text is cut there; None leaves it to the model.
        extra: members that no other dialect knows.
    """

    model: str
    query: str
    documents: tuple[str, ...]
    top: int | None = None
    max_tokens_each: int | None = None
    extra: tuple[tuple[str, Raw], ...] = ()


class Ranked(Struct, frozen=True, kw_only=True):
    """A text's place in the question, counted from 0, and how much it has to do with it, from 0 to 1 at most models."""

    index: int
    score: float


class Ranking(Computed, frozen=True, kw_only=True):
    """The best first. `usage` is None when the provider reported none."""

    id: str
    results: tuple[Ranked, ...]

    @property
    def says_nothing(self) -> bool:
        """True without a single place: no question has no answer here."""
        return not self.results
