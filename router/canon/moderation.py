"""What a text or a picture holds that may not be said."""

from __future__ import annotations

from msgspec import Raw, Struct
from msgspec.structs import replace

from router.canon.usage import Usage


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


class Moderations(Struct, frozen=True, kw_only=True):
    """One verdict for each input. `usage` is None when the provider reported none."""

    id: str
    model: str
    results: tuple[Judgement, ...]
    usage: Usage | None = None

    @property
    def says_nothing(self) -> bool:
        """True without a single verdict."""
        return not self.results

    @property
    def refuses(self) -> bool:
        """Never: who will not do it says so with an error."""
        return False

    @property
    def may_repeat(self) -> bool:
        """The same text has the same verdict."""
        return True

    def named(self, model: str, created_s: int) -> Moderations:
        """With a model, the provider's own where it gave one."""
        del created_s
        return self if self.model else replace(self, model=model)
