"""What a text or a picture holds that may not be said."""

from __future__ import annotations

from msgspec import Raw, Struct

from router.canon.computed import Computed


class ModerationRequest(Struct, frozen=True, kw_only=True):
    """Texts to judge, one verdict each; or, in `raw`, parts with pictures as the caller's dialect writes them."""

    model: str
    inputs: tuple[str, ...]
    raw: Raw | None = None
    extra: tuple[tuple[str, Raw], ...] = ()


class Judgement(Struct, frozen=True, kw_only=True):
    """One verdict. `categories` and `scores` are objects by the judge's own names of what is forbidden."""

    flagged: bool
    categories: Raw
    scores: Raw
    applied: Raw | None = None


class Moderations(Computed, frozen=True, kw_only=True):
    """One verdict for each input. `usage` is None when the provider reported none."""

    id: str
    results: tuple[Judgement, ...]

    @property
    def says_nothing(self) -> bool:
        """True without a single verdict."""
        return not self.results
