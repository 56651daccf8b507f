"""How many tokens a prompt has, without an answer to it. What is asked is a whole `ChatRequest`."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from router.canon.usage import Usage


class TokenCount(Struct, frozen=True, kw_only=True):
    """The count. `estimated` is ours where the provider has no counter; a caller is told."""

    tokens: int
    model: str = ""
    estimated: bool = False
    usage: Usage | None = None

    @property
    def says_nothing(self) -> bool:
        """Never: 0 is a count."""
        return False

    @property
    def refuses(self) -> bool:
        """Never: who will not do it says so with an error."""
        return False

    @property
    def may_repeat(self) -> bool:
        """The same prompt has the same tokens; an estimate gives way to a counter that is back."""
        return not self.estimated

    def named(self, model: str, created_s: int) -> TokenCount:
        """With a model, the provider's own where it gave one."""
        del created_s
        return self if self.model else replace(self, model=model)
