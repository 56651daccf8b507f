"""Texts in order of what they have to do with a question."""

from __future__ import annotations

from msgspec import Raw, Struct
from msgspec.structs import replace

from router.canon.usage import Usage


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


class Ranking(Struct, frozen=True, kw_only=True):
    """The best first. `usage` is None when the provider reported none."""

    id: str
    model: str
    results: tuple[Ranked, ...]
    usage: Usage | None = None

    @property
    def says_nothing(self) -> bool:
        """True without a single place: no question has no answer here."""
        return not self.results

    @property
    def refuses(self) -> bool:
        """Never: who will not do it says so with an error."""
        return False

    @property
    def may_repeat(self) -> bool:
        """The same texts have the same order."""
        return True

    def named(self, model: str, created_s: int) -> Ranking:
        """With a model, the provider's own where it gave one."""
        del created_s
        return self if self.model else replace(self, model=model)
