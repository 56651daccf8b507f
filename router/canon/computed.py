"""What every answer has in common that a model worked out rather than spoke."""

from __future__ import annotations

from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from router.canon.usage import Usage


class Computed(Struct, frozen=True, kw_only=True):
    """Vectors, verdicts, an order. `usage` is None when the provider reported none."""

    model: str
    usage: Usage | None = None

    @property
    def refuses(self) -> bool:
        """Never: who will not do it says so with an error."""
        return False

    @property
    def may_repeat(self) -> bool:
        """The same question has the same answer."""
        return True

    def named(self, model: str, created_s: int) -> Self:
        """With a model, the provider's own where it gave one."""
        del created_s
        return self if self.model else replace(self, model=model)
